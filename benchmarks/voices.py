"""What an image-text model adds to notebook 04's judge, on wrong claims that were planted.

    python run_all.py --only 00,01,02,03,06 && python -m benchmarks.voices

The judge decides by what our own models see; a model of retrieval can be one voice more
(`audit.image_text_model` of 04). Its doubt is chosen on validation scenes and measured on test scenes, as in
04, without and with each voice; by itself a voice says how often it finds the true value likelier than the
wrong one that was planted in its place.
"""

import argparse
from pathlib import Path

from benchmarks.course import PLANTED, spell
from benchmarks.results import record
from lib.data.formats import open_dataset
from lib.data.split import arrange, part
from lib.paths import Output
from lib.publish import read_metrics
from rebuild.audit import judge_calibration as calibration
from rebuild.audit.claims import kind_of
from rebuild.audit.image_text import open_image_text
from rebuild.audit.own_models import open_own_models


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output"))
    parser.add_argument("--voice", action="append", help="a folder or id (06's model of people)")
    parser.add_argument("--scenes", type=int, default=300)
    args = parser.parse_args()
    place = Output(args.output)
    voices = args.voice or [str(place.model_ckpt / "retrieval_people")]
    dataset = read_metrics(args.output)["00_dataset"]["dataset"]
    records = part(arrange(open_dataset(dataset), "by_product"))
    own = open_own_models(place.model_ckpt, "attn_rl")
    planted = {n: calibration.plant_errors(records[n][: args.scenes], own) for n in ("val", "test")}
    rows = [["none", "–", *judged(planted, None)]]
    for name in voices:
        voice = open_image_text(name)
        preferred = f"{prefers_truth(planted['test'], voice):.3f}"
        rows.append([Path(name).name, preferred, *judged(planted, voice)])
    told = f"{len(planted['test'])} test scenes of {dataset}, claims about garments"
    columns = ["voice", "prefers the truth", *PLANTED.values()]
    record(
        "voices",
        title="A voice more for the judge of claims",
        command="python run_all.py --only 00,01,02,03,06 && python -m benchmarks.voices",
        text=f"{told}; chance prefers the truth in 0.5.",
        tables=[{"title": "voices", "columns": columns, "rows": rows}],
    )


def judged(planted: dict[str, calibration.PlantedSet], voice) -> list[str]:
    """What 04 measures of the judge."""
    curves = calibration.doubt_curves(
        calibration.judge_planted(planted["val"], image_text_model=voice), planted["val"].truths
    )
    settled = calibration.choose_judge_settings(curves, most_lost=0.04)
    held = calibration.judge_planted(planted["test"], settled, image_text_model=voice)
    found = calibration.measure_claims([told.verdicts for told in held], planted["test"].truths)
    return [spell(found["garments"][key]) for key in PLANTED]


def prefers_truth(planted: calibration.PlantedSet, voice) -> float:
    """The share of planted claims that the voice finds less likely than the truth; a draw is half of one."""
    heard = []
    for text, truth, picture in zip(planted.texts, planted.truths, planted.pictures, strict=True):
        for claim in text.claims:
            if kind_of(claim.attribute) == "garments" and truth[claim.attribute]:
                name = claim.attribute.replace("_", " ")
                true, wrong = (voice(picture, f"{name}: {v}") for v in (truth[claim.attribute], claim.value))
                heard.append((true > wrong) + (true == wrong) / 2)
    return sum(heard) / len(heard)


if __name__ == "__main__":
    main()

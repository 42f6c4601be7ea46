"""What a run of the course came to: the table of a stage, beside its baselines and ceilings.

    python run_all.py && python -m benchmarks.course

Reads `metrics/<stage>.json` and `run.json` under `--output`; a figure stands here as the run wrote it.
"""

import argparse
import json
from pathlib import Path

from benchmarks.results import record
from lib.publish.show import RETRIEVAL, WAYS, label

COLUMNS = {
    key: label(key)
    for key in (
        "bleu4", "meteor", "rouge_l", "cider_d", "attribute_f1", "unique", "background_f1",
        "action_accuracy", "order_accuracy", "style_accuracy", "style_perplexity",
    )
}  # fmt: skip
RANKED = RETRIEVAL | {"median_rank": "median rank"}
VARIETY = {"unique_attributes": "unique sets", "distinct2": "distinct-2", "bad_endings": "bad endings"}
IN_A_MOOD = ("style_accuracy", "style_perplexity", "bleu1", "bleu3", "meteor", "cider_d")
WATCHED = ("03_rl_loss", "08_style_captioning")  # where variety is a question
PLANTED = {"wrong": "wrong claims", "found": "found", "precision": "precision", "lost": "true claims lost"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("output"))
    output = parser.parse_args().output
    stages = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in find_metrics(output)}
    profile = next(iter(stages.values()))["profile"]
    asked = "" if profile == "demo" else f" --profile {profile}"
    where = "" if profile == "demo" else f" --output output/{profile}"
    record(
        f"course_{profile}",
        title=f"The course, profile {profile}",
        command=f"python run_all.py{asked} && python -m benchmarks.course{where}",
        text=describe(stages, json.loads((output / "run.json").read_text(encoding="utf-8"))),
        tables=[part for name in shown(stages) for part in tables(name, stages[name])],
    )


def find_metrics(output: Path) -> list[Path]:
    """The stages' files in order."""
    found = sorted((output / "metrics").glob("*.json"))
    if not found:
        raise SystemExit(f"{output}: no metrics; run the course first: python run_all.py")
    return found


def shown(stages: dict) -> list[str]:
    """02 repeats the rows of 00 and 01, so those stand alone only while it has not run."""
    repeated = ("00_dataset", "01_cnn_rnn") if "02_self_attention" in stages else ()
    return [name for name in stages if name not in repeated]


def describe(stages: dict, run: dict) -> str:
    first = next(iter(stages.values()))
    sizes = ", ".join(f"{count:,} {split}" for split, count in first["pictures"].items())
    spent = ", ".join(f"{name[:2]} {run['stages'][name]['seconds']:.0f} s" for name in stages)
    code = ", ".join(sorted({run["stages"][name]["commit"] for name in stages}))
    what = f"{sizes} pictures, seed {first['seed']}; scored on {first['split']}"
    return f"{what}. Wall time of the last run, which finds trainings made before: {spent}. Code: {code}."


def tables(name: str, stage: dict) -> list[dict]:
    rows = stage["rows"]
    if "category" in rows[0]:
        ways = {told: {f"{way}_{key}": shown for key, shown in RANKED.items()} for way, told in WAYS.items()}
        named = ("name", "category", "kind")
        return [table(f"{name}: {told}", rows, named, columns) for told, columns in ways.items()]
    found = [table(name, rows, ("name", "kind"), COLUMNS | (VARIETY if name in WATCHED else {}))]
    if planted := stage.get("planted", {}).get("kinds"):
        rows = [{"name": kind, **row} for kind, row in planted.items()]
        found.append(table(f"{name}: wrong claims planted in true captions", rows, ("name",), PLANTED))
    if told := stage.get("moods"):
        rows = [
            {"name": f"{row}, {mood}", **own} for row, moods in told.items() for mood, own in moods.items()
        ]
        found.append(table(f"{name}: in each mood", rows, ("name",), {key: label(key) for key in IN_A_MOOD}))
    return found


def table(title: str, rows: list[dict], named: tuple[str, ...], columns: dict[str, str]) -> dict:
    keys = [key for key in columns if any(row.get(key) is not None for row in rows)]
    lines = [[*(row[key] for key in named), *(spell(row.get(key)) for key in keys)] for row in rows]
    first = "of" if "kind" not in named else "model" if "category" in named else "captions"
    heads = [first, *named[1:], *(columns[key] for key in keys)]
    return {"title": title, "columns": heads, "rows": lines}


def spell(value: float | int | None) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()

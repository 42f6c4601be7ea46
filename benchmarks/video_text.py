"""Captions of clips that need no clip: what a model of MSVD has to beat, in English and in Chinese.

    python -m benchmarks.video_text --folder FOLDER

`FOLDER` holds `msvd_training_label.json` (English, 1,450 clips) and `msvd_cn_captions_release_utf8.csv`.
Clips are halved by a checksum of their names: constants are chosen on one half, scored on the other.
"""

import argparse
import csv
import json
import zlib
from pathlib import Path

from benchmarks.results import record
from lib.data.record import Record
from lib.score import baselines, evaluate

SHOWN = {"bleu4": "BLEU-4", "rouge_l_coco": "ROUGE-L (COCO)", "cider_d": "CIDEr-D", "unique": "unique"}


def read_english(folder: Path) -> dict[str, list[str]]:
    rows = json.loads((folder / "msvd_training_label.json").read_text(encoding="utf-8"))
    return {row["id"]: [text for text in row["caption"] if text.strip()] for row in rows}


def read_chinese(folder: Path) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {}
    path = folder / "msvd_cn_captions_release_utf8.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            captions.setdefault(row["video_id"], []).append(row["sentence"])
    return captions


def halves(captions: dict[str, list[str]]) -> tuple[list[Record], list[Record]]:
    """Records of the clips to choose by, and of those to score."""
    records = [Record(name, name, tuple(texts), "") for name, texts in sorted(captions.items()) if texts]
    sides = [[r for r in records if zlib.crc32(r.id.encode()) % 2 == side] for side in (0, 1)]
    return sides[0], sides[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    rows, sizes = [], []
    for language, read in (("English", read_english), ("Chinese", read_chinese)):
        train, test = halves(read(folder))
        references = [record.captions for record in test]
        said = baselines(train, test) | {"another person": [texts[0] for texts in references]}
        others = [texts[1:] or texts for texts in references]
        for name, texts in said.items():
            scores = evaluate(texts, others if name == "another person" else references, resamples=0)
            rows.append([name.replace("_", " "), language, *(f"{scores[key]:.3f}" for key in SHOWN)])
        sizes.append(f"{language}: {len(train)} clips to choose by, {len(test)} scored")
    record(
        "video_text",
        title="MSVD without its clips",
        command="python -m benchmarks.video_text --folder FOLDER",
        text="; ".join(sizes) + ". `another person` is one of the captions against the others of its clip.",
        tables=[{"title": "To beat", "columns": ["captions", "of", *SHOWN.values()], "rows": rows}],
    )


if __name__ == "__main__":
    main()

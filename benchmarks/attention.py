"""Attention where a processor learns in bf16: torch's own, the same in fp32, and two products by hand.

    python -m benchmarks.attention [--rounds 21] [--threads 2]

Forward and back, at the sizes of notebook 07's decoder. Contestants take turns (`benchmarks.turns`). How far
each one's gradients are from those in fp64 stands beside its time.
"""

import argparse
import os
import statistics
from collections.abc import Callable

import torch
from torch.nn import functional as F

from benchmarks.results import record
from benchmarks.turns import measure, times
from lib import environment
from lib.models.attention import dot_product_attention

HALF = torch.bfloat16
SIZES = {  # batch, heads, queries, keys, width of a head
    "cells among themselves": (62, 4, 72, 72, 32),
    "words at cells": (62, 4, 28, 72, 32),
    "words among themselves": (62, 4, 28, 28, 32),
}


def by_hand(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    scores = query * query.shape[-1] ** -0.5 @ keys.transpose(-1, -2)
    return scores.softmax(-1) @ values


WAYS = {
    "torch's own, bf16": F.scaled_dot_product_attention,
    "in fp32 (ours)": dot_product_attention,
    "by hand, bf16": by_hand,
}


def gradients(way: Callable, parts: list[torch.Tensor], kind: torch.dtype) -> list[torch.Tensor]:
    """Forward and back once; of `kind` comes what attention is given."""
    given = [part.detach().to(kind).requires_grad_() for part in parts]
    way(*given).double().square().sum().backward()
    return [each.grad.double() for each in given]


def error(way: Callable, parts: list[torch.Tensor]) -> str:
    """The largest share by which a gradient of it differs from fp64's."""
    pairs = zip(gradients(way, parts, HALF), gradients(by_hand, parts, torch.float64), strict=True)
    return f"{max(float((ours - true).norm() / true.norm()) for ours, true in pairs):.4f}"


def rows_of(size: tuple[int, ...], rounds: int) -> list[list[str]]:
    batch, heads, queries, keys, width = size
    torch.manual_seed(0)
    shapes = [(batch, count, heads, width) for count in (queries, keys, keys)]
    parts = [torch.randn(shape).to(HALF).transpose(1, 2) for shape in shapes]
    seconds = measure({name: lambda w=way: gradients(w, parts, HALF) for name, way in WAYS.items()}, rounds)
    first = next(iter(WAYS))
    return [
        [
            name,
            f"{1000 * statistics.median(seconds[name]):.1f}",
            f"{times(seconds[first], seconds[name]):.3f}",
            error(way, parts),
        ]
        for name, way in WAYS.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    columns = ["", "ms", "times as fast", "error of gradients"]
    tables = [
        {"title": f"{name}, {list(size)}", "columns": columns, "rows": rows_of(size, arguments.rounds)}
        for name, size in SIZES.items()
    ]
    text = (
        f"Forward and back, medians of {arguments.rounds} rounds in turns, threads: {arguments.threads}. "
        f"[batch, heads, queries, keys, width of a head]. Load average at the end {os.getloadavg()[0]:.1f}. "
        f"torch {environment.versions('torch')['torch']}."
    )
    command = f"python -m benchmarks.attention --rounds {arguments.rounds} --threads {arguments.threads}"
    path = record("attention", title="Attention in training", command=command, text=text, tables=tables)
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

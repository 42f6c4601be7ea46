"""Beam search side by side: a batch of ours, image by image as the course project, transformers' generate.

    python -m benchmarks.decoding [--rounds 5] [--images 64] [--steps 40] [--threads 2]

The memory is given and weights are random; <end> is banned, so that all texts have the same length.
Contestants take turns (`benchmarks.turns`).
"""

import argparse
import os
import statistics

import torch

from benchmarks.results import record
from benchmarks.turns import measure, times
from lib import environment
from lib.models import Decoding, build_decoder, generate

environment.offline()
START, END, BEAM = 1, 2, 5
CELLS, COURSE_WORDS = 2048, 109  # ResNet-101's cells and all words of the course project
# times as fast as the other, at least: what the table must show
ASKED_IMAGE_BY_IMAGE = "8, in bf16 15"
ASKED_OF_GENERATE = {"one": "3", "batch": "1.5"}


def plain_beam_search(decoder, memory: torch.Tensor, steps: int, *, cached: bool) -> list[int]:
    """One image, as the tutorials have it: each hypothesis has its own copy of the cells, attention is a tanh
    of sums, and unless `cached` the keys are computed again at every step."""
    cells, _, _ = decoder.start(memory).image
    hidden = torch.tanh(decoder.first(cells.mean(1))).expand(BEAM, -1)
    cells = cells.expand(BEAM, -1, -1).contiguous()
    look, keys = decoder.attention, decoder.attention.key(cells)
    tokens, totals = torch.full((BEAM, 1), START), torch.zeros(BEAM, 1)
    for step in range(steps):
        keys = keys if cached else look.key(cells)
        energy = torch.tanh(keys + look.query(hidden)[:, None])
        weights = look.score(energy).squeeze(-1).softmax(-1)
        context = (weights[:, None] @ cells)[:, 0]
        words = decoder.words.embed(tokens[:, -1])
        hidden = decoder.cell(decoder.cell.word_gates(words) + decoder.cell.context_gates(context), hidden)
        logprobs = torch.log_softmax(decoder.words(hidden), -1)
        logprobs[:, [0, START, END]] = -torch.inf
        grown = totals + logprobs
        grown = grown[0] if step == 0 else grown.flatten()
        best, places = grown.topk(BEAM)
        rows, chosen = places // logprobs.shape[1], places % logprobs.shape[1]
        tokens = torch.cat([tokens[rows], chosen[:, None]], 1)
        hidden, totals = hidden[rows], best[:, None]
    return tokens[0, 1:].tolist()


def ours(decoder, memory: torch.Tensor, steps: int, precision: str = "fp32") -> torch.Tensor:
    decoding = Decoding(beam=BEAM, max_length=steps, precision=precision)
    return generate(decoder, memory, decoding, start=START, end=END, banned=(0, START, END)).tokens[:, 0]


def build_bart(width: int, layers: int, heads: int, words: int, steps: int):
    """transformers' encoder-decoder whose decoder has our Transformer's size; its encoder is never run."""
    from transformers import BartConfig, BartForConditionalGeneration

    config = BartConfig(
        vocab_size=words,
        d_model=width,
        encoder_layers=1,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        max_position_embeddings=steps + 8,
        decoder_start_token_id=START,
        bos_token_id=START,
        eos_token_id=END,
        pad_token_id=0,
        forced_eos_token_id=None,
    )
    return BartForConditionalGeneration(config).eval()


@torch.no_grad()
def bart_search(bart, memory: torch.Tensor, steps: int) -> torch.Tensor:
    from transformers.modeling_outputs import BaseModelOutput

    return bart.generate(
        encoder_outputs=BaseModelOutput(last_hidden_state=memory),
        num_beams=BEAM,
        min_new_tokens=steps,
        max_new_tokens=steps,
        do_sample=False,
        use_cache=True,
    )


def recurrent_row(width: int, words: int, arguments) -> dict:
    """The attention GRU (512 everywhere), cells as wide as the memory, as in the course project."""
    sizes = {"vocab_size": words, "memory_width": width, "cells": None, "layers": 0}
    decoder = build_decoder({"kind": "attention_gru", **sizes}).eval()
    images, steps = arguments.images, arguments.steps
    memory = torch.randn(images, 49, width)

    def one_by_one(cached: bool) -> list[list[int]]:
        return [plain_beam_search(decoder, memory[i : i + 1], steps, cached=cached) for i in range(images)]

    with torch.no_grad():
        true, found = one_by_one(False), (ours(decoder, memory, steps, p) for p in ("fp32", "bf16"))
        same = [sum(a == b for a, b in zip(true, mine.tolist(), strict=True)) for mine in found]
        contestants = {
            "ours": lambda: ours(decoder, memory, steps),
            "ours bf16": lambda: ours(decoder, memory, steps, "bf16"),
            "theirs": lambda: one_by_one(False),
            "theirs cached": lambda: one_by_one(True),
        }
        seconds = measure(contestants, arguments.rounds)
    return {
        "against": f"image by image: attention GRU, {width}-d cells, {words:,} words",
        "images": images,
        "parameters, M": millions(decoder),
        **compare(seconds),
        "asked for": ASKED_IMAGE_BY_IMAGE if (width, words) == (CELLS, COURSE_WORDS) else "",
        "ratio to one that caches its keys": f"{times(seconds['theirs cached'], seconds['ours']):.1f}",
        "same captions": f"{same[0]} of {images}",
        "same in bf16": f"{same[1]} of {images}",
    }


def transformer_row(width: int, heads: int, words: int, images: int, arguments) -> dict:
    """Three layers of our Transformer against as many of Bart's decoder."""
    steps = arguments.steps
    sizes = {
        "vocab_size": words,
        "memory_width": width,
        "width": width,
        "heads": heads,
        "max_length": steps + 8,
    }
    decoder = build_decoder({"kind": "transformer", "layers": 3, **sizes}).eval()
    bart = build_bart(width, 3, heads, words, steps)
    memory = torch.randn(images, 49, width)
    if bart_search(bart, memory[:1], steps).shape[1] != ours(decoder, memory[:1], steps).shape[1] + 1:
        raise RuntimeError("the texts are not equally long")
    contestants = {
        "ours": lambda: ours(decoder, memory, steps),
        "ours bf16": lambda: ours(decoder, memory, steps, "bf16"),
        "theirs": lambda: bart_search(bart, memory, steps),
    }
    seconds = measure(contestants, arguments.rounds)
    return {
        "against": f"transformers generate: 3 layers of {width}, {words:,} words",
        "images": images,
        "parameters, M": f"{millions(decoder)}, theirs {millions(bart.model.decoder)}",
        **compare(seconds),
        "asked for": ASKED_OF_GENERATE["one" if images == 1 else "batch"],
    }


def millions(model: torch.nn.Module) -> str:
    """Parameters, tied ones once."""
    return f"{sum(weight.numel() for weight in model.parameters()) / 1e6:.2f}"


def compare(seconds: dict[str, list[float]]) -> dict[str, str]:
    return {
        "ours, s": f"{statistics.median(seconds['ours']):.3f}",
        "theirs, s": f"{statistics.median(seconds['theirs']):.3f}",
        "ratio": f"{times(seconds['theirs'], seconds['ours']):.1f}",
        "ratio, ours in bf16": f"{times(seconds['theirs'], seconds['ours bf16']):.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 5), ("images", 64), ("steps", 40), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    sizes = ((CELLS, COURSE_WORDS), (512, COURSE_WORDS), (CELLS, 5000))
    rows = [recurrent_row(width, words, arguments) for width, words in sizes]
    for width, heads, words in ((192, 6, 500), (256, 8, 5000)):
        rows += [transformer_row(width, heads, words, images, arguments) for images in (1, arguments.images)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    found = environment.versions("torch", "transformers")
    versions = [f"{name} {version}" for name, version in found.items() if name != "python"]
    text = (
        f"Beam {BEAM}, {arguments.steps} words a caption, 49 cells, threads: {arguments.threads}, "
        f"medians of {arguments.rounds} rounds in turns. The memory is given, its self-attention too. "
        "Image by image the keys are computed again at each step, as the course project does "
        "(109 words in all). "
        f"Load average at the end {os.getloadavg()[0]:.1f}. {', '.join(versions)}."
    )
    table = {
        "title": "times as fast as",
        "columns": columns,
        "rows": [[str(row.get(name, "")) for name in columns] for row in rows],
    }
    options = " ".join(f"--{name} {value}" for name, value in vars(arguments).items())
    command = f"python -m benchmarks.decoding {options}"
    path = record("decoding", title="Beam search", command=command, text=text, tables=[table])
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

"""Beam search side by side: ours for a batch, one image at a time as seed 002, and transformers' generate.

    python -m benchmarks.decoding [--rounds 5] [--images 64] [--steps 40] [--words 5000]

The memory is given and weights are random; <end> is banned, so that all texts have the same length. Contestants
take turns within a round, and a ratio is the median over rounds, so a busy machine slows both alike.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.results import record
from lib import environment
from lib.models import Decoding, build_decoder, generate

environment.offline()
START, END, BEAM = 1, 2, 5


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


def measure(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name, run in contestants.items():
            begun = time.perf_counter()
            run()
            if round_:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def recurrent_row(width: int, arguments) -> dict:
    """The attention GRU (word, hidden and attention 512), cells as wide as the memory, as in the seed."""
    decoder = build_decoder(
        {
            "kind": "attention_gru",
            "vocab_size": arguments.words,
            "memory_width": width,
            "cells": None,
            "layers": 0,
        }
    ).eval()
    images, steps = arguments.images, arguments.steps
    memory = torch.randn(images, 49, width)
    with torch.no_grad():
        agreement = [
            plain_beam_search(decoder, memory[i : i + 1], steps, cached=True) == row
            for i, row in enumerate(ours(decoder, memory[:4], steps).tolist())
        ]

        def one_by_one(cached: bool):
            for i in range(images):
                plain_beam_search(decoder, memory[i : i + 1], steps, cached=cached)

        seconds = measure(
            {
                "ours": lambda: ours(decoder, memory, steps),
                "ours bf16": lambda: ours(decoder, memory, steps, "bf16"),
                "plain": lambda: one_by_one(False),
                "plain cached": lambda: one_by_one(True),
            },
            arguments.rounds,
        )
    return {
        "against": f"attention GRU, {width}-d cells, image by image",
        "images": images,
        "ours, s": round(statistics.median(seconds["ours"]), 3),
        "theirs, s": round(statistics.median(seconds["plain"]), 3),
        "ratio": round(ratio(seconds["plain"], seconds["ours"]), 1),
        "ratio, ours in bf16": round(ratio(seconds["plain"], seconds["ours bf16"]), 1),
        "ratio, theirs with cached keys": round(ratio(seconds["plain cached"], seconds["ours"]), 1),
        "same captions": f"{sum(agreement)} of {len(agreement)}",
    }


def transformer_row(images: int, arguments) -> dict:
    width, layers, heads = 256, 3, 8
    decoder = build_decoder(
        {"kind": "transformer", "vocab_size": arguments.words, "memory_width": width, "width": width}
        | {"layers": layers, "heads": heads, "max_length": arguments.steps + 8}
    ).eval()
    bart = build_bart(width, layers, heads, arguments.words, arguments.steps)
    memory, steps = torch.randn(images, 49, width), arguments.steps
    assert bart_search(bart, memory[:1], steps).shape[1] == steps + 1
    assert ours(decoder, memory[:1], steps).shape[1] == steps
    seconds = measure(
        {
            "ours": lambda: ours(decoder, memory, steps),
            "ours bf16": lambda: ours(decoder, memory, steps, "bf16"),
            "theirs": lambda: bart_search(bart, memory, steps),
        },
        arguments.rounds,
    )
    return {
        "against": f"transformers generate (Bart, {layers} layers of {width})",
        "images": images,
        "ours, s": round(statistics.median(seconds["ours"]), 3),
        "theirs, s": round(statistics.median(seconds["theirs"]), 3),
        "ratio": round(ratio(seconds["theirs"], seconds["ours"]), 1),
        "ratio, ours in bf16": round(ratio(seconds["theirs"], seconds["ours bf16"]), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 5), ("images", 64), ("steps", 40), ("words", 5000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    rows = [recurrent_row(2048, arguments), recurrent_row(512, arguments)]
    rows += [transformer_row(1, arguments), transformer_row(arguments.images, arguments)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = (
        f"Beam {BEAM}, {arguments.steps} words a caption, {arguments.words:,} words in the vocabulary, 49 cells, "
        f"2 threads, medians of {arguments.rounds} rounds in turns; load average {os.getloadavg()[0]:.1f} at the "
        "end. The memory is given, its self-attention included. The attention GRU is 512 everywhere."
    )
    cells = [[str(row.get(name, "")) for name in columns] for row in rows]
    table = {"title": "ours against", "columns": columns, "rows": cells}
    command = "python -m benchmarks.decoding"
    print(record("decoding", title="Beam search", command=command, text=text, tables=[table]).read_text())


if __name__ == "__main__":
    main()

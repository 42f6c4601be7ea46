"""What rewards cost beside the rest of a self-critical step: 32 pictures x 5 samples, in one run of `fit`.

    python -m benchmarks.rewards [--steps 8] [--threads 2]

Weights are random and the model may not end its captions, so all have the usual length. What it says would be
gibberish; paid for are true captions of other pictures in its stead, each seen for the first time.
"""

import argparse
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from atelier.describe import describe
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA, VIEWS
from benchmarks.results import record
from benchmarks.scores import generated
from lib import environment
from lib.config import Training
from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import Record
from lib.data.text import Vocab, tokenize
from lib.models import Captioner, build_decoder
from lib.score import Reward
from lib.train import fit, reward_of, self_critical

environment.offline()
PICTURES, BATCH, SAMPLES = 1500, 32, 5
CELLS, WIDTH = 64, 192
TRANSFORMER = {"kind": "transformer", "width": 192, "layers": 3, "positions": CELLS}
TEXT = (
    f"A Transformer of 3 layers and width {WIDTH} learns from {BATCH} pictures x {SAMPLES} samples a step by "
    "`fit` and `self_critical`: sampling, rewards, likelihoods, gradient and optimiser. Seconds are of the "
    "wall clock, medians over the steps; rewards and steps are taken in the same run. No caption is paid for "
    "twice, so nothing that is remembered helps."
)


class Cells(nn.Identity):
    """In the place of an encoder: the cells are given."""

    width = WIDTH


class Endless(Captioner):
    """Ends no caption by itself."""

    @property
    def banned(self) -> tuple[int, ...]:
        return (*super().banned, self.vocab.end)


class Clock:
    """Pays for prepared captions, and takes the time of paying and from one step to the next."""

    def __init__(self, reward: Reward, captions: Sequence[list[str]]):
        self.reward, self.captions = reward, itertools.cycle(captions)
        self.paying, self.begun = [], []

    def scores(self, candidates: Sequence[list[str]], indices: Sequence[int]) -> np.ndarray:
        said = list(itertools.islice(self.captions, len(candidates)))
        begun = time.perf_counter()
        earned = self.reward.scores(said, indices)
        self.paying.append(time.perf_counter() - begun)
        self.begun.append(begun)
        return earned


def atelier_people(count: int, seed: int) -> list[Record]:
    """Looks with one caption each, undrawn."""
    people = []
    for i in range(count):
        attributes = visible(sample_look(i, 0, seed), VIEWS[0])
        people.append(
            Record(f"{i}", f"{i}.jpg", (describe(attributes, random.Random(i + seed)),), "train", attributes)
        )
    return people


def crowd(count: int, seed: int) -> list[Record]:
    """Pictures with five short captions each, of a made-up language."""
    _, groups = generated(count, 5, (7, 16), seed=seed)
    return [Record(f"{i}", f"{i}.jpg", tuple(group), "train") for i, group in enumerate(groups)]


def measure(people: list[Record], others: list[Record], weights: dict[str, float], steps: int) -> list[str]:
    """One run: milliseconds of a step and of its rewards, and the share."""
    said = [tokenize(text) for person in others for text in person.captions]
    length = round(statistics.mean(map(len, said))) + 1
    vocab = Vocab.build([text for person in people for text in person.captions])
    decoder = build_decoder(TRANSFORMER | {"vocab_size": len(vocab), "memory_width": WIDTH})
    captioner = Endless(Cells(), decoder, vocab, None)
    cells = np.random.default_rng(0).standard_normal((len(people), CELLS, WIDTH)).astype(np.float32)
    clock = Clock(reward_of(people, weights), said)
    training = Training(max_steps=steps + 2, batch_size=BATCH, log_every=steps + 2)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            captioner,
            self_critical(clock, samples=SAMPLES, max_length=length),
            Loader(CaptionPairs(people, vocab, CachedFeatures([cells])), batch_size=BATCH, bucket=True),
            training=training,
            folder=Path(folder) / "benchmark" / "rewards",
            run_key={"data": "benchmark", "model": TRANSFORMER, "objective": "rl"},
        )
    step = statistics.median(np.diff(clock.begun)[1:])
    paying = statistics.median(clock.paying[1:])
    return [f"{1000 * step:.0f}", f"{1000 * paying:.1f}", f"{100 * paying / step:.1f} %"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    people, others = atelier_people(PICTURES, 0), atelier_people(BATCH * SAMPLES * (arguments.steps + 2), 7)
    short, more = crowd(PICTURES, 0), crowd(BATCH * (arguments.steps + 2), 7)
    contests = [
        ("CIDEr-D, the atelier", people, others, {"cider_d": 1.0}),
        ("CIDEr-D and attribute F1, the atelier", people, others, {"cider_d": 1.0, "attribute_f1": 10.0}),
        ("BLEU-4, the atelier", people, others, {"bleu4": 1.0}),
        ("CIDEr-D and BLEU-4, five short references", short, more, {"cider_d": 1.0, "bleu4": 1.0}),
    ]
    rows = []
    for name, known, said, weights in contests:
        rows.append([name, *measure(known, said, weights, arguments.steps)])
        print(*rows[-1], sep="   ")
    record(
        "rewards",
        title="Rewards in a step of reinforcement learning",
        command=f"python -m benchmarks.rewards --steps {arguments.steps} --threads {arguments.threads}",
        text=TEXT,
        tables=[
            {
                "title": f"{BATCH} pictures x {SAMPLES} samples, {len(SCHEMA)} attributes",
                "columns": ["reward", "a step, ms", "its rewards, ms", "share"],
                "rows": rows,
            }
        ],
    )


if __name__ == "__main__":
    main()

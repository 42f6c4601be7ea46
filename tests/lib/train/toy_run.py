"""A captioner so small that `fit` can run many times; also a program, to be killed or run twice over.

python toy_run.py '{"folder": ..., "training": {...}, "die_at": 7}'
"""

import contextlib
import itertools
import json
import os
import signal
import sys
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from lib.config import Training, read_settings
from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import Record
from lib.data.text import Vocab
from lib.train import cross_entropy, fit, this_process

WORDS = tuple("a man woman in with red blue hat coat shirt and on the street park".split())  # noqa: SIM905


def make_records(count, captions, seed=0):
    """Pictures with captions of very different lengths."""
    chance = np.random.default_rng(seed)
    texts = [" ".join(chance.choice(WORDS, chance.integers(1, 12))) for _ in range(captions * count)]
    return [Record(f"{i}", f"{i}.jpg", tuple(texts[i::count]), "train") for i in range(count)]


VOCAB = Vocab.build([" ".join(WORDS)])


def make_loader(count=16, captions=2, **settings):
    records = make_records(count, captions)
    memory = np.random.default_rng(1).standard_normal((count, 3, 6)).astype(np.float32)
    return Loader(CaptionPairs(records, VOCAB, CachedFeatures([memory])), **({"batch_size": 4} | settings))


class Toy(nn.Module):
    """Encoder with batch norm, tied embeddings, a recurrent decoder and dropout: what state there can be."""

    def __init__(self, dropout=0.0, norm=True):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(3) if norm else nn.Identity(), nn.Tanh())
        self.embed = nn.Embedding(len(VOCAB.words), 16)
        self.decoder = nn.GRU(24, 16, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.tied = nn.Linear(16, len(VOCAB.words))
        self.tied.weight = self.embed.weight

    def forward(self, batch, *, attention=False):
        seen = self.encoder(batch.memory)  # [B, 3, 8]
        words = self.embed(batch.tokens[:, :-1])
        memory = seen.mean(dim=1, keepdim=True).expand(-1, words.shape[1], -1)
        hidden, _ = self.decoder(torch.cat([self.dropout(words), memory], dim=2))
        attention = torch.einsum("btd,bnd->btn", hidden[:, :, :8], seen).softmax(dim=2)
        return SimpleNamespace(logits=self.tied(self.dropout(hidden)), attention=attention)


def build(seed=3, **options):
    torch.manual_seed(seed)
    return Toy(**options)


KEY = {"data": "toy", "model": "toy", "objective": "cross_entropy"}


class Interrupted(Exception):
    """What a stopped cell raises."""


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt():
    raise Interrupted


def breaking(objective, at, act=interrupt):
    """The objective, except that its `at`-th call is its last."""
    calls = itertools.count(1)

    def last_words(model, batch):
        if next(calls) == at:
            act()
        return objective(model, batch)

    return last_words


def main(spec):
    """One run of `fit`; with `die_at` or `break_at` it ends early, the latter to be taken up at once."""
    torch.set_num_threads(1)
    training = read_settings(Training, spec["training"])
    loader = make_loader(batch_size=training.batch_size, **this_process(), **spec.get("loader", {}))

    def train(objective):
        model = build(3 + loader.rank, **spec.get("model", {}))  # unequal until `fit` makes them equal
        return fit(model, objective, loader, training=training, folder=spec["folder"], run_key=KEY)

    objective = cross_entropy(doubly_stochastic=1.0)
    if "die_at" in spec:
        objective = breaking(objective, spec["die_at"], die)
    if "break_at" in spec:
        with contextlib.suppress(Interrupted):
            train(breaking(objective, spec["break_at"]))
    return train(objective)


if __name__ == "__main__":
    fitted = main(json.loads(sys.argv[1]))
    print(f"{fitted.state} from {fitted.resumed}")

"""Policies that can be followed by hand: one names what it sees, the other is a real captioner, only tiny."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import Record
from lib.data.text import Vocab
from lib.models import Captioner, build_decoder
from lib.models.state import Decoded, State

SURE = 50.0  # a logit that leaves nothing to the others


class Seeing(nn.Identity):
    """In the place of an encoder."""

    def __init__(self, width):
        super().__init__()
        self.width = width


class Namer(nn.Module):
    """Says one word and ends; which word, a linear map of what it sees decides."""

    kind, max_length = "namer", None

    def __init__(self, vocab, width):
        super().__init__()
        self.settings = SimpleNamespace(vocab_size=len(vocab), memory_width=width)
        self.name = nn.Linear(width, len(vocab), bias=False)
        nn.init.zeros_(self.name.weight)
        self.first = vocab.start
        self.register_buffer("ending", SURE * nn.functional.one_hot(torch.tensor(vocab.end), len(vocab)))

    def start(self, memory, mask=None):
        return State(image=(memory[:, 0],), hypothesis=(torch.zeros(len(memory), 1),))

    def step(self, tokens, state):
        return self.say(state.image[0], tokens[:, None])[:, 0], replace(state, step=state.step + 1)

    def forward(self, memory, tokens, mask=None, *, attention=False):
        return Decoded(self.say(memory[:, 0], tokens), None)

    def say(self, seen, tokens):
        seen = seen.repeat_interleave(len(tokens) // len(seen), 0)
        naming = self.name(seen) - self.ending
        return torch.where((tokens == self.first)[..., None], naming[:, None], self.ending)


def namer(words, width=1):
    """A captioner of so many words, each as likely as the others, and its vocabulary."""
    vocab = Vocab.build([" ".join(words)])
    return Captioner(Seeing(width), Namer(vocab, width), vocab, None)


class Table:
    """Pays for words: `pay(words, picture)`."""

    def __init__(self, pay):
        self.pay, self.asked = pay, []

    def scores(self, candidates, indices):
        self.asked += [(tuple(words), index) for words, index in zip(candidates, indices, strict=True)]
        return np.array([self.pay(words, index) for words, index in zip(candidates, indices, strict=True)])


def looking(indices, pictures=None):
    """A batch of pictures, each a vector of its own (or all the same where there are no `pictures`)."""
    places = torch.tensor(indices)
    memory = torch.ones(len(places), 1, 1) if pictures is None else torch.eye(pictures)[places, None]
    return SimpleNamespace(memory=memory, images=None, indices=places, mask=None, prefix=None)


NAMES = "a man woman in with red blue hat coat shirt and on the street park".split()  # noqa: SIM905
TINY = {"kind": "transformer", "width": 16, "layers": 1, "heads": 2, "dropout": 0.3}


def records(count=12, captions=2, split="train"):
    chance = np.random.default_rng(0)
    texts = [" ".join(chance.choice(NAMES, chance.integers(1, 9))) for _ in range(captions * count)]
    return [Record(f"{i}", f"{i}.jpg", tuple(texts[i::count]), split) for i in range(count)]


VOCAB = Vocab.build([" ".join(NAMES)])


def view(count=12, seed=1):
    return CachedFeatures([np.random.default_rng(seed).standard_normal((count, 3, 6)).astype(np.float32)])


def tiny(seed=3, **options):
    torch.manual_seed(seed)
    sizes = {"vocab_size": len(VOCAB), "memory_width": 6}
    return Captioner(Seeing(6), build_decoder(TINY | sizes | options), VOCAB, None)


def tiny_loader(**settings):
    return Loader(CaptionPairs(records(), VOCAB, view()), **({"batch_size": 4} | settings))

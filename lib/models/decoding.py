"""Decoding: how captions are searched for, as settings that are checked when they are made."""

from dataclasses import dataclass
from typing import Literal

import torch

from lib.config import ConfigError

METHODS = ("greedy", "sample", "beam")
PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How captions are searched for: every setting of every search in Lookbook."""

    method: Literal["greedy", "sample", "beam"] = "beam"
    max_length: int = 60  # words, <end> included
    beam: int = 5
    n_best: int = 1  # hypotheses returned by beam
    length_penalty: float = 1.0  # a score is the sum of log-probabilities / length ** length_penalty
    no_repeat_ngram: int = 0  # no such word sequence comes twice; 0 allows it
    samples: int = 1  # texts drawn for an image
    temperature: float = 1.0
    top_k: int = 0  # sample among so many words; 0 is all
    top_p: float = 1.0  # sample among the likeliest words that hold so much probability
    guidance: float = 1.0  # how often what sets a styled beginning apart counts; 1 is as the model says
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"  # autocast of the decoder

    def __post_init__(self):
        for name in ("max_length", "beam", "n_best", "samples"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("no_repeat_ngram", "top_k", "guidance"):
            require(getattr(self, name) >= 0, f"{name} must be 0 or more, not {getattr(self, name)}")
        for name, known in (("method", METHODS), ("precision", ("fp32", *PRECISIONS))):
            value = getattr(self, name)
            require(value in known, f"{name} must be one of {', '.join(known)}, not {value!r}")
        require(self.temperature > 0, f"temperature must be above 0, not {self.temperature}")
        require(0 < self.top_p <= 1, f"top_p must be above 0 and at most 1, not {self.top_p}")
        require(self.n_best <= self.beam, f"n_best {self.n_best} is more than beam {self.beam}")


def require(fine: bool, message: str) -> None:
    if not fine:
        raise ConfigError(f"decoding.{message}")

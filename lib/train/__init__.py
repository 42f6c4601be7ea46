"""The only training loop, and the objectives it serves."""

from lib.train.fit import Fitted, fit
from lib.train.judging import Swapped, by_captions, by_facts, caption_all
from lib.train.ledger import FitError
from lib.train.objectives import attribute_loss, cross_entropy
from lib.train.processes import share

__all__ = [
    "FitError",
    "Fitted",
    "Swapped",
    "attribute_loss",
    "by_captions",
    "by_facts",
    "caption_all",
    "cross_entropy",
    "fit",
    "share",
]

"""The only training loop, and the objectives it serves."""

from lib.train.fit import Fitted, fit
from lib.train.judging import Swapped, by_captions, by_facts, caption_all
from lib.train.ledger import FitError
from lib.train.needs import measure_needs
from lib.train.objectives import attribute_loss, cross_entropy, seed_loss, self_critical
from lib.train.processes import share
from lib.train.reinforce import reward_of
from lib.train.study import Study, open_study, told
from lib.train.watching import watch

__all__ = [
    "FitError",
    "Fitted",
    "Study",
    "Swapped",
    "attribute_loss",
    "by_captions",
    "by_facts",
    "caption_all",
    "cross_entropy",
    "fit",
    "measure_needs",
    "open_study",
    "reward_of",
    "seed_loss",
    "self_critical",
    "share",
    "told",
    "watch",
]

"""nltk's corpus BLEU from our statistics.

It differs from COCO's where captions are shorter than four tokens (nltk counts at least one n-gram a caption)
and by COCO's guards against division by zero.
"""

import sys

import numpy as np

from lib.score.ngrams import ORDERS


def nltk_bleu(statistics: np.ndarray) -> np.ndarray:
    """nltk's corpus BLEU-1..4, no smoothing, from the statistics of each caption [C, 10] -> [4]."""
    guessed = np.maximum(statistics[:, ORDERS : 2 * ORDERS], 1).sum(axis=0)
    correct = statistics[:, :ORDERS].sum(axis=0)
    length, closest = statistics[:, -2:].sum(axis=0)
    if not correct[0]:
        return np.zeros(ORDERS)
    logs = np.log(np.where(correct > 0, correct / guessed, sys.float_info.min))
    penalty = np.exp(min(0.0, 1 - closest / length))
    return penalty * np.exp(np.cumsum(logs) / np.arange(1, ORDERS + 1))

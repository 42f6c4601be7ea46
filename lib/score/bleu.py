"""BLEU-1..4 as pycocoevalcap has it: counts clipped, the closest reference length, guards against nothing."""

import numpy as np

from lib.score.ngrams import ORDERS, Candidates, ReferenceTable

TINY, SMALL = 1e-15, 1e-9  # COCO's guards


def bleu_statistics(table: ReferenceTable, candidates: Candidates) -> np.ndarray:
    """Of each caption: correct and guessed n-grams for n = 1..4, length, closest length. [C, 10]"""
    captions = candidates.items.size
    result = np.zeros((captions, 2 * ORDERS + 2))
    for n, (mine, theirs) in enumerate(zip(candidates.orders, table.orders, strict=True)):
        known = mine.group >= 0
        clipped = np.minimum(mine.count[known], theirs.most[mine.group[known]])
        result[:, n] = np.bincount(mine.row[known], clipped, minlength=captions)
        result[:, ORDERS + n] = np.maximum(candidates.lengths - n, 0)
    result[:, -2] = candidates.lengths
    rows, real = table.rows_of(candidates.items)
    result[:, -1] = nearest_lengths(table.lengths[rows], real, candidates.lengths[:, None])
    return result


def nearest_lengths(lengths: np.ndarray, real: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """In each row of reference lengths [C, R] the one nearest to what is wanted [C, 1], padding left out.

    Of two equally near it is the shorter.
    """
    scale = lengths.max(initial=0) + 1
    ranked = np.where(real, np.abs(lengths - wanted) * scale + lengths, np.iinfo(np.int64).max)
    return ranked.min(axis=1, initial=np.iinfo(np.int64).max) % scale


def coco_bleu(statistics: np.ndarray) -> np.ndarray:
    """BLEU-1..4 from statistics [..., 10]: a corpus's from their sums, a caption's from its own. [..., 4]"""
    correct, guessed = statistics[..., :ORDERS], statistics[..., ORDERS : 2 * ORDERS]
    precision = np.cumprod((correct + TINY) / (guessed + SMALL), axis=-1)
    ratio = (statistics[..., -2] + TINY) / (statistics[..., -1] + SMALL)
    penalty = np.exp(np.minimum(0.0, 1 - 1 / ratio))
    return precision ** (1 / np.arange(1, ORDERS + 1)) * penalty[..., None]

"""ROUGE-L, in the three ways captioning reports it, each equal to its package and named after it.

On the same texts the three differ by a third, so a number means nothing without its name: `rouge_l` is
rouge_score's rougeL F, `rouge_l_coco` is pycocoevalcap's, `rouge_l_rouge` is the F of `rouge` 1.0.1. All give
one score a caption. Longest common subsequences come from Hyyrö's bit-parallel recurrence on Python integers,
which is exact.
"""

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np

BETA = 1.2  # COCO weighs recall above precision
NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")
EMPTY = ("",)  # what the packages make of a text without tokens


def bit_masks(tokens: Sequence[Hashable]) -> dict[Hashable, int]:
    """For each token the positions it stands at, as bits."""
    masks: dict[Hashable, int] = {}
    for position, token in enumerate(tokens):
        masks[token] = masks.get(token, 0) | 1 << position
    return masks


def common_lengths(tokens: Sequence[Hashable], targets: Sequence[Sequence[Hashable]]) -> list[int]:
    """Length of the longest common subsequence of a sequence with each of the targets."""
    masks, ones = bit_masks(tokens), (1 << len(tokens)) - 1
    lengths = []
    for target in targets:
        row = ones
        for here in filter(None, map(masks.get, target)):
            both = row & here
            row = (row + both) | (row - both)
        lengths.append(len(tokens) - (row & ones).bit_count())
    return lengths


def rouge_l_coco(candidates: Sequence[Sequence], references: Sequence[Sequence[Sequence]]) -> np.ndarray:
    """pycocoevalcap's ROUGE-L: best precision and best recall over the references, beta 1.2."""
    result = np.zeros(len(candidates))
    for i, (candidate, targets) in enumerate(zip(candidates, references, strict=True)):
        candidate, targets = candidate or EMPTY, [target or EMPTY for target in targets]
        lengths = common_lengths(candidate, targets)
        if any(lengths):
            precision = max(lengths) / len(candidate)
            recall = max([length / len(target) for length, target in zip(lengths, targets, strict=True)])
            result[i] = (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
    return result


@lru_cache(maxsize=1 << 17)
def alphanumeric(token: str) -> tuple[str, ...]:
    """A token as rouge_score reads it: the runs of a-z and 0-9 (so text in other scripts has none)."""
    return tuple(part for part in NOT_ALPHANUMERIC.split(token.lower()) if part)


def rouge_l(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> np.ndarray:
    """rouge_score's rougeL F-measure without stemming, the best over the references."""
    result = np.zeros(len(candidates))
    for i, (candidate, targets) in enumerate(zip(candidates, references, strict=True)):
        mine = split_alphanumeric(candidate)
        theirs = [split_alphanumeric(target) for target in targets]
        for common, target in zip(common_lengths(mine, theirs), theirs, strict=True):
            if common:
                precision, recall = common / len(mine), common / len(target)
                result[i] = max(result[i], 2 * precision * recall / (precision + recall))
    return result


def split_alphanumeric(tokens: Sequence[str]) -> list[str]:
    """A caption's tokens as rouge_score reads them."""
    return list(chain.from_iterable(map(alphanumeric, tokens)))


def rouge_l_rouge(
    candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]
) -> np.ndarray:
    """F of `rouge` 1.0.1, the best over the references: distinct words common in order, sentence by sentence.

    A caption without a word scores 0 (the package raises).
    """
    result = np.zeros(len(candidates))
    for i, (candidate, targets) in enumerate(zip(candidates, references, strict=True)):
        mine = sentences(candidate)
        result[i] = max(union_f_measure(mine, sentences(target)) for target in targets)
    return result


def sentences(tokens: Sequence[str]) -> tuple[str, ...]:
    """Sentences as `rouge` cuts them: at every full stop, also inside a token."""
    return tuple(" ".join(part.split()) for part in " ".join(tokens).split(".") if part)


def union_f_measure(mine: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """F of the distinct words that common subsequences hold, over all pairs of sentences."""
    if not mine or not theirs:
        return 0.0
    common = len(frozenset().union(*(common_with_any(sentence, mine) for sentence in theirs)))
    precision, recall = common / count_words(mine), common / count_words(theirs)
    return 2.0 * (precision * recall / (precision + recall + 1e-8))


@lru_cache(maxsize=1 << 15)
def count_words(lines: tuple[str, ...]) -> int:
    """Distinct words; a blank sentence counts as one empty word, as in the package."""
    return len({word for line in lines for word in line.split(" ")})


@lru_cache(maxsize=1 << 16)
def common_with_any(target: str, candidates: tuple[str, ...]) -> frozenset[str]:
    """The words a sentence has in common, in order, with any of a caption's sentences."""
    return frozenset().union(*(common_words(target, candidate) for candidate in candidates))


@lru_cache(maxsize=1 << 16)
def common_words(target: str, candidate: str) -> frozenset[str]:
    """The words of the longest common subsequence that `rouge` reads off its table: of several, this one."""
    theirs, mine = target.split(" "), candidate.split(" ")
    masks = bit_masks(mine)
    rows = [row := (1 << len(mine)) - 1]
    for word in theirs:
        both = row & masks.get(word, 0)
        row = (row + both) | (row - both)
        rows.append(row)
    words = set()
    i, j = len(theirs), len(mine)
    while i and j:
        if theirs[i - 1] == mine[j - 1]:
            words.add(theirs[i - 1])
            i, j = i - 1, j - 1
        elif rows[i] >> (j - 1) & 1:  # no step here: the cell to the left is as good
            j -= 1
        else:
            i -= 1
    return frozenset(words)

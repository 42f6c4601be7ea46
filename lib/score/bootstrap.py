"""Confidence intervals by resampling captions: each draw is a vector of how often each caption was drawn.

Scores that are sums or means over captions then cost one matrix product for all draws together.
"""

from collections.abc import Callable

import numpy as np

LEVEL = 0.95
BLOCK = 1 << 22  # counts held at once


def resampled_sums(statistics: np.ndarray, resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """Sums of per-caption statistics [C, K] over each of the draws, C captions with replacement. [R, K]"""
    captions = len(statistics)
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK // captions)
    sums = []
    for start in range(0, resamples, block):
        draws = min(block, resamples - start)
        drawn = generator.integers(captions, size=(draws, captions)) + captions * np.arange(draws)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=draws * captions).reshape(draws, captions)
        sums.append(counts.astype(float) @ statistics)
    return np.concatenate(sums)


def interval(values: np.ndarray) -> list[float]:
    """The middle 95 % of resampled values, as [low, high]."""
    tail = (1 - LEVEL) / 2
    return [float(bound) for bound in np.quantile(values, [tail, 1 - tail])]


def intervals(
    statistics: np.ndarray,
    score: Callable[[np.ndarray], dict[str, np.ndarray]],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, list[float]]:
    """`<key>_ci` for every key of `score`, a function of summed statistics [R, K]."""
    scores = score(resampled_sums(statistics, resamples, seed))
    return {f"{key}_ci": interval(values) for key, values in scores.items()}

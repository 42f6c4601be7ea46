"""Retrieval: functions of a similarity matrix [queries, gallery] and the relevant items of each query.

A query may have several relevant items (five captions of one picture). Ties count against the model: an item
that is not relevant stands before a relevant one of equal similarity, so a constant similarity scores worst.
"""

from collections.abc import Collection, Sequence

import numpy as np


def ranks(similarity: np.ndarray, relevant: Sequence[Collection[int]]) -> list[np.ndarray]:
    """For each query, the ranks (1 is first) of its relevant items, in ascending order."""
    similarity = np.asarray(similarity)
    check_similarity(similarity, relevant)
    ascending = np.sort(similarity, axis=1)
    result = []
    for query, items in enumerate(relevant):
        mine = np.sort(similarity[query, sorted(set(items))])[::-1]
        at_least = similarity.shape[1] - np.searchsorted(ascending[query], mine, side="left")
        relevant_at_least = mine.size - np.searchsorted(mine[::-1], mine, side="left")
        result.append(at_least - relevant_at_least + np.arange(1, mine.size + 1))
    return result


def check_similarity(similarity: np.ndarray, relevant: Sequence[Collection[int]]) -> None:
    """Refuse what would give a number without a meaning."""
    if similarity.ndim != 2 or len(relevant) != len(similarity):
        raise ValueError(f"similarity {similarity.shape} does not fit {len(relevant)} queries")
    if np.isnan(similarity).any():
        raise ValueError("similarity contains NaN")
    for query, items in enumerate(relevant):
        if not items or not all(0 <= item < similarity.shape[1] for item in items):
            raise ValueError(
                f"query {query} needs relevant items within 0..{similarity.shape[1] - 1}, not {items}"
            )


def recall(ranked: Sequence[np.ndarray], k: int) -> float:
    """Share of queries with a relevant item among the first k."""
    return float(np.mean([positions[0] <= k for positions in ranked]))


def median_rank(ranked: Sequence[np.ndarray]) -> float:
    """Median over queries of the rank of the first relevant item."""
    return float(np.median([positions[0] for positions in ranked]))


def mean_average_precision(ranked: Sequence[np.ndarray]) -> float:
    """Mean over queries of the precision at each relevant item."""
    return float(np.mean([np.mean(np.arange(1, p.size + 1) / p) for p in ranked]))


def retrieve(
    similarity: np.ndarray, relevant: Sequence[Collection[int]], at: Sequence[int] = (1, 5, 10)
) -> dict[str, float]:
    """Every retrieval score of one direction: `recall1`, `recall5`, ..., `median_rank`, `map`."""
    ranked = ranks(similarity, relevant)
    scores = {f"recall{k}": recall(ranked, k) for k in at}
    return scores | {"median_rank": median_rank(ranked), "map": mean_average_precision(ranked)}

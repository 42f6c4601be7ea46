"""Retrieval: functions of a similarity matrix [queries, gallery] and the relevant items of each query.

A query may have several relevant items (five captions of one picture). Ties count against the model: an item
that is not relevant stands before a relevant one of equal similarity, so a constant similarity scores worst.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from lib.score.attributes import World
from lib.score.bootstrap import interval, intervals

AT = (1, 5, 10)
DEPTH = 10  # of the average precision that a table shows
RESAMPLES = 1000


def ranks(similarity: np.ndarray, relevant: Sequence[Collection[int]]) -> list[np.ndarray]:
    """For each query, the ranks (1 is first) of its relevant items, in ascending order."""
    similarity = np.asarray(similarity)
    if similarity.ndim != 2 or len(relevant) != len(similarity):
        raise ValueError(f"similarity {similarity.shape} does not fit {len(relevant)} queries")
    if np.isnan(similarity).any():
        raise ValueError("similarity contains NaN")
    gallery, ascending, result = similarity.shape[1], np.sort(similarity, axis=1), []
    for query, items in enumerate(relevant):
        if not items or not all(0 <= item < gallery for item in items):
            raise ValueError(f"query {query} needs relevant items within 0..{gallery - 1}, not {items}")
        mine = np.sort(similarity[query, sorted(set(items))])[::-1]
        at_least = gallery - np.searchsorted(ascending[query], mine, side="left")
        relevant_at_least = mine.size - np.searchsorted(mine[::-1], mine, side="left")
        result.append(at_least - relevant_at_least + np.arange(1, mine.size + 1))
    return result


def mean_average_precision(ranked: Sequence[np.ndarray]) -> float:
    """Mean over queries of the precision at each relevant item."""
    return float(np.mean([np.mean(np.arange(1, p.size + 1) / p) for p in ranked]))


def retrieve(similarity: np.ndarray, relevant: Sequence[Collection[int]]) -> dict[str, float]:
    """Every retrieval score of one direction: `recall1`, `recall5`, ..., `median_rank`, `map`."""
    ranked = ranks(similarity, relevant)
    first = np.array([positions[0] for positions in ranked])
    scores = {f"recall{k}": float(np.mean(first <= k)) for k in AT}
    return scores | {"median_rank": float(np.median(first)), "map": mean_average_precision(ranked)}


def precision_at_depth(positions: np.ndarray) -> float:
    """Average precision of one query among the first DEPTH: nothing below them counts."""
    seen = positions[positions <= DEPTH]
    return float(np.sum(np.arange(1, seen.size + 1) / seen) / min(positions.size, DEPTH))


def retrieval_scores(
    similarity: np.ndarray, relevant: Sequence[Collection[int]], *, way: str, seed: int = 0
) -> dict[str, float | list[float]]:
    """One way of a table's row: `<way>_recall1`, ..., `_median_rank`, `_map10`, each with its interval."""
    ranked = ranks(similarity, relevant)
    first = np.array([positions[0] for positions in ranked])
    names = [*(f"{way}_recall{k}" for k in AT), f"{way}_map10"]
    each = np.array([*(first <= k for k in AT), [precision_at_depth(p) for p in ranked]], float).T
    found = dict(zip(names, map(float, each.mean(0)), strict=True))
    count = len(first)
    found |= intervals(each, lambda sums: dict(zip(names, sums.T / count, strict=True)), seed=seed)
    drawn = first[np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))]
    median = f"{way}_median_rank"
    return found | {median: float(np.median(first)), f"{median}_ci": interval(np.median(drawn, axis=1))}


def relevance(said: Sequence[Collection[str]]) -> tuple[list[str], list[list[int]], list[list[int]]]:
    """The texts said of some pictures, each once; for each text its pictures, for each picture its texts."""
    texts = list(dict.fromkeys(text for own in said for text in own))
    place_of = {text: place for place, text in enumerate(texts)}
    of_picture = [sorted({place_of[text] for text in own}) for own in said]
    of_text: list[list[int]] = [[] for _ in texts]
    for picture, own in enumerate(of_picture):
        for text in own:
            of_text[text].append(picture)
    return texts, of_text, of_picture


def agreement(texts: Sequence[str], shown: Sequence[Mapping], world: World) -> np.ndarray:
    """How many statements of each text hold of each picture, less those that do not: [texts, pictures]."""
    stated = [set(world.parse(text).attributes.items()) for text in texts]
    facts = [set(attributes.items()) for attributes in shown]
    return np.array([[len(said & own) - len(said - own) for own in facts] for said in stated])


def true_of_none(texts: Sequence[str], shown: Sequence[Mapping], world: World) -> list[str]:
    """The texts that no picture fits in every statement."""
    best = agreement(texts, shown, world).max(1)
    return [t for t, right in zip(texts, best, strict=True) if right < len(world.parse(t).attributes)]


def both_ways(
    similarity: np.ndarray, said: Sequence[Collection[str]], *, back: np.ndarray | None = None, seed: int = 0
) -> dict[str, float | list[float]]:
    """Text to picture and back: `similarity` is [texts, pictures], the texts those of `relevance(said)`.

    `back`: the same for the way back, where it is another. Equal texts are one text: whatever picture it was
    said of is right.
    """
    _, of_text, of_picture = relevance(said)
    back = similarity if back is None else back
    found = retrieval_scores(similarity, of_text, way="t2i", seed=seed)
    return found | retrieval_scores(back.T, of_picture, way="i2t", seed=seed)

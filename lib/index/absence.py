"""Is there such a picture at all? A query's best score beside those of queries whose answer is known."""

import numpy as np


def absence(best: float, unrelated: np.ndarray, related: np.ndarray | None = None) -> float:
    """How likely it is that nothing fits a query whose best score is `best`.

    With `related`, best scores of queries that some picture fits: the share of `unrelated` ones among queries
    of such a score, both held equally frequent, never rising with the score (isotonic regression). Without:
    the share of unrelated ones that score as high, a p-value. An imagined query of each keeps it off 0, 1.
    """
    if related is None:
        return float((1 + np.sum(np.asarray(unrelated) >= best)) / (1 + len(unrelated)))
    kinds = np.append(unrelated, np.inf), np.append(related, -np.inf)
    scores = np.concatenate(kinds)
    weight = np.concatenate([np.full(len(kind), 1 / len(kind)) for kind in kinds])
    order = np.argsort(scores, kind="stable")
    total = np.append(0, np.cumsum(weight[order]))
    absent = np.append(0, np.cumsum(np.where(order < len(kinds[0]), weight[order], 0)))
    values, starts = np.unique(scores[order], return_index=True)
    here = np.searchsorted(values, best, side="right")
    left, right = starts[:here, None], np.append(starts, len(scores))[here:]
    # blocks of neighbours that reach across the score: the lowest, over their starts, of the highest shares
    return float(((absent[right] - absent[left]) / (total[right] - total[left])).max(1).min())

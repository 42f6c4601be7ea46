"""CIDEr-D, equal to pycocoevalcap's without end token and with the references' own document frequencies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.score.ngrams import (
    ORDERS,
    CandidateNgrams,
    Candidates,
    NgramIndex,
    ReferenceTable,
    Tokens,
    split_keys,
)

SIGMA = 6.0  # width of the penalty on a difference in length


@dataclass(frozen=True, eq=False)
class DocumentFrequencies:
    """In how many of `documents` items each n-gram occurs: what makes a word rare."""

    index: NgramIndex
    counts: tuple[np.ndarray, ...]  # n = 1..4, by n-gram number
    documents: int
    end_token: bool

    @classmethod
    def of(cls, references: Sequence[Sequence[Tokens]], *, end_token: bool = False) -> "DocumentFrequencies":
        """Counted from tokenised references, one list of them an item."""
        return cls.from_table(ReferenceTable(references, end_token=end_token))

    @classmethod
    def from_table(cls, table: ReferenceTable) -> "DocumentFrequencies":
        """Read off references that are counted already."""
        counts = tuple(order.documents for order in table.orders)
        return cls(table.index, counts, len(table), table.end_token)

    def rarities(self, sizes: Sequence[int]) -> list[np.ndarray]:
        """Weight of each numbered n-gram: log(documents / frequency); one never seen counts as seen once.

        One weight more than there are numbers: the last is that of every n-gram without a number.
        """
        padded = [np.pad(c, (0, size + 1 - c.size)) for c, size in zip(self.counts, sizes, strict=True)]
        return [np.log(self.documents) - np.log(np.maximum(counts, 1)) for counts in padded]


class CiderD:
    """CIDEr-D against references that are prepared once: made for rewards, used for evaluation too.

    With `end_token`, the end of a caption counts as a token in candidates, references and document
    frequencies: a caption that breaks off is then worth less.
    """

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]] | ReferenceTable,
        document_frequencies: DocumentFrequencies | None = None,
        *,
        end_token: bool = True,
    ):
        if isinstance(references, ReferenceTable):
            self.table = references
        else:
            index = document_frequencies.index if document_frequencies else None
            self.table = ReferenceTable(references, index=index, end_token=end_token)
        frequencies = document_frequencies or DocumentFrequencies.from_table(self.table)
        if frequencies.index is not self.table.index and frequencies.index is not self.table.base:
            raise ValueError("the references were not numbered by these document frequencies' index")
        if frequencies.end_token != self.table.end_token:
            raise ValueError("document frequencies and references must agree on the end token")
        self.rarity = frequencies.rarities(self.table.index.sizes)
        self.norms = [self._reference_norms(n) for n in range(ORDERS)]

    def scores(self, candidates: Sequence[Tokens], indices: Sequence[int] | None = None) -> np.ndarray:
        """CIDEr-D of each candidate against the references of item `indices[k]` (without indices: item k)."""
        return self.score_counted(self.table.count(candidates, indices))

    def score_counted(self, candidates: Candidates) -> np.ndarray:
        """The same for candidates that this object's table has counted."""
        rows, real = self.table.rows_of(candidates.items)
        similarity = sum(self._similarity(n, mine, rows) for n, mine in enumerate(candidates.orders))
        # The reference implementation measures length in bigrams: one and no token are both 0.
        lengths = np.maximum(candidates.lengths - 1, 0)[:, None]
        difference = lengths - np.maximum(self.table.lengths[rows] - 1, 0)
        similarity = np.where(real, similarity * np.exp(-(difference**2) / (2 * SIGMA**2)), 0)
        return 10 * similarity.sum(axis=1) / ORDERS / self.table.sizes[candidates.items]

    def _reference_norms(self, n: int) -> np.ndarray:
        """The length of each reference's weighted n-gram vector."""
        order = self.table.orders[n]
        number, _ = split_keys(np.repeat(order.groups, np.diff(order.first)))
        weight = order.count * self.rarity[n][number]
        return np.sqrt(np.bincount(order.row, weight**2, minlength=self.table.lengths.size))

    def _similarity(self, n: int, mine: CandidateNgrams, rows: np.ndarray) -> np.ndarray:
        """Clipped cosine of each candidate with each of its references, n-grams of one order. [C, R]"""
        order, rarity = self.table.orders[n], self.rarity[n]
        rare = rarity[np.minimum(mine.number, rarity.size - 1)]
        norm = np.sqrt(np.bincount(mine.row, (mine.count * rare) ** 2, minlength=len(rows)))

        matched = np.flatnonzero(mine.group >= 0)
        group = mine.group[matched]
        width = order.first[group + 1] - order.first[group]
        match = np.repeat(matched, width)
        entry = np.arange(match.size) + np.repeat(order.first[group] - np.cumsum(width) + width, width)
        weight = rarity[mine.number[match]]
        common = np.minimum(mine.count[match], order.count[entry]) * order.count[entry] * weight**2
        row = mine.row[match]
        cell = row * rows.shape[1] + order.row[entry] - rows[row, 0]
        dot = np.bincount(cell, common, minlength=rows.size).reshape(rows.shape)
        scale = norm[:, None] * self.norms[n][rows]
        return np.divide(dot, scale, out=np.zeros(dot.shape), where=scale > 0)

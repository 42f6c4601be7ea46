"""N-grams counted once: tokens and n-grams become numbers, and BLEU and CIDEr-D read the same sorted tables.

The number of an n-gram follows from the number of its first n-1 tokens and that of its last one, so two
different n-grams never share a number, however large the vocabulary is.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import NamedTuple

import numpy as np

Tokens = Sequence[Hashable]

ORDERS = 4
END = "<end>"
SHIFT = 32  # a key is two numbers in one: item or prefix above, n-gram or token below
NO_KEYS = np.empty(0, np.int64)


class NumberedNgrams(NamedTuple):
    """Every n-gram of some sequences, for n = 1..4: the sequence it stands in and its number."""

    lengths: np.ndarray  # [sequences]
    rows: list[np.ndarray]
    numbers: list[np.ndarray]


@dataclass(frozen=True)
class NgramIndex:
    """Numbers for tokens and n-grams; never changed, only extended."""

    tokens: dict[Hashable, int] = field(default_factory=dict)
    keys: tuple[np.ndarray, ...] = (NO_KEYS,) * (ORDERS - 1)  # n = 2..4, sorted
    numbers: tuple[np.ndarray, ...] = (NO_KEYS,) * (ORDERS - 1)  # of each key

    @property
    def sizes(self) -> list[int]:
        return [len(self.tokens), *(keys.size for keys in self.keys)]

    def number(self, sequences: Sequence[Tokens]) -> NumberedNgrams:
        """Number every n-gram; unknown ones get numbers past the known, good for this call only."""
        return self.extended(sequences)[1]

    def extended(self, sequences: Sequence[Tokens]) -> tuple["NgramIndex", NumberedNgrams]:
        """The index that also knows these n-grams; known ones keep their numbers."""
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        total = int(lengths.sum())
        tokens = defaultdict(count(len(self.tokens)).__next__, self.tokens)
        ids = np.fromiter(map(tokens.__getitem__, chain.from_iterable(sequences)), np.int64, total)
        row = np.repeat(np.arange(len(sequences)), lengths)
        remaining = np.repeat(np.cumsum(lengths), lengths) - np.arange(total)
        start, rows, numbers, levels = np.arange(total), [row], [ids], []
        for n, known, known_numbers in zip(range(2, ORDERS + 1), self.keys, self.numbers, strict=True):
            fits = remaining[start] >= n
            start = start[fits]
            wanted = numbers[-1][fits] << SHIFT | ids[start + n - 1]
            at, found = find_ngrams(known, wanted)
            fresh, inverse = np.unique(wanted[~found], return_inverse=True)
            number = np.empty(wanted.size, np.int64)
            number[found], number[~found] = known_numbers[at[found]], known.size + inverse
            rows.append(row[start])
            numbers.append(number)
            places = np.searchsorted(known, fresh)
            fresh_numbers = known.size + np.arange(fresh.size)
            levels.append((np.insert(known, places, fresh), np.insert(known_numbers, places, fresh_numbers)))
        return NgramIndex(dict(tokens), *zip(*levels, strict=True)), NumberedNgrams(lengths, rows, numbers)


def find_ngrams(haystack: np.ndarray, needles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each needle stands in a sorted array, and whether it really stands there."""
    if not haystack.size:
        return np.zeros(needles.size, np.int64), np.zeros(needles.size, bool)
    at = np.minimum(np.searchsorted(haystack, needles), haystack.size - 1)
    return at, haystack[at] == needles


class ReferenceNgrams(NamedTuple):
    """The n-grams of one order in all references, sorted by n-gram, item and reference.

    A group is one n-gram of one item; its entries say how often each reference of the item has it.
    """

    groups: np.ndarray  # n-gram << SHIFT | item, sorted
    first: np.ndarray  # [groups + 1] first entry of each group
    row: np.ndarray  # [entries] the reference
    count: np.ndarray  # [entries]
    most: np.ndarray  # [groups] the largest count among the item's references
    documents: np.ndarray  # [n-grams] in how many items' references it occurs


class CandidateNgrams(NamedTuple):
    """The n-grams of one order in candidates, with their group among the references (-1 for none)."""

    row: np.ndarray
    number: np.ndarray
    count: np.ndarray
    group: np.ndarray


class Candidates(NamedTuple):
    """Candidates counted against the references of `items`."""

    items: np.ndarray  # [candidates]
    lengths: np.ndarray  # [candidates]
    orders: list[CandidateNgrams]


class ReferenceTable:
    """All references counted once. Item i is one picture, `references[i]` its tokenised references."""

    def __init__(
        self,
        references: Sequence[Sequence[Tokens]],
        *,
        index: NgramIndex | None = None,
        end_token: bool = False,
    ):
        self.end_token = end_token
        self.base = index
        self.sizes = np.fromiter(map(len, references), np.int64, len(references))
        if not self.sizes.all():
            raise ValueError(f"item {int(np.argmin(self.sizes))} has no reference")
        self.first_row = np.cumsum(self.sizes) - self.sizes
        flat = self._ended(chain.from_iterable(references))
        self.index, numbered = (index or NgramIndex()).extended(flat)
        self.lengths = numbered.lengths
        item = np.repeat(np.arange(len(references)), self.sizes)
        levels = zip(numbered.numbers, numbered.rows, self.index.sizes, strict=True)
        self.orders = [count_references(item, *level) for level in levels]

    def __len__(self) -> int:
        return self.sizes.size

    def _ended(self, sequences: Iterable[Tokens]) -> list[Tokens]:
        return [[*tokens, END] for tokens in sequences] if self.end_token else list(sequences)

    def count(self, candidates: Sequence[Tokens], indices: Sequence[int] | None = None) -> Candidates:
        """Count candidates; candidate k is held against item `indices[k]` (item k where none are given)."""
        items = np.arange(len(self)) if indices is None else np.asarray(indices, np.int64)
        if items.size != len(candidates):
            raise ValueError(f"{len(candidates)} candidates for {items.size} items")
        numbered = self.index.number(self._ended(candidates))
        orders = []
        for rows, numbers, order in zip(numbered.rows, numbered.numbers, self.orders, strict=True):
            number, row, times = count_pairs(numbers, rows)
            at, found = find_ngrams(order.groups, number << SHIFT | items[row])
            orders.append(CandidateNgrams(row, number, times, np.where(found, at, -1)))
        return Candidates(items, numbered.lengths, orders)

    def rows_of(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The reference rows of each item, padded to the most any has, and which of them are real."""
        slots = np.arange(self.sizes.max(initial=1))
        real = slots < self.sizes[items, None]
        return np.where(real, self.first_row[items, None] + slots, 0), real


def count_references(item: np.ndarray, numbers: np.ndarray, rows: np.ndarray, size: int) -> ReferenceNgrams:
    """Count the n-grams of one order: sorted by number, then place, equal groups are runs."""
    number, row, times = count_pairs(numbers, rows)
    groups, first = np.unique(number << SHIFT | item[row], return_index=True)
    return ReferenceNgrams(
        groups=groups,
        first=np.append(first, number.size),
        row=row.astype(np.int32),
        count=times.astype(np.int32),
        most=np.maximum.reduceat(times, first) if first.size else times,
        documents=np.bincount(number[first], minlength=size),
    )


def count_pairs(numbers: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different pairs of n-gram and row, sorted, and how often each occurs."""
    keys, times = np.unique(numbers << SHIFT | rows, return_counts=True)
    return *split_keys(keys), times


def split_keys(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two numbers of a key."""
    return keys >> SHIFT, keys & ((1 << SHIFT) - 1)

"""N-grams counted once: tokens and n-grams become numbers, and BLEU and CIDEr-D read the same sorted tables.

The number of an n-gram follows from the number of its first n-1 tokens and that of its last one, so two
different n-grams never share a number, however large the vocabulary is.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain, filterfalse

import numpy as np

Tokens = Sequence[Hashable]

ORDERS = 4
END = "<end>"
SHIFT = 32  # a key is two numbers in one: item or prefix above, n-gram or token below
NO_KEYS = np.empty(0, np.int64)


@dataclass(frozen=True)
class NumberedNgrams:
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
        return self._number(sequences)[0]

    def extended(self, sequences: Sequence[Tokens]) -> tuple["NgramIndex", NumberedNgrams]:
        """The index that also knows these n-grams; known ones keep their numbers."""
        numbered, tokens, fresh = self._number(sequences)
        levels = [merge(*level) for level in zip(self.keys, self.numbers, fresh, strict=True)]
        keys, numbers = zip(*levels, strict=True)
        return NgramIndex(tokens, keys, numbers), numbered

    def _number(self, sequences: Sequence[Tokens]) -> tuple[NumberedNgrams, dict, list[np.ndarray]]:
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        flat = list(chain.from_iterable(sequences))
        unknown = dict.fromkeys(filterfalse(self.tokens.__contains__, flat))
        tokens = self.tokens | {token: len(self.tokens) + i for i, token in enumerate(unknown)}
        ids = np.fromiter(map(tokens.__getitem__, flat), np.int64, len(flat))
        row = np.repeat(np.arange(len(sequences)), lengths)
        remaining = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(flat))
        start, number = np.arange(len(flat)), ids
        rows, numbers, fresh = [row], [ids], []
        for n, known, known_numbers in zip(range(2, ORDERS + 1), self.keys, self.numbers, strict=True):
            fits = remaining[start] >= n
            start = start[fits]
            number, new = number_keys(known, known_numbers, number[fits] << SHIFT | ids[start + n - 1])
            rows.append(row[start])
            numbers.append(number)
            fresh.append(new)
        return NumberedNgrams(lengths, rows, numbers), tokens, fresh


def number_keys(known: np.ndarray, numbers: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each wanted key, and the sorted keys that were not known (numbered after the known)."""
    if not known.size:
        fresh, inverse = np.unique(wanted, return_inverse=True)
        return inverse, fresh
    at, found = find(known, wanted)
    result = numbers[at]
    fresh, inverse = np.unique(wanted[~found], return_inverse=True)
    result[~found] = known.size + inverse
    return result, fresh


def find(haystack: np.ndarray, needles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each needle stands in a sorted array, and whether it really stands there."""
    if not haystack.size:
        return np.zeros(needles.size, np.int64), np.zeros(needles.size, bool)
    at = np.minimum(np.searchsorted(haystack, needles), haystack.size - 1)
    return at, haystack[at] == needles


def merge(keys: np.ndarray, numbers: np.ndarray, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted keys with their numbers, after fresh keys got the numbers that follow."""
    fresh_numbers = np.arange(keys.size, keys.size + fresh.size)
    if not keys.size:
        return fresh, fresh_numbers
    if not fresh.size:
        return keys, numbers
    together = np.concatenate([keys, fresh])
    order = np.argsort(together)
    return together[order], np.concatenate([numbers, fresh_numbers])[order]


def count_runs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of a sorted array, as the position of their first, and how often each occurs."""
    first = np.flatnonzero(np.concatenate([np.ones(min(keys.size, 1), bool), keys[1:] != keys[:-1]]))
    return first, np.diff(np.append(first, keys.size))


@dataclass(frozen=True)
class ReferenceNgrams:
    """The n-grams of one order in all references, sorted by item, n-gram and reference.

    A group is one n-gram of one item; its entries say how often each reference of the item has it.
    """

    groups: np.ndarray  # item << SHIFT | n-gram, sorted
    first: np.ndarray  # [groups + 1] first entry of each group
    reference: np.ndarray  # [entries] which of the item's references
    count: np.ndarray  # [entries]
    most: np.ndarray  # [groups] the largest count among the item's references
    documents: np.ndarray  # [n-grams] in how many items' references it occurs


@dataclass(frozen=True)
class CandidateNgrams:
    """The n-grams of one order in candidates, with their group among the references (-1 for none)."""

    row: np.ndarray
    number: np.ndarray
    count: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class Candidates:
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
        reference = np.arange(len(flat)) - self.first_row[item]
        self.orders = [
            count_references(item[rows], reference[rows], numbers, size)
            for rows, numbers, size in zip(numbered.rows, numbered.numbers, self.index.sizes, strict=True)
        ]

    def __len__(self) -> int:
        return self.sizes.size

    def _ended(self, sequences) -> list[Tokens]:
        return [[*tokens, END] for tokens in sequences] if self.end_token else list(sequences)

    def count(self, candidates: Sequence[Tokens], indices: Sequence[int] | None = None) -> Candidates:
        """Count candidates; candidate k is held against item `indices[k]` (item k where none are given)."""
        items = np.arange(len(self)) if indices is None else np.asarray(indices, np.int64)
        if items.size != len(candidates):
            raise ValueError(f"{len(candidates)} candidates for {items.size} items")
        numbered = self.index.number(self._ended(candidates))
        orders = []
        for rows, numbers, order in zip(numbered.rows, numbered.numbers, self.orders, strict=True):
            keys = np.sort(rows << SHIFT | numbers)
            first, count = count_runs(keys)
            row, number = split(keys[first])
            at, found = find(order.groups, items[row] << SHIFT | number)
            orders.append(CandidateNgrams(row, number, count, np.where(found, at, -1)))
        return Candidates(items, numbered.lengths, orders)

    def rows_of(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The reference rows of each item, padded to the most any has, and which of them are real."""
        slots = np.arange(self.sizes.max(initial=1))
        real = slots < self.sizes[items, None]
        return np.where(real, self.first_row[items, None] + slots, 0), real


def count_references(
    item: np.ndarray, reference: np.ndarray, number: np.ndarray, size: int
) -> ReferenceNgrams:
    """Count the n-grams of one order: one sort, then runs of equal entries within runs of equal groups."""
    bits = int(reference.max(initial=0)).bit_length()
    if int(item.max(initial=0)).bit_length() + SHIFT + bits > 63:
        raise ValueError("too many references to count in 64-bit keys")
    entries = np.sort((item << SHIFT | number) << bits | reference)
    start, count = count_runs(entries)
    entries = entries[start]
    first, _ = count_runs(entries >> bits)
    groups = entries[first] >> bits
    most = np.maximum.reduceat(count, first) if first.size else count
    return ReferenceNgrams(
        groups=groups,
        first=np.append(first, entries.size),
        reference=(entries & ((1 << bits) - 1)).astype(np.int32),
        count=count.astype(np.int32),
        most=most,
        documents=np.bincount(split(groups)[1], minlength=size),
    )


def split(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two numbers of a key."""
    return keys >> SHIFT, keys & ((1 << SHIFT) - 1)

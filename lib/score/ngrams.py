"""N-grams counted once: tokens and n-grams become numbers, and BLEU and CIDEr-D read the same sorted tables.

The number of an n-gram follows from the number of its first n-1 tokens and that of its last one, so two
different n-grams never share a number, however large the vocabulary is.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

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
    orders: list[np.ndarray | None]  # the order by number, then by place, where numbering has sorted anyway


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
        total = int(lengths.sum())
        tokens = defaultdict(count(len(self.tokens)).__next__, self.tokens)
        ids = np.fromiter(map(tokens.__getitem__, chain.from_iterable(sequences)), np.int64, total)
        row = np.repeat(np.arange(len(sequences)), lengths)
        remaining = np.repeat(np.cumsum(lengths), lengths) - np.arange(total)
        start, number = np.arange(total), ids
        rows, numbers, orders, fresh = [row], [ids], [None], []
        for n, known, known_numbers in zip(range(2, ORDERS + 1), self.keys, self.numbers, strict=True):
            fits = remaining[start] >= n
            start = start[fits]
            number, new, order = number_keys(known, known_numbers, number[fits] << SHIFT | ids[start + n - 1])
            rows.append(row[start])
            numbers.append(number)
            orders.append(order)
            fresh.append(new)
        return NumberedNgrams(lengths, rows, numbers, orders), dict(tokens), fresh


def number_keys(
    known: np.ndarray, numbers: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The number of each wanted key, the unknown keys (sorted, numbered after the known), and the order."""
    if not known.size:
        return number_fresh(wanted)
    at, found = find_ngrams(known, wanted)
    result = numbers[at]
    inverse, fresh, _ = number_fresh(wanted[~found])
    result[~found] = known.size + inverse
    return result, fresh, None


def number_fresh(wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys numbered in their own order, the distinct ones, and the order that sorts them."""
    order = sort_places(wanted)
    ordered = wanted[order]
    first, _ = count_runs(ordered)
    change = np.zeros(wanted.size, np.int64)
    change[first[1:]] = 1
    number = np.empty(wanted.size, np.int64)
    number[order] = np.cumsum(change)
    return number, ordered[first], order


def sort_places(keys: np.ndarray) -> np.ndarray:
    """A stable argsort of keys of two numbers, by 16 bits at a time: numpy sorts those by radix."""
    upper, lower = split_keys(keys)
    bits = int(lower.max(initial=0)).bit_length()
    packed = upper << bits | lower
    order = np.argsort(packed.astype(np.uint16), kind="stable")
    for shift in range(16, int(packed.max(initial=0)).bit_length(), 16):
        order = order[np.argsort((packed[order] >> shift).astype(np.uint16), kind="stable")]
    return order


def find_ngrams(haystack: np.ndarray, needles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each needle stands in a sorted array, and whether it really stands there."""
    if not haystack.size:
        return np.zeros(needles.size, np.int64), np.zeros(needles.size, bool)
    order = sort_places(needles)  # neighbours find each other's way still in the cache
    at = np.empty(needles.size, np.int64)
    at[order] = np.searchsorted(haystack, needles[order])
    at = np.minimum(at, haystack.size - 1)
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
    """The n-grams of one order in all references, sorted by n-gram, item and reference.

    A group is one n-gram of one item; its entries say how often each reference of the item has it.
    """

    groups: np.ndarray  # n-gram << SHIFT | item, sorted
    first: np.ndarray  # [groups + 1] first entry of each group
    row: np.ndarray  # [entries] the reference
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
        levels = zip(numbered.rows, numbered.numbers, numbered.orders, self.index.sizes, strict=True)
        self.orders = [count_references(item, *level) for level in levels]

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
            keys = np.sort(numbers << SHIFT | rows)
            first, times = count_runs(keys)
            number, row = split_keys(keys[first])
            at, found = find_ngrams(order.groups, number << SHIFT | items[row])
            orders.append(CandidateNgrams(row, number, times, np.where(found, at, -1)))
        return Candidates(items, numbered.lengths, orders)

    def rows_of(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The reference rows of each item, padded to the most any has, and which of them are real."""
        slots = np.arange(self.sizes.max(initial=1))
        real = slots < self.sizes[items, None]
        return np.where(real, self.first_row[items, None] + slots, 0), real


def count_references(
    item_of: np.ndarray, row: np.ndarray, number: np.ndarray, order: np.ndarray | None, size: int
) -> ReferenceNgrams:
    """Count the n-grams of one order: sorted by number, then place, equal entries and groups are runs."""
    order = sort_places(number) if order is None else order
    number, row = number[order], row[order]
    start, times = count_runs(number << SHIFT | row)
    number, row = number[start], row[start]
    keys = number << SHIFT | item_of[row]
    first, _ = count_runs(keys)
    groups = keys[first]
    return ReferenceNgrams(
        groups=groups,
        first=np.append(first, keys.size),
        row=row.astype(np.int32),
        count=times.astype(np.int32),
        most=np.maximum.reduceat(times, first) if first.size else times,
        documents=np.bincount(number[first], minlength=size),
    )


def split_keys(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two numbers of a key."""
    return keys >> SHIFT, keys & ((1 << SHIFT) - 1)

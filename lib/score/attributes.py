"""Attribute F1: how much of what a picture shows a caption states, and how much of what it states is there.

A statement is an attribute with a value, read by the world it is said of. It is right where the attribute is
visible with that value, and wrong where it is hidden or absent (None). An attribute stated with two values
that contradict each other counts as one wrong statement, so hedging never pays.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np

from lib.score.pairs import ScoreError, Texts, match_ids

WORD = re.compile(r"([^\W_]+(?:[-'][^\W_]+)*)")
Attributes = Mapping[str, str | None]  # what is true of a picture; None where it is hidden or absent


class Statements(Protocol):
    """What a text states: one value of an attribute, or several that contradict each other."""

    attributes: Mapping[str, str]
    conflicts: Mapping[str, Sequence[str]]


class World(Protocol):
    """What can be true of a picture, and how a text is read back. It is handed in; there is no global one."""

    schema: Mapping[str, Sequence[str]]
    scored: Sequence[str]  # the attributes that count unless others are asked for

    def parse(self, text: str) -> Statements: ...


@dataclass(frozen=True, kw_only=True)
class AttributeScore:
    """The micro-averaged score of a set of captions, and where it comes from."""

    f1: float
    precision: float
    recall: float
    per_attribute: dict[str, dict[str, float]]  # name -> precision, recall, f1, support (visible attributes)
    counts: np.ndarray  # [C, 3] of each caption: statements that are right, statements, visible attributes


def attribute_f1(
    candidates: Texts,
    truths: Mapping[str, Attributes] | Sequence[Attributes],
    world: World,
    *,
    names: Sequence[str] | None = None,
) -> AttributeScore:
    """Score captions against what is visible, both by id or both in the same order.

    What the world does not score by itself counts only where it is asked for: `names=SCENE` scores the
    background alone. Attributes that no picture shows and no caption states are left out of `per_attribute`.
    """
    names = world.scored if names is None else names
    if unknown := [name for name in names if name not in world.schema]:
        raise ScoreError(f"unknown attribute {unknown[0]!r}; known: {', '.join(world.schema)}")
    keys = match_ids(candidates, truths)
    for key in keys:
        _check_attributes(truths[key], names, f"{key!r}: ")
    compared = [_compare(world.parse(candidates[key]), truths[key], names) for key in keys]
    tables = np.array(compared)  # [C, A, 3]
    counts, by_name = tables.sum(axis=1), tables.sum(axis=0)
    return AttributeScore(
        **{name: float(rate) for name, rate in attribute_rates(counts.sum(axis=0)).items()},
        per_attribute={name: _row(tally) for name, tally in zip(names, by_name, strict=True) if tally.any()},
        counts=counts,
    )


def attribute_rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """F1, precision and recall from counts [..., 3] of what is right, stated and visible.

    From sums over captions they are the micro-averaged ones. F1, the harmonic mean of the other two, is 1
    where there was nothing to say and nothing was said.
    """
    right, stated, visible = np.moveaxis(counts, -1, 0)
    return {
        "f1": _divide(2 * right, stated + visible, 1.0),
        "precision": _divide(right, stated, 0.0),
        "recall": _divide(right, visible, 0.0),
    }


def attribute_set(caption: str, world: World) -> frozenset[tuple[str, str]]:
    """What a caption states, as a set: captions that differ only in wording have equal sets."""
    parsed = world.parse(caption)
    disputed = ((name, value) for name, values in parsed.conflicts.items() for value in values)
    return frozenset((*parsed.attributes.items(), *disputed))


def statements(caption: str, world: World) -> tuple[frozenset[tuple[str, str]], int]:
    """What a caption states of what is scored, and how many statements that is, contradictions among them."""
    parsed = world.parse(caption)
    said = frozenset((name, value) for name, value in parsed.attributes.items() if name in world.scored)
    return said, len(said) + sum(name in world.scored for name in parsed.conflicts)


def mistakes(caption: str, attributes: Attributes, world: World) -> tuple[list[str], list[str]]:
    """What a caption states wrongly, contradictions among it, and what is visible and left out, in words."""
    said, visible = attribute_set(caption, world), what_is_visible(attributes, world)
    spoken = {name for name, _ in said}
    wrong = {pair for pair in said - visible if pair[0] in world.scored}
    unsaid = {pair for pair in visible if pair[0] not in spoken}
    return tuple(
        sorted(" ".join(dict.fromkeys(pair)).replace("_", " ") for pair in part) for part in (wrong, unsaid)
    )


def tell_apart(caption: str, attributes: Attributes, world: World) -> list[str]:
    """The caption in pieces, every second of them a word without which something untrue would not be stated.

    Words are left out in turn, then all that are the same; what costs the least of what is true is marked.
    """
    pieces, words = WORD.split(caption), {}
    for place in range(1, len(pieces), 2):
        words.setdefault(pieces[place], []).append(place)
    said = attribute_set(caption, world)
    wrong = {pair for pair in said - what_is_visible(attributes, world) if pair[0] in world.scored}
    lost, marked = [], set()
    for unit in [*([place] for same in words.values() for place in same), *words.values()] if wrong else ():
        rest = "".join(piece for place, piece in enumerate(pieces) if place not in unit)
        gone = said - attribute_set(rest, world)
        lost.append(((len(gone - wrong), len(gone), len(unit)), unit, gone))
    for pair in wrong:
        ways = [(cost, unit) for cost, unit, gone in lost if pair in gone]
        marked.update(place for cost, unit in ways if cost == min(ways)[0] for place in unit)
    runs = groupby(enumerate(pieces), lambda piece: piece[0] in marked)
    return ["".join(piece for _, piece in run) for _, run in runs]


def what_is_visible(attributes: Attributes, world: World) -> frozenset[tuple[str, str]]:
    """What there is to state of a picture."""
    _check_attributes(attributes, world.scored)
    return frozenset((name, attributes[name]) for name in world.scored if attributes[name] is not None)


def _compare(parsed: Statements, truth: Attributes, names: Sequence[str]) -> list[tuple[int, int, int]]:
    """For each attribute, as 0 or 1: stated rightly, stated, visible. [A, 3]"""
    table = []
    for name in names:
        true, said = truth[name], parsed.attributes.get(name)
        stated = said is not None or name in parsed.conflicts
        right = said is not None and said == true  # a contradiction is not right of a hidden one either
        table.append((int(right), int(stated), int(true is not None)))
    return table


def _check_attributes(attributes: Attributes | None, names: Sequence[str], whose: str = "") -> None:
    """Not knowing an attribute is another thing than knowing that it is hidden."""
    if lacking := [name for name in names if name not in (attributes or {})]:
        raise ScoreError(f"{whose}no attribute {lacking[0]!r}; expected a value, or None where it is hidden")


def _divide(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    """A share; `otherwise` where there is nothing to share."""
    return np.divide(part, whole, out=np.full(np.shape(whole), otherwise), where=whole > 0)


def _row(tally: np.ndarray) -> dict[str, float]:
    rates = {name: float(rate) for name, rate in attribute_rates(tally).items()}
    return rates | {"support": int(tally[2])}

"""Attribute F1: how much of what a picture shows a caption states, and how much of what it states is there.

A statement is an attribute with a value, read by the atelier's parser. It is right where the attribute is
visible with that value, and wrong where it is hidden or absent (None). An attribute stated with two values
that contradict each other counts as one wrong statement, so hedging never pays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atelier.parse import parse
from atelier.wardrobe import ACCESSORIES, CORE, SCHEMA, Attributes
from lib.score.pairs import ScoreError, Texts, match_ids

WORN = (*CORE, *ACCESSORIES)


@dataclass(frozen=True, kw_only=True)
class AttributeScore:
    """The micro-averaged score of a set of captions, and where it comes from."""

    f1: float
    precision: float
    recall: float
    per_attribute: dict[str, dict[str, float]]  # name -> precision, recall, f1, support (visible attributes)
    per_caption: list[float]  # F1 of each caption, in the order given
    counts: np.ndarray  # [C, 3] of each caption: statements that are right, statements, visible attributes


def attribute_f1(
    candidates: Texts,
    truths: Mapping[str, Attributes] | Sequence[Attributes],
    *,
    names: Sequence[str] = WORN,
) -> AttributeScore:
    """Score captions against what is visible, both by id or both in the same order.

    The background counts only where it is asked for: `names=SCENE` scores it alone. Attributes that no
    picture shows and no caption states are left out of `per_attribute`.
    """
    _check_names(names)
    keys = match_ids(candidates, truths)
    for key in keys:
        _check_attributes(key, truths[key], names)
    tables = np.array([_compare(candidates[key], truths[key], names) for key in keys])  # [C, A, 3]
    counts, by_name = tables.sum(axis=1), tables.sum(axis=0)
    return AttributeScore(
        **{name: float(rate) for name, rate in attribute_rates(counts.sum(axis=0)).items()},
        per_attribute={name: _row(tally) for name, tally in zip(names, by_name, strict=True) if tally.any()},
        per_caption=attribute_rates(counts)["f1"].tolist(),
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


def attribute_scores(
    candidates: Sequence[str], truths: Sequence[Attributes], *, names: Sequence[str] = WORN
) -> list[float]:
    """The F1 of each caption alone: a reward for reinforcement learning."""
    return attribute_f1(candidates, truths, names=names).per_caption if candidates else []


def attribute_set(caption: str) -> frozenset[tuple[str, str]]:
    """What a caption states, as a set: captions that differ only in wording have equal sets."""
    parsed = parse(caption)
    disputed = ((name, value) for name, values in parsed.conflicts.items() for value in values)
    return frozenset((*parsed.attributes.items(), *disputed))


def statements(caption: str) -> tuple[frozenset[tuple[str, str]], int]:
    """What a caption states of what is worn, and how many statements that is, contradictions among them."""
    parsed = parse(caption)
    said = frozenset((name, value) for name, value in parsed.attributes.items() if name in WORN)
    return said, len(said) + sum(name in WORN for name in parsed.conflicts)


def what_is_visible(attributes: Attributes) -> frozenset[tuple[str, str]]:
    """What there is to state of what is worn in a picture."""
    lacking = [name for name in WORN if name not in attributes]
    if lacking:
        raise ScoreError(f"no attribute {lacking[0]!r}; expected a value, or None where it is hidden")
    return frozenset((name, attributes[name]) for name in WORN if attributes[name] is not None)


def _compare(caption: str, attributes: Attributes, names: Sequence[str]) -> list[tuple[int, int, int]]:
    """For each attribute, as 0 or 1: stated rightly, stated, visible. [A, 3]"""
    parsed = parse(caption)
    table = []
    for name in names:
        truth, said = attributes[name], parsed.attributes.get(name)
        stated = said is not None or name in parsed.conflicts
        right = (
            said is not None and said == truth
        )  # a contradiction is not right of a hidden attribute either
        table.append((int(right), int(stated), int(truth is not None)))
    return table


def _check_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in SCHEMA]
    if unknown:
        raise ScoreError(f"unknown attribute {unknown[0]!r}; known: {', '.join(SCHEMA)}")


def _check_attributes(key: object, attributes: Attributes | None, names: Sequence[str]) -> None:
    """Not knowing an attribute is another thing than knowing that it is hidden."""
    lacking = [name for name in names if name not in (attributes or {})]
    if lacking:
        raise ScoreError(
            f"{key!r}: no attribute {lacking[0]!r}; expected a value, or None where it is hidden"
        )


def _divide(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    """A share; `otherwise` where there is nothing to share."""
    return np.divide(part, whole, out=np.full(np.shape(whole), otherwise), where=whole > 0)


def _row(tally: np.ndarray) -> dict[str, float]:
    rates = {name: float(rate) for name, rate in attribute_rates(tally).items()}
    return rates | {"support": int(tally[2])}

"""Attribute F1: how much of what a picture shows a caption states, and how much of what it states is there.

A statement is an attribute with a value, read by the atelier's parser. It is right where the fact is
visible with that value; on a hidden or absent fact (None) it is wrong. An attribute stated with two values
that contradict each other counts as one wrong statement, so hedging never pays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lib.atelier.parse import parse
from lib.atelier.wardrobe import ACCESSORIES, CORE, SCHEMA, Facts
from lib.score.pairs import ScoreError, Texts, match_ids

WORN = (*CORE, *ACCESSORIES)


@dataclass(slots=True)
class Tally:
    """Counts over captions: statements that are right, statements made, facts that were visible."""

    right: int = 0
    stated: int = 0
    visible: int = 0

    def add(self, other: "Tally") -> None:
        self.right += other.right
        self.stated += other.stated
        self.visible += other.visible

    @property
    def precision(self) -> float:
        return self.right / self.stated if self.stated else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.visible if self.visible else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 1 where there was nothing to say and nothing was said."""
        total = self.stated + self.visible
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True, kw_only=True)
class AttributeScore:
    """The micro-averaged score of a set of captions, and where it comes from."""

    f1: float
    precision: float
    recall: float
    per_attribute: dict[str, dict[str, float]]  # name -> precision, recall, f1, support (visible facts)
    per_caption: list[float]  # F1 of each caption, in the order given


def attribute_f1(
    candidates: Texts, truths: Mapping[str, Facts] | Sequence[Facts], *, attributes: Sequence[str] = WORN
) -> AttributeScore:
    """Score captions against what is visible, both by id or both in the same order.

    The background counts only where it is asked for: `attributes=SCENE` scores it alone. Attributes that no
    picture shows and no caption states are left out of `per_attribute`.
    """
    _check_names(attributes)
    whole, by_name, per_caption = Tally(), {name: Tally() for name in attributes}, []
    for key in match_ids(candidates, truths):
        own = Tally()
        for name, tally in _compare(candidates[key], truths[key], attributes):
            own.add(tally)
            by_name[name].add(tally)
        whole.add(own)
        per_caption.append(own.f1)
    return AttributeScore(
        f1=whole.f1,
        precision=whole.precision,
        recall=whole.recall,
        per_attribute={name: _row(tally) for name, tally in by_name.items() if tally.stated or tally.visible},
        per_caption=per_caption,
    )


def attribute_scores(
    candidates: Sequence[str], truths: Sequence[Facts], *, attributes: Sequence[str] = WORN
) -> list[float]:
    """The F1 of each caption alone: a reward for reinforcement learning."""
    return attribute_f1(candidates, truths, attributes=attributes).per_caption if candidates else []


def attribute_set(caption: str) -> frozenset[tuple[str, str]]:
    """What a caption states, as a set: captions that differ only in wording have equal sets."""
    parsed = parse(caption)
    disputed = ((name, value) for name, values in parsed.conflicts.items() for value in values)
    return frozenset((*parsed.facts.items(), *disputed))


def _compare(caption: str, facts: Facts, attributes: Sequence[str]) -> Iterator[tuple[str, Tally]]:
    """Each attribute that the picture shows or the caption states, as a tally of one."""
    parsed = parse(caption)
    for name in attributes:
        truth, said = facts[name], parsed.facts.get(name)
        stated = said is not None or name in parsed.conflicts
        if stated or truth is not None:
            yield name, Tally(stated and said == truth, stated, truth is not None)


def _check_names(attributes: Sequence[str]) -> None:
    unknown = [name for name in attributes if name not in SCHEMA]
    if unknown:
        raise ScoreError(f"unknown attribute {unknown[0]!r}; known: {', '.join(SCHEMA)}")


def _row(tally: Tally) -> dict[str, float]:
    return {
        "precision": tally.precision,
        "recall": tally.recall,
        "f1": tally.f1,
        "support": tally.visible,
    }

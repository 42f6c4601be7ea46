"""Trial: the hallucination check put to the test, and its thresholds chosen, before it is let loose.

True captions of scenes get a wrong claim here and there; the judge sees the pictures' evidence and no truth.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.atelier.describe import describe
from lib.atelier.wardrobe import Facts
from lib.data.record import Record
from lib.rebuild.backends.shape import Backend, BackendError, Failure
from lib.rebuild.judge import Evidence, ImageText, Judged, Judging, Threshold, Verdict, judge_text
from lib.rebuild.proof import KINDS, Planted, choose_doubt, claim_curve, plant_claims
from lib.rebuild.witness import EVIDENCE

PLANTED = 0.5  # of the texts, for each kind of claim: the others show what the judge takes away for nothing


@dataclass(frozen=True)
class Trial:
    """Texts with planted claims, what is true of their pictures, and what the witness says of these."""

    texts: tuple[Planted, ...]
    truths: tuple[Facts, ...]
    evidence: tuple[Evidence, ...]
    pictures: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.texts)


def set_trial(records: Sequence[Record], witness: Backend, *, seed: int = 0) -> Trial:
    """A true caption of each scene, half of them with a wrong garment, half with a wrong place."""
    answers = witness([record.path for record in records], [EVIDENCE] * len(records))
    if failed := [answer for answer in answers if isinstance(answer, Failure)]:
        raise BackendError(f"the witness sees nothing in a picture of the trial: {failed[0].reason}")
    chance = random.Random(seed)
    truths = tuple(record.attributes for record in records)
    texts = tuple(plant(describe(truth, chance, scene=True), truth, chance) for truth in truths)
    evidence = tuple(Evidence.from_text(answer) for answer in answers)
    return Trial(texts, truths, evidence, tuple(record.path for record in records))


def plant(text: str, truth: Facts, chance: random.Random) -> Planted:
    claims = []
    for kind in KINDS:
        if chance.random() < PLANTED:
            planted = plant_claims(text, truth, chance, kind=kind)
            text, claims = planted.text, [*claims, *planted.claims]
    return Planted(text, tuple(claims))


def hold_trial(
    trial: Trial, settings: Judging | None = None, *, image_text_model: ImageText | None = None
) -> list[Judged]:
    """The judge on every text."""
    more = {"settings": settings, "image_text_model": image_text_model}
    rows = zip(trial.texts, trial.evidence, trial.pictures, strict=True)
    return [
        judge_text(text.text, seen, picture=picture, seed=number, **more)
        for number, (text, seen, picture) in enumerate(rows)
    ]


def curves(judged: Sequence[Judged], truths: Sequence[Facts]) -> dict[str, list[dict[str, float | None]]]:
    """For each kind of claim what is found and what is lost at every threshold."""
    return claim_curve([text.verdicts for text in judged], truths)


def choose_judging(
    by_kind: Mapping[str, Sequence[Mapping[str, Any]]], *, most_lost: float, mend: float = 0.7
) -> Judging:
    """The judge that finds most of each kind and takes away at most this share of the true claims."""
    doubts = {kind: choose_doubt(curve, most_lost=most_lost) for kind, curve in by_kind.items()}
    return Judging(**{kind: Threshold(doubt=at, mend=max(mend, at)) for kind, at in doubts.items()})


def verdicts_of(rows: Sequence[Mapping[str, Any]]) -> list[list[Verdict]]:
    """The verdicts that judged rows carry, all kinds of text together."""
    return [[Verdict(**v) for its in row["claims"].values() for v in its] for row in rows]

"""Judge calibration: the judge's thresholds chosen, and what it is worth, where the truth is known.

Wrong claims are planted in true captions of scenes; the judge sees the pictures' evidence and neither the
plants nor the truth, and the truth counts: how many wrong claims it found, how many true ones it took away.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atelier.describe import describe
from atelier.wardrobe import ACCESSORIES, SCHEMA, Attributes
from lib.data.record import Record
from rebuild.audit.claims import Claim, kind_of, read_claims, rewrite
from rebuild.audit.judge import (
    KEPT,
    MENDED,
    Evidence,
    ImageText,
    Judged,
    JudgeSettings,
    Threshold,
    Verdict,
    judge_text,
)
from rebuild.audit.own_models import EVIDENCE
from rebuild.backends.shape import Backend, BackendError, NoAnswer

KINDS = ("garments", "background")
POINTS = 200  # of a curve
PLANTED = 0.5  # of the texts, for each kind of claim: the others show what the judge takes away for nothing


@dataclass(frozen=True)
class Planted:
    """A text into which wrong claims were put, and which ones."""

    text: str
    claims: tuple[Claim, ...]


def plant_claims(text: str, truth: Attributes, rng: random.Random, *, kind: str, count: int = 1) -> Planted:
    """Make up to `count` claims of one kind ("garments", "background") wrong, as a careless model would.

    A stated value becomes another one, or something is worn that is not there. The text may come back with
    fewer plants, or none, where it has no words for more.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    stated = dict(read_claims(text))
    planted: list[Claim] = []
    candidates = wrong_claims(stated, truth, kind, rng)
    for claim in rng.sample(candidates, len(candidates)):
        if len(planted) == count:
            break
        changed = rewrite(text, stated | {claim.attribute: claim.value}, rng.getrandbits(32))
        if changed and dict(read_claims(changed)) == stated | {claim.attribute: claim.value}:
            text, stated = changed, stated | {claim.attribute: claim.value}
            planted.append(claim)
    return Planted(text, tuple(planted))


def wrong_claims(stated: Mapping[str, str], truth: Attributes, kind: str, rng: random.Random) -> list[Claim]:
    """One wrong claim for each stated attribute that has another value, and for each thing not worn."""
    names = [name for name in stated if kind_of(name) == kind]
    if kind == "garments":
        names += [name for name in ACCESSORIES if name not in stated and truth[name] is None]
    found = []
    for name in names:
        others = [value for value in SCHEMA[name] if value not in (truth[name], stated.get(name))]
        if others:
            found.append(Claim(name, rng.choice(others)))
    return found


def measure_claims(
    verdicts: Sequence[Iterable[Verdict]], truths: Sequence[Attributes], *, by: str = "kind"
) -> dict[str, dict[str, float | int | None]]:
    """How the judge did, for each kind of claim or, with `by="attribute"`, for each attribute.

    found (recall): of the wrong claims, those not kept. precision: of those not kept, the wrong ones.
    lost: of the true claims, those not kept. mended_right: of the mended, those now true. None: of nothing.
    """
    groups: dict[str, list[tuple[Verdict, Attributes]]] = {}
    for its, truth in zip(verdicts, truths, strict=True):
        for verdict in its:
            groups.setdefault(getattr(verdict, by), []).append((verdict, truth))
    return {name: count_outcomes(pairs) for name, pairs in groups.items()}


def count_outcomes(pairs: Sequence[tuple[Verdict, Attributes]]) -> dict[str, float | int | None]:
    wrong = [v for v, truth in pairs if truth[v.attribute] != v.value]
    true = [v for v, truth in pairs if truth[v.attribute] == v.value]
    mended = [(v, truth) for v, truth in pairs if v.outcome == MENDED]
    found, lost = (sum(v.outcome != KEPT for v in some) for some in (wrong, true))
    right = sum(v.instead == truth[v.attribute] for v, truth in mended)
    return {
        "claims": len(pairs),
        "wrong": len(wrong),
        "found": ratio(found, len(wrong)),
        "precision": ratio(found, found + lost),
        "lost": ratio(lost, len(true)),
        "mended": len(mended),
        "mended_right": ratio(right, len(mended)),
    }


def doubt_curves(
    judged: Sequence[Judged], truths: Sequence[Attributes]
) -> dict[str, list[dict[str, float | None]]]:
    """For each kind found, precision and lost at every threshold of doubt, the smallest first.

    Exact for what `judge_claim` decides by belief; claims without an opinion are kept at any threshold.
    """
    beliefs: dict[str, tuple[list[float], list[float]]] = {}  # kind -> of wrong claims, of true ones
    for text, truth in zip(judged, truths, strict=True):
        for v in text.verdicts:
            wrong, true = beliefs.setdefault(v.kind, ([], []))
            belief = 2.0 if v.belief is None else v.belief
            (true if truth[v.attribute] == v.value else wrong).append(belief)
    return {kind: sweep(*both) for kind, both in beliefs.items()}


def sweep(wrong: Sequence[float], true: Sequence[float]) -> list[dict[str, float | None]]:
    values = sorted({value for value in (*wrong, *true) if value <= 1})
    step = max(1, len(values) // POINTS)
    thresholds = [0.0, *values[step - 1 :: step], 1.0] if values else [0.0, 1.0]
    points = []
    for threshold in dict.fromkeys(thresholds):
        found, lost = (sum(value < threshold for value in some) for some in (wrong, true))
        points.append({"threshold": threshold, "found": ratio(found, len(wrong)),
                       "precision": ratio(found, found + lost), "lost": ratio(lost, len(true))})  # fmt: skip
    return points


def choose_doubt(curve: Sequence[Mapping[str, Any]], *, most_lost: float = 0.05) -> float:
    """The threshold that finds most while it takes away no more of the true claims than `most_lost`.

    To be chosen on pictures other than those that are reported.
    """
    within = [point for point in curve if (point["lost"] or 0.0) <= most_lost]
    return max(within, key=lambda point: (point["found"] or 0.0, -point["threshold"]))["threshold"]


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True)
class PlantedSet:
    """Texts with planted claims, what is true of their pictures, and what our own models say of these."""

    texts: tuple[Planted, ...]
    truths: tuple[Attributes, ...]
    evidence: tuple[Evidence, ...]
    pictures: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.texts)


def plant_errors(records: Sequence[Record], own_models: Backend, *, seed: int = 0) -> PlantedSet:
    """A true caption of each scene, half of them with a wrong garment, half with a wrong place."""
    answers = own_models([record.path for record in records], [EVIDENCE] * len(records))
    if failed := [answer for answer in answers if isinstance(answer, NoAnswer)]:
        raise BackendError(f"our own models see nothing in a picture: {failed[0].reason}")
    chance = random.Random(seed)
    truths = tuple(record.attributes for record in records)
    texts = tuple(plant(describe(truth, chance, scene=True), truth, chance) for truth in truths)
    evidence = tuple(Evidence.from_text(answer) for answer in answers)
    return PlantedSet(texts, truths, evidence, tuple(record.path for record in records))


def plant(text: str, truth: Attributes, chance: random.Random) -> Planted:
    claims = []
    for kind in KINDS:
        if chance.random() < PLANTED:
            planted = plant_claims(text, truth, chance, kind=kind)
            text, claims = planted.text, [*claims, *planted.claims]
    return Planted(text, tuple(claims))


def judge_planted(
    planted: PlantedSet, settings: JudgeSettings | None = None, *, image_text_model: ImageText | None = None
) -> list[Judged]:
    """The judge on every text."""
    more = {"settings": settings, "image_text_model": image_text_model}
    rows = zip(planted.texts, planted.evidence, planted.pictures, strict=True)
    return [
        judge_text(text.text, seen, picture=picture, seed=number, **more)
        for number, (text, seen, picture) in enumerate(rows)
    ]


def choose_judge_settings(
    by_kind: Mapping[str, Sequence[Mapping[str, Any]]], *, most_lost: float, mend: float = 0.7
) -> JudgeSettings:
    """The judge that finds most of each kind and takes away at most this share of the true claims."""
    doubts = {kind: choose_doubt(curve, most_lost=most_lost) for kind, curve in by_kind.items()}
    return JudgeSettings(**{kind: Threshold(doubt=at, mend=max(mend, at)) for kind, at in doubts.items()})


def verdicts_of(rows: Sequence[Mapping[str, Any]]) -> list[list[Verdict]]:
    """The verdicts that judged rows carry, all kinds of text together."""
    return [[Verdict(**v) for its in row["claims"].values() for v in its] for row in rows]

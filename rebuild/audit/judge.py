"""Judge: what a text claims, held against what the picture says to our own attribute reader and captioner.

Nothing here sees the truth. A claim in which our own models believe too little is mended, where they are
sure of another value, or dropped; every verdict says why.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atelier.parse import parse
from lib.config import ConfigError
from rebuild.audit.claims import Claim, kind_of, read_claims, rewrite

NONE = ""  # the value of what is hidden or absent, where None cannot be a key
KEPT, MENDED, DROPPED = "kept", "mended", "dropped"

Belief = Mapping[str, float]  # value -> how much our own models believe in it; NONE: nothing to be seen
ImageText = Callable[[Path, str], float]  # a picture and "upper_color: red" -> how well they agree, 0 to 1


@dataclass(frozen=True)
class Evidence:
    """What our models say of one picture: the reader's probabilities, the captioner's sampled captions."""

    read: Mapping[str, Belief] = field(default_factory=dict)  # attribute -> value -> probability
    captions: tuple[str, ...] = ()

    def to_text(self) -> str:
        return json.dumps({"read": self.read, "captions": self.captions}, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> "Evidence":
        told = json.loads(text)
        return cls(told["read"], tuple(told["captions"]))


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """When a claim falls, and when it is replaced; both by how much our own models believe, 0 to 1."""

    doubt: float = 0.1  # a claim believed less falls
    mend: float = 0.7  # another value believed at least so much takes its place

    def __post_init__(self):
        if not 0 <= self.doubt <= self.mend <= 1:
            raise ConfigError(f"expected 0 <= doubt <= mend <= 1, not doubt {self.doubt}, mend {self.mend}")


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """The settings of the hallucination check."""

    garments: Threshold = field(default_factory=Threshold)
    background: Threshold = field(default_factory=Threshold)
    captioner: float = 0.3  # weight of the captions against the reader
    least_captions: int = 3  # so many must speak of an attribute before they count
    image_text: float = 0.5  # weight of the image-text model, where one is given

    def __post_init__(self):
        if not (0 <= self.captioner <= 1 and 0 <= self.image_text <= 1 and self.least_captions >= 1):
            raise ConfigError("judge_settings: weights lie between 0 and 1, least_captions is at least 1")

    def threshold(self, attribute: str) -> Threshold:
        return getattr(self, kind_of(attribute))


@dataclass(frozen=True)
class Verdict:
    """What became of one claim, and why."""

    attribute: str
    value: str
    outcome: str  # kept, mended or dropped
    reason: str
    belief: float | None  # None where our own models have no opinion
    instead: str | None = None  # the value that took its place

    @property
    def kind(self) -> str:
        return kind_of(self.attribute)


@dataclass(frozen=True)
class Judged:
    """A text after judgement, empty where nothing could be kept, and the verdict on each of its claims."""

    text: str
    verdicts: tuple[Verdict, ...]


def believe(evidence: Evidence, settings: JudgeSettings | None = None) -> dict[str, Belief]:
    """Attribute -> value -> how much reader and captioner together believe it.

    Captions that do not speak of an attribute say nothing against it: a caption may leave out what it sees.
    """
    settings = settings or JudgeSettings()
    told: dict[str, dict[str, float]] = {}
    for caption in evidence.captions:
        for name, value in parse(caption).attributes.items():
            values = told.setdefault(name, {})
            values[value] = values.get(value, 0) + 1
    beliefs: dict[str, Belief] = {}
    for name in dict.fromkeys([*evidence.read, *told]):
        spoken, values = sum(told.get(name, {}).values()), evidence.read.get(name)
        if spoken < settings.least_captions:
            if values:
                beliefs[name] = values
            continue
        shares = {value: count / spoken for value, count in told[name].items()}
        weight = settings.captioner if values else 1.0
        beliefs[name] = {
            value: (1 - weight) * (values or {}).get(value, 0.0) + weight * shares.get(value, 0.0)
            for value in dict.fromkeys([*(values or {}), *shares])
        }
    return beliefs


def judge_claim(claim: Claim, belief: Belief | None, threshold: Threshold, score: float | None) -> Verdict:
    """One claim held against what is believed of its attribute; `score` is its belief, all voices heard."""
    if belief is None or score is None:
        return Verdict(*claim, KEPT, "our own models have no opinion", None)
    if score >= threshold.doubt:
        return Verdict(*claim, KEPT, "the picture bears it out", score)
    best = max(belief, key=lambda value: (belief[value], value))
    if best not in (NONE, claim.value) and belief[best] >= threshold.mend:
        return Verdict(*claim, MENDED, f"the picture shows {best}", score, best)
    seen = "nothing of the kind" if best == NONE else f"rather {best}, but not surely"
    return Verdict(*claim, DROPPED, f"the picture shows {seen}", score)


def judge_text(
    text: str,
    evidence: Evidence,
    *,
    settings: JudgeSettings | None = None,
    picture: Path | None = None,
    image_text_model: ImageText | None = None,
    seed: int = 0,
) -> Judged:
    """Judge every claim of a text and give the text that states what is left of them."""
    settings = settings or JudgeSettings()
    beliefs = believe(evidence, settings)
    verdicts = []
    for claim in read_claims(text):
        belief = beliefs.get(claim.attribute)
        score = None if belief is None else float(belief.get(claim.value, 0.0))
        if image_text_model is not None and picture is not None and score is not None:
            seen = image_text_model(picture, f"{claim.attribute.replace('_', ' ')}: {claim.value}")
            score += settings.image_text * (seen - score)
        verdicts.append(judge_claim(claim, belief, settings.threshold(claim.attribute), score))
    verdicts = settle_contradictions(verdicts)
    return Judged(rewrite(text, wanted(verdicts), seed) if verdicts else text, tuple(verdicts))


def settle_contradictions(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Of several values for one attribute, the one believed most stays."""
    by_name: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_name.setdefault(verdict.attribute, []).append(verdict)
    settled = []
    for same in by_name.values():
        kept = [verdict for verdict in same if verdict.outcome == KEPT]
        best = max(kept, key=lambda verdict: verdict.belief or 0.0, default=None)
        for verdict in same:
            if len(same) > 1 and verdict is not best and (best or verdict is not same[0]):
                verdict = Verdict(verdict.attribute, verdict.value, DROPPED, "the text contradicts itself",
                                  verdict.belief)  # fmt: skip
            settled.append(verdict)
    return settled


def wanted(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """The attributes that are left when the verdicts are carried out."""
    return {v.attribute: v.instead or v.value for v in verdicts if v.outcome != DROPPED}


def judge_rows(
    rows: Iterable[Mapping[str, Any]],
    evidence_of: Mapping[str, Evidence] | Callable[[Mapping[str, Any]], Evidence | None],
    *,
    settings: JudgeSettings | None = None,
    root: Path | None = None,
    image_text_model: ImageText | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows with judged texts, all verdicts under "claims" and what happened among the flags.

    `evidence_of` gives a row's: a mapping by id, or a function of the row where a mapping would be too large.
    """
    find = evidence_of if callable(evidence_of) else (lambda row: evidence_of.get(row["id"]))
    for row in rows:
        evidence = find(row) if row["texts"] else None
        if evidence is None:
            yield {**row, "claims": {}}
            continue
        texts, claims, flags = {}, {}, list(row["flags"])
        for kind, text in row["texts"].items():
            judged = judge_text(
                text,
                evidence,
                settings=settings,
                picture=root / row["name"] if root else None,
                image_text_model=image_text_model,
                seed=int(row["id"], 16),
            )
            claims[kind] = [asdict(verdict) for verdict in judged.verdicts]
            outcomes = dict.fromkeys(v.outcome for v in judged.verdicts if v.outcome != KEPT)
            flags += [f"{kind}: claim {outcome}" for outcome in outcomes]
            if judged.text:
                texts[kind] = judged.text
        yield {**row, "texts": texts, "claims": claims, "flags": flags}

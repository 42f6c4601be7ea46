"""Scenes: true captions that tell the place too, and how well captions tell it. For measuring alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from atelier.describe import describe_many
from atelier.sample import blend
from atelier.wardrobe import SCENE, Attributes
from atelier.world import WARDROBE
from lib.data.formats.deepfashion import read_captions
from lib.data.record import Record
from lib.paths import resolve, shorten
from lib.score.attributes import attribute_f1, attribute_rates
from lib.score.bootstrap import intervals
from lib.score.evaluate import evaluate
from rebuild.errors import RebuildError

PEOPLE, TRUTH, OWN = "people, of whole scenes", "the truth, of whole scenes", "the dataset, as it came"


def tell_scenes(records: Sequence[Record], *, count: int = 1, seed: int = 0) -> list[Record]:
    """The same pictures with `count` true captions each, which tell the place as well."""
    if unknown := [record.id for record in records if record.attributes is None]:
        raise RebuildError(f"{unknown[0]}: nothing is known of this picture; expected its attributes")
    return [
        replace(record, captions=tuple(describe_many(record.attributes, blend(seed, n), count, scene=True)))
        for n, record in enumerate(records)
    ]


def judge_by(
    splits: Mapping[str, Sequence[Record]], human: str | Path = "", *, seed: int = 0
) -> tuple[dict[str, list[Record]], dict[str, str]]:
    """The captions to judge each split by, and whose they are: never those of a model that is judged.

    `human` is a file of what people said of whole scenes ({"x.jpg": "caption" or [captions]}); it must name
    test pictures, and may name others.
    """
    told = read_captions(resolve(human)) if human else {}
    if strangers := sorted(told.keys() - {r.id for records in splits.values() for r in records}):
        raise RebuildError(f"{shorten(human)}: {strangers[0]!r} is none of the pictures to be judged")
    if human and not any(record.id in told for record in splits["test"]):
        raise RebuildError(f"{shorten(human)}: expected captions of test pictures, found none")
    found = {name: judge_split(records, told, seed) for name, records in splits.items()}
    return {name: part[0] for name, part in found.items()}, {name: part[1] for name, part in found.items()}


def judge_split(
    records: Sequence[Record], told: Mapping[str, tuple[str, ...]], seed: int
) -> tuple[list[Record], str]:
    """What people said where they said anything, else the truth, else what the dataset holds."""
    if named := [replace(record, captions=told[record.id]) for record in records if record.id in told]:
        return named, PEOPLE
    if all(record.attributes for record in records):
        return tell_scenes(records, seed=seed), TRUTH
    return list(records), OWN


def score_scenes(texts: Sequence[str], records: Sequence[Record], *, seed: int = 0) -> dict[str, Any]:
    """Every score of texts on these captions, and what they state of garments and place if known."""
    attributes = [record.attributes for record in records]
    attributes = attributes if all(attributes) else None
    scores = evaluate(
        texts, [record.captions for record in records], attributes=attributes, world=WARDROBE, seed=seed
    )
    return scores | (score_backgrounds(texts, attributes, seed=seed) if attributes else {})


def score_backgrounds(
    texts: Sequence[str], truths: Sequence[Attributes], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """`background_f1`, its precision and recall, each with its 95 % interval."""
    counts = attribute_f1(texts, truths, WARDROBE, names=SCENE).counts

    def score(sums):
        return {f"background_{name}": rate for name, rate in attribute_rates(sums).items()}

    found = {name: float(rate) for name, rate in score(counts.sum(axis=0)).items()}
    return found | intervals(counts, score, resamples=resamples, seed=seed)

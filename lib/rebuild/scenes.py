"""Scenes: true captions that tell the place too, and how well captions tell it. For measuring alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib.atelier.describe import describe_many
from lib.atelier.sample import blend
from lib.atelier.wardrobe import SCENE, Facts
from lib.data.formats.deepfashion import read_captions
from lib.data.record import Record
from lib.paths import resolve, shorten
from lib.rebuild.errors import RebuildError
from lib.score.attributes import attribute_f1, attribute_rates
from lib.score.bootstrap import intervals
from lib.score.evaluate import evaluate


def tell_scenes(records: Sequence[Record], *, count: int = 1, seed: int = 0) -> list[Record]:
    """The same pictures with `count` true captions each, which tell the place as well."""
    if unknown := [record.id for record in records if record.attributes is None]:
        raise RebuildError(f"{unknown[0]}: nothing is known of this picture; expected its attributes")
    return [
        replace(record, captions=tuple(describe_many(record.attributes, blend(seed, n), count, scene=True)))
        for n, record in enumerate(records)
    ]


def read_scenes(records: Sequence[Record], file: str | Path) -> list[Record]:
    """The pictures that people described in `file` ({"x.jpg": "caption" or [captions]}), with their words."""
    told = read_captions(resolve(file))
    if strangers := sorted(told.keys() - {record.id for record in records}):
        raise RebuildError(f"{shorten(file)}: {strangers[0]!r} is none of the pictures to be judged")
    if not told:
        raise RebuildError(f"{shorten(file)}: expected captions of scenes, found none")
    return [replace(record, captions=told[record.id]) for record in records if record.id in told]


def judge_by(records: Sequence[Record], human: str | Path, *, seed: int = 0) -> tuple[list[Record], str]:
    """The captions to judge by, and whose they are: never those of a model that is judged."""
    if human:
        return read_scenes(records, human), "people, of whole scenes"
    if all(record.attributes for record in records):
        return tell_scenes(records, seed=seed), "the truth, of whole scenes"
    return list(records), "the dataset, as it came"


def score_scenes(texts: Sequence[str], records: Sequence[Record], *, seed: int = 0) -> dict[str, Any]:
    """Every score of texts on these pictures' captions; of garments and place where their facts are known."""
    facts = [record.attributes for record in records]
    facts = facts if all(facts) else None
    scores = evaluate(texts, [record.captions for record in records], facts=facts, seed=seed)
    return scores | (score_backgrounds(texts, facts, seed=seed) if facts else {})


def score_backgrounds(
    texts: Sequence[str], truths: Sequence[Facts], *, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """`background_f1`, its precision and recall, each with its 95 % interval."""
    counts = attribute_f1(texts, truths, attributes=SCENE).counts

    def score(sums):
        return {f"background_{name}": rate for name, rate in attribute_rates(sums).items()}

    found = {name: float(rate) for name, rate in score(counts.sum(axis=0)).items()}
    return found | intervals(counts, score, resamples=resamples, seed=seed)

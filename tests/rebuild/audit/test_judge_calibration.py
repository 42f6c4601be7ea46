"""Calibrating the judge: plants are wrong and the rest is true; thresholds keep what they promise."""

from dataclasses import asdict
from pathlib import Path

import pytest

from atelier.sample import sample_look
from atelier.visible import visible
from atelier.wardrobe import SCHEMA
from lib.data import Record
from rebuild.audit.claims import read_claims
from rebuild.audit.judge import NONE, Evidence
from rebuild.audit.judge_calibration import (
    KINDS,
    choose_judge_settings,
    doubt_curves,
    judge_planted,
    measure_claims,
    plant_errors,
    verdicts_of,
)
from rebuild.backends import BackendError, NoAnswer


def records(count=60):
    views = ("1_front", "4_full", "7_additional")
    attributes = [visible(sample_look(product, 1, 3), views[product % 3]) for product in range(count)]
    return [Record(f"{n}.jpg", f"{n}.jpg", (), "val", f) for n, f in enumerate(attributes)]


class Seer:
    """Models that see nearly all of what is there; of every ninth picture they are badly mistaken."""

    def __init__(self, records):
        self.attributes = {record.path: record.attributes for record in records}
        self.asked = []

    def __call__(self, pictures, prompts):
        self.asked += prompts
        return [self.see(n, self.attributes[path]) for n, path in enumerate(pictures)]

    def see(self, number, attributes):
        read = {}
        for name, values in SCHEMA.items():
            seen = values[0] if number % 9 == 0 else attributes[name] or NONE
            read[name] = dict.fromkeys((NONE, *values), 0.02) | {seen: 0.9}
        return Evidence(read).to_text()


@pytest.fixture(scope="module")
def planted():
    return plant_errors(records(), Seer(records()), seed=2)


def test_what_is_planted_is_wrong_and_all_else_is_true(planted):
    kinds = dict.fromkeys(KINDS, 0)
    for text, truth in zip(planted.texts, planted.truths, strict=True):
        wrong = {claim for claim in read_claims(text.text) if truth[claim.attribute] != claim.value}
        assert wrong == set(text.claims)
        for claim in wrong:
            kinds[claim.kind] += 1
    assert all(len(planted) / 4 < count < 0.75 * len(planted) for count in kinds.values())


def test_planting_repeats_and_asks_for_evidence_alone(planted):
    seer = Seer(records())
    assert plant_errors(records(), seer, seed=2) == planted != plant_errors(records(), seer, seed=3)
    assert {*seer.asked} == {"evidence"}


def test_thresholds_keep_what_they_promise_on_the_pictures_they_were_chosen_on(planted):
    by_kind = doubt_curves(judge_planted(planted), planted.truths)
    assert {*by_kind} == {*KINDS}
    for most_lost in (0.0, 0.2):
        settings = choose_judge_settings(by_kind, most_lost=most_lost)
        judged = [text.verdicts for text in judge_planted(planted, settings)]
        for row in measure_claims(judged, planted.truths).values():
            assert row["lost"] <= most_lost
            assert most_lost == 0 or row["found"] > 0.8
    assert choose_judge_settings(by_kind, most_lost=0.2, mend=0.0).garments.mend >= settings.garments.doubt


def test_verdicts_come_back_from_rows_as_they_went_in(planted):
    verdicts = judge_planted(planted)[0].verdicts
    row = {
        "claims": {
            "garments": [asdict(v) for v in verdicts[:2]],
            "background": [asdict(v) for v in verdicts[2:]],
        }
    }
    assert verdicts_of([row, {"claims": {}}]) == [list(verdicts), []]


def test_models_that_cannot_see_a_picture_end_it_with_the_reason():
    def blind(pictures: list[Path], prompts: list[str]):
        return [NoAnswer("truncated") for _ in pictures]

    with pytest.raises(BackendError, match="truncated"):
        plant_errors(records(2), blind)

"""True captions of scenes, people's captions, and how well a place is told."""

import json
import random

import pytest

from atelier.describe import describe
from atelier.parse import parse
from atelier.sample import sample_look
from atelier.visible import visible
from lib.data import Record
from rebuild.audit.scenes import OWN, PEOPLE, TRUTH, judge_by, score_backgrounds, score_scenes, tell_scenes
from rebuild.errors import RebuildError


def records(count=24):
    """Pictures without a file: nothing here opens them."""
    views = ("1_front", "4_full", "7_additional")
    attributes = [visible(sample_look(product, 1, 3), views[product % 3]) for product in range(count)]
    return [
        Record(f"{n}.jpg", f"{n}.jpg", (describe(f, random.Random(n)),), "test", f)
        for n, f in enumerate(attributes)
    ]


def test_scenes_tell_the_place_where_one_is_visible_and_repeat():
    plain = records()
    told = tell_scenes(plain, count=2, seed=1)
    for record, before in zip(told, plain, strict=True):
        assert len(record.captions) == 2 and record.id == before.id
        for text in record.captions:
            assert parse(text).attributes.get("background") == record.attributes["background"]
    assert told == tell_scenes(plain, count=2, seed=1) != tell_scenes(plain, count=2, seed=2)


def test_what_is_not_known_cannot_be_told():
    unknown = [Record("a.jpg", "a.jpg", ("a",), "test")]
    with pytest.raises(RebuildError, match=r"a\.jpg"):
        tell_scenes(unknown)


def test_places_are_scored_alone():
    plain = records()
    attributes = [record.attributes for record in plain]
    true = [record.captions[0] for record in tell_scenes(plain)]
    right = score_backgrounds(true, attributes, resamples=50)
    assert right["background_f1"] == right["background_precision"] == right["background_recall"] == 1
    none = score_backgrounds([record.captions[0] for record in plain], attributes, resamples=50)
    assert none["background_f1"] == none["background_recall"] == 0
    half = [text if n % 2 else "" for n, text in enumerate(true)]
    some = score_backgrounds(half, attributes, resamples=50)
    assert some["background_precision"] == 1 and 0 < some["background_recall"] < 1
    low, high = some["background_f1_ci"]
    assert low < some["background_f1"] < high
    both = score_scenes(true, tell_scenes(plain))
    assert both["background_f1"] == 1 and both["bleu4"] == pytest.approx(1) and both["attribute_f1"] > 0.9


def test_people_judge_where_they_wrote_then_the_truth_then_the_dataset(tmp_path):
    plain = records(6)
    splits = {"val": plain[:2], "test": plain[2:]}
    file = tmp_path / "human.json"
    file.write_text(json.dumps({"4.jpg": ["A man in a park.", "A park."], "2.jpg": "Somebody."}))
    judged, whose = judge_by(splits, file)
    assert [(r.id, r.captions) for r in judged["test"]] == [
        ("2.jpg", ("Somebody.",)), ("4.jpg", ("A man in a park.", "A park.")),
    ]  # fmt: skip
    assert judged["val"] == tell_scenes(plain[:2]) and whose == {"val": TRUTH, "test": PEOPLE}
    assert judge_by(splits, seed=5)[0]["test"] == tell_scenes(plain[2:], seed=5)
    unknown = [Record(r.id, r.media, r.captions, r.split) for r in plain]
    assert judge_by({"test": unknown}) == ({"test": unknown}, {"test": OWN})
    assert "attribute_f1" not in score_scenes([r.captions[0] for r in unknown], unknown)


STRANGER, TOO_FEW, NOT_TESTED = {"else.jpg": "A park."}, {}, {"0.jpg": "A park."}


@pytest.mark.parametrize(
    ("told", "expected"),
    [(STRANGER, r"else\.jpg"), (TOO_FEW, "found none"), (NOT_TESTED, "found none")],
)
def test_words_on_other_pictures_are_refused(tmp_path, told, expected):
    file = tmp_path / "human.json"
    file.write_text(json.dumps(told))
    plain = records(3)
    with pytest.raises(RebuildError, match=expected):
        judge_by({"val": plain[:1], "test": plain[1:]}, file)

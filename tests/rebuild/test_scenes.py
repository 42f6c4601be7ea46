"""True captions of scenes, people's captions, and how well a place is told."""

import json
import random

import pytest

from lib.atelier import describe, parse, sample_look, visible
from lib.data import Record
from lib.rebuild.errors import RebuildError
from lib.rebuild.scenes import judge_by, read_scenes, score_backgrounds, score_scenes, tell_scenes


def records(count=24):
    """Pictures without a file: nothing here opens them."""
    views = ("1_front", "4_full", "7_additional")
    facts = [visible(sample_look(product, 1, 3), views[product % 3]) for product in range(count)]
    return [
        Record(f"{n}.jpg", f"{n}.jpg", (describe(f, random.Random(n)),), "test", f)
        for n, f in enumerate(facts)
    ]


def test_scenes_tell_the_place_where_one_is_visible_and_repeat():
    plain = records()
    told = tell_scenes(plain, count=2, seed=1)
    for record, before in zip(told, plain, strict=True):
        assert len(record.captions) == 2 and record.id == before.id
        for text in record.captions:
            assert parse(text).facts.get("background") == record.attributes["background"]
    assert told == tell_scenes(plain, count=2, seed=1) != tell_scenes(plain, count=2, seed=2)


def test_what_is_not_known_cannot_be_told():
    unknown = [Record("a.jpg", "a.jpg", ("a",), "test")]
    with pytest.raises(RebuildError, match=r"a\.jpg"):
        tell_scenes(unknown)


def test_places_are_scored_alone():
    plain = records()
    facts = [record.attributes for record in plain]
    true = [record.captions[0] for record in tell_scenes(plain)]
    right = score_backgrounds(true, facts, resamples=50)
    assert right["background_f1"] == right["background_precision"] == right["background_recall"] == 1
    none = score_backgrounds([record.captions[0] for record in plain], facts, resamples=50)
    assert none["background_f1"] == none["background_recall"] == 0
    half = [text if n % 2 else "" for n, text in enumerate(true)]
    some = score_backgrounds(half, facts, resamples=50)
    assert some["background_precision"] == 1 and 0 < some["background_recall"] < 1
    low, high = some["background_f1_ci"]
    assert low < some["background_f1"] < high
    both = score_scenes(true, tell_scenes(plain))
    assert both["background_f1"] == 1 and both["bleu4"] == pytest.approx(1) and both["attribute_f1"] > 0.9


def test_people_judge_where_they_wrote_then_the_truth_then_the_dataset(tmp_path):
    plain = records(4)
    file = tmp_path / "human.json"
    file.write_text(json.dumps({"2.jpg": ["A man in a park.", "A park."], "0.jpg": "Somebody."}))
    chosen, whose = judge_by(plain, file)
    assert [(r.id, r.captions) for r in chosen] == [
        ("0.jpg", ("Somebody.",)), ("2.jpg", ("A man in a park.", "A park.")),
    ]  # fmt: skip
    assert whose == "people, of whole scenes"
    assert judge_by(plain, "", seed=5) == (tell_scenes(plain, seed=5), "the truth, of whole scenes")
    unknown = [Record(r.id, r.media, r.captions, r.split) for r in plain]
    assert judge_by(unknown, "") == (unknown, "the dataset, as it came")
    assert "attribute_f1" not in score_scenes([r.captions[0] for r in unknown], unknown)


def test_words_on_other_pictures_are_refused(tmp_path):
    file = tmp_path / "human.json"
    file.write_text('{"else.jpg": "A park."}')
    with pytest.raises(RebuildError, match=r"else\.jpg"):
        read_scenes(records(3), file)
    file.write_text("{}")
    with pytest.raises(RebuildError, match="found none"):
        read_scenes(records(3), file)

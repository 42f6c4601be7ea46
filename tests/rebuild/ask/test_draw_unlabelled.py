"""Unlabelled pictures: drawn under names that tell nothing, with their truth, and nobody's own touched."""

import pytest

from lib.data import open_dataset
from rebuild.ask.draw_unlabelled import draw_unlabelled
from rebuild.errors import RebuildError


@pytest.fixture
def drawn(tmp_path):
    truth = draw_unlabelled(tmp_path / "raw", tmp_path / "atelier", count=6, seed=4)
    return tmp_path / "raw", tmp_path / "atelier", truth


def test_each_picture_lies_there_with_the_truth_of_its_own(drawn):
    raw, source, truth = drawn
    assert sorted(path.name for path in raw.iterdir()) == sorted(truth)
    told = {record.path.read_bytes(): record.attributes for record in open_dataset(source)}
    assert {(raw / name).read_bytes() for name in truth} == told.keys()
    assert all(told[(raw / name).read_bytes()] == attributes for name, attributes in truth.items())


def test_drawing_again_changes_nothing_and_drawing_fewer_takes_away_what_was_drawn(drawn):
    raw, source, truth = drawn
    assert draw_unlabelled(raw, source, count=6, seed=4) == truth
    fewer = draw_unlabelled(raw, source, count=3, seed=4)
    assert len(fewer) == 3 and {path.name for path in raw.iterdir()} == fewer.keys()


def test_pictures_of_somebody_else_are_neither_touched_nor_mixed(drawn):
    raw, source, truth = drawn
    mine = raw / "MEN_0000.jpg"
    mine.write_bytes(b"mine")
    with pytest.raises(RebuildError, match=r"MEN_0000\.jpg.*draw = 0"):
        draw_unlabelled(raw, source, count=3, seed=4)
    assert mine.read_bytes() == b"mine" and len(list(raw.iterdir())) == len(truth) + 1

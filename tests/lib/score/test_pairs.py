"""Candidates meet their references, or one line says why not."""

import pytest

from lib.score.pairs import ScoredPairs, ScoreError


def test_by_id_in_the_order_of_the_candidates():
    pairs = ScoredPairs({"b": "x y", "a": "z"}, {"a": ["p"], "b": ["q", "r s"]}, str.split)
    assert pairs.ids == ["b", "a"]
    assert pairs.candidates == [("x", "y"), ("z",)]
    assert pairs.references == ((("q",), ("r", "s")), (("p",),))


def test_by_position():
    pairs = ScoredPairs(["x y"], [("p", "q")], str.split)
    assert (pairs.ids, pairs.references) == ([0], ((("p",), ("q",)),))


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        ({"a": "x"}, {"b": ["y"]}, "1 candidates have no reference: a; 1 references have no candidate: b"),
        ({str(i): "x" for i in range(9)}, {"0": ["y"]}, "8 candidates .*: 1, 2, 3, 4, 5 and 3 more"),
        (["x"], [["y"], ["z"]], "1 candidates for 2"),
        (["x"], {"a": ["y"]}, "both"),
        ("x", [["y"]], "not one text"),
        ([], [], "no candidate"),
        (["x"], [[]], "0 has no reference"),
        (["x"], ["a dog"], "0: expected a list of reference captions"),
        ({"a": "x"}, {"a": ["y", " "]}, "'a' has an empty reference"),
    ],
)
def test_what_does_not_match_is_named(candidates, references, message):
    with pytest.raises(ScoreError, match=message):
        ScoredPairs(candidates, references, str.split)

"""Agreement with people: the file's format, the statistic, and which captions count."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.people import correlate, kendall_tau_c, main, read_ratings
from lib.score.pairs import ScoreError

REFERENCES = {
    "1.jpg": ["a dog runs in the park", "the dog is running"],
    "2.jpg": ["a man in a red hat", "somebody wears a hat"],
    "3.jpg": ["two children play ball", "kids play with a ball"],
}
RATINGS = """1.jpg\t2.jpg#0\t1\t1\t1
1.jpg\tmine\t4\t4\t3
1.jpg\t1.jpg#1\t4\t4\t4
2.jpg\t3.jpg#1\t1\t2\t1
3.jpg\t1.jpg#0\t1\t1\t2
"""
CANDIDATES = {"mine": "a dog runs in a park"}


def write(folder, text):
    path = folder / "ratings.txt"
    path.write_text(text, encoding="utf-8")
    return path


def brute_tau_c(x, y):
    """The definition, pair by pair."""
    n = len(x)
    surplus = sum(np.sign(x[i] - x[j]) * np.sign(y[i] - y[j]) for i in range(n) for j in range(i))
    m = min(len(set(x)), len(set(y)))
    return 2 * surplus / (n**2 * (m - 1) / m)


numbers = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), min_size=2, max_size=30)


@given(numbers.filter(lambda rows: len({x for x, _ in rows}) > 1 < len({y for _, y in rows})))
@settings(max_examples=100, deadline=None)
def test_tau_c_equals_its_definition(rows):
    x, y = np.array(rows, float).T
    assert kendall_tau_c(x, y) == pytest.approx(brute_tau_c(x, y), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "scipys"),
    [
        ([12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.48),
        ([0.1, 0.4, 0.4, 0.3, 0.9, 0.2, 0.7], [1, 2, 1, 2, 3, 1, 2], 0.7346938775510204),
    ],
)
def test_tau_c_equals_scipys(x, y, scipys):
    assert kendall_tau_c(np.array(x), np.array(y)) == pytest.approx(scipys, abs=1e-12)


def test_tau_c_of_a_constant_is_no_number():
    assert kendall_tau_c(np.ones(3), np.arange(3)) is None
    assert kendall_tau_c(np.arange(3), np.ones(3)) is None


def test_a_better_caption_correlates(tmp_path):
    result = correlate(read_ratings(write(tmp_path, RATINGS)), REFERENCES, CANDIDATES)
    assert (result["pairs"], result["ratings"], result["left_out"]) == (4, 12, 1)
    assert result["kendall_tau_c"]["bleu1"] > 0.3
    assert {"bleu4", "cider_d", "rouge_l", "rouge_l_coco"} <= set(result["kendall_tau_c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.jpg\t2.jpg#0\t1\n1.jpg 2.jpg 3\n", r"ratings.txt:2: expected"),
        ("1.jpg\t2.jpg#0\tgood\n", r"ratings.txt:1: expected"),
        ("1.jpg\t2.jpg#0\n", r"ratings.txt:1: expected"),
        ("1.jpg\t2.jpg#0\t1\tnan\n", r"ratings.txt:1: expected"),
        ("1.jpg\t2.jpg#0\tinf\n", r"ratings.txt:1: expected"),
        ("\n", "no ratings"),
        ("1.jpg\t9.jpg#0\t1\n", "9.jpg#0"),
        ("1.jpg\t2.jpg#7\t1\n", "2.jpg#7"),
        ("7.jpg\t2.jpg#0\t1\n", "7.jpg"),
        ("1.jpg\t1.jpg#0\t1\n", "reference of its own picture"),
    ],
)
def test_bad_ratings_are_named(tmp_path, text, message):
    with pytest.raises(ScoreError, match=message):
        correlate(read_ratings(write(tmp_path, text)), REFERENCES)


def test_the_command(tmp_path, capsys):
    (tmp_path / "references.json").write_text(json.dumps(REFERENCES))
    (tmp_path / "candidates.json").write_text(json.dumps(CANDIDATES))
    files = [f"--{name}={tmp_path / name}.json" for name in ("references", "candidates", "json")]
    ratings = write(tmp_path, RATINGS)
    assert main([*files, f"--ratings={ratings}"]) == 0
    found = json.loads((tmp_path / "json.json").read_text())
    assert (found["pairs"], found["ratings"], found["left_out"]) == (4, 12, 1)
    assert found["kendall_tau_c"]["cider_d"] > 0 and "cider_d" in capsys.readouterr().out
    assert main([*files, "--ratings=no/such.txt"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "no/such.txt" in told

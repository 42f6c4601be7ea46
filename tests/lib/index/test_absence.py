"""The probability that nothing fits: a probability, falling with the score, right on average."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.index import absence

scores = st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=25)


def isotonic(values, labels, weights):
    """Pool adjacent violators, by the book: the falling fit at each of the ascending values."""
    pools = [[label * weight, weight, 1] for label, weight in zip(labels, weights, strict=True)]
    result = []
    for pool in pools:
        result.append(pool)
        while len(result) > 1 and result[-2][0] / result[-2][1] <= result[-1][0] / result[-1][1]:
            last = result.pop()
            result[-1] = [a + b for a, b in zip(result[-1], last, strict=True)]
    return np.concatenate([[total / weight] * count for total, weight, count in result])


@given(st.lists(st.integers(0, 200), min_size=2, max_size=40, unique=True), st.data())
def test_it_is_isotonic_regression(values, data):
    cut = data.draw(st.integers(1, len(values) - 1))
    unrelated, related = np.array(values[:cut]) / 200, np.array(values[cut:]) / 200
    rows = [(v, 1, 1 / (cut + 1)) for v in [*unrelated, np.inf]]
    rows += [(v, 0, 1 / (len(values) - cut + 1)) for v in [*related, -np.inf]]
    fit = isotonic(*zip(*sorted(rows), strict=True))
    for (value, *_), expected in list(zip(sorted(rows), fit, strict=True))[1:-1]:
        assert absence(value, unrelated, related) == pytest.approx(expected)


@given(scores, scores, st.lists(st.floats(-2, 2), min_size=2, max_size=10))
def test_a_higher_score_never_makes_absence_likelier(unrelated, related, bests):
    for known in (None, np.array(related)):
        found = [absence(best, np.array(unrelated), known) for best in sorted(bests)]
        assert all(0 < later <= earlier <= 1 for earlier, later in pairwise(found))


def test_alone_it_is_a_p_value():
    unrelated = np.array([0.1, 0.2, 0.3])
    assert [absence(best, unrelated) for best in (0.05, 0.2, 0.25, 0.9)] == [1, 0.75, 0.5, 0.25]


def test_kinds_that_do_not_overlap():
    low, high = np.linspace(0, 0.4, 99), np.linspace(0.6, 1, 99)
    assert absence(0.2, low, high) > 0.95 and absence(0.8, low, high) < 0.05


def test_equal_kinds_say_one_half():
    same = np.linspace(0, 1, 50)
    assert absence(0.5, same, same) == pytest.approx(0.5, abs=0.02)


def test_more_queries_of_one_kind_do_not_move_it():
    chance = np.random.default_rng(0)
    few, related = chance.normal(0.3, 0.1, 300), chance.normal(0.5, 0.1, 300)
    for best in (0.3, 0.4, 0.5):
        tenfold = absence(best, np.repeat(few, 10), related)
        assert tenfold == pytest.approx(absence(best, few, related), abs=0.02)


def test_it_is_right_as_often_as_it_says():
    """Fresh queries of both kinds, equally many: among those that are given about p, p are of the absent."""
    chance = np.random.default_rng(1)
    learnt = chance.normal(0.3, 0.1, 500), chance.normal(0.45, 0.1, 500)
    fresh = np.concatenate([chance.normal(0.3, 0.1, 400), chance.normal(0.45, 0.1, 400)])
    said = np.array([absence(best, *learnt) for best in fresh])
    truth = np.arange(800) < 400
    for low in (0.0, 0.25, 0.5, 0.75):
        chosen = (said >= low) & (said < low + 0.25)
        assert abs(said[chosen].mean() - truth[chosen].mean()) < 0.12

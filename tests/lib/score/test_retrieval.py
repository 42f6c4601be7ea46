"""Retrieval scores against hand-worked answers and a slow definition; ties never help."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.score.retrieval import AT, mean_average_precision, ranks, retrieve


def slow_ranks(row, relevant):
    """Sort by similarity, irrelevant items first among equals."""
    order = sorted(range(len(row)), key=lambda item: (-row[item], item in relevant))
    return sorted(order.index(item) + 1 for item in relevant)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_equal_to_the_definition(data):
    gallery = data.draw(st.integers(1, 8))
    item = st.integers(0, gallery - 1)
    rows = data.draw(
        st.lists(st.lists(st.integers(0, 4), min_size=gallery, max_size=gallery), min_size=1, max_size=5)
    )
    relevant = [data.draw(st.sets(item, min_size=1)) for _ in rows]
    expected = [slow_ranks(row, wanted) for row, wanted in zip(rows, relevant, strict=True)]
    mine = ranks(np.array(rows, float), relevant)
    assert [positions.tolist() for positions in mine] == expected
    scores = retrieve(np.array(rows, float), relevant)
    for k in AT:
        assert scores[f"recall{k}"] == np.mean([positions[0] <= k for positions in expected])
    assert scores["median_rank"] == np.median([positions[0] for positions in expected])


def test_known_answers():
    similarity = np.array([[0.9, 0.1, 0.5, 0.3], [0.2, 0.8, 0.7, 0.6]])
    ranked = ranks(similarity, [{0, 3}, {3}])
    assert [positions.tolist() for positions in ranked] == [[1, 3], [3]]
    assert retrieve(similarity, [{0, 3}, {3}]) == {
        "recall1": 0.5,
        "recall5": 1.0,
        "recall10": 1.0,
        "median_rank": 2.0,
        "map": pytest.approx(((1 / 1 + 2 / 3) / 2 + 1 / 3) / 2),
    }
    assert mean_average_precision(ranked[:1]) == pytest.approx(5 / 6)


def test_a_constant_similarity_scores_worst():
    scores = retrieve(np.zeros((6, 6)), [{i} for i in range(6)])
    assert (scores["recall1"], scores["recall5"], scores["median_rank"]) == (0, 0, 6)


@pytest.mark.parametrize(
    ("similarity", "relevant", "message"),
    [
        (np.array([[np.nan, 1.0]]), [{0}], "NaN"),
        (np.zeros((2, 3)), [{0}], "does not fit"),
        (np.zeros((1, 3)), [set()], "query 0"),
        (np.zeros((1, 3)), [{3}], "query 0"),
        (np.zeros((1, 3)), [{-1}], "query 0"),
    ],
)
def test_what_has_no_meaning_is_refused(similarity, relevant, message):
    with pytest.raises(ValueError, match=message):
        retrieve(similarity, relevant)

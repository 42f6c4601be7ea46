"""The page of results is what its files say, and the files hold what was promised."""

import json

import pytest

from benchmarks.results import MEASURED, PAGE, markdown, render

# Times faster than the package, on 2,500 candidates with 5 references each.
PROMISED = {
    "BLEU-1..4 (pycocoevalcap)": 4,
    "CIDEr-D (pycocoevalcap)": 10,
    "ROUGE-L (pycocoevalcap)": 8,
    "these three together": 10,
    "METEOR without WordNet (nltk)": 5,
}


def test_the_page_is_generated():
    assert PAGE.read_text(encoding="utf-8") == render()


def test_a_table_has_a_column_for_each_heading():
    table = {"columns": ["what", "s"], "rows": [["this", "1"], ["that", "2"]]}
    assert markdown(table) == ["| what | s |", "| --- | ---: |", "| this | 1 |", "| that | 2 |"]


@pytest.mark.parametrize("score", PROMISED)
def test_measured_scores_are_as_fast_as_promised(score):
    content = json.loads((MEASURED / "scores.json").read_text(encoding="utf-8"))
    compared = [table for table in content["tables"] if "times" in table["columns"]]
    assert compared
    for table in compared:
        row = next(row for row in table["rows"] if row[0] == score)
        assert float(row[table["columns"].index("times")]) >= PROMISED[score]

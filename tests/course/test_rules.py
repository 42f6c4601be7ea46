"""Each kind of rule against answers that are known."""

import copy
import json

import pytest
from toy_course import ROWS, STAGE, cell, change, change_notebook, earned, grade, hand_in, reason, result

FULL = {"ran": 2, "outputs": 2, "files": 2, "exercises": 2, "metric": 2.5}


def test_a_right_submission_gets_what_it_earned_and_nothing_disagrees(folder, home):
    found = grade(folder, home)
    assert earned(found) == FULL  # .6 is half of the way from .2 to 1, and .8 of it earns all: 4 x .625
    assert (found["points"], found["possible"]) == (10.5, 12)
    assert found["disagreements"] == [] and found["unread"] == []
    assert reason(found, "ran") == "all 9 code cells ran, in order and without an error"
    assert "50% of the way from blind (0.200) to fresh (1.000); 80% earn all points" in reason(
        found, "metric"
    )


def test_an_empty_folder_gets_nothing_and_is_told_why(tmp_path, home):
    (tmp_path / "empty").mkdir()
    found = grade(tmp_path / "empty", home)
    assert found["points"] == 0 and found["possible"] == 12
    assert reason(found, "ran") == f"notebooks/{STAGE}.ipynb is missing"
    assert reason(found, "metric") == f"metrics/{STAGE}.json is missing"


@pytest.mark.parametrize(
    ("edit", "share", "why"),
    [
        (lambda nb: cell(nb, "picture").update(execution_count=40), 4 / 9, "has the count 40"),
        (lambda nb: cell(nb, "picture").update(execution_count=None), 4 / 9, "never ran"),
        (lambda nb: cell(nb, "imports").update(execution_count=True), 0, "never ran"),
        (
            lambda nb: cell(nb, "value").update(
                outputs=[{"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}]
            ),
            3 / 9,
            "code cell 4 of 9 ended in KeyError: 'x'",
        ),
    ],
)
def test_ran_counts_up_to_the_first_cell_that_did_not(folder, home, edit, share, why):
    change_notebook(folder, edit)
    found = grade(folder, home)
    assert earned(found)["ran"] == round(2 * share, 2)
    assert why in reason(found, "ran")


def test_cells_that_were_taken_out_count_as_not_run(folder, home):
    def take_out(notebook):
        notebook["cells"] = [c for c in notebook["cells"] if c["id"] not in ("value", "silent")]
        for count, found in enumerate((c for c in notebook["cells"] if c["cell_type"] == "code"), 1):
            found["execution_count"] = count

    change_notebook(folder, take_out)
    found = grade(folder, home)
    assert earned(found)["ran"] == round(2 * 6 / 8, 2)
    assert "2 of the course's 8 code cells are missing" in reason(found, "ran")


def test_a_partial_copy_counts_where_there_is_no_other(folder, home):
    change_notebook(folder, lambda nb: cell(nb, "picture").update(execution_count=None))
    whole = folder / "notebooks" / f"{STAGE}.ipynb"
    whole.rename(whole.with_suffix(".partial.ipynb"))
    assert earned(grade(folder, home))["ran"] == round(2 * 4 / 9, 2)


def test_outputs_counts_cells_that_show_something(folder, home):
    change_notebook(folder, lambda nb: cell(nb, "picture").update(outputs=[]))
    found = grade(folder, home)
    assert earned(found)["outputs"] == round(2 * 2 / 3, 2)
    assert "the first that does not: `plots.curves(history)`" in reason(found, "outputs")


def test_files_are_counted_and_an_empty_one_is_none(folder, home):
    (folder / "model_ckpt" / "toy" / "best" / "weights.safetensors").write_bytes(b"")
    found = grade(folder, home)
    assert earned(found)["files"] == 1
    assert reason(found, "files") == "model_ckpt/toy/best/weights.safetensors is missing"


@pytest.mark.parametrize(
    ("value", "points"), [(0.1, 0), (0.2, 0), (0.36, 1), (0.84, 4), (0.9, 4), (1.7, 4), ("0.9", 0), (True, 0)]
)
def test_a_metric_earns_its_share_of_the_way(tmp_path, home, value, points):
    rows = copy.deepcopy(ROWS)
    rows[1]["attribute_f1"] = value
    assert earned(grade(hand_in(tmp_path / "x", rows=rows), home))["metric"] == points


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda rows: rows.pop(1), "has no toy row with a attribute_f1"),
        (lambda rows: rows.pop(0), "has no blind row with a attribute_f1"),
        (lambda rows: rows[2].update(kind="model"), "has no ceiling row with a attribute_f1"),
        (lambda rows: rows[2].update(attribute_f1=0.2), "is not above that of blind"),
        (lambda rows: rows[1].update(name="blind"), "rows with names of their own are missing"),
        (lambda rows: rows.append(7), "rows with names of their own are missing"),
    ],
)
def test_a_metric_without_its_rows_is_told(tmp_path, home, edit, why):
    rows = copy.deepcopy(ROWS)
    edit(rows)
    found = grade(hand_in(tmp_path / "x", rows=rows), home)
    assert earned(found)["metric"] == 0 and why in reason(found, "metric")


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (
            lambda nb: cell(nb, "check").update(outputs=[result("exercise 1: not yet: 3 of 5")]),
            "not yet: 3 of 5",
        ),
        (lambda nb: cell(nb, "check").update(outputs=[result("exercise 1: no answer yet")]), "no answer yet"),
        (lambda nb: cell(nb, "check").update(outputs=[result("exercise 2: right")]), "says nothing"),
        (lambda nb: cell(nb, "check").update(source="check(1, 42, 42)"), "its check cell was changed"),
        (lambda nb: nb["cells"].remove(cell(nb, "check")), "its check cell is missing"),
        (
            lambda nb: cell(nb, "check").update(
                outputs=[{"output_type": "stream", "name": "stdout", "text": "exercise 1: right"}]
            ),
            "says nothing",
        ),
    ],
)
def test_an_answer_counts_only_below_an_unchanged_check_cell_that_says_right(folder, home, edit, why):
    change_notebook(folder, edit)
    found = grade(folder, home)
    assert earned(found)["exercises"] == 0 and why in reason(found, "exercises")


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("def rank(totals):\n    ...  # your answer", "no answer yet"),
        ("def rank(totals):\n    ...  # I do not know", "no answer yet"),
        ("def rank(totals):\n    return [1, 0]", "not yet: 2 of 2 numbers are wrong"),
    ],
)
def test_an_exercise_left_as_it_was_given_is_unanswered_whatever_its_check_says(
    folder, home, source, verdict
):
    """`[rank(a), rank(b)]` is a list of Nones then, which the check takes for wrong numbers."""
    solution = "def rank(totals):\n    # BEGIN SOLUTION\n    return [0, 1]\n    # END SOLUTION"
    change(home, f"given/{STAGE}.ipynb", lambda nb: cell(nb, "answer").update(source=solution))
    said = [result("exercise 1: not yet: 2 of 2 numbers are wrong")]
    change_notebook(folder, lambda nb: cell(nb, "check").update(outputs=said))
    change_notebook(folder, lambda nb: cell(nb, "answer").update(source=source))
    found = grade(folder, home)
    assert earned(found)["exercises"] == 0
    assert reason(found, "exercises") == f"exercise 1: {verdict}"


def test_a_notebook_without_exercises_is_not_asked_for_any(folder, home):
    change(home, f"given/{STAGE}.ipynb", lambda nb: nb["cells"].remove(cell(nb, "check")))
    for place in (folder, folder / "nothing"):
        found = grade(place, home)
        assert found["possible"] == 10 and "no exercises" in reason(found, "exercises")


def test_what_is_written_is_plain_json(folder, home):
    assert json.loads(json.dumps(grade(folder, home), allow_nan=False))["format"] == 1

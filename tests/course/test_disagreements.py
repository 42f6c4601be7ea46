"""What was touched by hand is shown, in words, and no point is taken for it."""

import copy
import json
import time

import pytest
from test_rules import FULL
from toy_course import (
    ROWS,
    STAGE,
    cell,
    change,
    change_notebook,
    code,
    earned,
    grade,
    hand_in,
    metrics,
    result,
    told,
)


def set_row(record, value=0.6, key="attribute_f1"):
    record["rows"][1][key] = value


@pytest.mark.parametrize(
    ("name", "edit", "expected"),
    [
        (f"metrics/{STAGE}.json", lambda m: set_row(m, 0.7), "the notebook shows 0.6, the metrics have 0.7"),
        (
            f"metrics/{STAGE}.json",
            lambda m: m.update(seed=4),
            "seed: the notebook ran with 0, its metrics say 4",
        ),
        (f"metrics/{STAGE}.json", lambda m: m["rows"].pop(), "rows: the notebook shows"),
        (
            "run.json",
            lambda r: r["stages"][STAGE]["parameters"].update(beam=9),
            "beam: the notebook ran with 2",
        ),
        (
            "model_ckpt/toy/best/meta.json",
            lambda m: m.update(weights_sha256="0" * 64),
            "is not the file whose hash",
        ),
        ("model_ckpt/toy/best/meta.json", lambda m: m.pop("weights_sha256"), "names no weights_sha256"),
    ],
)
def test_a_file_that_was_changed_disagrees(folder, home, name, edit, expected):
    change(folder, name, edit)
    assert any(expected in line for line in told(grade(folder, home)))


def spoil(name, **values):
    return lambda notebook: cell(notebook, name).update(values)


def forge_record(notebook):
    record = metrics()
    set_row(record, 0.9)
    cell(notebook, "record")["outputs"] = [result(json.dumps(record))]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (forge_record, "toy attribute_f1: the notebook shows 0.9, the metrics have 0.6"),
        (spoil("record", outputs=[]), "the notebook shows no metrics of its own"),
        (spoil("value", source="1 + 2"), "code cell 4 was changed: `1 + 2` where the course has `1 + 1`"),
        (spoil("value", source="1 + 1\nx = 5"), "`x = 5` where the course has nothing"),
        (spoil("value", id="mine", source="2"), "code cell 4 was changed"),
        # a tag of one's own does not make a given cell an exercise
        (spoil("value", source="1 + 2", metadata={"tags": ["exercise"]}), "code cell 4 was changed"),
        (lambda nb: nb["cells"].remove(cell(nb, "silent")), "the course's cell `x = 3` is missing"),
        (lambda nb: nb["cells"].append(code("mine", "print(1)")), "code cell 10 was added: `print(1)`"),
        (lambda nb: nb["cells"].insert(1, nb["cells"].pop()), "stands elsewhere than in the course"),
        (spoil("injected-parameters", source="profile = 'smoke'\nimport os"), "code cell 3 was added"),
        (spoil("injected-parameters", source="profile = 'smoke'\ncheck = 1"), "code cell 3 was added"),
        (spoil("injected-parameters", source="profile = 'full'"), "profile: the notebook ran with \"full\""),
        (spoil("params", source="seed = open('x')"), "holds more than `name = literal`"),
    ],
)  # fmt: skip
def test_a_notebook_that_was_changed_disagrees(folder, home, edit, expected):
    change_notebook(folder, edit)
    found = grade(folder, home)
    assert any(expected in line for line in told(found)), told(found)


def test_no_point_is_taken_for_what_disagrees(folder, home):
    change(folder, "run.json", lambda r: r["stages"][STAGE]["parameters"].update(beam=9))
    change_notebook(folder, spoil("value", source="1 + 2"))
    found = grade(folder, home)
    assert len(told(found)) == 2 and earned(found) == FULL


def test_what_is_the_students_own_does_not_disagree(folder, home):
    """Answers, parameters, prose, comments, other ids, and how lines are broken."""

    def work(notebook):
        cell(notebook, "answer")["source"] = "answer = 6 * 6 + 6"
        cell(notebook, "params")["source"] += "  \r\n"
        cell(notebook, "value").update(source="1 + 1  \n\n", id="other")
        cell(notebook, "picture")["source"] = "# mine\nplots.curves(\n    history\n)"
        note = {"cell_type": "markdown", "id": "note", "metadata": {}, "source": "mine"}
        notebook["cells"].insert(2, note)

    change_notebook(folder, work)
    assert told(grade(folder, home)) == []


def test_only_the_first_of_very_many_disagreements_are_told(folder, home):
    change(folder, f"metrics/{STAGE}.json", lambda m: m.update({f"k{n}": n for n in range(100)}))
    lines = told(grade(folder, home))
    assert len(lines) == 21 and lines[-1] == "and 80 more"


def test_weights_without_meta_and_meta_without_weights(folder, home):
    (folder / "model_ckpt/toy/best/weights.safetensors").unlink()
    assert told(grade(folder, home)) == [
        "model_ckpt/toy/best/weights.safetensors is missing, though its meta.json is there"
    ]


def test_hashing_stops_when_its_time_is_over(folder, home, monkeypatch):
    """And what was graded before stays."""
    monkeypatch.setattr("course.grade.SECONDS", 2.0)
    monkeypatch.setattr("course.handed.Folder.digest", lambda *_: time.sleep(20))
    found = grade(folder, home)
    assert told(found) == [] and earned(found) == FULL
    assert found["unread"] == ["not all of its checkpoints, for the grader stopped: OutOfTime 2 s are over"]


# ---- scores computed anew

SAID = {
    "a.jpg": "the woman wears a white knitted cardigan over a solid pink leather shirt .",
    "b.jpg": "a man is wearing a gray cotton shirt and plain purple leggings .",
    "c.jpg": "her very short denim shorts are red .",
}
TRUE = {
    "a.jpg": ["A woman in a white cardigan and a pink leather shirt."],
    "b.jpg": ["This gentleman is dressed in a gray graphic cotton shirt and purple leggings."],
    "c.jpg": ["She wears red denim shorts."],
}


@pytest.fixture
def predicted(tmp_path):
    """A right submission whose model's row is what its captions come to."""
    from lib.score import evaluate

    rows = copy.deepcopy(ROWS)
    rows[1] |= evaluate(SAID, TRUE, resamples=10) | {"attribute_f1": 0.6, "seconds": 3.0}
    folder = hand_in(tmp_path / "class" / "ada", rows=rows)
    write_predictions(folder, SAID, TRUE)
    return folder


def write_predictions(folder, said, true):
    lines = [
        json.dumps({"id": key, "references": true[key], "attributes": None, "captions": {"toy": said[key]}})
        for key in said
    ]
    (folder / "metrics" / f"{STAGE}.predictions.jsonl").write_text("\n".join(lines) + "\n")


def test_right_captions_come_to_the_scores_that_are_claimed(predicted, home):
    found = grade(predicted, home, again=True)
    assert told(found) == [] and found["unread"] == []
    assert found["computed_anew"] == [{"stage": STAGE, "scores": 14, "rows without captions": 2}]


def test_without_the_wish_nothing_is_computed_anew(predicted, home):
    assert grade(predicted, home)["computed_anew"] == []


def test_scores_that_the_captions_do_not_come_to_are_told(tmp_path, predicted, home):
    rows = json.loads((predicted / "metrics" / f"{STAGE}.json").read_text())["rows"]
    rows[1]["cider_d"] += 1e-6
    other = hand_in(tmp_path / "other", rows=rows)
    write_predictions(other, SAID, TRUE)
    (line,) = told(grade(other, home, again=True))
    assert line.startswith("toy cider_d: the metrics say ")
    write_predictions(predicted, SAID | {"a.jpg": "a man ."}, TRUE)
    assert len(told(grade(predicted, home, again=True))) > 8


def test_time_that_is_over_is_told(predicted, home, monkeypatch):
    monkeypatch.setattr("course.grade.SECONDS", 2.0)
    monkeypatch.setattr("course.disagreements.evaluate", lambda *_, **__: time.sleep(20))
    found = grade(predicted, home, again=True)
    assert told(found) == [] and earned(found) == FULL
    assert found["computed_anew"] == [{"stage": STAGE, "scores": 0, "rows without captions": 2}]
    assert found["unread"] == ["not all of its predictions, for the grader stopped: OutOfTime 2 s are over"]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "a"}', "[]", "nothing", '{"id": 3, "references": ["a"], "captions": {}}',
        '{"id": "a", "references": [], "captions": {"toy": "a"}}',
        '{"id": "a", "references": ["a"], "captions": {"toy": null}}',
        '{"id": "a", "references": ["a"], "attributes": [1], "captions": {"toy": "a"}}',
        json.dumps({"id": "a", "references": ["a"], "captions": {"toy": "a" * 5000}}),
    ],
)  # fmt: skip
def test_predictions_of_another_form_are_refused_in_one_line(predicted, home, line):
    path = predicted / "metrics" / f"{STAGE}.predictions.jsonl"
    path.write_text(path.read_text() + line)
    found = grade(predicted, home, again=True)
    assert len(found["unread"]) == 1 and "line 4" in found["unread"][0]
    assert earned(found) == FULL


def test_attributes_that_the_world_does_not_know_end_in_one_line(predicted, home):
    line = {"id": "a", "references": ["a"], "attributes": {"nose": "red"}, "captions": {"toy": "a"}}
    (predicted / "metrics" / f"{STAGE}.predictions.jsonl").write_text(json.dumps(line))
    (line,) = told(grade(predicted, home, again=True))
    assert line.startswith("toy: its captions cannot be scored")

"""Rubrics: what is wrong with one is told by its place and in one line."""

import json

import pytest
from toy_course import RUBRIC, STAGE

from course.handed import CourseError
from course.rubric import DEFAULT, KINDS, read_rubric
from lib.paths import NOTEBOOKS

STAGES = (STAGE, "02_other")


def read(tmp_path, text):
    path = tmp_path / "rubric.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rubric(path, STAGES)


def rule(**values):
    values = {"stage": STAGE, "kind": "ran", "points": 1} | values
    return "[[rule]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items() if v is not None)


def test_the_rubric_that_ships_fits_the_notebooks_and_holds_every_kind():
    title, rules = read_rubric(DEFAULT, {path.stem for path in NOTEBOOKS.glob("*.ipynb")})
    assert title == "Lookbook" and {rule.kind for rule in rules} == KINDS.keys()
    assert {rule.stage for rule in rules} == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


def test_rules_have_names_of_their_own(tmp_path):
    names = [rule.name for rule in read(tmp_path, RUBRIC)[1]]
    assert names == ["01 ran", "01 outputs", "01 files", "01 exercises", "01 metric toy attribute_f1"]
    assert read(tmp_path, rule(name="all of it"))[1][0].name == "all of it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule = [", "at end of document"),
        (b"title = '\xff'", "can't decode byte"),
        ("", "expected a title (text) and rules"),
        ("title = 3\n" + rule(), "expected a title"),
        ("rule = 'all'", "expected a title (text) and rules"),
        ("rule = ['all']", "expected a title (text) and rules, each under [[rule]]"),
        (
            "tittle = 'x'\n" + rule(),
            "expected a title (text) and rules, each under [[rule]], and nothing else",
        ),
        (rule() + rule(kind=None), "rule 2: kind must be one of 'ran', "),
        (rule(kind="run"), "kind must be one of 'ran', 'outputs', 'files', 'exercises', 'metric', not 'run'"),
        (rule(pionts=3), "unknown parameter pionts; did you mean points?"),
        (rule(key="bleu4"), "rule 1: key says nothing to a rule of kind ran"),
        (rule(stage="01_toys"), "unknown stage '01_toys'; did you mean 01_toy?"),
        (rule(stage=["01_toy"]), "stage must be str, not ['01_toy']"),
        (rule(points="3"), "points must be float, not '3'"),
        (rule(points=True), "points must be float, not True"),
        (rule(points=None), "points must be float, not None"),
        (rule(points=-1), "points are from 0 on"),
        (rule(kind="outputs", full_at=0), "full_at is above 0 and at most 1"),
        (rule(kind="outputs", full_at=1.5), "full_at is above 0 and at most 1"),
        (rule(kind="metric"), "key is missing"),
        (rule(kind="files"), "files is missing"),
        (rule(kind="files", files="x"), "files must be list"),
        (rule(kind="files", files=["a", 3]), "3 is no plain name"),
        (rule() + rule(), "rule 2: another rule is called '01 ran' too; give one of them a name"),
    ],
)
def test_a_bad_rubric_is_one_line(tmp_path, text, told):
    with pytest.raises(CourseError) as error:
        read(tmp_path, text)
    assert told in str(error.value) and "rubric.toml" in str(error.value)
    assert "\n" not in str(error.value).removesuffix("\n")


NAMES = ["../x", "/etc/passwd", "a/../b", "a/*.json", "a//b", "C:\\x", "a\\b", "", ".", "a/", "~/x", "a/.."]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_plain_one_is_refused(tmp_path, name):
    with pytest.raises(CourseError, match="is no plain name of a file below the output folder"):
        read(tmp_path, rule(kind="files", files=[name]))


def test_a_name_with_dots_is_a_plain_one(tmp_path):
    assert read(tmp_path, rule(kind="files", files=["a.b/..c/x.json"]))[1][0].files == ["a.b/..c/x.json"]


def test_a_rubric_that_is_not_there(tmp_path):
    with pytest.raises(CourseError, match="No such file"):
        read_rubric(tmp_path / "none.toml", STAGES)

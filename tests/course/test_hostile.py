"""Submissions made to harm: each costs a line on its own page, quickly, and nothing of it is run."""

import json
import os
import pickle
import random
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from toy_course import STAGE, cell, change, change_notebook, earned, grade, png, result, told

from course.grade import grade_submission, open_course
from course.page import render
from lib.paths import ROOT

NOTEBOOK, METRICS = f"notebooks/{STAGE}.ipynb", f"metrics/{STAGE}.json"
BEST = "model_ckpt/toy/best"


def replace_by(write):
    def spoil(path):
        path.unlink()
        write(path)

    return spoil


def sparse(path):
    with path.open("wb") as file:
        file.truncate(2**30 + 1)


def deep(path):
    path.write_text("[" * 100_000 + "]" * 100_000)


HOSTILE = {
    "a sparse file": (replace_by(sparse), "1,024 MiB; "),
    "a pipe": (replace_by(os.mkfifo), "a pipe or a device where a file is expected"),
    "a folder": (replace_by(lambda path: path.mkdir()), "a folder where a file is expected"),
    "a link out": (replace_by(lambda path: path.symlink_to("/etc/passwd")), "a link, which is not followed"),
    "a link to a device": (replace_by(lambda path: path.symlink_to("/dev/zero")), "a link, which"),
    "no JSON": (lambda path: path.write_text("{nothing"), "not JSON"),
    "deep nesting": (deep, "not JSON: maximum recursion depth exceeded"),
    "nesting that Python can read": (
        lambda path: path.write_text("[" * 99 + "]" * 99),
        "nested too deep: 32 levels are read at most",
    ),
    "NaN": (lambda path: path.write_text('{"rows": [NaN]}'), "NaN is no number"),
    "infinity": (lambda path: path.write_text('{"rows": [1e999]}'), "1e999 is no number"),
    "a number without end": (lambda path: path.write_text(f'{{"rows": {"9" * 9999}}}'), "not JSON"),
    "keys twice": (lambda path: path.write_text('{"rows": [], "rows": [1]}'), "stands there twice"),
    "not UTF-8": (
        lambda path: path.write_bytes(b'{"rows": "\xff"}'),
        "can't decode byte 0xff in position 10",
    ),
    "UTF-16": (lambda path: path.write_text('{"rows": []}', encoding="utf-16"), "can't decode byte"),
    "a bomb of values": (
        lambda path: path.write_text("[" + "0," * 1_100_000 + "0]"),
        "more than 1,000,000 values",
    ),
    "text without an end": (lambda path: path.write_text('"' + '\\"' * 500_000), "not JSON"),
    "nothing": (lambda path: path.write_text(""), "not JSON"),
    "another shape": (lambda path: path.write_text('{"cells": 7, "rows": 7}'), "no "),
    "no object": (lambda path: path.write_text('["cells", "rows"]'), "no "),
}


@pytest.mark.parametrize("name", [NOTEBOOK, METRICS])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_one_line_and_costs_no_time(folder, home, name, kind):
    spoil, expected = HOSTILE[kind]
    spoil(folder / name)
    began = time.monotonic()
    found = grade(folder, home)
    assert time.monotonic() - began < 3
    (line,) = found["unread"]
    assert line.startswith(f"{name}: ") and expected in line
    lost = {"ran", "outputs", "exercises"} if name == NOTEBOOK else {"metric"}
    assert all((points == 0) == (kind in lost) for kind, points in earned(found).items() if kind != "files")


@pytest.mark.parametrize("place", ["notebooks", "metrics", "model_ckpt/toy", "model_ckpt"])
def test_a_linked_folder_is_not_followed(tmp_path, folder, home, place):
    (folder / place).rename(tmp_path / "elsewhere")
    (folder / place).symlink_to(tmp_path / "elsewhere")
    found = grade(folder, home)
    assert any("a link, which is not followed" in line for line in found["unread"])
    assert earned(found)["files"] < 2 or place == "notebooks"


def test_a_linked_student_is_not_followed(tmp_path, folder, home):
    (tmp_path / "class" / "eve").symlink_to(folder)
    found = grade(tmp_path / "class" / "eve", home)
    assert found["points"] == 0 and found["unread"] == ["the folder: a link, which is not followed"]


def test_no_path_of_a_submission_is_followed(tmp_path, folder, home):
    secret = tmp_path / "secret.json"
    secret.write_text('{"stage": "SECRET"}')
    paths = ["../../secret.json", str(secret), "metrics/../../../secret.json", "file:///etc/passwd"]
    change(folder, METRICS, lambda m: m.update(stage=paths[0], include=paths, dataset=paths[1]))
    change(
        folder,
        "run.json",
        lambda r: r["stages"][STAGE].update(makes={path: {"content": path} for path in paths}),
    )
    (folder / "model_ckpt" / "toy" / "best-name").write_text(paths[0])
    change_notebook(folder, lambda nb: cell(nb, "record").update(attachments={"a": paths}))
    found = grade(folder, home)
    assert "SECRET" not in json.dumps(found) + page_of(folder, home)


@pytest.mark.parametrize("name", ["../x.ipynb", "notebooks/../../x.json", "metrics/../../../etc/passwd"])
def test_a_name_that_leads_out_is_refused(folder, name):
    from course.handed import Folder, Refused

    (folder.parent / "x.ipynb").write_text("{}")
    with pytest.raises(Refused):
        Folder(folder).find(name)


def test_weights_are_never_opened_as_anything_but_bytes(tmp_path, folder, home):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    (folder / BEST / "weights.safetensors").write_bytes(pickle.dumps(Trap()))
    assert told(grade(folder, home)) == [
        f"{BEST}/weights.safetensors is not the file whose hash its meta.json holds"
    ]
    assert not (tmp_path / "ran").exists()


def test_no_code_of_a_notebook_is_run(tmp_path, folder, home):
    line = f"import os; os.mkdir({str(tmp_path / 'ran')!r})"

    def plant(notebook):
        for name in ("imports", "params", "injected-parameters", "answer", "check", "value"):
            cell(notebook, name)["source"] = line
        notebook["metadata"]["kernelspec"] = {"name": line}

    change_notebook(folder, plant)
    (folder / "sitecustomize.py").write_text(line)
    (folder / "notebooks" / "conftest.py").write_text(line)
    page_of(folder, home)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "source", ["-" * 15_000 + "1", "[" * 9_000, "(" * 9_000 + ")" * 9_000, "x = " + "[" * 99 + "]" * 99]
)
def test_parameters_that_break_a_parser_are_no_parameters(folder, home, source):
    change_notebook(folder, lambda nb: cell(nb, "injected-parameters").update(source=source))
    change_notebook(folder, lambda nb: cell(nb, "silent").update(source=source))
    lines = told(grade(folder, home))
    assert any("code cell 3 was added" in line for line in lines)
    assert any("code cell 6 was changed" in line for line in lines)


def page_of(folder, home) -> str:
    course = open_course(home / "given", home / "rubric.toml")
    return render(*grade_submission(folder, course))


class Offences(HTMLParser):
    """What a browser would run or fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.found += [tag] if tag in ("script", "iframe", "object", "embed", "link", "base", "form") else []
        self.found += [name for name in told if name.startswith("on")]
        sources = [told.get(name) or "" for name in ("src", "href", "action", "data")]
        self.found += [s[:40] for s in sources if s and not s.startswith("#")]


def offences(page: str) -> list[str]:
    parser = Offences()
    parser.feed(page)
    return parser.found


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>"


def test_nothing_of_an_output_reaches_the_page_as_html(folder, home):
    def plant(notebook):
        for name in ("value", "picture", "record"):
            outputs = cell(notebook, name)["outputs"]
            outputs[0]["data"] |= {
                "text/html": EVIL,
                "application/javascript": "alert(1)",
                "image/svg+xml": EVIL,
            }
            outputs.append({"output_type": "stream", "name": "stdout", "text": EVIL})
        cell(notebook, "picture")["outputs"] += [result("x", image_png=f'{png()}" onerror="alert(1)')]
        notebook["cells"].append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": EVIL})

    change_notebook(folder, plant)
    page = page_of(folder, home)
    assert "<script" not in page and "onerror" not in page and "javascript:" not in page
    assert offences(page) == []


def test_what_is_quoted_on_the_page_is_text(folder, home):
    change_notebook(folder, lambda nb: cell(nb, "answer").update(source=EVIL))
    change_notebook(folder, lambda nb: cell(nb, "value").update(source=f"'{EVIL}'"))
    change_notebook(folder, lambda nb: cell(nb, "check").update(outputs=[result(f"exercise 1: {EVIL}")]))
    change(folder, METRICS, lambda m: m.update(dataset=EVIL, profile="{{ 7 * 191 }}"))
    change(folder, METRICS, lambda m: m["rows"].append({"name": EVIL, "kind": "model", "attribute_f1": 0.5}))
    page = page_of(folder, home)
    assert "&lt;script&gt;" in page and "{{ 7 * 191 }}" in page and "1337" not in page
    assert "<script" not in page and offences(page) == []


def test_the_offences_would_be_found():
    assert offences(EVIL) == ["script", "onerror", "x", "javascript:alert(1)"]


def test_no_picture_of_a_submission_is_on_the_page(folder, home):
    assert png() not in page_of(folder, home) and "data:" not in page_of(folder, home)


def test_half_characters_and_escapes_reach_neither_page_nor_screen(folder, home):
    ugly = "\ud800\x1b[31m\u202e\x00red"
    change_notebook(folder, lambda nb: cell(nb, "value").update(source=f"'{ugly}'"))
    change_notebook(folder, lambda nb: cell(nb, "answer").update(source=f"'{ugly}'"))
    change(folder, METRICS, lambda m: m["rows"].append({"name": ugly, "kind": "model", "attribute_f1": 0.5}))
    change(folder, METRICS, lambda m: m.update(split=ugly))
    text = page_of(folder, home)
    text.encode("utf-8")
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


def test_each_file_is_opened_at_most_once(folder, home, monkeypatch):
    from course.handed import Folder

    opened, whole = [], Folder.read
    monkeypatch.setattr(
        Folder, "read", lambda self, name, *take: opened.append((self.root, name)) or whole(self, name, *take)
    )
    page_of(folder, home)
    mine = [name for root, name in opened if root == folder]
    assert len(mine) == len(set(mine)) == 5  # notebook, metrics, run.json, meta.json, weights


def test_very_many_cells_cost_no_time(folder, home):
    def flood(notebook):
        tags = {"tags": ["injected-parameters"]}
        twin = {"cell_type": "code", "metadata": tags, "source": "check", "outputs": []}
        notebook["cells"] = [cell(notebook, "params"), *[twin] * 30_000, cell(notebook, "value")]

    change_notebook(folder, flood)
    began = time.monotonic()
    found = grade(folder, home)
    assert time.monotonic() - began < 5 and found["unread"] == []
    assert len(told(found)) == 21


def test_metrics_that_claim_nothing(folder, home):
    change(folder, METRICS, lambda m: [m.pop(key) for key in ("profile", "dataset", "seed", "split")])
    assert grade(folder, home)["unread"] == []


def places(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


ODD = (None, True, -1, 10**300, 0.5, "", "x" * 300, [], [[]], {}, {"a": [1]}, "\ud800", ["a", 1], {"": None})


@pytest.mark.parametrize("name", [NOTEBOOK, METRICS, "run.json", f"{BEST}/meta.json"])
def test_whatever_stands_in_place_of_a_value_the_page_is_written(folder, home, name):
    """A fuzz with a seed: every place of each file in turn holds something else."""
    course, draw = open_course(home / "given", home / "rubric.toml"), random.Random(0)
    value = json.loads((folder / name).read_text())
    for path in [path for path in places(value) if path]:
        spoilt = json.loads(json.dumps(value))
        inner = spoilt
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = draw.choice(ODD)
        (folder / name).write_text(json.dumps(spoilt))
        found, works = grade_submission(folder, course)
        assert not any("grader stopped" in line for line in found["unread"]), (
            path,
            inner[path[-1]],
            found["unread"],
        )
        render(json.loads(json.dumps(found, allow_nan=False)), works).encode("utf-8")


def test_a_mistake_of_the_graders_own_is_told_and_ends_nothing(folder, home, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("course.grade.compare_weights", fail)
    found = grade(folder, home)
    assert found["points"] == 10.5 and found["unread"] == [
        "not all of its checkpoints, for the grader stopped: ZeroDivisionError planted"
    ]


def test_a_submission_that_takes_too_long_is_stopped(folder, home, monkeypatch):
    monkeypatch.setattr("course.grade.SECONDS", 0.05)
    monkeypatch.setattr("course.grade.open_work", lambda *_: time.sleep(5))
    began = time.monotonic()
    found = grade(folder, home)
    assert time.monotonic() - began < 2 and found["points"] == 0 and "OutOfTime" in found["unread"][0]
    assert [rule["reason"] for rule in found["rules"]] == ["not graded: see what was not read"] * 5


def test_grading_imports_no_torch():
    code = (
        "import sys, course.grade, course.page, course.handout; from lib.score import evaluate\n"
        "evaluate({'a': 'b'}, {'a': ['b']}, resamples=0)\n"
        "print([n for n in ('torch', 'transformers', 'matplotlib', 'pandas', 'IPython') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

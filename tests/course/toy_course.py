"""A tiny course of one notebook, and submissions to it made in code: right ones, and spoiled ones."""

import base64
import copy
import hashlib
import io
import json
from pathlib import Path

from PIL import Image

from course.grade import grade_submission, open_course

STAGE = "01_toy"
RUBRIC = """
title = "Toy"
[[rule]]
stage = "01_toy"
kind = "ran"
points = 2
[[rule]]
stage = "01_toy"
kind = "outputs"
points = 2
[[rule]]
stage = "01_toy"
kind = "files"
files = ["metrics/01_toy.json", "model_ckpt/toy/best/weights.safetensors"]
points = 2
[[rule]]
stage = "01_toy"
kind = "exercises"
points = 2
[[rule]]
stage = "01_toy"
kind = "metric"
key = "attribute_f1"
row = "toy"
full_at = 0.8
points = 4
"""
SOURCES = {
    "imports": "import math",
    "params": 'profile = "demo"\ndataset = "dataset/toy"\noutput = "output"\nseed = 0\nbeam = 5',
    "value": "1 + 1",
    "picture": "plots.curves(history)",
    "silent": "x = 3",
    "answer": "answer = ...\n# BEGIN SOLUTION\nanswer = 6 * 7\n# END SOLUTION",
    "check": "check(1, answer, 42)",
    "record": "written",
}
TAGS = {"params": ["parameters"], "answer": ["exercise"], "check": ["check"]}
ROWS = [
    {"name": "blind", "kind": "control", "attribute_f1": 0.2, "cider_d": 0.1},
    {"name": "toy", "kind": "model", "attribute_f1": 0.6, "cider_d": 0.7},
    {"name": "fresh", "kind": "ceiling", "attribute_f1": 1.0, "cider_d": 1.5},
]
WEIGHTS = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"


def png(size=(64, 48), color="teal") -> str:
    Image.new("RGB", size, color).save(drawn := io.BytesIO(), "PNG")
    return base64.b64encode(drawn.getvalue()).decode()


def code(name: str, source: str, outputs=(), count=None, tags=()) -> dict:
    cell = {"cell_type": "code", "id": name, "metadata": {"tags": list(tags)} if tags else {}}
    return cell | {"source": source, "outputs": list(outputs), "execution_count": count}


def result(text: str, **more: str) -> dict:
    data = {"text/plain": text, **{key.replace("_", "/"): value for key, value in more.items()}}
    return {"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": data}


def given_notebook() -> dict:
    """The course's own, with the solution and without outputs."""
    cells = [code(name, source, tags=TAGS.get(name, ())) for name, source in SOURCES.items()]
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# 01 · Toy"}
    return {"cells": [title, *cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def metrics(rows=ROWS) -> dict:
    about = {"stage": STAGE, "profile": "smoke", "dataset": "dataset/toy", "split": "test"}
    return {**about, "rows": copy.deepcopy(rows), "seed": 0}


def right_notebook(record: dict) -> dict:
    """As a good run of the pipeline leaves it."""
    notebook = given_notebook()
    injected = code("injected-parameters", "profile = 'smoke'\nbeam = 2", tags=["injected-parameters"])
    notebook["cells"].insert(3, injected)
    cell(notebook, "answer")["source"] = "answer = 42"
    outputs = {
        "value": [result("2")],
        "picture": [result("<picture>", image_png=png())],
        "check": [result("exercise 1: right")],
        "record": [result(json.dumps(record, indent=1), text_html="<details>...</details>")],
    }
    for count, found in enumerate((c for c in notebook["cells"] if c["cell_type"] == "code"), 1):
        found |= {"execution_count": count, "outputs": outputs.get(found["id"], [])}
    return notebook


def cell(notebook: dict, name: str) -> dict:
    return next(cell for cell in notebook["cells"] if cell["id"] == name)


def hand_in(folder: Path, *, rows=ROWS) -> Path:
    """A whole and right submission."""
    record = metrics(rows)
    write(folder / "notebooks" / f"{STAGE}.ipynb", right_notebook(record))
    write(folder / "metrics" / f"{STAGE}.json", record)
    best = folder / "model_ckpt" / "toy" / "best"
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    write(best / "meta.json", {"format": 1, "weights_sha256": digest})
    (best / "weights.safetensors").write_bytes(WEIGHTS)
    used = {"profile": "smoke", "dataset": "dataset/toy", "output": "output/x", "seed": 0, "beam": 2}
    stage = {"state": "ok", "complete": True, "parameters": used}
    write(folder / "run.json", {"format": 1, "run": {}, "stages": {STAGE: stage}})
    return folder


def write(path: Path, value) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    return path


def change(folder: Path, name: str, edit) -> None:
    """Edit a JSON file of a submission in place."""
    value = json.loads((folder / name).read_text(encoding="utf-8"))
    edit(value)
    write(folder / name, value)


def change_notebook(folder: Path, edit) -> None:
    change(folder, f"notebooks/{STAGE}.ipynb", edit)


def write_course(folder: Path) -> Path:
    write(folder / "given" / f"{STAGE}.ipynb", given_notebook())
    (folder / "rubric.toml").write_text(RUBRIC)
    return folder


def grade(folder: Path, home: Path, *, again=False) -> dict:
    """grade.json of one submission."""
    course = open_course(home / "given", home / "rubric.toml")
    return grade_submission(folder, course, again=again)[0]


def earned(found: dict) -> dict[str, float]:
    """Points by the kind of rule."""
    return {rule["name"].split()[1]: rule["points"] for rule in found["rules"]}


def reason(found: dict, kind: str) -> str:
    return next(rule["reason"] for rule in found["rules"] if rule["name"].split()[1] == kind)


def told(found: dict) -> list[str]:
    return [line["what"] for line in found["disagreements"]]

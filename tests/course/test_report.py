"""The report says what ran and what came out, whatever state the output folder is in."""

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

from PIL import Image

from course.report import write_report
from lib.data.record import Record
from lib.paths import ROOT, Output
from lib.publish import write_metrics, write_predictions
from lib.publish.metrics import ON_SHOW

ROW = {
    "name": "best_constant",
    "kind": "baseline",
    "bleu4": 0.117,
    "bleu4_ci": [0.105, 0.128],
    "unique": 0.005,
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def add_metrics(folder, **changes):
    settings = {"profile": "smoke", "dataset": "dataset/a", "split": "test", "rows": [ROW]} | changes
    return write_metrics(folder, "00_dataset", **settings)


def add_run(folder, **stage):
    record = {"state": "ok", "seconds": 75.2, "peak_memory": 300 * 2**20, "parameters": {"seed": 7}, **stage}
    run = {
        "profile": "smoke",
        "state": "ok",
        "started": "2026-01-01T10:00:00+0000",
        "commit": "abcdef0123456789",
        "arguments": ["--profile", "smoke"],
    }
    folder.joinpath("run.json").write_text(json.dumps({"run": run, "stages": {"00_dataset": record}}))


def add_notebook(folder):
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 00 · The <dataset>"},
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "text\n## A picture & more"},
        {
            "cell_type": "code", "id": "c", "metadata": {}, "source": "x", "execution_count": 1,
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"image/png": PIXEL}}],
        },
    ]  # fmt: skip
    path = Output(folder).notebooks / "00_dataset.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


def test_a_whole_run_is_shown(tmp_path):
    add_metrics(tmp_path)
    add_run(tmp_path)
    add_notebook(tmp_path)
    text = write_report(tmp_path).read_text()
    for shown in (
        "00 · The &lt;dataset&gt;",
        "abcdef012345",
        "1:15",
        "300 MiB",
        "0.117",
        "0.105–0.128",
        "seed = 7",
    ):
        assert shown in text, shown
    assert text.count("data:image/jpeg;base64,") == 1
    assert "<figcaption>A picture &amp; more</figcaption>" in text
    assert (Output(tmp_path).notebooks / "00_dataset.html").exists()
    assert "//" not in re.sub(r"base64,[^\"]*|^ *//.*$| // .*$", "", text, flags=re.M), (
        "the report fetches nothing"
    )


def test_an_empty_folder_still_gives_a_report(tmp_path):
    text = write_report(tmp_path).read_text()
    assert "waiting" in text and "00 · The dataset" in text


def test_a_name_may_stand_once_in_each_category(tmp_path):
    rows = [ROW | {"category": category, "t2i_recall1": 0.5} for category in ("people", "car")]
    add_metrics(tmp_path, rows=rows)
    page = write_report(tmp_path).read_text()
    assert "people" in page and "text to picture: R@1" in page


def test_a_failure_is_shown_with_its_place(tmp_path):
    failure = {"kind": "ValueError", "message": "no <such> file", "cell": 4, "traceback": "line 1"}
    add_run(tmp_path, state="failed", failure=failure)
    text = write_report(tmp_path).read_text()
    assert "ValueError in code cell 4: no &lt;such&gt; file" in text
    assert 'class="badge failed"' in text


def test_the_command_writes_it(tmp_path):
    command = [sys.executable, "-m", "course", "report", "--output", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, f"report: {tmp_path / 'report.html'}")


HATS = {"hat": "beret", "belt": "belt", "scarf": None}
SAID = {"good": ["a beret , a belt"], "bad": ["a beret and a scarf"], "twice": ["a scarf , a belt , a scarf"]}


class Wardrobe:
    """A world of three things: a text states each that it names."""

    schema = scored = ("hat", "belt", "scarf")

    def parse(self, text):
        words = {"beret": "hat", "belt": "belt", "scarf": "scarf"}
        return SimpleNamespace(attributes={words[w]: w for w in text.split() if w in words}, conflicts={})


def add_predictions(folder, stage="01_x", count=20):
    """Pictures that all rows told alike; the world reads them."""
    records = []
    for number in range(count):
        path = folder / f"{number}.png"
        Image.new("RGB", (300, 300), "orange").save(path)
        records.append(Record(path.name, str(path), ("a beret and a belt",), "test", HATS))
    texts = {name: said * count for name, said in SAID.items()}
    return write_predictions(folder, stage, records, texts, Wardrobe())


def test_mistakes_are_marked_in_the_same_pictures_of_every_notebook(tmp_path):
    for stage in ("01_x", "02_y"):
        lines = add_predictions(tmp_path, stage).read_text().splitlines()
    marked = [known for known in map(json.loads, lines) if "media" in known]
    assert len(marked) == ON_SHOW
    assert marked[0]["marks"] == {
        "good": [["a beret , a belt"], [], []],
        "bad": [["a beret and a ", "scarf", ""], ["scarf"], ["belt"]],
        "twice": [["a ", "scarf", " , a belt , a ", "scarf", ""], ["scarf"], ["hat beret"]],
    }
    text = write_report(tmp_path).read_text()
    assert text.count('<details class="picture"') == ON_SHOW and text.count("<li data-kind") == 3 * ON_SHOW
    assert "a beret and a <mark>scarf</mark>" in text and "✗ wrong: scarf" in text
    assert "left out: belt" in text and text.count("nothing wrong, nothing left out") == ON_SHOW
    assert text.count('data-stages="01_x 02_y"') == 3 * ON_SHOW
    Path(marked[0]["media"]).unlink()
    assert write_report(tmp_path).read_text().count("is gone</span>") == 1


def test_what_no_world_read_is_not_called_right(tmp_path):
    records = [Record("a.jpg", "a.jpg", ("a beret",), "test")]
    write_predictions(tmp_path, "01_x", records, {"gru": ["a <scarf>"]}, Wardrobe())
    text = write_report(tmp_path).read_text()
    assert "a &lt;scarf&gt;" in text and "nothing wrong" not in text and "✗" not in text


def test_rows_that_notebooks_repeat_stand_once(tmp_path):
    other = ROW | {"name": "gru", "kind": "model", "bleu4": 0.25}
    for stage, rows in (("00_a", [ROW]), ("01_b", [ROW, other]), ("02_c", [ROW | {"unique": 0.006}])):
        write_metrics(tmp_path, stage, profile="smoke", dataset="d", split="test", rows=rows)
    text = write_report(tmp_path).read_text()
    assert re.findall(r'<tr class="(\w+)" data-kind="\w+" data-stages="([^"]+)"', text) == [
        ("baseline", "00_a 01_b"),
        ("model", "01_b"),
        ("baseline", "02_c"),
    ]


def test_what_a_run_differs_in_is_told(tmp_path):
    own = {"output": "output", "seed": 0, "training": {"epochs": 3, "batch_size": 8}, "word": 64}
    used = own | {"output": "o", "seed": 7, "training": {"epochs": 1, "batch_size": 8, "max_steps": 5}}
    reasons = ["parameter seed: 0 -> 7", *(f"lib/{k}.py changed" for k in range(6))]
    add_run(tmp_path, parameters=used, literals=own, reasons=reasons, commit="123", dirty=True)
    text = unescape(re.sub("<[^>]*>", "", write_report(tmp_path).read_text()))
    told = " ".join(text[text.index("What this run differs in") :].split())
    assert "seed 7, in the notebook 0" in told and "training.epochs 1, in the notebook 3" in told
    assert "training.max_steps 5, in the notebook not set" in told
    assert (
        "batch_size 8," not in told and "word 64," not in told and "output" not in told.partition("code")[0]
    )
    assert "code 123 with local changes, another commit than the last run's" in told
    assert "ran because: parameter seed: 0 -> 7; lib/0.py changed" in told and "and 3 more" in told
    add_run(tmp_path, parameters=own, literals=own, commit="abcdef0123456789")
    text = write_report(tmp_path).read_text()
    assert "the notebook's own parameters</li>" in text and "another commit" not in text
    assert "asked for</dt> <dd><code>python run_all.py --profile smoke" in text

"""The report says what ran and what came out, whatever state the output folder is in."""

import json
import re
import subprocess
import sys

import pytest

from lib.data.record import Record
from lib.paths import ROOT, Output
from lib.publish import Note, Picture, read_metrics, write_metrics, write_predictions
from lib.publish.metrics import MetricsError
from lib.publish.report import write_report

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
    assert text.count(f"data:image/png;base64,{PIXEL}") == 1
    assert "<figcaption>A picture &amp; more</figcaption>" in text
    assert (Output(tmp_path).notebooks / "00_dataset.html").exists()
    assert not re.search(r'(?:src|href)="https?:', text), "the report fetches nothing"


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


def test_metrics_come_back_at_full_precision(tmp_path):
    written = add_metrics(tmp_path, rows=[ROW | {"cider_d": 1 / 3}], more={"seed": 3})
    stored = read_metrics(tmp_path)["00_dataset"]
    assert json.loads(repr(written)) == stored, "the notebook's output holds the very numbers"
    assert stored["rows"][0]["cider_d"] == 1 / 3
    assert (stored["stage"], stored["seed"]) == ("00_dataset", 3)


@pytest.mark.parametrize(
    "rows, problem",
    [
        ([ROW, ROW], "name of its own"),
        ([ROW | {"category": "car"}, ROW | {"category": "car"}], "name of its own"),
        ([{"kind": "model"}], "name of its own"),
        ([ROW | {"kind": "winner"}], "kind 'winner'"),
        ([ROW | {"bleu4": float("nan")}], "not JSON compliant"),
    ],
)
def test_rows_without_the_promised_shape_are_refused(tmp_path, rows, problem):
    with pytest.raises((MetricsError, ValueError), match=problem):
        add_metrics(tmp_path, rows=rows)
    assert not (tmp_path / "metrics").exists()


def test_the_command_writes_it(tmp_path):
    command = [sys.executable, "-m", "lib", "report", "--output", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, f"report: {tmp_path / 'report.html'}")


def test_every_command_has_help():
    for command in ("", "report", "data", "score"):
        words = [sys.executable, "-m", "lib", *command.split(), "--help"]
        answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert answer.returncode == 0 and "usage: python -m lib" in answer.stdout


def test_an_unknown_command_is_refused_with_the_known_ones():
    words = [sys.executable, "-m", "lib", "dance"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 2 and "report" in answer.stderr


def test_a_picture_is_a_png(tmp_path):
    from PIL import Image

    from lib.publish import plots

    picture = plots.scores([ROW, ROW | {"name": "m", "kind": "model", "bleu4": 0.3}], ["bleu4", "unique"])
    assert isinstance(picture, Picture)
    with Image.open(picture.save(tmp_path / "x.png")) as image:
        assert image.format == "PNG" and image.width > 300


def test_predictions_can_be_scored_again(tmp_path):
    records = [
        Record("a", "a.jpg", ("one é", "two"), "test", {"hat": None}),
        Record("b", "b.jpg", ("x",), "test"),
    ]
    path = write_predictions(tmp_path, "01_x", records, {"gru": ["A", "B"], "blind": ["C", "D"]})
    assert path == tmp_path / "metrics" / "01_x.predictions.jsonl"
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": "a", "references": ["one é", "two"], "attributes": {"hat": None},
        "captions": {"gru": "A", "blind": "C"},
    }  # fmt: skip
    assert second["attributes"] is None and second["captions"] == {"gru": "B", "blind": "D"}
    assert read_metrics(tmp_path) == {}  # which are not metrics


def test_a_note_is_a_line_and_no_markup():
    assert repr(Note("nothing <here>")) == "nothing <here>"
    assert "nothing &lt;here&gt;" in Note("nothing <here>")._repr_html_()

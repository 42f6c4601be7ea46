"""Metrics and predictions as they are written, refused and read back."""

import json

import pytest

from lib.data.record import Record
from lib.publish import read_metrics, write_metrics, write_predictions
from lib.publish.metrics import MetricsError

ROW = {"name": "best_constant", "kind": "baseline", "bleu4": 0.117}
ABOUT = {"profile": "smoke", "dataset": "dataset/a", "split": "test"}


def test_metrics_come_back_at_full_precision(tmp_path):
    rows = [ROW | {"cider_d": 1 / 3}]
    written = write_metrics(tmp_path, "00_dataset", **ABOUT, rows=rows, more={"seed": 3})
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
        write_metrics(tmp_path, "00_dataset", **ABOUT, rows=rows)
    assert not (tmp_path / "metrics").exists()


def test_predictions_can_be_scored_again(tmp_path):
    records = [
        Record("a", "a.jpg", ("one é", "two"), "test", {"hat": None}),
        Record("b", "b.jpg", ("x",), "test"),
        Record("c", "c", ("y",), "test", {"hat": None}, ("1.jpg", "2.jpg")),
    ]
    path = write_predictions(tmp_path, "01_x", records, {"gru": ["A", "B", ""], "blind": ["C", "D", ""]})
    assert path == tmp_path / "metrics" / "01_x.predictions.jsonl"
    first, second, clip = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "id": "a", "references": ["one é", "two"], "attributes": {"hat": None},
        "media": "a.jpg", "captions": {"gru": "A", "blind": "C"},
    }  # fmt: skip
    assert "media" not in clip, "no one picture shows a clip"
    assert second["attributes"] is None and second["captions"] == {"gru": "B", "blind": "D"}
    assert read_metrics(tmp_path) == {}  # which are not metrics

"""Rows less the base, scores over data, runs side by side: every line and bar where it belongs."""

import pytest
import torch
from PIL import Image

from atelier import WARDROBE
from lib.data.record import Record
from lib.publish import comparison_plots, plots


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(comparison_plots, "as_picture", figures.append)
    return figures


def test_bars_are_differences_to_the_base(drawn):
    rows = [{"name": "original", "f1": 0.5}, {"name": "rebuilt", "f1": 0.3}, {"name": "both", "f1": 0.9}]
    comparison_plots.gained(rows, "original", ["f1"])
    [axis] = drawn[0].axes
    assert [round(bar.get_width(), 6) for bar in axis.patches] == [0.4, -0.2]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["both", "rebuilt"]
    assert [text.get_text() for text in axis.texts] == ["+0.400", "-0.200"]


def test_growth_goes_from_little_to_much(drawn):
    points = [{"captions": 900, "f1": 0.9}, {"captions": 90, "f1": 0.2}]
    comparison_plots.growth(points, "captions", ["f1"])
    [line] = drawn[0].axes[0].get_lines()
    assert list(line.get_xdata()) == [90, 900] and list(line.get_ydata()) == [0.2, 0.9]


def test_seeds_become_a_mean_between_the_lowest_and_the_highest():
    scored = {f"run{n}": {"cider_d": value, "unique": 1.0} for n, value in enumerate((0.4, 0.1, 0.7))}
    scored["other"] = {"cider_d": 9.0, "unique": 0.0}
    titles = dict.fromkeys(scored, ("leave_one_out", 0)) | {"other": ("another", 0)}
    [row] = comparison_plots.over_seeds(scored, titles, ["leave_one_out"], ["cider_d", "unique"])
    assert row["cider_d"] == pytest.approx(0.4) and row["cider_d_ci"] == [0.1, 0.7]
    assert row["unique_ci"] == [1.0, 1.0] and row["name"] == "leave_one_out"


def test_rows_less_their_control():
    rows = comparison_plots.less({"a": {"x": 3, "y": "text"}, "b": {"x": 1}}, "b", ["x"])
    assert rows == [{"name": "a", "x": 2}, {"name": "b", "x": 0}]


def test_runs_are_drawn_over_the_share_of_their_steps(monkeypatch):
    """A run without a column has no line there, and keeps its colour in the others."""
    drawn = []
    monkeypatch.setattr(comparison_plots, "as_picture", drawn.append)
    histories = {
        "control": [{"step": 0, "val_unique": 0.9}, {"step": 80, "val_unique": 0.8}],
        "rewarded": [{"step": 5, "reward": 1.0}, {"step": 10, "reward": 2.0, "val_unique": 0.7}],
    }
    comparison_plots.watched(histories, ["reward", "val_unique", "nowhere"], across=2)
    [figure] = drawn
    first, second = figure.axes
    lines = [[list(line.get_xdata()) for line in axis.get_lines()] for axis in (first, second)]
    assert lines == [[[], [0.5, 1.0]], [[0.0, 1.0], [1.0]]]
    colors = [[line.get_color() for line in axis.get_lines()] for axis in (first, second)]
    assert colors[0] == colors[1]


def test_each_picture_has_its_panel(monkeypatch):
    drawn = []
    monkeypatch.setattr(comparison_plots, "as_picture", drawn.append)
    likely = torch.tensor([[-2.0, -1.0, 0.0], [-2.0, -1.0, 0.0]])
    paid = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    comparison_plots.disagreement(
        (likely, paid), (likely[:, :1], paid[:, :1]), (likely[:, 1:2], paid[:, 1:2])
    )
    titles = [axis.get_title() for axis in drawn[0].axes]
    assert titles == ["correlation 1.00", "correlation -1.00"]


def test_best_and_worst_show_the_reference_and_what_is_wrong(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(plots, "as_picture", figures.append)
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    truth = dict.fromkeys(WARDROBE.schema) | {"gender": "man", "hat": "cap"}
    known = [Record(str(i), str(tmp_path / "x.png"), ("A man in a cap.",), "test", truth) for i in range(3)]
    texts = ["A man in a cap.", "A woman.", "A man in a beanie."]
    comparison_plots.best_and_worst(known, texts, [9.0, 0.0, 1.0], WARDROBE, count=1)
    first, last = (axis for axis in figures[0].axes if axis.get_title())
    assert (first.get_title(), last.get_title()) == ("CIDEr-D 9.00", "CIDEr-D 0.00")
    assert [text.get_text() for text in first.texts if text.get_text().strip()] == [
        "A man in a cap.", "reference: A man in a cap.",
    ]  # fmt: skip
    below = {text.get_text(): text.get_color() for text in last.texts if text.get_text().strip()}
    assert list(below) == [
        "A woman.",
        "reference: A man in a cap.",
        "wrong: gender woman",
        "left out: hat cap",
    ]
    assert below["wrong: gender woman"] == plots.ACCENT and below["left out: hat cap"] == plots.DOUBT
    stranger = Record("x", known[0].media, ("A dog.",), "test")
    assert len(comparison_plots.tell_mistakes("A man.", stranger, WARDROBE)) == 2

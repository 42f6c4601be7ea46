"""What runs show side by side: every line where it belongs, and seeds as a mean between two ends."""

import pytest
import torch

from lib.publish import runs


def test_seeds_become_a_mean_between_the_lowest_and_the_highest():
    rows = [{"cider_d": value, "unique": 1.0} for value in (0.4, 0.1, 0.7)]
    row = runs.spread("leave_one_out", rows, ["cider_d", "unique"])
    assert row["cider_d"] == pytest.approx(0.4) and row["cider_d_ci"] == [0.1, 0.7]
    assert row["unique_ci"] == [1.0, 1.0] and row["name"] == "leave_one_out"


def test_runs_are_drawn_over_the_share_of_their_steps(monkeypatch):
    """A run without a column has no line there, and keeps its colour in the others."""
    drawn = []
    monkeypatch.setattr(runs, "finish", drawn.append)
    histories = {
        "control": [{"step": 0, "val_unique": 0.9}, {"step": 80, "val_unique": 0.8}],
        "rewarded": [{"step": 5, "reward": 1.0}, {"step": 10, "reward": 2.0, "val_unique": 0.7}],
    }
    runs.watched(histories, ["reward", "val_unique", "nowhere"], across=2)
    [figure] = drawn
    first, second = figure.axes
    lines = [[list(line.get_xdata()) for line in axis.get_lines()] for axis in (first, second)]
    assert lines == [[[], [0.5, 1.0]], [[0.0, 1.0], [1.0]]]
    colors = [[line.get_color() for line in axis.get_lines()] for axis in (first, second)]
    assert colors[0] == colors[1]


def test_each_picture_has_its_panel(monkeypatch):
    drawn = []
    monkeypatch.setattr(runs, "finish", drawn.append)
    likely = torch.tensor([[-2.0, -1.0, 0.0], [-2.0, -1.0, 0.0]])
    paid = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    runs.disagreement((likely, paid), (likely[:, :1], paid[:, :1]), (likely[:, 1:2], paid[:, 1:2]))
    titles = [axis.get_title() for axis in drawn[0].axes]
    assert titles == ["correlation 1.00", "correlation -1.00"]

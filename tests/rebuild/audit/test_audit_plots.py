"""Audit plots: what was taken away stands below its picture, and curves stop where nothing is known."""

from PIL import Image

from lib.publish import plots
from rebuild.audit import audit_plots
from rebuild.audit.audit_plots import COLORS


def verdict(outcome, **more):
    return {"attribute": "upper_color", "value": "red", "outcome": outcome, "reason": "so it is"} | more


def test_below_a_picture_stand_what_was_written_what_fell_and_what_is_left():
    row = {"claims": {"garments": [verdict("kept"), verdict("dropped"), verdict("mended")]}}
    block = audit_plots.tell_changes("before " * 12, row, "after")
    assert [color for _, color in block] == [
        COLORS["before"], COLORS["dropped"], COLORS["mended"], COLORS["after"],
    ]  # fmt: skip
    assert block[1][0] == "upper color red: dropped; so it is" and block[-1][0] == "after"
    assert audit_plots.tell_changes("x", {}, "")[-1][0] == "(no text is left)"


def test_each_picture_has_its_lines(monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "as_picture", drawn.append)
    picture = Image.new("RGB", (8, 8))
    rows = [{"claims": {}}, {"claims": {"garments": [verdict("dropped")]}}]
    audit_plots.flagged([picture] * 2, ["first", "second"], rows, ["one", "two"])
    [figure] = drawn
    texts = [[text.get_text() for text in axis.texts] for axis in figure.axes]
    assert texts[:2] == [["first", "one", " "], ["second", "upper color red: dropped; so it is", "two"]]


def test_the_star_is_what_was_measured_and_unknown_points_are_left_out(monkeypatch):
    drawn = []
    monkeypatch.setattr(audit_plots, "as_picture", drawn.append)
    points = [
        {"threshold": 0.0, "found": 0.0, "precision": None, "lost": 0.0},
        {"threshold": 0.2, "found": 0.8, "precision": 0.9, "lost": 0.03},
        {"threshold": 1.0, "found": 1.0, "precision": 0.5, "lost": 0.5},
    ]
    curves = {"garments": points, "background": points}
    measured = {"found": 0.8, "precision": 0.9, "lost": 0.03}
    audit_plots.trade(curves, {"garments": measured, "background": measured | {"precision": None}})
    lines = [[line.get_xdata().tolist() for line in axis.get_lines()] for axis in drawn[0].axes]
    assert lines[0] == [[0.8, 1.0], [0.8]] and lines[1] == [[0.0, 0.03, 0.5], [0.03]]
    assert len(lines[2]) == 1 and len(lines[3]) == 2

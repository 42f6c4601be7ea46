"""Gains: each row less the base, and scores over the amount of data, in its order."""

import pytest

from lib.publish import gains


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(gains, "finish", figures.append)
    return figures


def test_bars_are_differences_to_the_base(drawn):
    rows = [{"name": "original", "f1": 0.5}, {"name": "rebuilt", "f1": 0.3}, {"name": "both", "f1": 0.9}]
    gains.gained(rows, "original", ["f1"])
    [axis] = drawn[0].axes
    assert [round(bar.get_width(), 6) for bar in axis.patches] == [0.4, -0.2]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["both", "rebuilt"]
    assert [text.get_text() for text in axis.texts] == ["+0.400", "-0.200"]


def test_growth_goes_from_little_to_much(drawn):
    points = [{"captions": 900, "f1": 0.9}, {"captions": 90, "f1": 0.2}]
    gains.growth(points, "captions", ["f1"])
    [line] = drawn[0].axes[0].get_lines()
    assert list(line.get_xdata()) == [90, 900] and list(line.get_ydata()) == [0.2, 0.9]

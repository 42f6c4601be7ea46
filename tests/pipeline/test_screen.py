"""The terminal: a live line that is redrawn in place, rare plain lines in a log, an honest time left."""

import io

import pytest

from pipeline import screen
from pipeline.screen import Lines, Live, StageProgress, open_screen, spell_bytes

BEGUN = (0.0, 2.0, 5.0, 9.0)  # cell 3 of 10 began after nine seconds
BEFORE = (0.0, 1.0, 3.0, 6.0, 36.0, 40.0, 41.0, 42.0, 43.0, 44.0, 95.0, 96.0)  # it took 30 s, then came 60


def progress(**told) -> StageProgress:
    return StageProgress(
        **{"stage": "02_x", "cells": 10, "line": "epoch 1/3", "seconds": 20.0, "starts": BEGUN, **told}
    )


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({}, ""),  # a first run: that two of ten cells took 9 s says nothing of the others
        ({"starts": BEGUN[:1]}, ""),
        ({"before": BEFORE}, ", about 1:19 left"),  # 30 - 11 s of this cell, 60 of those to come
        ({"before": BEFORE, "seconds": 39.0}, ", about 1:00 left"),
        (
            {"before": BEFORE, "seconds": 50.0},
            ", over 1:00 left",
        ),  # slower than last time, and who knows how long
        ({"before": BEFORE, "starts": BEGUN + (20.0,) * 7, "seconds": 21.0}, ", about 0:00 left"),
        ({"before": BEFORE, "starts": BEGUN + (20.0,) * 7, "seconds": 30.0}, ", longer than last time"),
        ({"before": BEFORE, "starts": (0.0,), "seconds": 0.0}, ", about 1:36 left"),
        ({"before": BEFORE, "cells": 9}, ", about 1:16 left"),  # other cells: all that is known is 96 s
        ({"before": (0.0, 50.0)}, ", about 0:30 left"),  # a record without its cells
        ({"before": (0.0, 15.0)}, ", longer than last time"),
    ],
)
def test_time_left(told, left):
    assert progress(**told).left() == left


def test_the_line_fits_the_terminal():
    assert progress(before=BEFORE).spell(90) == "02_x  cell 3/10  epoch 1/3  0:20, about 1:19 left"
    assert progress().spell(90) == "02_x  cell 3/10  epoch 1/3  0:20"
    assert progress(starts=(0.0,), line="").spell(90) == "02_x  starting  0:20"
    report = progress(stage="report", starts=(0.0,), line="is written anew", seconds=3.0)
    assert report.spell(90) == "report  is written anew  0:03"
    cut = progress(line="x" * 300, before=BEFORE).spell(80)
    assert len(cut) <= 80 and "x…" in cut and cut.endswith("left")
    assert "x" not in progress(line="x" * 300, before=BEFORE).spell(40).removeprefix("02_x"), (
        "no room for a useful piece"
    )


def test_a_log_gets_a_line_now_and_then(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: clock[0])
    lines = Lines(io.StringIO())
    for second in range(61):
        clock[0] = float(second)
        lines.show([progress(seconds=second)])
    assert len(lines.stream.getvalue().splitlines()) == 60 // screen.PLAIN_EVERY
    assert "\x1b" not in lines.stream.getvalue()


def test_a_terminal_line_is_redrawn_in_place(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    live = Live(io.StringIO())
    live.show([progress(), progress(stage="03_y")])
    live.show([progress(seconds=21.0)])
    live.mark("02_x", "ok", "0:21")
    first, second, said = (
        live.stream.getvalue().split("\x1b[2F\x1b[J")[0],
        *live.stream.getvalue().split("\x1b[J")[1:],
    )
    assert first.count("\n") == 2 and second.count("\n") == 1 and "0:21" in second
    assert said == f"{'02_x':<24} \x1b[32mok\x1b[0m       0:21\n", (
        "what is said stays, with no live line above it"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    assert live.paint("ok") == "ok"


def test_the_screen_fits_where_it_is_shown(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(screen.sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_screen(silent=False, inline=False), Live)
    assert not isinstance(open_screen(silent=False, inline=True), Live), "cells print for themselves"
    monkeypatch.setenv("TERM", "dumb")
    assert not isinstance(open_screen(silent=False, inline=False), Live)
    open_screen(silent=True, inline=True).say("nothing")
    assert screen.sys.stdout.getvalue() == ""


def test_bytes():
    assert spell_bytes(5 * 2**20) == "5 MiB" and spell_bytes(3 * 2**29) == "1.5 GiB"

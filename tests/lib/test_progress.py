"""The progress line says what is done, how fast, and how long it will take."""

import io
import re

import pytest

from lib import progress


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (61, "1:01"), (3723, "1:02:03")])
def test_clock(seconds, text):
    assert progress.clock(seconds) == text


def test_a_log_gets_first_and_last_line_only(capsys):
    with progress.Progress("counting", 500, "things") as bar:
        for _ in range(500):
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"counting  500/500  100%  \d+ things/s  0:00 taken", lines[-1])


def test_what_ended_early_has_nothing_left(capsys):
    with progress.Progress("fit", 10) as bar:
        bar.update(7)
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"fit  7/10  70%  \d+ steps/s  0:00 taken", last) and "left" not in bar.line()


def test_a_terminal_keeps_one_line(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    stream = Screen()
    monkeypatch.setattr("sys.stderr", stream)
    with progress.Progress("fit", 10) as bar:
        for step in range(10):
            bar.update(loss=1.0 / (step + 3))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("loss 0.08333\n")


def test_resuming_counts_only_new_work_in_the_rate():
    bar = progress.Progress("fit", 1000, done=990)
    bar.update(0)
    assert bar.line().startswith("fit  990/1,000  99%  0.0 steps/s")

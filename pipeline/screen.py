"""What the terminal shows: a live line for each running stage, or plain lines now and then in a log."""

import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from lib.progress import clock

PLAIN_EVERY = 15.0  # seconds between two progress lines in a log
COLOURS = {"ok": "32", "skipped": "36", "failed": "31", "interrupted": "33", "blocked": "33"}


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """How far a running stage is."""

    stage: str
    cells: int
    line: str
    seconds: float
    starts: Sequence[float]  # the second it began to start up, and those its cells began, this one's last
    before: Sequence[float] = ()  # the same of its last good run, and the second that ended

    def left(self) -> str:
        """What is to come, as long as it took last time; of a first run nothing is known, nothing is told."""
        if not self.before:
            return ""
        alike = len(self.before) == self.cells + 2  # other cells tell no more than how long all of them took
        before, cell = (self.before, len(self.starts) - 1) if alike else ((0.0, self.before[-1]), 0)
        later = before[-1] - before[cell + 1]
        here = before[cell + 1] - before[cell] - (self.seconds - self.starts[cell])
        if here >= 0:
            return f", about {clock(here + later)} left"
        return f", over {clock(later)} left" if later >= 1 else ", longer than last time"

    def spell(self, width: int) -> str:
        cell = len(self.starts) - 1
        head = f"{self.stage}  " + (f"cell {cell}/{self.cells}" if cell else self.line or "starting")
        tail = clock(self.seconds) + self.left()
        room = width - len(head) - len(tail) - 6
        line = self.line if len(self.line) <= room else f"{self.line[: max(room - 1, 0)]}…"
        return f"{head}  {line}  {tail}" if cell and line and room > 8 else f"{head}  {tail}"


class Lines:
    """Plain lines: each event at once, progress rate-limited for every stage."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.shown: dict[str, float] = {}

    def say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def mark(self, stage: str, state: str, detail: str) -> None:
        """The line that says what became of a stage."""
        self.say(f"{stage:<24} {self.paint(state)}{' ' * (8 - len(state))} {detail}".rstrip())

    def paint(self, state: str) -> str:
        return state

    def show(self, stages: Sequence[StageProgress]) -> None:
        now = time.monotonic()
        self.shown = {progress.stage: self.shown.get(progress.stage, now) for progress in stages}
        for progress in stages:
            if now - self.shown[progress.stage] >= PLAIN_EVERY:
                self.shown[progress.stage] = now
                self.say(f"  {progress.spell(160)}")


class Live(Lines):
    """A terminal: the running stages' lines stay at the bottom and are redrawn in place."""

    def __init__(self, stream: TextIO):
        super().__init__(stream)
        self.drawn = 0

    def say(self, text: str) -> None:
        self.show(())
        super().say(text)

    def paint(self, state: str) -> str:
        return state if "NO_COLOR" in os.environ else f"\x1b[{COLOURS.get(state, '0')}m{state}\x1b[0m"

    def show(self, stages: Sequence[StageProgress]) -> None:
        width = shutil.get_terminal_size().columns
        erased = f"\x1b[{self.drawn}F\x1b[J" if self.drawn else ""
        # without auto-wrap a line that is wider than it seems is cut, and never becomes two
        lines = "".join(f"\x1b[?7l{progress.spell(width)}\x1b[?7h\n" for progress in stages)
        self.drawn = len(stages)
        self.stream.write(erased + lines)
        self.stream.flush()


def open_screen(*, silent: bool, inline: bool) -> Lines:
    """The screen that fits: cells that run in this process print for themselves, so no live line then."""
    if silent:
        return Lines(io.StringIO())
    live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not inline
    return Live(sys.stdout) if live else Lines(sys.stdout)


def spell_bytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"

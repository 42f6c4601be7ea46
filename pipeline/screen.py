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
    cell: int
    cells: int
    line: str
    seconds: float
    before: float | None = None  # how long its last good run took

    def left(self) -> float | None:
        """Seconds to go: what the last run took, else in proportion to the cells done, else unknown."""
        if self.before is not None:
            return self.before - self.seconds if self.before > self.seconds else None
        done = self.cell - 1
        return self.seconds / done * (self.cells - done) if done > 0 else None

    def spell(self, width: int) -> str:
        head = f"{self.stage}  " + (f"cell {self.cell}/{self.cells}" if self.cell else "starting")
        left = self.left()
        tail = clock(self.seconds) + (f", about {clock(left)} left" if left else "")
        room = width - len(head) - len(tail) - 6
        line = self.line if len(self.line) <= room else f"{self.line[: max(room - 1, 0)]}…"
        return f"{head}  {line}  {tail}" if line and room > 8 else f"{head}  {tail}"


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
        for progress in stages:
            last = self.shown.setdefault(progress.stage, time.monotonic())
            if time.monotonic() - last >= PLAIN_EVERY:
                self.shown[progress.stage] = time.monotonic()
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

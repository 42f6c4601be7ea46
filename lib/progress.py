"""One progress line for everything that takes long: live in a terminal or notebook, rare lines in a log."""

import sys
import time
from typing import Any

LIVE_EVERY, PLAIN_EVERY = 0.2, 10.0  # seconds between two drawings


class Progress:
    """`with Progress("drawing", 4000, "pictures") as progress: progress.update(10, loss=0.3)`."""

    def __init__(self, label: str, total: int | None, unit: str = "", *, done: int = 0):
        self.label, self.total, self.unit = label, total, unit
        self.done, self.begun_at, self.begun_with = done, time.monotonic(), done
        self.drawn_at, self.shown, self.over = 0.0, {}, False
        self.output = None  # in a notebook its own, which a new line replaces
        self.terminal = not in_kernel() and sys.stderr.isatty()
        self.every = LIVE_EVERY if self.terminal or in_kernel() else PLAIN_EVERY

    def update(self, steps: int = 1, **shown: Any) -> None:
        """Count steps; `shown` are values to print beside them, as text or number."""
        self.done += steps
        self.shown |= shown
        now = time.monotonic()
        if now - self.drawn_at >= self.every:
            self.drawn_at = now
            self.draw()

    def line(self) -> str:
        """`drawing  1,200/4,000  30%  115 pictures/s  0:24 left  loss 0.301`."""
        seconds = max(time.monotonic() - self.begun_at, 1e-9)
        rate = (self.done - self.begun_with) / seconds
        parts = [self.label, f"{self.done:,}" + (f"/{self.total:,}" if self.total else "")]
        if self.total:
            parts.append(f"{self.done / self.total:.0%}")
        parts.append(f"{rate:.{0 if rate >= 10 else 1}f} {self.unit or 'steps'}/s")
        if self.total and rate and self.done < self.total and not self.over:
            parts.append(f"{clock((self.total - self.done) / rate)} left")
        else:
            parts.append(f"{clock(seconds)} taken")
        return "  ".join(parts + [f"{name} {brief(value)}" for name, value in self.shown.items()])

    def draw(self) -> None:
        """Replace the line in a notebook or a terminal, so that the last one stays; add one to a log."""
        if not in_kernel():
            before, end = ("\r\x1b[2K", "") if self.terminal else ("", "\n")
            print(f"{before}{self.line()}", end=end, file=sys.stderr, flush=True)
            return
        from IPython.display import display

        bundle = {"text/plain": self.line()}
        if self.output is None:
            self.output = display(bundle, raw=True, display_id=True)
        else:
            self.output.update(bundle, raw=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.over = True  # done or not: nothing is left of a run that was stopped
        self.draw()
        self.end()

    def end(self) -> None:
        """Leave the line as it stands: what is told next comes below it."""
        self.output = None
        if self.terminal:
            sys.stderr.write("\n")


def in_kernel() -> bool:
    """Whether this process runs a notebook."""
    return "ipykernel" in sys.modules and sys.modules["ipykernel.kernelapp"].IPKernelApp.initialized()


def brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    """`0:42`, `12:05`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

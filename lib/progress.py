"""One progress line for everything that takes long: live in a terminal or notebook, rare lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
LIVE_EVERY, PLAIN_EVERY = 0.2, 10.0  # seconds between two drawings


class Progress:
    """`with Progress("drawing", 4000, "pictures") as progress: progress.update(10, loss=0.3)`."""

    def __init__(self, label: str, total: int | None, unit: str = "", *, done: int = 0):
        self.label, self.total, self.unit = label, total, unit
        self.done, self.begun_at, self.begun_with = done, time.monotonic(), done
        self.drawn_at, self.shown = 0.0, {}
        self.screen = screen()

    def update(self, steps: int = 1, **shown: Any) -> None:
        """Count steps; `shown` are values to print beside them, as text or number."""
        self.done += steps
        self.shown |= shown
        now = time.monotonic()
        if now - self.drawn_at >= self.screen.every:
            self.drawn_at = now
            self.screen.draw(self.line())

    def line(self) -> str:
        """`drawing  1,200/4,000  30%  115 pictures/s  0:24 left  loss 0.301`."""
        seconds = max(time.monotonic() - self.begun_at, 1e-9)
        rate = (self.done - self.begun_with) / seconds
        parts = [self.label, f"{self.done:,}" + (f"/{self.total:,}" if self.total else "")]
        if self.total:
            parts.append(f"{self.done / self.total:.0%}")
        parts.append(f"{rate:.{0 if rate >= 10 else 1}f} {self.unit or 'steps'}/s")
        if self.total and rate and self.done < self.total:
            parts.append(f"{clock((self.total - self.done) / rate)} left")
        else:
            parts.append(f"{clock(seconds)} taken")
        return "  ".join(parts + [f"{name} {brief(value)}" for name, value in self.shown.items()])

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.screen.draw(self.line())
        self.screen.end()


def track(items: Iterable[T], label: str, *, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Hand the items on, counting them."""
    with Progress(label, total if total is not None else len(items), unit) as progress:
        for item in items:
            yield item
            progress.update()


class Terminal:
    """Overwrites its own line."""

    every = LIVE_EVERY

    def draw(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{line}")
        sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\n")


class Kernel:
    """Replaces its own output, so that a saved notebook holds the last line only."""

    every = LIVE_EVERY

    def __init__(self):
        self.handle = None

    def draw(self, line: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": line}
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)

    def end(self) -> None:
        self.handle = None


class Plain:
    """A line now and then, for logs and pipes."""

    every = PLAIN_EVERY

    def draw(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        pass


def screen() -> Terminal | Kernel | Plain:
    """Where this process shows progress."""
    if "ipykernel" in sys.modules and sys.modules["ipykernel.kernelapp"].IPKernelApp.initialized():
        return Kernel()
    return Terminal() if sys.stderr.isatty() else Plain()


def brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def clock(seconds: float) -> str:
    """`0:42`, `12:05`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

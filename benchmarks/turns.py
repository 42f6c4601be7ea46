"""Who is timed against whom takes turns within a round, and a ratio is the median over rounds: a busy machine
slows all of them."""

import statistics
import time
from collections.abc import Callable


def measure(rows: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each in each round, after one that does not count; each time another begins."""
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    names = list(rows)
    for round_ in range(rounds + 1):
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            begun = time.perf_counter()
            rows[name]()
            if round_:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def times(slow: list[float], fast: list[float]) -> float:
    """How many times as fast the second is."""
    return statistics.median(theirs / ours for theirs, ours in zip(slow, fast, strict=True))

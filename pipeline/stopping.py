"""Signals that ask a run to stop; processes that a cell forks must not inherit what we make of them."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

HELD: dict[int, Any] = {}  # the handlers that ours stand in for


@contextlib.contextmanager
def on_stop(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at Ctrl-C, SIGTERM or a lost terminal, except where the process was told to ignore it."""
    main = threading.current_thread() is threading.main_thread()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if main else ():
        if signal.getsignal(number) is not signal.SIG_IGN:
            HELD[number] = signal.signal(number, lambda *_: ask())
    try:
        yield
    finally:
        hand_back()
        HELD.clear()


def hand_back() -> None:
    for number, handler in HELD.items():
        signal.signal(number, handler)


# A pool ends its forked workers by SIGTERM. A handler in Python may sleep through it; then the pool hangs.
os.register_at_fork(after_in_child=hand_back)

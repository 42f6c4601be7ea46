"""How a run closes: the report, the last lines on the terminal, and the way to go on."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from lib.paths import shorten
from lib.progress import clock
from pipeline.executed import Failure
from pipeline.launch import python_path
from pipeline.plan import Request
from pipeline.screen import Lines, StageProgress

REPORT_TIMEOUT, LOOK = 120, 0.2  # seconds until it is given up, and between two looks at it


def refresh_report(request: Request, screen: Lines) -> bool:
    """Have `python -m course report` write it anew; a failure is told loudly, and stops nothing."""
    if not (request.root / "course" / "__main__.py").exists():
        return True
    command = [sys.executable, "-m", "course", "report", "--output", str(request.place.root)]
    options = {"cwd": request.root, "env": {**os.environ, "PYTHONPATH": python_path(request.root)}}
    options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    told = {"stage": "report", "cells": 0, "line": "is written anew", "starts": [0.0]}
    started, problem = time.monotonic(), None
    with subprocess.Popen(command, start_new_session=True, **options) as work:
        while problem is None:
            seconds = time.monotonic() - started
            screen.show([StageProgress(**told, seconds=seconds)])
            with contextlib.suppress(subprocess.TimeoutExpired):
                said = work.communicate(timeout=LOOK)[1].strip().splitlines() or ["no reason given"]
                problem = said[-1] if work.returncode else ""
            if problem is None and seconds > REPORT_TIMEOUT:
                work.kill()
                problem = f"not done after {REPORT_TIMEOUT} s"
    screen.show(())
    if problem:
        screen.say(f"WARNING: the report could not be written: {problem}")
    return not problem


def summary(outcome: Mapping[str, str], planned: Sequence[str], seconds: float, request: Request) -> str:
    """One line: how many stages came out how, and where to look."""
    states = [outcome.get(name, "not started") for name in planned]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    report = request.place.report
    return f"{counts} in {clock(seconds)}" + (f"; see {shorten(report)}" if report.exists() else "")


def last_lines(failures: Mapping[str, Failure], state: str, request: Request) -> str:
    """Which notebook failed, in which cell, what it said, where the partial copy lies, and how to go on."""
    lines: list[str] = []
    for name, failure in failures.items():
        where = f" in code cell {failure.cell}" if failure.cell else ""
        message = failure.message.strip().partition("\n")[0][:300]
        lines += ["", f"{name} failed{where}: {failure.kind}: {message}"]
        lines += [f"    {line}" for line in failure.lines]
        lines += [f"  partial notebook: {shorten(request.copies(name)[1])}"]
    if state != "ok":
        lines += ["interrupted"] if state == "interrupted" else []
        lines += [f"  to go on (what is done is skipped): {request.command()}"]
    return "\n".join(lines)

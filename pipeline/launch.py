"""Engine 1, the parent: starts a process for one notebook, hears of its progress, and ends it for sure."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib.files import write_json
from lib.paths import ROOT
from pipeline.executed import Failure, find_failure, prepare_copy, without_escapes
from pipeline.notebook import read
from pipeline.plan import Job

GRACE = 10.0  # seconds an interrupted cell is given to end by itself; its traceback alone may take four
OUTPUT_TIMEOUT = 60  # seconds a finished cell's outputs may take to arrive


class KernelRun:
    """A notebook running in a process of its own, with a kernel of its own; `poll` it until it is over."""

    engine = "papermill"
    error: BaseException | None = None  # what it raised lies in the other process

    def __init__(self, job: Job, copy: Path, root: Path, lock: int):
        self.job, self.copy = job, copy
        self.cell, self.line, self.peak = 0, "", 0
        self.started, self.starts = time.monotonic(), [0.0]
        self.kernel: int | None = None
        self.broken: Failure | None = None  # told by the child, where the copy cannot tell
        self.ended = False
        self.unread = b""
        self.sent = prepare_copy(job, self.engine)
        write_json(copy, self.sent, indent=1)
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the run)
        self.events, far_end = os.pipe()
        os.set_blocking(self.events, False)
        short = tempfile.gettempdir() if len(tempfile.gettempdir()) < 60 else "/tmp"  # as sockets need it
        self.runtime = tempfile.mkdtemp(prefix="lookbook-", dir=short)
        self.process = self.start(far_end, lock, root)
        os.close(far_end)

    def start(self, far_end: int, lock: int, root: Path) -> subprocess.Popen:
        task = {
            "copy": str(self.copy),
            "folder": str(self.job.path.parent),  # as in JupyterLab
            "python_path": python_path(root),
            "runtime": self.runtime,  # the kernel's sockets and its clean IPython profile
            "output_timeout": OUTPUT_TIMEOUT,
        }
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.kernel", str(far_end), json.dumps(task)],
            stdin=subprocess.PIPE,  # the lifeline
            stdout=self.log,
            stderr=self.log,
            pass_fds=(far_end, lock),  # the folder stays locked until this process is gone too
            env={**os.environ, "PYTHONPATH": python_path()},
            start_new_session=True,  # the terminal's Ctrl-C is for the parent alone
        )

    def poll(self) -> bool:
        """Take in what the child tells; whether it is over."""
        over = self.process.poll() is not None
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.events, 65536):
                self.unread += data
        *lines, self.unread = self.unread.split(b"\n")
        for line in lines:
            self.take_in(json.loads(line))
        if over:
            self.close()
        return over

    def take_in(self, event: dict[str, Any]) -> None:
        self.cell = event.get("cell", self.cell)
        self.starts += [round(time.monotonic() - self.started, 3)] if "cell" in event else []
        self.line = "" if "cell" in event else event.get("line", self.line)
        self.peak = max(self.peak, event.get("peak", 0))
        self.kernel = event.get("kernel", self.kernel)
        self.ended = event.get("ended", self.ended)
        if "failed" in event:
            self.broken = Failure(kind=event["failed"], message=event["message"], cell=self.cell or None)

    def close(self) -> None:
        """Leave nothing behind: neither descriptors nor processes that a cell started."""
        self.kill()
        os.close(self.events)
        self.stop()
        shutil.rmtree(self.runtime, ignore_errors=True)
        if not self.ended and self.broken is None:
            message = f"the process that ran it ended with code {self.process.returncode}"
            self.broken = Failure(kind="ProcessDied", message=message, cell=self.cell or None)

    def result(self) -> tuple[dict[str, Any], Failure | None]:
        """The executed copy as the engine left it, and what is wrong with it."""
        back = read(self.copy)
        failure = find_failure(self.sent, back)
        if self.broken and (failure is None or failure.kind in ("CellSkipped", "NoEnd")):
            failure = replace(self.broken, lines=self.tail())
        return back, failure

    def tail(self) -> tuple[str, ...]:
        """The last lines that the processes wrote past the notebook, such as a crash's own report."""
        self.log.seek(0)
        lines = without_escapes(self.log.read().decode(errors="replace")).splitlines()
        return tuple(line for line in lines if line.strip())[-8:]

    def stop(self) -> None:
        """Cut the lifeline: the cell is interrupted, and after GRACE the kernel is killed."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def kill(self) -> None:
        for pid in (self.process.pid, self.kernel):
            if pid:
                kill_group(pid, signal.SIGKILL)


def python_path(*first: Path) -> str:
    """PYTHONPATH for a process that has to find `lib`, wherever it starts; the user's own entries stay."""
    path = [*map(str, first), str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.pathsep.join(dict.fromkeys(path))


def kill_group(pid: int, number: int) -> None:
    """Signal a process and all that it started in its group; nothing to do where none is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)

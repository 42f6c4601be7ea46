"""One run at a time on an output folder: a kernel lock on a file, so a dead process never blocks."""

import contextlib
import fcntl
import json
import os
import time
from pathlib import Path
from typing import TextIO

from lib.paths import shorten
from pipeline.record import now
from pipeline.stage import PipelineError

PATIENCE = 15.0  # seconds that the kernels of a killed run are given to notice and end


def take_lock(folder: Path) -> TextIO:
    """Hold the folder until the returned file is closed; the processes that own kernels hold it as well."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / ".lock").open("a+", encoding="utf-8")
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        file.seek(0)
        holder = json.loads(file.read() or "{}")
        if is_alive(holder.get("pid")) or time.monotonic() > deadline:
            file.close()
            since = f"process {holder.get('pid')} since {holder.get('since')}"
            raise PipelineError(f"another run is at work in {shorten(folder)}: {since}")
        time.sleep(0.1)
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "since": now()}))
    file.flush()
    return file


def is_alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid is not None

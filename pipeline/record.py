"""run.json: what happened to each stage, rewritten whole at every change: a killed run leaves the truth."""

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from lib import environment
from lib.files import read_json, write_json
from lib.paths import shorten
from pipeline.stage import PipelineError

FORMAT = 1


class RunRecord:
    """One record a stage, and a header for the run.

    `state` says what the latest run that chose the stage did with it: running, ok, skipped, failed,
    interrupted or blocked (a stage it needs did not succeed). `complete` says whether the rest of the record
    describes a run that kept every promise; a skipped or blocked stage keeps the record of its last run.
    """

    def __init__(self, path: Path, *, silent: bool = False):
        self.path = path
        self.silent = silent  # a process that is not the first writes nothing
        stored = load_record(path)
        self.header: dict[str, Any] = stored["run"]
        self.stages: dict[str, dict[str, Any]] = stored["stages"]

    def stage(self, name: str) -> dict[str, Any]:
        return self.stages.get(name, {})

    def begin(self, header: dict[str, Any]) -> None:
        """A new run; we hold the lock, so whatever is still called running was killed."""
        self.header = {"state": "running", "started": now(), "pid": os.getpid(), **header}
        for record in self.stages.values():
            if record["state"] == "running":
                record["state"] = "interrupted"
        self.save()

    def end(self, state: str, seconds: float) -> None:
        self.header.pop("pid", None)
        self.header |= {"state": state, "seconds": round(seconds, 3)}
        self.save()

    def put(self, name: str, record: dict[str, Any]) -> None:
        self.stages[name] = record
        self.save()

    def save(self) -> None:
        if not self.silent:
            stored = {"format": FORMAT, "run": self.header, "stages": self.stages}
            write_json(self.path, stored, indent=1)


def load_record(path: Path) -> dict[str, Any]:
    """What run.json holds; nothing yet is an empty record, an unreadable file is refused."""
    if not path.exists():
        return {"run": {}, "stages": {}}
    try:
        stored = read_json(path)
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, not {FORMAT}")
        return {"run": dict(stored["run"]), "stages": dict(stored["stages"])}
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{shorten(path)} is no run record ({error}); delete it to start anew") from None


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def surroundings() -> dict[str, Any]:
    """What a result was made with, without naming the machine: Python, system, commit, clean or not."""
    commit = environment.commit()
    about = {"python": platform.python_version(), "system": f"{sys.platform} {platform.machine()}"}
    return about | {"commit": commit and commit.rstrip("+"), "dirty": commit and commit.endswith("+")}

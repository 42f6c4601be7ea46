"""Toy pipelines: notebooks of a few short cells in a temporary folder, run here or as a user would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from lib.paths import ROOT
from pipeline import Stage, main

PARAMETERS = 'profile = "demo"\noutput = "output"\nseed = 0'
WRITE = "from pathlib import Path\nPath(output).mkdir(parents=True, exist_ok=True)"


def cell(kind: str, source: str, number: int, *tags: str) -> dict:
    made = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": list(tags)}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(*cells: str | tuple[str, str], parameters: str = PARAMETERS, title: str = "A toy") -> dict:
    """A notebook of a title, a parameters cell and code cells; a pair is a cell with a tag."""
    made = [cell("markdown", f"# {title}", 0), cell("code", parameters, 1, "parameters")]
    for number, source in enumerate(cells, 2):
        made.append(
            cell("code", *((source, number) if isinstance(source, str) else (source[0], number, source[1])))
        )
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}


@dataclass
class Toy:
    """A root with notebooks/ and an output folder; stages are added one by one."""

    root: Path
    pipeline: list[Stage] = field(default_factory=list)
    error: BaseException | None = None  # what the last inline run raised

    @property
    def output(self) -> Path:
        return self.root / "out"

    def write(self, name: str, *cells: str, **options: str) -> Path:
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(notebook(*cells, **options)))
        return path

    def stage(
        self, name: str, *cells: str, needs=(), makes=(), profiles=None, inputs=None, **options: str
    ) -> Path:
        """Add a stage and write its notebook; it also writes every file that it promises under {output}."""
        files = [made.removeprefix("{output}/") for made in makes if made.startswith("{output}/")]
        writes = [f"Path(output, {file!r}).write_text('made by {name}')" for file in files]
        self.pipeline.append(
            Stage(notebook=name, needs=needs, makes=makes, profiles=profiles or {}, inputs=inputs or {})
        )
        return self.write(name, *cells, "\n".join([WRITE, *writes]), **options)

    def run(self, *arguments: str) -> int:
        """Run inline in this process; the exit code."""
        self.error = None
        try:
            return main(self.pipeline, ["--output", str(self.output), "--inline", *arguments], root=self.root)
        except Exception as error:  # main lets a cell's own error through, for debuggers
            self.error = error
            return 1

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Start it as a user would: a script with the PIPELINE, in a process of its own."""
        script = self.root / "run_all.py"
        stages = ",\n    ".join(map(repr, self.pipeline))
        script.write_text(
            "import sys\nfrom pathlib import Path\nfrom pipeline import Stage, main\n"
            f"PIPELINE = [\n    {stages}\n]\nsys.exit(main(PIPELINE, root=Path({str(self.root)!r})))\n"
        )
        command = [sys.executable, str(script), "--output", str(self.output), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
        return subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
        )

    def call(self, *arguments: str, **options) -> tuple[int, str]:
        """Run it as a user would and wait: exit code and all it said."""
        process = self.start(*arguments, **options)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def record(self) -> dict:
        return json.loads((self.output / "run.json").read_text())

    def states(self) -> dict[str, str]:
        return {name: stage["state"] for name, stage in self.record()["stages"].items()}

    def copy(self, name: str) -> dict:
        return json.loads((self.output / "notebooks" / f"{name}.ipynb").read_text())

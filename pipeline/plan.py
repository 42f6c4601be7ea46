"""The plan of a run: the chosen stages with their parameters and paths, checked before anything starts."""

import contextlib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lib.config import unknown
from lib.paths import ROOT, Output, resolve, shorten
from pipeline import notebook, parameters
from pipeline.stage import PROFILES, PipelineError, Stage, choose_stages


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one run was asked to do."""

    root: Path = ROOT  # holds notebooks/ and lib/
    profile: str = "demo"
    output: str = ""  # empty: the profile's own folder
    only: tuple[str, ...] = ()
    start: str | None = None
    changes: Sequence[Sequence[str]] = ()  # pairs of a name and a value, as typed
    force: bool = False
    keep_going: bool = False
    jobs: int = 1
    inline: bool = False
    listing: bool = False

    @property
    def folder(self) -> str:
        return self.output or PROFILES[self.profile]

    @property
    def place(self) -> Output:
        return Output(self.folder)

    def copies(self, name: str) -> tuple[Path, Path]:
        """Where a stage's executed copy lies, and where it lies while it is not whole."""
        return self.place.notebooks / f"{name}.ipynb", self.place.notebooks / f"{name}.partial.ipynb"

    def command(self) -> str:
        """The command line that asks for this; `--force` is left out, since it is shown to resume."""
        words = ["python", "run_all.py"]
        words += ["--profile", self.profile] if self.profile != "demo" else []
        words += ["--output", self.output] if self.output else []
        words += ["--only", ",".join(self.only)] if self.only else []
        words += ["--from", self.start] if self.start else []
        words += [word for change in self.changes for word in ("-p", *change)]
        words += ["--keep-going"] if self.keep_going else []
        words += ["--jobs", str(self.jobs)] if self.jobs > 1 else []
        words += ["--inline"] if self.inline else []
        return shlex.join(words)


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """A stage made concrete: the notebook as read, every parameter, and where each template leads."""

    stage: Stage
    path: Path
    notebook: dict[str, Any]
    literals: dict[str, Any]
    parameters: dict[str, Any]
    needs: dict[str, Path]
    makes: dict[str, Path]
    inputs: dict[str, Path]

    @property
    def name(self) -> str:
        return self.stage.notebook

    def makes_for(self, path: Path) -> bool:
        """Whether what this stage makes is the path, lies in it or holds it."""
        return any(made.is_relative_to(path) or path.is_relative_to(made) for made in self.makes.values())

    def feeds(self, other: "Job") -> bool:
        return any(self.makes_for(path) for path in (*other.needs.values(), *other.inputs.values()))


def make_plan(pipeline: Sequence[Stage], request: Request) -> list[Job]:
    """The chosen jobs in order. Refuses what could only fail later: a parameter, a path, a need, an input."""
    chosen = choose_stages(pipeline, request.profile, request.only, request.start)
    if not chosen:
        raise PipelineError(f"no stage runs in the profile {request.profile}")
    changes = parameters.from_command(request.changes)
    jobs = [make_job(stage, request, changes) for stage in chosen]
    known = {name for job in jobs for name in job.literals}
    for change in changes:
        if change.root not in known:
            raise PipelineError(f"{unknown(change.name, change.root, known)} (-p)")
    for k, job in enumerate(jobs):
        for path in (*job.inputs.values(), *job.needs.values()):
            if not path.exists() and not any(earlier.makes_for(path) for earlier in jobs[:k]):
                advice = advise(job, path, pipeline, request)
                raise PipelineError(f"{job.name} needs {shorten(path)}, which {advice}")
    return jobs


def notebook_path(stage: Stage, root: Path) -> Path:
    return root / "notebooks" / f"{stage.notebook}.ipynb"


def make_job(stage: Stage, request: Request, changes: Iterable[parameters.Override] = ()) -> Job:
    path = notebook_path(stage, request.root)
    content = notebook.read(path)
    notebook.parse_code(content, shorten(path))
    literals, hints = notebook.read_parameters(content, shorten(path))
    overrides = parameters.from_profile(stage.profiles.get(request.profile), request.profile)
    overrides += [change for change in changes if change.root in literals]
    values = parameters.apply(overrides, literals, hints, stage=stage.notebook)
    values |= {"profile": request.profile, "output": request.folder}
    inputs = stage.inputs.get(request.profile, ())
    paths = {
        kind: {template: fill_template(template, values, stage.notebook) for template in templates}
        for kind, templates in (("needs", stage.needs), ("makes", stage.makes), ("inputs", inputs))
    }
    return Job(stage=stage, path=path, notebook=content, literals=literals, parameters=values, **paths)


def fill_template(template: str, values: dict[str, Any], stage: str) -> Path:
    """The path a template leads to."""
    try:
        return resolve(template.format_map(values))
    except KeyError as error:
        name = str(error.args[0])
        raise PipelineError(f"{stage}: the path {template}: {unknown(name, name, values)}") from None


def advise(job: Job, path: Path, pipeline: Sequence[Stage], request: Request) -> str:
    """What to do about a need that is missing: the command that runs its maker."""
    for stage in pipeline[: pipeline.index(job.stage)]:
        with contextlib.suppress(PipelineError):  # a notebook that was not chosen may be unfinished
            maker = make_job(stage, request, parameters.from_command(request.changes))
            if stage.runs_in(request.profile) and maker.makes_for(path):
                its = [change for change in request.changes if change[0].partition(".")[0] in maker.literals]
                command = replace(request, only=(stage.key,), start=None, changes=its).command()
                return f"is missing; run {stage.notebook} first: {command}"
    return "no earlier notebook makes: bring it"

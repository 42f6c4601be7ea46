"""What `--list` shows: the stages with their titles, their paths, how they last ran, what would run again."""

from collections.abc import Sequence
from typing import Any

from lib.paths import shorten
from lib.progress import clock
from pipeline import fingerprint, notebook, parameters
from pipeline.lock import is_alive
from pipeline.plan import Job, Request, make_job, notebook_path
from pipeline.record import load_record
from pipeline.stage import PipelineError, Stage


def listing(pipeline: Sequence[Stage], request: Request) -> str:
    stored = load_record(request.place.run_json)
    lines = [f"profile {request.profile}, output in {shorten(request.place.root)}"]
    again: list[Job] = []  # what would run
    for stage in pipeline:
        lines += ["", *describe_stage(stage, request, stored, again)]
    return "\n".join(lines)


def describe_stage(stage: Stage, request: Request, stored: dict[str, Any], again: list[Job]) -> list[str]:
    path = notebook_path(stage, request.root)
    if not stage.runs_in(request.profile):
        return [f"{stage.notebook}  (does not run in the profile {request.profile})"]
    last = stored["stages"].get(stage.notebook)
    rows = [("state", spell_state(last, stored["run"]))]
    kinds = stage.inputs.get(request.profile, ()), stage.needs, stage.makes
    if not path.exists():
        head = f"({shorten(path)} is missing)"
    else:
        try:
            job = make_job(stage, request, parameters.from_command(request.changes))
            head = notebook.title(job.notebook)
            rows.append(("next", foresee(job, last or {}, request, again)))
            kinds = tuple(map(shorten, paths.values()) for paths in (job.inputs, job.needs, job.makes))
        except PipelineError as error:
            head = f"({error})"
    named = zip(("inputs", "needs", "makes"), map(", ".join, kinds), strict=True)
    rows += [(name, text) for name, text in named if text]
    return [f"{stage.notebook}  {head}", *(f"    {name:<6} {text}" for name, text in rows)]


def foresee(job: Job, last: dict[str, Any], request: Request, again: list[Job]) -> str:
    """Whether the stage would run, and why."""
    marks = fingerprint.take_fingerprint(job, request.root, last) if last.get("complete") else {}
    if reasons := fingerprint.reasons_to_run(job, last, marks, request):
        again.append(job)
        return f"would run: {fingerprint.spell_reasons(reasons)}"
    feeders = [earlier.name for earlier in again if earlier.feeds(job)]
    return "would be skipped" + (f", unless {' or '.join(feeders)} makes something else" if feeders else "")


def spell_state(record: dict[str, Any] | None, header: dict[str, Any]) -> str:
    """How the stage last ran, in a phrase."""
    if record is None:
        return "never run"
    started = record.get("started", "")[:16].replace("T", " ")
    match record["state"]:
        case "running" if is_alive(header.get("pid")):
            return f"running since {started} (process {header['pid']})"
        case "running":
            return f"interrupted, started {started}"
        case "ok" | "skipped":
            return f"ok, {started}, took {clock(record['seconds'])}"
        case "failed":
            return f"failed {started}: {record['failure']['kind']}: {record['failure']['message'][:100]}"
        case "blocked":
            return f"blocked: {record['blocked_by']} did not succeed"
    return f"{record['state']}, started {started}"

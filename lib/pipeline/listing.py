"""What `--list` shows: the stages with their titles, what they need and make, and how they last ran."""

from collections.abc import Sequence
from typing import Any

from lib.paths import shorten
from lib.pipeline import notebook
from lib.pipeline.lock import is_alive
from lib.pipeline.plan import Request, make_job, notebook_path
from lib.pipeline.record import load
from lib.pipeline.stage import PipelineError, Stage
from lib.progress import clock


def listing(pipeline: Sequence[Stage], request: Request) -> str:
    stored = load(request.place.run_json)
    lines = [f"profile {request.profile}, output in {shorten(request.place.root)}"]
    for stage in pipeline:
        lines += ["", *describe(stage, request, stored)]
    return "\n".join(lines)


def describe(stage: Stage, request: Request, stored: dict[str, Any]) -> list[str]:
    path = notebook_path(stage, request.root)
    if not stage.runs_in(request.profile):
        return [f"{stage.notebook}  (does not run in the profile {request.profile})"]
    templates = {"inputs": stage.inputs.get(request.profile, ()), "needs": stage.needs, "makes": stage.makes}
    paths = {kind: list(names) for kind, names in templates.items()}
    if not path.exists():
        head = f"({shorten(path)} is missing)"
    else:
        try:
            job = make_job(stage, request)
            head = notebook.title(job.notebook)
            paths = {kind: [shorten(p) for p in getattr(job, kind).values()] for kind in templates}
        except PipelineError as error:
            head = f"({error})"
    return [
        f"{stage.notebook}  {head}",
        f"    state  {spell_state(stored['stages'].get(stage.notebook), stored['run'])}",
        *(f"    {kind:<6} {', '.join(names)}" for kind, names in paths.items() if names),
    ]


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

"""The rules that the real PIPELINE is held to, in every profile: its overrides and its paths."""

from collections.abc import Sequence
from pathlib import Path

from lib.paths import ROOT
from pipeline import PROFILES, PipelineError, Stage, parameters
from pipeline.plan import Job, Request, make_job


def check_closed(jobs: Sequence[Job]) -> None:
    """Every need is made by an earlier stage, and nothing is made twice."""
    for k, job in enumerate(jobs):
        for template, path in job.needs.items():
            if not any(earlier.makes_for(path) for earlier in jobs[:k]):
                raise PipelineError(f"{job.name} needs {template}, which no earlier stage makes")
        for template, path in job.makes.items():
            if other := next((earlier for earlier in jobs[:k] if earlier.makes_for(path)), None):
                raise PipelineError(f"{other.name} and {job.name} both make {template}")


def check_differs(job: Job) -> None:
    """A profile lists what differs from the notebook, and nothing else."""
    profile = job.parameters["profile"]
    for change in parameters.from_profile(job.stage.profiles.get(profile), profile):
        literal, _, key = job.literals[change.root], *change.name.partition(".")[1:]
        if (literal.get(key) if key else literal) == change.value:
            raise PipelineError(f"{job.name}: the profile {profile} sets {change.name} to what it is anyway")


def check_pipeline(pipeline: Sequence[Stage], root: Path = ROOT) -> None:
    """No notebook stands twice, and all rules hold in every profile."""
    names = [stage.notebook for stage in pipeline]
    if len(set(names)) < len(names):
        raise PipelineError(f"a notebook stands twice in the pipeline: {', '.join(names)}")
    for profile in PROFILES:
        request = Request(root=root, profile=profile)
        jobs = [make_job(stage, request) for stage in pipeline if stage.runs_in(profile)]
        check_closed(jobs)
        for job in jobs:
            check_differs(job)

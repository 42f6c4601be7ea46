"""Stage: one notebook of the pipeline, what it needs, what it makes, and how each profile sets it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.config import unknown

# The profiles, and the output folder each writes to unless --output names another.
PROFILES = {"demo": "output"} | {name: f"output/{name}" for name in ("smoke", "flickr8k", "coco", "full")}


class PipelineError(ValueError):
    """A request or a pipeline that cannot be run; the message is the one line to show."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One notebook. Paths are templates over its parameters: `"{dataset}/captions.json"`.

    `needs` are files or folders that an earlier stage makes, `makes` are those that must exist when this one
    is done, `inputs` (by profile) are those that the user brings, or that an earlier stage makes for this
    profile alone. `profiles` holds what a profile changes in the notebook's literals, which are the demo: a
    dict such as `training` is changed key by key, and None says that the stage does not run in that profile.
    """

    notebook: str
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self):
        for profile in (*self.inputs, *self.profiles):
            if profile not in PROFILES:
                raise PipelineError(f"{self.notebook}: no profile {profile!r}; known: {', '.join(PROFILES)}")
        if self.profiles.get("demo"):
            raise PipelineError(f"{self.notebook}: the demo profile is the notebook's own literals")

    @property
    def key(self) -> str:
        """The number the notebook starts with: what --only and --from are usually given."""
        return self.notebook.partition("_")[0]

    def runs_in(self, profile: str) -> bool:
        return self.profiles.get(profile, {}) is not None

    def answers_to(self, name: str) -> bool:
        """Whether a user's `02`, `2` or `02_self_attention` means this stage."""
        same_number = name.isdigit() and name.lstrip("0") == self.key.lstrip("0")
        return same_number or name in (self.notebook, self.key)


def find_stage(pipeline: Sequence[Stage], name: str) -> Stage:
    """The stage a user means."""
    for stage in pipeline:
        if stage.answers_to(name):
            return stage
    raise PipelineError(unknown(name, name, [s.notebook for s in pipeline]).replace("parameter", "stage"))


def choose_stages(
    pipeline: Sequence[Stage], profile: str, only: Sequence[str] = (), start: str | None = None
) -> list[Stage]:
    """The stages to run, in the pipeline's order: all of the profile, those named, or those from one on."""
    named = [find_stage(pipeline, name) for name in (*only, *([start] if start else []))]
    for stage in named:
        if not stage.runs_in(profile):
            raise PipelineError(f"{stage.notebook} does not run in the profile {profile}")
    if start:
        pipeline = pipeline[pipeline.index(named[-1]) :]
    return [s for s in pipeline if s.runs_in(profile) and (not only or s in named)]

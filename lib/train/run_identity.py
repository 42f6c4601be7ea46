"""Which run stands in a folder: an equal one, done or broken off, or another; its key decides."""

import json
import math
import shutil
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from lib import checkpoint
from lib.config import Training, to_json
from lib.files import settle
from lib.paths import resolve, shorten, some

# settings that leave the weights as they are
NEUTRAL = ("workers", "checkpoint_every", "checkpoints_kept", "resume", "log_every")
LATER = {"final_learning_rate", "layer_decay"}  # that came later: where they are off, keys stay as they were
# what a run resumed by its path may change: it goes on longer, or is watched differently
EXTENDABLE = {f"training.{name}" for name in ("epochs", "max_steps", "patience", "validate_every")}
REQUIRED = ("data", "model", "objective")
_trained = weakref.WeakKeyDictionary()  # model object -> the key of the last run it went through


class FitError(ValueError):
    """A training run that cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Start:
    """How a run begins: where it takes over from, or that nothing is left to do."""

    kind: Literal["fresh", "resume", "done"]
    source: Path | None = None  # the checkpoint it takes over from
    told: str | None = None  # what the user should know


def full_key(run_key: dict[str, Any], training: Training, processes: int, batches: int) -> dict[str, Any]:
    """Everything the weights depend on, as JSON. The caller says data, model and objective."""
    missing = [name for name in REQUIRED if name not in run_key]
    if missing:
        raise FitError(f"run_key lacks {', '.join(missing)}: it must say {', '.join(REQUIRED)}")
    left_out = {*NEUTRAL, *(name for name in LATER if getattr(training, name) == getattr(Training, name))}
    settings = {name: value for name, value in to_json(training).items() if name not in left_out}
    key = {**run_key, "training": settings, "processes": processes, "batches": batches}
    try:
        return json.loads(json.dumps(key))
    except (TypeError, ValueError) as error:
        raise FitError(f"run_key must be plain JSON: {error}") from None


def key_differences(old: Any, new: Any, name: str = "") -> dict[str, str]:
    """Dotted name -> how it differs, for what is not equal in two keys."""
    if old == new:
        return {}
    if isinstance(old, dict) and isinstance(new, dict):
        found = {}
        for key in dict.fromkeys([*old, *new]):
            found |= key_differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
        return found
    return {name: f"{name} was {_brief(old)}, is {_brief(new)}"}


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def steps(folder: Path) -> list[Path]:
    """The step checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("step-*") if path.name[5:].isdigit()]
    return sorted(found, key=lambda path: int(path.name[5:]))


def find_start(folder: Path, key: dict[str, Any], resume: str) -> Start:
    """Compare what stands in the folder with the run that is wanted."""
    if resume == "never":
        return Start("fresh")
    if resume != "latest":
        return _named_start(resolve(resume), key)
    candidates = [path for path in (*steps(folder), folder / "last") if path.exists()]
    if not candidates:
        return Start("fresh")
    metas = [(checkpoint.read_meta(path), path) for path in candidates]
    meta, newest = max(metas, key=lambda pair: (pair[0]["step"], pair[0]["finished"]))
    other = key_differences(meta["run_key"], key)
    if other:
        return Start(
            "fresh", told=f"another run stood here ({some(other.values(), between='; ')}): starts anew"
        )
    if meta["finished"] and (folder / "best").exists():
        return Start("done", newest)
    if meta["finished"]:
        return Start("fresh", told="the run had finished but its `best` is gone: starts anew")
    return Start("resume", newest, f"resumes at step {meta['step']}")


def _named_start(path: Path, key: dict[str, Any]) -> Start:
    """Go on from a checkpoint the user names; only how long it goes on may have changed."""
    meta = checkpoint.read_meta(path)
    if "run_key" not in meta or "state_sha256" not in meta:
        raise FitError(f"training.resume: {shorten(path)} is no step checkpoint of `fit`")
    other = key_differences(meta["run_key"], key)
    forbidden = {name: how for name, how in other.items() if name not in EXTENDABLE}
    if forbidden:
        told = some(forbidden.values(), between="; ")
        raise FitError(f"training.resume: {shorten(path)} belongs to another run: {told}")
    extended = f" ({some(other.values(), between='; ')})" if other else ""
    return Start("resume", path, f"resumes at step {meta['step']} of {shorten(path)}{extended}")


def clear(folder: Path, after: int | None) -> None:
    """Remove the checkpoints after a step (all of them, where a run starts anew). An old `best` stays until
    the new run has one: a mistyped setting costs no finished model."""
    for path in [*steps(folder), folder / "last"]:
        if path.exists() and (after is None or checkpoint.read_meta(path)["step"] > after):
            shutil.rmtree(path)
    if after is None:
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)


def prune(folder: Path, kept: int | None) -> None:
    """Keep the newest step checkpoints."""
    if kept is not None:
        for path in steps(folder)[:-kept]:
            shutil.rmtree(path)


def settle_run(folder: Path) -> None:
    """Undo what a kill left half done among a run's checkpoints."""
    for name in ("best", "last"):
        settle(folder / name)
    for draft in folder.glob(".*.draft"):
        shutil.rmtree(draft)


def total_steps(training: Training, batches: int) -> int:
    """Updates in a whole run."""
    if not batches:
        raise FitError("the loader has no batch: nothing to train on")
    steps = training.epochs * math.ceil(batches / training.accumulate)
    return steps if training.max_steps is None else min(steps, training.max_steps)


def remember(model: nn.Module, key: dict[str, Any], *, fresh: bool = False) -> None:
    """Note a model object's run; one that starts anew must not start from another's weights unsaid."""
    before = _trained.get(model)
    if fresh and before and all(before.get(name) == key.get(name) for name in ("model", "start")):
        raise FitError(
            "this model object has been trained already and would not start where its key says: "
            "build it again, or name its weights in run_key['start']"
        )
    _trained[model] = key

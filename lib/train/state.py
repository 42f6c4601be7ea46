"""What a run remembers, to go on as if it had never stopped: its place, random states, trees of tensors."""

import contextlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

DEVICES = {"cuda": torch.cuda, "mps": torch.mps}  # that draw random numbers of their own


@dataclass
class Position:
    """Where a run is: its next update takes the loader's batches from `batch` of `epoch` on."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best_score: float | None = None
    best_step: int | None = None
    worse: int = 0  # validations since the best one
    stopped: str | None = None

    def advance(self, batches: int, in_epoch: int) -> None:
        """After an update."""
        self.step += 1
        self.batch += batches
        if self.batch >= in_epoch:
            self.epoch, self.batch = self.epoch + 1, 0


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch (every device)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The state of every generator that training may draw from, on this process."""
    name, keys, *rest = np.random.get_state()
    numpys = name, keys.tolist(), *rest
    states = {"python": random.getstate(), "numpy": numpys, "torch": torch.get_rng_state()}
    here = {name: device.get_rng_state() for name, device in DEVICES.items() if device.is_available()}
    return states | here


def restore_random(states: dict[str, Any]) -> None:
    """Put the generators back, those of a device only where this machine has it."""
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    for name, device in DEVICES.items():
        if name in states and device.is_available():
            device.set_rng_state(states[name])


@contextlib.contextmanager
def untouched_random() -> Iterator[None]:
    """Whatever is drawn inside leaves no trace: validating more often does not change the training."""
    states = random_states()
    try:
        yield
    finally:
        restore_random(states)


def flatten(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A tree as JSON, its tensors moved into `tensors`; each container says what it was."""
    if isinstance(tree, Tensor):
        tensors[name] = tree
        return {"tensor": name}
    if isinstance(tree, dict):
        return {"dict": [[key, flatten(value, f"{name}.{key}", tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        kind = "tuple" if isinstance(tree, tuple) else "list"
        return {kind: [flatten(value, f"{name}.{i}", tensors) for i, value in enumerate(tree)]}
    if isinstance(tree, float) and not math.isfinite(tree):
        return {"float": str(tree)}
    if isinstance(tree, str | int | float | None):
        return tree
    raise TypeError(f"{name}: a {type(tree).__name__} cannot be kept in a checkpoint")


def unflatten(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `flatten`."""
    if not isinstance(tree, dict):
        return tree
    [(kind, value)] = tree.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "float":
        return float(value)
    if kind == "dict":
        return {key: unflatten(item, tensors) for key, item in value}
    items = [unflatten(item, tensors) for item in value]
    return tuple(items) if kind == "tuple" else items

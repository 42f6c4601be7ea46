"""`fit`: the only optimisation loop. It knows objectives and validations, and nothing of captions."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import send_to_device
from torch import Tensor, nn

from lib.config import Training
from lib.paths import resolve
from lib.train import run_identity
from lib.train.objectives import Objective
from lib.train.optimise import recomputing, schedule
from lib.train.processes import accelerate, sum_gradients, total
from lib.train.run_identity import FitError
from lib.train.session import Fitted, TrainingSession, Validator
from lib.train.state import untouched_random


def fit(
    model: nn.Module,
    objective: Objective,
    loader: Any,
    *,
    training: Training,
    folder: str | Path,
    run_key: dict[str, Any],
    validate: Validator | None = None,
    meta: dict[str, Any] | None = None,
    encoder: nn.Module | None = None,
) -> Fitted:
    """Train `model`, keeping its checkpoints in `folder` (`model_ckpt/<name>/<variant>`).

    `loader.batches(e, start=k)` yields the batches of epoch e (`len(loader)` of them) from the k-th on, this
    process's share of each. `run_key` says what the weights depend on: `data`, `model`, `objective`, and
    `start` where the model comes trained. An equal finished run gives its `best`, an equal broken one goes
    on, an unequal one starts anew. `meta` goes into every checkpoint. `encoder` learns at its own rate.
    """
    accelerator = accelerate(training, loader.world)
    run = TrainingSession(
        model=model.to(accelerator.device),
        training=training,
        folder=resolve(folder),
        key=run_identity.full_key(run_key, training, accelerator.num_processes, len(loader)),
        total=run_identity.total_steps(training, len(loader)),
        validator=validate,
        meta=meta or {},
        encoder=encoder,
        accelerator=accelerator,
    )
    start = run.look_up()
    if start.kind == "done":
        return run.find(start)
    with recomputing(model, training.activation_checkpointing):
        run.begin(start)
        with contextlib.closing(run):
            train(run, objective, loader)
            return run.end()


def train(run: TrainingSession, objective: Objective, loader: Any) -> None:
    """Update until the run is over, telling, validating and saving when it is time."""
    position = run.position
    if run.training.validate_first and position.step == 0:
        run.validate()
    while not run.over:
        before = position.step
        for batches in updates(run, loader):
            try:
                update(run, objective, batches)
            except torch.OutOfMemoryError:
                raise FitError(what_fits(run)) from None
            position.advance(len(batches), len(loader))
            run.log_step(sum(map(len, batches)))
            if run.validation_due:
                run.validate()
            run.save_if_due()
            if run.over:
                break
        if position.step == before:
            raise FitError(f"the loader promised {len(loader)} batches an epoch and gave {position.batch}")


def what_fits(run: TrainingSession) -> str:
    """A batch was too large for the device: half of it twice as often is the same step, in less memory."""
    size, more = run.training.batch_size, f" and training.accumulate {2 * run.training.accumulate}"
    less = f"batch_size {size // 2}{more}" if size > 1 else "activation_checkpointing True"
    return f"{run.name}: out of memory with training.batch_size {size}; try training.{less}"


def updates(run: TrainingSession, loader: Any) -> Iterator[list[Any]]:
    """What is left of the epoch, as the batches of one update after the other."""
    # making an iterator draws random numbers, and a resumed run makes it at another moment
    with untouched_random():
        batches = iter(loader.batches(run.position.epoch, start=run.position.batch))
        first = list(itertools.islice(batches, 1))
    batches = itertools.chain(first, batches)
    while group := list(itertools.islice(batches, run.training.accumulate)):
        yield group


def update(run: TrainingSession, objective: Objective, batches: list[Any]) -> None:
    """One step of the optimiser, on the mean over the items of these batches in all processes.

    How many items there are is known only after the last batch: the losses are divided by a guess, the first
    batch's count times the number of batches, and the gradients are put right at the end.
    """
    accelerator, optimizer = run.accelerator, run.optimizer
    optimizer.zero_grad()
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * schedule(run.position.step, run.total, run.training)
    counts: list[Tensor] = []
    for batch in batches:
        with accelerator.autocast():
            result = objective(run.model, send_to_device(batch, accelerator.device, non_blocking=True))
        counts.append(run.meter.note(result))
        if len(counts) == 1:
            guess = total(counts[0]).clamp(min=1) * len(batches)
        accelerator.backward(result["loss"] / guess)
    sum_gradients(run.parameters)
    if len(batches) > 1:
        gradients = [parameter.grad for parameter in run.parameters if parameter.grad is not None]
        torch._foreach_mul_(gradients, guess / total(sum(counts)).clamp(min=1))
    norm = accelerator.clip_grad_norm_(run.parameters, run.training.clip or float("inf"))  # unscales first
    run.meter.add("gradient_norm", norm)
    optimizer.step()
    if run.average is not None:
        run.average.update(run.position.step)

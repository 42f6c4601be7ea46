"""What turns gradients into weights: parameter groups, the optimiser, its schedule, averaging."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lib.config import Training
from lib.train.muon import Muon
from lib.train.run_identity import FitError

HEAD = 16  # outputs that make a layer a hidden one


def set_trainable(model: nn.Module, encoder: nn.Module | None, training: Training) -> None:
    """Train mode; an encoder without a learning rate is frozen, its batch norms and dropout asleep."""
    model.train()
    if encoder is not None:
        encoder.requires_grad_(training.encoder_learning_rate is not None)
        encoder.train(training.encoder_learning_rate is not None)


def parameter_groups(
    model: nn.Module, encoder: nn.Module | None, training: Training, processes: int = 1
) -> list[dict]:
    """Groups by learning rate, decay and place: biases and norms (one-dimensional) are not pulled to zero,
    nor what a model names as `undecayed`."""
    seeing = {id(p) for p in encoder.parameters()} if encoder is not None else set()
    words = {m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)}
    scale = training.batch_size * training.accumulate * processes if training.scale_learning_rate else 1
    groups: dict[tuple[float, float, bool], list[Tensor]] = {}
    undecayed, factor = getattr(model, "undecayed", ()), layer_factors(model, training.layer_decay)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = training.encoder_learning_rate if id(parameter) in seeing else training.learning_rate
            rate = rate * factor(name)
            decay = training.weight_decay if parameter.ndim > 1 and name not in undecayed else 0.0
            # most steps do not see most rows of a matrix with one for each word
            hidden = parameter.shape[:1].numel() not in words and is_hidden(parameter)
            groups.setdefault((rate * scale, decay, hidden), []).append(parameter)
    if not groups:
        raise FitError(f"{type(model).__name__} has nothing to train: every parameter is frozen")
    return [
        {"params": parameters, "lr": rate, "base_lr": rate, "weight_decay": decay, "hidden": hidden}
        for (rate, decay, hidden), parameters in groups.items()
    ]


def layer_factors(model: nn.Module, decay: float) -> Callable[[str], float]:
    """The part of the learning rate that a weight gets by how deep it lies below the heads."""
    if decay == 1:
        return lambda name: 1.0
    if not hasattr(model, "depth_of"):
        raise FitError(f"training.layer_decay: {type(model).__name__} does not say how deep its weights lie")
    return lambda name: decay ** (model.depth - model.depth_of(name))


def is_hidden(parameter: Tensor) -> bool:
    """Whether it is a matrix or a convolution between two layers; the few rows of a small head are none."""
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= HEAD


def build_optimizer(groups: list[dict], training: Training) -> torch.optim.Optimizer:
    """AdamW, fused where torch has it, or Muon; 8-bit only where bitsandbytes is installed."""
    if training.optimizer == "muon" and training.adam_8bit:
        raise FitError("training.adam_8bit and training.optimizer 'muon' cannot both be asked for")
    if training.adam_8bit:
        try:
            from bitsandbytes.optim import AdamW8bit
        except ImportError:
            raise FitError("training.adam_8bit needs bitsandbytes: pip install bitsandbytes") from None
        return AdamW8bit(groups)
    fused = groups[0]["params"][0].device.type in ("cpu", "cuda")
    kind = Muon if training.optimizer == "muon" else torch.optim.AdamW
    return kind(groups, fused=fused)


def schedule(step: int, total: int, training: Training) -> float:
    """The factor on every learning rate at an update (counted from 0): a linear rise, then the schedule."""
    if step < training.warmup_steps:
        return (step + 1) / training.warmup_steps
    through = (step - training.warmup_steps) / max(1, total - training.warmup_steps)
    if training.schedule == "constant":
        return 1.0
    left = 1 - through if training.schedule == "linear" else (1 + math.cos(math.pi * through)) / 2
    end = training.final_learning_rate / training.learning_rate if training.final_learning_rate else 0.0
    return end + (1 - end) * left


class Average:
    """An exponential moving average of the trained weights, which young runs follow more closely."""

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.weights = {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.weights.values()), list(self.parameters.values()), 1 - decay)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[dict[str, Tensor]]:
        """Inside, the model holds the average; the raw weights come along and return afterwards."""
        raw = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.put(self.weights)
        try:
            yield raw
        finally:
            self.put(raw)

    @torch.no_grad()
    def put(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(weights[name])


@contextlib.contextmanager
def recomputing(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Activation checkpointing: modules that say `checkpointed = True` forget all but their inputs."""
    chosen = [part for part in model.modules() if wanted and getattr(part, "checkpointed", False)]
    if wanted and not chosen:
        raise FitError(
            f"training.activation_checkpointing: no part of {type(model).__name__} says `checkpointed = True`"
        )
    for module in chosen:
        module.forward = functools.partial(checkpoint, module.forward, use_reentrant=False)
    try:
        yield
    finally:
        for module in chosen:
            del module.forward  # the class's own is found again

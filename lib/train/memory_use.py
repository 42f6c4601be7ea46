"""Memory use: what training and using a model take, measured on a batch, alike on every device."""

from typing import Any

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from lib.train.objectives import Objective
from lib.train.state import untouched_random

MIB = 2**20
ADAM = 2  # numbers that AdamW keeps for each weight it trains; Muon keeps one


def measure_memory_use(model: nn.Module, objective: Objective, batch: Any) -> dict[str, float]:
    """Parameters, and MiB: the weights, all that training one batch holds at once, what of it the batch took.

    Training holds weights, gradients, the optimiser's numbers, and what the forward pass keeps for the way
    back. The machine's libraries come on top.
    """
    held = [*model.parameters(), *model.buffers()]
    weights = sum(tensor.nbytes for tensor in held)
    trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    activations = measure_activations(model, objective, batch)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights MiB": weights / MIB,
        "activations MiB": activations / MIB,
        "training MiB": (weights + trained * (1 + ADAM) + activations) / MIB,
    }


def measure_activations(model: nn.Module, objective: Objective, batch: Any) -> int:
    """Bytes that autograd keeps of one forward pass besides the weights; each storage counts once."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    training = model.training
    model.train()
    try:
        with untouched_random(), saved_tensors_hooks(note, lambda tensor: tensor):
            loss = objective(model, batch)["loss"]  # while it lives, so does all that it keeps
            return sum(kept.values()) if loss.requires_grad else 0
    finally:
        model.train(training)

"""Muon (Jordan et al. 2024): AdamW that gives every direction of a hidden matrix an equal step."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: five rounds bring every singular value near 1
ROUNDS = 5
MOMENTUM = 0.95
ADAM_SIZE = 0.2  # about the root mean square of AdamW's steps: both learn at one rate (Liu et al. 2025)


class Muon(torch.optim.AdamW):
    """Groups marked `hidden` hold matrices, whose momentum is made orthogonal: a gradient's few strong
    directions would drown the rest. All other groups learn as AdamW has it."""

    def __init__(self, groups: list[dict], **options):
        super().__init__(groups, **options)
        self._step_supports_amp_scaling = False  # as fused AdamW claims: the scaler must skip matrices too

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        every, self.param_groups = self.param_groups, [g for g in self.param_groups if not g["hidden"]]
        try:
            super().step()
        finally:
            self.param_groups = every
        for group in (g for g in every if g["hidden"]):
            for parameters in alike(group["params"]):
                self.turn(parameters, group["lr"], group["weight_decay"])
        return loss

    def turn(self, parameters: list[Tensor], rate: float, decay: float) -> None:
        """One step of matrices of one shape; a convolution counts as one, its kernels laid out in rows."""
        turned = orthogonal(torch.stack([self.ahead(parameter).flatten(1) for parameter in parameters]))
        size = ADAM_SIZE * math.sqrt(max(turned.shape[1:]))
        for parameter, matrix in zip(parameters, turned, strict=True):
            parameter.mul_(1 - rate * decay).add_(matrix.view_as(parameter), alpha=-rate * size)

    def ahead(self, parameter: Tensor) -> Tensor:
        """Where the momentum, brought up to date, would carry the gradient."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["step"] = torch.tensor(0.0)  # AdamW looks for it when it loads a state
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["momentum"].mul_(MOMENTUM).add_(parameter.grad)
        return parameter.grad + MOMENTUM * momentum


def alike(parameters: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    """Those that have a gradient, by shape: matrices of one shape are multiplied at once."""
    shapes: dict[tuple, list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            shapes.setdefault((parameter.device, *parameter.flatten(1).shape), []).append(parameter)
    return shapes.values()


def orthogonal(matrices: Tensor) -> Tensor:
    """For each of [M, R, C] the nearest one of singular values about 1, by Newton's and Schulz's iteration.

    Every round multiplies by a polynomial of the Gram matrix, so these are multiplied among themselves first:
    they are small where a matrix is long, as those of convolutions are.
    """
    a, b, c = QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    gram, whole = x @ x.mT, None
    for left in reversed(range(ROUNDS)):
        turn = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        turn.diagonal(dim1=1, dim2=2).add_(a)
        whole = turn if whole is None else turn @ whole
        if left:
            gram = turn @ gram @ turn
    x = whole @ x
    return x.mT if tall else x

"""Muon (Jordan et al. 2024): AdamW that gives every direction of a hidden matrix an equal step."""

import math

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: five rounds bring every singular value near 1
ROUNDS = 5
MOMENTUM = 0.95
ADAM_SIZE = (
    0.2  # about the root mean square of AdamW's steps: with it both learn at one rate (Liu et al. 2025)
)


class Muon(torch.optim.AdamW):
    """Groups marked `hidden` hold matrices and convolutions; all other groups learn as AdamW has it.

    A gradient's few strong directions drown the rest of a matrix; its momentum is made orthogonal first.
    """

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        every, self.param_groups = self.param_groups, [g for g in self.param_groups if not g["hidden"]]
        try:
            super().step()
        finally:
            self.param_groups = every
        for group in every:
            for parameter in group["params"] if group["hidden"] else ():
                if parameter.grad is not None:
                    self.turn(parameter, group["lr"], group["weight_decay"])
        return loss

    def turn(self, parameter: Tensor, rate: float, decay: float) -> None:
        """One step of a matrix; a convolution counts as one, its kernels laid out in rows."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["step"] = torch.tensor(0.0)  # AdamW looks for it when it loads a state
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["momentum"].mul_(MOMENTUM).add_(parameter.grad)
        ahead = parameter.grad + MOMENTUM * momentum
        matrix = orthogonal(ahead.flatten(1))
        size = ADAM_SIZE * math.sqrt(max(matrix.shape))
        parameter.mul_(1 - rate * decay).add_(matrix.view_as(ahead), alpha=-rate * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix whose singular values are about 1, by Newton's and Schulz's iteration.

    Every round multiplies by a polynomial of the Gram matrix, so these are multiplied among themselves first:
    they are small where a matrix is long, as those of convolutions are.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    gram, whole = x @ x.T, None
    for left in reversed(range(ROUNDS)):
        turn = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        turn.diagonal().add_(a)
        whole = turn if whole is None else turn @ whole
        if left:
            gram = turn @ gram @ turn
    x = whole @ x
    return x.T if tall else x

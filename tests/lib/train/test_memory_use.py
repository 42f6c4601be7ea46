"""The memory use of training, against sums done by hand."""

import torch
from torch import nn

from lib.train import measure_memory_use

MIB = 2**20


class Line(nn.Module):
    """y = relu(x A) B: of the way there autograd keeps x, relu(x A) and nothing else."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(64, 256, bias=False), nn.Linear(256, 8, bias=False)

    def forward(self, x):
        return self.second(self.first(x).relu())


def sum_up(model, batch):
    return {"loss": model(batch).sum(), "count": len(batch)}


def test_counts_by_hand():
    model, batch = Line(), torch.randn(32, 64)
    found = measure_memory_use(model, sum_up, batch)
    weights = (64 * 256 + 256 * 8) * 4
    activations = (32 * 64 + 32 * 256) * 4
    assert found["parameters"] * 4 == weights == found["weights MiB"] * MIB
    assert found["activations MiB"] * MIB == activations
    assert found["training MiB"] * MIB == 4 * weights + activations


def test_frozen_weights_need_no_gradients_nor_activations():
    model, batch = Line(), torch.randn(32, 64)
    model.requires_grad_(False)
    found = measure_memory_use(model, sum_up, batch)
    assert found["activations MiB"] == 0
    assert found["training MiB"] == found["weights MiB"]


def test_a_larger_batch_needs_more_and_nothing_is_touched():
    model = nn.Sequential(nn.Dropout(0.5), Line()).eval()
    before = torch.get_rng_state()
    small, large = (measure_memory_use(model, sum_up, torch.ones(size, 64)) for size in (8, 16))
    assert large["activations MiB"] == 2 * small["activations MiB"]
    assert torch.equal(before, torch.get_rng_state()) and not model.training
    assert all(parameter.grad is None for parameter in model.parameters())

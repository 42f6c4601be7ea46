"""Muon: what it makes orthogonal, how far it steps, whom it leaves to AdamW, and that it resumes."""

import copy

import pytest
import torch
from torch import nn

from lib.config import Training
from lib.train.muon import MOMENTUM, Muon, orthogonal
from lib.train.optimise import build_optimizer, parameter_groups
from lib.train.run_identity import FitError


@pytest.mark.parametrize("shape", [(24, 80), (80, 24), (32, 32)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonal(matrix[None])[0] @ right.T  # diagonal where both share their directions
    assert values.max() / values.min() > 3
    assert found.diagonal().min() > 0.6 and found.diagonal().max() < 1.3
    assert (found - found.diagonal().diag()).abs().max() < 1e-3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 32)
        self.picture = nn.Conv2d(4, 16, 3)
        self.hidden = nn.Linear(32, 64)
        self.say = nn.Linear(64, 50)
        self.few = nn.Linear(64, 5)


def names_of(model, hidden):
    groups = parameter_groups(model, None, Training(optimizer="muon"))
    chosen = {id(p) for group in groups if group["hidden"] is hidden for p in group["params"]}
    return {name for name, p in model.named_parameters() if id(p) in chosen}


def test_words_heads_and_biases_are_left_to_adamw():
    model = Net()
    assert names_of(model, True) == {"picture.weight", "hidden.weight"}
    assert names_of(model, False) == {
        "words.weight", "picture.bias", "hidden.bias", "say.weight", "say.bias", "few.weight", "few.bias",
    }  # fmt: skip


def groups_of(hidden, plain, rate=0.1, decay=0.0):
    shared = {"lr": rate, "weight_decay": decay}
    return [{"params": [hidden], "hidden": True, **shared}, {"params": [plain], "hidden": False, **shared}]


def test_a_step_has_the_size_that_adamw_would_take():
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(48, 20, 3, 3)), nn.Parameter(torch.randn(48))
    twin = nn.Parameter(bias.detach().clone())
    before = weight.detach().clone()
    weight.grad, bias.grad = torch.randn_like(weight), torch.randn_like(bias)
    twin.grad = bias.grad.clone()
    Muon(groups_of(weight, bias)).step()
    torch.optim.AdamW([twin], lr=0.1, weight_decay=0.0).step()
    assert torch.equal(bias, twin)
    moved = (weight - before).detach()
    assert moved.square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.2)
    assert (moved * weight.grad).sum() < 0


def test_momentum_and_decay_follow_their_formulas():
    weight, bias = nn.Parameter(torch.eye(20)), nn.Parameter(torch.zeros(1))
    optimizer = Muon(groups_of(weight, bias, rate=0.5, decay=0.1))
    first, second = torch.randn(20, 20), torch.randn(20, 20)
    expected, momentum = torch.eye(20), torch.zeros(20, 20)
    for gradient in (first, second):
        weight.grad = gradient.clone()
        optimizer.step()
        momentum = MOMENTUM * momentum + gradient
        turned = orthogonal((gradient + MOMENTUM * momentum)[None])[0]
        expected = expected * (1 - 0.5 * 0.1) - 0.5 * 0.2 * 20**0.5 * turned
    assert torch.allclose(weight, expected, atol=1e-5)


def test_matrices_of_one_shape_do_not_touch_each_other():
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(20, 30)) for _ in range(3)]
    alone = [nn.Parameter(weight.detach().clone()) for weight in weights]
    other = nn.Parameter(torch.randn(20, 40))  # has no gradient, and another shape
    plain = [nn.Parameter(torch.zeros(1)) for _ in range(4)]
    together = Muon(groups_of(weights[0], plain[0]))
    together.param_groups[0]["params"] += [*weights[1:], other]
    single = [Muon(groups_of(*pair)) for pair in zip(alone, plain[1:], strict=True)]
    for _ in range(2):
        for scale, weight, twin in zip((1.0, 1e-3, 1e3), weights, alone, strict=True):
            weight.grad = scale * torch.randn(20, 30)
            twin.grad = weight.grad.clone()
        for optimizer in (together, *single):
            optimizer.step()
    for weight, twin in zip(weights, alone, strict=True):
        assert torch.allclose(weight, twin, atol=1e-5)


def test_a_step_that_overflowed_is_skipped_whole():
    model = nn.Linear(20, 30)
    optimizer = build_optimizer(groups_of(model.weight, model.bias), Training(optimizer="muon"))
    before = copy.deepcopy(model.state_dict())
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(model(torch.full((1, 20), torch.inf)).sum()).backward()
    scaler.step(optimizer)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_its_state_is_all_that_a_resume_needs():
    torch.manual_seed(0)
    model, gradients = nn.Linear(20, 30), [torch.randn(30, 20) for _ in range(4)]
    optimizer = Muon(groups_of(model.weight, model.bias))

    def go(model, optimizer, some):
        for gradient in some:
            model.weight.grad, model.bias.grad = gradient.clone(), gradient[:, 0].clone()
            optimizer.step()

    go(model, optimizer, gradients[:2])
    other, state = copy.deepcopy(model), copy.deepcopy(optimizer.state_dict())
    again = Muon(groups_of(other.weight, other.bias))
    again.load_state_dict(state)
    go(model, optimizer, gradients[2:])
    go(other, again, gradients[2:])
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)


def test_muon_has_no_eight_bits():
    with pytest.raises(FitError, match="cannot both"):
        build_optimizer([], Training(optimizer="muon", adam_8bit=True))

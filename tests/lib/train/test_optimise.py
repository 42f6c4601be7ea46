"""Schedules, parameter groups, averages and activation checkpointing, each against its formula."""

import math
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

from lib.config import ConfigError, Training, read_settings
from lib.train.optimise import (
    Average,
    build_optimizer,
    parameter_groups,
    recomputing,
    schedule,
    set_trainable,
)
from lib.train.run_identity import FitError, full_key

COSINE = math.cos(math.pi / 4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        ("linear", [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25]),
        (
            "cosine",
            [0.25, 0.5, 0.75, 1, 1, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 - math.cos(math.pi / 4)) / 2],
        ),
    ],
)
def test_a_schedule_rises_and_falls(name, expected):
    training = Training(schedule=name, warmup_steps=4)
    assert [schedule(step, 8, training) for step in range(8)] == pytest.approx(expected)


def test_a_run_shorter_than_its_warmup_only_rises():
    assert schedule(1, 2, Training(warmup_steps=100)) == pytest.approx(0.02)


@pytest.mark.parametrize(("name", "middle"), [("linear", 0.55), ("cosine", 0.55), ("constant", 1)])
def test_a_schedule_ends_at_the_rate_it_is_told(name, middle):
    training = Training(schedule=name, learning_rate=0.5, final_learning_rate=0.05, warmup_steps=2)
    assert schedule(0, 12, training) == 0.5  # the rise is as without it
    assert schedule(7, 12, training) == pytest.approx(middle)
    assert schedule(12, 12, training) == pytest.approx(1 if name == "constant" else 0.1)


class Captioner(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.embed = nn.Embedding(7, 3)
        self.head = nn.Linear(3, 7)
        self.head.weight = self.embed.weight


def find_group(groups, parameter):
    [group] = [group for group in groups if any(p is parameter for p in group["params"])]
    return group["lr"], group["weight_decay"]


def test_each_parameter_has_its_rate_and_decay_once():
    model, training = Captioner(), Training(learning_rate=0.1, encoder_learning_rate=0.01, weight_decay=0.3)
    groups = parameter_groups(model, model.encoder, training)
    assert find_group(groups, model.embed.weight) == (0.1, 0.3)
    assert find_group(groups, model.head.bias) == (0.1, 0.0)
    assert find_group(groups, model.encoder[0].weight) == (0.01, 0.3)
    assert find_group(groups, model.encoder[1].weight) == (0.01, 0.0)
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))  # tied ones once


def test_scaled_rates_grow_with_the_global_batch():
    model = Captioner()
    training = Training(learning_rate=0.1, batch_size=4, accumulate=2, scale_learning_rate=True)
    [rate] = {group["lr"] for group in parameter_groups(model, None, training, processes=3)}
    assert rate == pytest.approx(0.1 * 4 * 2 * 3)


class Layers(nn.Module):
    """Embeddings, two layers and a head."""

    depth, undecayed = 3, ("0.weight",)

    def __init__(self):
        super().__init__()
        self.add_module("0", nn.Embedding(7, 3))
        for number in "123":
            self.add_module(number, nn.Linear(3, 3))

    def depth_of(self, name):
        return int(name.split(".")[0])


def test_deeper_layers_learn_at_lower_rates():
    model, training = Layers(), Training(learning_rate=0.8, layer_decay=0.5, weight_decay=0.3)
    groups = parameter_groups(model, None, training)
    parts = dict(model.named_parameters())
    assert find_group(groups, parts["3.weight"]) == (0.8, 0.3)
    assert find_group(groups, parts["2.bias"]) == (0.4, 0.0)
    assert find_group(groups, parts["1.weight"]) == (0.2, 0.3)
    assert find_group(groups, parts["0.weight"]) == (0.1, 0.0)  # `undecayed`, though a matrix
    assert {group["lr"] for group in parameter_groups(model, None, Training(learning_rate=0.8))} == {0.8}


def test_layer_decay_needs_a_model_that_knows_its_depth():
    with pytest.raises(FitError, match=r"training\.layer_decay: Captioner does not say how deep"):
        parameter_groups(Captioner(), None, Training(layer_decay=0.9))


def test_settings_that_came_later_leave_the_keys_of_older_runs_alone():
    run_key = {"data": 1, "model": 2, "objective": 3}
    settings = full_key(run_key, Training(), 1, 10)["training"]
    assert settings.keys().isdisjoint({"layer_decay", "final_learning_rate", "workers"})
    assert settings["schedule"] == "cosine"
    changed = full_key(run_key, Training(layer_decay=0.5), 1, 10)["training"]
    assert changed == settings | {"layer_decay": 0.5}


def test_a_frozen_encoder_sleeps_and_may_be_woken():
    model = Captioner()
    set_trainable(model, model.encoder, Training())
    assert model.training and not model.encoder[1].training
    assert not any(p.requires_grad for p in model.encoder.parameters())
    assert len(parameter_groups(model, model.encoder, Training())) == 2
    set_trainable(model, model.encoder, Training(encoder_learning_rate=0.1))
    assert model.encoder[1].training and all(p.requires_grad for p in model.parameters())


def test_eight_bit_adam_is_used_where_it_is_installed(monkeypatch):
    """A stand-in for the package, which needs a GPU."""
    optim = ModuleType("bitsandbytes.optim")
    optim.AdamW8bit = type("AdamW8bit", (torch.optim.SGD,), {})
    monkeypatch.setitem(sys.modules, "bitsandbytes", ModuleType("bitsandbytes"))
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", optim)
    groups = parameter_groups(Captioner(), None, Training())
    assert type(build_optimizer(groups, Training(adam_8bit=True))) is optim.AdamW8bit
    assert type(build_optimizer(groups, Training())) is torch.optim.AdamW


def test_the_average_follows_its_formula_and_gives_the_weights_back():
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average = Average(model, 0.9)
    expected = 1.0
    for step, value in enumerate([2.0, 3.0, 4.0]):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with average.in_place() as raw:
        assert model.weight.item() == pytest.approx(expected)
        assert raw["weight"].item() == 4.0
    assert model.weight.item() == 4.0


def test_recomputing_ends_with_its_block():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].checkpointed = True
    with recomputing(model, True):
        assert "forward" in vars(model[0]) and "forward" not in vars(model[1])
    assert "forward" not in vars(model[0])
    with recomputing(model, False):
        assert "forward" not in vars(model[0])
    del model[0].checkpointed
    with pytest.raises(FitError, match="checkpointed = True"), recomputing(model, True):
        pass


# the settings themselves

# what the RL homework's command line sets -> the key here, or why there is none
RL_HOMEWORK = {
    "train_batch_size": "batch_size",
    "gradient_accumulation_steps": "accumulate",
    "gradient_checkpointing": "activation_checkpointing",
    "max_train_steps": "max_steps",
    "num_train_epochs": "epochs",
    "dataloader_num_workers": "workers",
    "checkpointing_steps": "checkpoint_every",
    "checkpoints_total_limit": "checkpoints_kept",
    "resume_from_checkpoint": "resume",
    "learning_rate": "learning_rate",
    "lr_scheduler": "schedule",
    "lr_warmup_steps": "warmup_steps",
    "scale_lr": "scale_learning_rate",
    "use_8bit_adam": "adam_8bit",
    "allow_tf32": "allow_tf32",
    "mixed_precision": "mixed_precision",
    "seed": "seed",
    "pretrained_model_name_or_path": None,  # start weights belong to the model, and stand in run_key["start"]
    "rl_after": None,  # a second call of `fit` with another objective: a parameter of notebook 03
    "output_dir": None,  # `fit(folder=...)`: settings say how to train, not where to write
    "loss_curve.png": None,  # drawn from history.csv, which every run writes
}


def test_every_setting_of_the_rl_homework_has_its_key():
    assert {key for key in RL_HOMEWORK.values() if key} <= set(Training.__dataclass_fields__)
    assert (
        read_settings(Training, {key: getattr(Training(), key) for key in RL_HOMEWORK.values() if key})
        == Training()
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"accumulate": 0}, "training.accumulate must be at least 1, not 0"),
        ({"checkpoints_kept": 0}, "training.checkpoints_kept must be at least 1, not 0"),
        ({"learning_rate": -1.0}, "training.learning_rate must be at least 0, not -1.0"),
        ({"learning_rate": float("nan")}, "training.learning_rate must be at least 0, not nan"),
        ({"ema": 1.0}, "training.ema must be below 1, not 1.0"),
        ({"max_steps": 0}, "training.max_steps must be at least 1, not 0"),
        ({"layer_decay": 1.5}, "training.layer_decay must be at most 1, not 1.5"),
        ({"final_learning_rate": 0.1}, "training.final_learning_rate must be at most 0.0005, not 0.1"),
    ],
)
def test_senseless_settings_are_refused(settings, told):
    with pytest.raises(ConfigError) as error:
        Training(**settings)
    assert str(error.value) == told

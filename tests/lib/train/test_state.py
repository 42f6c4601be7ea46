"""What a run remembers comes back as it was, and rows are what was counted."""

import csv
import math
import random

import numpy as np
import pytest
import torch

from lib.files import read_json, write_json
from lib.train.log import History, Meter, plain_row
from lib.train.run_identity import FitError, key_differences
from lib.train.state import (
    flatten,
    random_states,
    restore_random,
    seed_everything,
    unflatten,
    untouched_random,
)


def test_trees_come_back_through_files(tmp_path):
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "flags": (True, None, "x")}, 1: {}},
        "rates": [0.1, math.inf, 7],
        "empty": (),
    }
    tensors = {}
    path = write_json(tmp_path / "tree.json", flatten(tree, "run", tensors))
    assert list(tensors) == ["run.state.0.step"]
    assert unflatten(read_json(path), tensors) == tree


def test_what_is_no_tree_is_refused():
    with pytest.raises(TypeError, match=r"run\.0: a set cannot be kept"):
        flatten([{1, 2}], "run", {})


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_generators_come_back_through_files(tmp_path):
    seed_everything(5)
    draw()
    tensors = {}
    path = write_json(tmp_path / "random.json", flatten(random_states(), "random", tensors))
    expected = draw()
    seed_everything(6)
    restore_random(unflatten(read_json(path), tensors))
    assert draw() == expected


def test_draws_inside_leave_no_trace():
    seed_everything(5)
    expected = draw()
    seed_everything(5)
    with untouched_random():
        draw()
    assert draw() == expected


def test_a_meter_weighs_by_items():
    meter = Meter(torch.device("cpu"))
    assert str(meter) == "nan" and meter.read() == {}
    meter.add("loss", torch.tensor(6.0, requires_grad=True), 2)
    meter.add("loss", 3.0, torch.tensor(1))
    meter.add("reward", 4.0)
    assert str(meter) == "3.000"
    assert meter.empty() == {"loss": 3.0, "reward": 4.0}
    assert meter.read() == {} and str(meter) == "3.000"


def test_history_takes_columns_as_they_come(tmp_path):
    history = History(tmp_path, [{"step": 1, "loss": 2.0}], writes=True)
    history.add({"step": 2, "loss": 1.0})
    history.add({"step": 2, "val_score": 0.5, "val_stop": None})
    history.close()
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"step": "1", "loss": "2.0", "val_score": "", "val_stop": ""},
        {"step": "2", "loss": "1.0", "val_score": "0.5", "val_stop": ""},
    ]


def test_only_the_first_process_writes_history(tmp_path):
    history = History(tmp_path, [], writes=False)
    history.add({"step": 1, "loss": 2.0})
    history.close()
    assert history.rows and not list(tmp_path.iterdir())


def test_what_validation_says_is_made_plain():
    assert plain_row({"score": torch.tensor(0.5), "bleu": np.float64(0.25), "stop": None}) == {
        "score": 0.5,
        "bleu": 0.25,
        "stop": None,
    }
    with pytest.raises(FitError, match="captions is a list"):
        plain_row({"captions": []})


def test_differences_name_the_key():
    old = {"training": {"seed": 0, "ema": 0.9}, "data": "x"}
    new = {"training": {"seed": 1, "ema": 0.9}, "data": "x", "start": "w" * 60}
    assert key_differences(old, old) == {}
    assert key_differences(old, new) == {
        "training.seed": "training.seed was 0, is 1",
        "start": f'start was null, is "{"w" * 36}...',
    }

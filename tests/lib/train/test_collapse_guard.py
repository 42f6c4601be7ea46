"""The collapse guard sees what a table would, and ends a run before its collapse is kept."""

import pytest
import torch
from torch import nn
from toy_policy import Table, namer

from atelier.world import WARDROBE
from lib import checkpoint
from lib.config import Training
from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import Record
from lib.models import Decoding
from lib.score import evaluate
from lib.train import fit, guarded_validator, self_critical
from lib.train.collapse_guard import collapse

COUNT = 8
NAMES = [f"thing{i}" for i in range(COUNT)]
RECORDS = [Record(f"{i}", f"{i}.jpg", (name,), "val") for i, name in enumerate(NAMES)]
VIEW = CachedFeatures([torch.eye(COUNT)[:, None].numpy()])
GREEDY = Decoding(method="greedy", max_length=4)


class Parrot(nn.Module):
    """Says of picture i what it was told to."""

    def __init__(self, said):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.said = said

    def caption(self, batch, decoding, choose=None):
        return [self.said[int(number)] for number in batch.memory[:, 0].argmax(1)]


def test_it_sees_what_a_table_would():
    said = ["a red hat.", "a red hat.", "a coat with", "a man in a", "one two", "x", "y.", "z"]
    seen = guarded_validator(RECORDS, VIEW, GREEDY, WARDROBE)(Parrot(said))
    table = evaluate(said, [record.captions for record in RECORDS], resamples=0)
    for name in ("cider_d", "unique", "distinct1", "distinct2", "mean_length", "bad_endings"):
        assert seen[name] == pytest.approx(table[name]), name
    assert seen["score"] == seen["cider_d"] and "stop" not in seen and "unique_attributes" not in seen


HEALTHY = {
    "cider_d": 1.0, "unique": 0.9, "unique_attributes": 0.8, "distinct2": 0.1, "mean_length": 10.0,
    "bad_endings": 0.01, "attribute_f1": 0.7,
}  # fmt: skip


@pytest.mark.parametrize(
    "now, reason",
    [
        ({}, None),
        ({"unique": 0.46, "unique_attributes": 0.41, "mean_length": 19.0, "bad_endings": 0.25}, None),
        ({"cider_d": 3.0, "attribute_f1": 0.1}, None),
        ({"unique": 0.1}, "unique 0.1, at the start 0.9"),
        ({"unique_attributes": 0.3, "cider_d": 3.0}, "unique attributes 0.3, at the start 0.8"),
        (
            {"distinct2": 0.01, "cider_d": 0.2},
            "distinct2 0.01, at the start 0.1; cider d",
        ),
        ({"mean_length": 4.0}, "mean length 4, at the start 10"),
        ({"mean_length": 21.0}, "mean length 21, at the start 10"),
        ({"bad_endings": 0.3}, "bad endings 0.3, at the start 0.01"),
    ],
)
def test_a_fall_too_deep_is_told(now, reason):
    told = collapse(HEALTHY | now, HEALTHY)
    assert told is None if reason is None else told.startswith(f"the captions collapsed: {reason}")


def test_attributes_are_watched_only_where_they_are_known():
    assert collapse(HEALTHY | {"unique": 0.8}, HEALTHY) is None
    blind = {name: value for name, value in HEALTHY.items() if name != "unique_attributes"}
    assert collapse(blind, blind) is None


def knowing():
    """A policy that says the right word of each picture, most of the time."""
    model = namer(NAMES, width=COUNT)
    with torch.no_grad():
        for i, name in enumerate(NAMES):
            model.decoder.name.weight[model.vocab.numbers[name], i] = 3.0
    return model


def test_the_guard_ends_a_policy_that_is_paid_for_one_sentence(tmp_path):
    """The reward rises to the end while every picture gets one and the same word; `best` is the start's."""
    model = knowing()
    healthy = guarded_validator(RECORDS, VIEW, GREEDY, WARDROBE)(model)
    assert healthy["unique"] == 1.0
    rhythm = {"validate_first": True, "validate_every": 5, "log_every": 1}
    training = Training(epochs=200, batch_size=COUNT, learning_rate=0.1, schedule="constant", **rhythm)
    fitted = fit(
        model,
        self_critical(Table(lambda words, picture: float(words == ["thing3"])), samples=8, max_length=3),
        Loader(CaptionPairs(RECORDS, model.vocab, VIEW), batch_size=COUNT),
        training=training,
        folder=tmp_path / "rl" / "collapse",
        run_key={"data": "toy", "model": "namer", "objective": "rl"},
        validate=guarded_validator(RECORDS, VIEW, GREEDY, WARDROBE, start=healthy),
    )
    assert fitted.state == "stopped" and fitted.reason.startswith("the captions collapsed: unique 0.")
    last = fitted.history[-1]
    assert last["val_unique"] < 0.5 and last["reward"] > fitted.history[1]["reward"] + 0.2
    assert checkpoint.read_meta(fitted.best)["step"] < last["step"] < 200
    assert guarded_validator(RECORDS, VIEW, GREEDY, WARDROBE, start=healthy)(model)["stop"] is None, (
        "the model is the healthy one"
    )

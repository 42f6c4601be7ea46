"""What keeps the best and fills the tables: captions and attributes of known models."""

import pytest
import torch
from torch import nn

from atelier.world import WARDROBE
from lib.data import Record
from lib.data.loader import CachedFeatures
from lib.models import Decoding
from lib.score import evaluate
from lib.train import blind_view, by_attributes, by_captions, caption_all, select

SCHEMA = {"hat": ("cap", "beanie"), "ring": ("ring",)}
ATTRIBUTES = [{"hat": "cap", "ring": None}, {"hat": None, "ring": "ring"}, {"hat": "beanie", "ring": "ring"}]
SAID = ["A man wears a red cap.", "She has a ring.", "He wears a green beanie and a ring.", "A plain shirt."]
RECORDS = [Record(f"{i}.jpg", f"{i}.jpg", (text,), "val") for i, text in enumerate(SAID)]
VIEW = CachedFeatures([torch.arange(4.0)[:, None, None].expand(4, 2, 3).numpy()])


class Parrot(nn.Module):
    """Says the caption whose number it is shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def caption(self, batch, decoding, choose=None):
        return [SAID[int(number)] for number in batch.memory[:, 0, 0]]


class Reader(nn.Module):
    """Reads given attributes off the pictures, by their places."""

    def __init__(self, chosen):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.chosen = torch.tensor(chosen)

    def forward(self, batch):
        rows = self.chosen[batch.indices]
        return [nn.functional.one_hot(rows[:, a], len(v) + 1).float() for a, v in enumerate(SCHEMA.values())]


def test_captions_come_in_the_order_of_the_records():
    assert caption_all(Parrot(), RECORDS, VIEW, Decoding(), batch_size=3) == SAID


def test_the_blind_control_shows_every_picture_once_and_none_its_own():
    said = caption_all(Parrot(), RECORDS, blind_view(VIEW, len(RECORDS)), Decoding())
    assert sorted(said) == sorted(SAID)
    assert all(mine != own for mine, own in zip(said, SAID, strict=True))


def test_validation_is_the_score_of_the_tables():
    result = by_captions(RECORDS, VIEW, Decoding(), WARDROBE)(Parrot())
    table = evaluate(SAID, [r.captions for r in RECORDS], resamples=0)
    assert result["score"] == result["cider_d"] == pytest.approx(table["cider_d"])
    assert result["unique"] == 1.0
    assert "attribute_f1" not in result, "nothing is known of these pictures"


def test_the_model_and_penalty_that_do_best_are_selected():
    """One model is right at one penalty alone; its rivals never are."""

    class Picky(Parrot):
        def __init__(self, at):
            super().__init__()
            self.at = at

        def caption(self, batch, decoding, choose=None):
            right = decoding.length_penalty == self.at
            return super().caption(batch, decoding) if right else ["a cap"] * len(batch)

    models = {"never": Picky(9.0), "once": Picky(1.3), "not asked": Picky(0.8)}
    name, search = select(models, ["never", "once"], RECORDS, VIEW, Decoding(beam=3), [0.8, 1.0, 1.3])
    assert (name, search) == ("once", Decoding(beam=3, length_penalty=1.3))


@pytest.mark.parametrize(
    "chosen, f1",
    [
        ([[1, 0], [0, 1], [2, 1]], 1.0),
        ([[0, 0], [0, 0], [0, 0]], 0.0),
        ([[1, 0], [0, 1], [1, 1]], 3 / 4),  # one wrong hat: 3 right of 4 stated and 4 visible
        ([[1, 0], [0, 1], [0, 0]], 2 * 2 / (2 + 4)),
    ],
)
def test_attributes_are_scored_against_what_is_visible(chosen, f1):
    records = [Record(f"{i}.jpg", "x", (), "val", attributes) for i, attributes in enumerate(ATTRIBUTES)]
    result = by_attributes(records, VIEW, SCHEMA)(Reader(chosen))
    assert result["score"] == pytest.approx(f1)
    assert set(result) == {"score", "hat", "ring"}

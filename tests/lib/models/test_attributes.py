"""Attributes as numbers, as memory, and read off pictures."""

import pytest
import torch

from lib import checkpoint
from lib.data.loader import Batch
from lib.data.record import Record
from lib.models import AttributeEncoder, AttributeReader, ModelError, build_encoder, number_attributes

SCHEMA = {"color": ("red", "green", "blue"), "side": ("left", "right")}


def record(name, **attributes):
    return Record(name, f"{name}.png", (), "train", attributes or None)


def test_attributes_are_numbered_with_none_first():
    records = [record("a", color="green", side=None), record("b", color=None, side="right")]
    assert number_attributes(records, SCHEMA).tolist() == [[2, 0], [0, 2]]


def test_an_attribute_is_one_hot_in_its_own_place():
    encoder = AttributeEncoder(SCHEMA)
    memory = encoder(torch.tensor([[2, 0]]))
    assert encoder.width == 7
    assert memory[0].tolist() == [[0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]]
    memories = encoder.memories([record("a", color="green", side=None)])
    assert torch.equal(memories.float(), memory)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record("a"), "a: no attributes are known"),
        (record("a", color="pink", side=None), "a: attribute or value 'pink'"),
        (record("a", color="red"), "a: attribute or value 'side'"),
    ],
)
def test_attributes_outside_the_schema_are_refused(bad, message):
    with pytest.raises(ModelError, match=message):
        number_attributes([bad], SCHEMA)


def painted(count: int):
    """A square of one colour on one side, and its attributes."""
    chance = torch.Generator().manual_seed(0)
    attributes = torch.stack(
        [torch.randint(1, 4, (count,), generator=chance), torch.randint(1, 3, (count,), generator=chance)], 1
    )
    images = torch.zeros(count, 3, 32, 32)
    for image, (color, side) in zip(images, attributes.tolist(), strict=True):
        image[color - 1, 10:20, 4 + 16 * (side - 1) : 12 + 16 * (side - 1)] = 1
    return images, attributes


def test_the_reader_learns_colours_and_places():
    torch.manual_seed(0)
    images, attributes = painted(48)
    reader = AttributeReader(build_encoder({"kind": "atelier", "channels": 4}), SCHEMA, cells=4)
    optimiser = torch.optim.Adam(reader.parameters(), 1e-2)
    for _ in range(80):
        logits = reader(Batch(ids=(), indices=attributes, images=images))
        pairs = zip(logits, attributes.unbind(1), strict=True)
        loss = sum(torch.nn.functional.cross_entropy(scores, values) for scores, values in pairs)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    wanted = [
        {"color": SCHEMA["color"][c - 1], "side": SCHEMA["side"][s - 1]} for c, s in attributes.tolist()
    ]
    assert reader.read(images) == wanted
    assert reader.training


def test_a_reader_is_loaded_from_its_checkpoint(tmp_path):
    reader = AttributeReader(build_encoder({"kind": "atelier", "channels": 4}), SCHEMA, cells=4).eval()
    checkpoint.save(tmp_path / "best", reader.state_dict(), reader.meta())
    again = AttributeReader.load(tmp_path)
    images = torch.randn(2, 3, 32, 32)
    for first, second in zip(reader.judge(images), again.judge(images), strict=True):
        assert torch.equal(first, second)
    with pytest.raises(ModelError, match="no attribute reader"):
        AttributeReader.from_config({"kind": "captioner"})

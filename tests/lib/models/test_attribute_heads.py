"""Attributes as a memory: laid out as the oracle's, independent of batch mates, kept with the eye."""

import pytest
import torch

from lib.data.images import Preprocess
from lib.data.record import Record
from lib.models import (
    AttributeEncoder,
    AttributeHeads,
    AttributeReader,
    ModelError,
    build_encoder,
    open_eye,
    save_eye,
)

SCHEMA = {"color": ("red", "blue"), "hat": ("cap",), "place": ("beach", "snow", "street")}


def make_reader():
    torch.manual_seed(0)
    return AttributeReader(build_encoder({"kind": "atelier", "channels": 4}), SCHEMA, cells=4).eval()


def test_sure_heads_remember_what_the_oracle_is_told():
    heads = AttributeHeads(6, 4, SCHEMA).eval()
    chosen = {"color": 2, "hat": 0, "place": 3}
    with torch.no_grad():
        for head, number in zip(heads.values, chosen.values(), strict=True):
            head.bias.zero_()
            head.bias[number] = 100.0
            head.weight.zero_()
    told = AttributeEncoder(SCHEMA)
    record = Record("a", "a.jpg", ("a",), "train", {"color": "blue", "hat": None, "place": "street"})
    assert torch.allclose(heads.remember(torch.randn(1, 4, 6)), told.memories([record]).float())


def test_likelihoods_of_an_attribute_sum_to_one_in_its_own_place():
    memory = make_reader().eye().viewed("attributes")(torch.randn(3, 3, 32, 32))
    assert memory.shape == (3, 3, 9)
    assert torch.allclose(memory.sum(2), torch.ones(3, 3))
    outside = torch.ones(3, 9, dtype=torch.bool)
    for row, (first, end) in enumerate(((0, 3), (3, 5), (5, 9))):
        outside[row, first:end] = False
    assert memory[:, outside].abs().max() == 0


def test_batch_mates_change_nothing():
    eye, images = make_reader().eye().viewed("attributes").eval(), torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        alone = torch.cat([eye(image[None]) for image in images])
        assert torch.allclose(eye(images), alone, atol=1e-5)


def test_an_eye_keeps_what_it_learnt_to_read(tmp_path):
    reader, preprocess = make_reader(), Preprocess(resize=32, crop=32)
    save_eye(tmp_path / "eye", reader.eye(), preprocess, origin="test")
    eye, _ = open_eye(tmp_path / "eye")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        attributes = eye.viewed("attributes")(images)
        expected = torch.cat([logits.softmax(1) for logits in reader.judge(images)], 1)
        assert torch.allclose(attributes.sum(1), expected, atol=1e-6)
        assert torch.equal(eye.viewed("grid")(images), reader.encoder(images))
    assert not any(name.startswith("heads") for name in eye.viewed("grid").state_dict())


def test_an_eye_that_reads_nothing_says_so():
    with pytest.raises(ModelError, match="reads no attributes"):
        build_encoder({"kind": "atelier", "channels": 4}).viewed("attributes")

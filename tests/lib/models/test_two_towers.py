"""Two towers: a point depends on its own picture or sentence alone; a checkpoint gives the same points."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import saved_model
from transformers import AutoModel

from lib import checkpoint
from lib.data import Preprocess, Vocab
from lib.data.loader import Batch, CachedFeatures
from lib.data.subwords import open_huggingface
from lib.models import ModelError, build_encoder
from lib.models.retriever import Retriever, embed_texts, match_pairs, open_retriever, rerank
from lib.models.two_towers import TwoTowers, TwoTowersSettings

SMALL = {"embedding": 16, "width": 16, "heads": 2, "looks": 2, "layers": 1, "positions": 16}
TEXTS = ["a red car", "a man in a long blue coat walks to the left", "a dog"]


def towers(text=None, **settings):
    torch.manual_seed(0)
    eye = build_encoder({"kind": "atelier", "channels": 4})
    text = text or Vocab.build(TEXTS)
    how = Preprocess(resize=64, crop=64, squash=True)
    return TwoTowers(eye, text, how, TwoTowersSettings(**SMALL | settings)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    return saved_model(tmp_path_factory.mktemp("bert"), AutoModel, "bert", **sizes)


@pytest.mark.parametrize("kind", ["ours", "huggingface"])
@torch.no_grad()
def test_a_point_depends_on_nothing_beside_it(kind, folder):
    if kind == "ours":
        model = towers(memory_layers=1)
    else:
        model = towers(open_huggingface(folder), tower={"name": str(folder)})
    pictures = torch.rand(5, 3, 64, 64)
    together = model.see(pictures)
    alone = torch.cat([model.see(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(5))
    read = embed_texts(model, TEXTS)
    for text, point in zip(TEXTS, read, strict=True):
        np.testing.assert_allclose(embed_texts(model, [text])[0], point, atol=1e-5)
    assert np.abs(read[0] - read[1]).max() > 0.01


@torch.no_grad()
def test_word_order_and_places_of_cells_count():
    model = towers()
    model.cells.places.data.mul_(10)
    read = embed_texts(model, ["a red dog", "dog a red"])
    assert np.abs(read[0] - read[1]).max() > 0.001
    memory = torch.rand(1, 16, model.eye.width)
    assert (model.look(memory) - model.look(memory.flip(1))).abs().max() > 0.001


@torch.no_grad()
def test_masked_cells_are_not_looked_at():
    model = towers(memory_layers=1, matcher=1)
    memory, mask = torch.rand(2, 16, model.eye.width), torch.arange(16).expand(2, -1) < 9
    words = {"tokens": torch.tensor([[1, 2, 3], [3, 2, 0]]), "lengths": torch.tensor([3, 2])}
    found = []
    for filler in (0.0, 7.0):
        seen = memory.masked_fill(~mask[..., None], filler)
        batch = Batch(("a", "b"), torch.arange(2), memory=seen, mask=mask, **words)
        found.append((*model(batch), model.match(batch)))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("kind", ["ours", "huggingface"])
def test_a_checkpoint_gives_the_same_points(tmp_path, folder, kind):
    own = {} if kind == "ours" else {"text": open_huggingface(folder), "tower": {"name": str(folder)}}
    model = towers(matcher=1, **own)
    checkpoint.save(tmp_path / "towers" / "best", model.state_dict(), model.meta())
    again = open_retriever(tmp_path / "towers")
    np.testing.assert_array_equal(again.embed_texts(TEXTS), embed_texts(model, TEXTS))
    assert again.fingerprint == Retriever(model).fingerprint
    with torch.no_grad():
        model.logit_scale.add_(1)
    assert again.fingerprint != Retriever(model).fingerprint


def test_trouble_is_named_in_a_line(tmp_path):
    model = towers()
    with pytest.raises(ModelError, match="text 2 of 2 is empty"):
        embed_texts(model, ["a", "  "])
    with pytest.raises(ModelError, match="no matcher"):
        model.match(None)
    with pytest.raises(ModelError, match="200 words; this reader knows 128"):
        model.read(torch.ones(1, 200, dtype=torch.long), torch.ones(1, 200, dtype=torch.bool))
    meta = {"model": {"kind": "captioner"}}
    checkpoint.save(tmp_path / "other" / "best", model.state_dict(), meta)
    with pytest.raises(ModelError, match="a captioner is no model of retrieval; known: two_towers"):
        open_retriever(tmp_path / "other")


def test_reranking_reorders_the_first_alone():
    model = towers(matcher=1)
    memories = torch.rand(5, 16, model.eye.width)
    view = CachedFeatures([memories.numpy()])
    likeness = np.array([[0.1, 0.9, 0.8, 0.7, 0.2], [0.9, 0.8, 0.1, 0.3, 0.2]], np.float32)
    found = rerank(model, likeness, TEXTS[:2], view, k=3)
    for row, before in zip(found, likeness, strict=True):
        order, first = np.argsort(-row), np.argsort(-before)[:3]
        assert set(order[:3]) == set(first)
        assert order[3:].tolist() == np.argsort(-before)[3:].tolist()
    with torch.no_grad():
        words = torch.tensor([model.text.encode(TEXTS[1])])
        batch = Batch(("",), torch.tensor([2]), memory=memories[2][None], tokens=words)
        alone = model.match(replace(batch, lengths=torch.tensor([words.shape[1]])))
    pairs = [(0, 1), (1, 2), (0, 4)]
    np.testing.assert_allclose(match_pairs(model, TEXTS, view, pairs)[1], alone.item(), atol=1e-5)

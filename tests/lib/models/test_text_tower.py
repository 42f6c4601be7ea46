"""Text towers: the vectors are transformers' own, whatever stands beside a sentence; kept whole, strict."""

import pytest
import torch
from tiny_models import saved_model
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel

from lib import checkpoint
from lib.data.subwords import open_huggingface, open_text
from lib.models import ModelError
from lib.models.two_towers import TextTower

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SENTENCES = ["a man in a red shirt .", "a dog", "the woman"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_model(tmp_path_factory.mktemp("bert"), AutoModel, "bert", **SMALL)


def build(folder, **settings):
    return TextTower({"name": str(folder), **settings}, open_huggingface(folder)).eval()


def read(tower):
    """A vector of each of the SENTENCES, side by side."""
    rows = [torch.tensor(tower.text.encode(sentence)) for sentence in SENTENCES]
    tokens = pad_sequence(rows, batch_first=True, padding_value=tower.text.pad)
    real = torch.arange(tokens.shape[1]) < torch.tensor([[len(row)] for row in rows])
    return tower.pool(tower.states(tokens, real), real)


@pytest.mark.parametrize("pooling", ["mean", "class", "last"])
@torch.no_grad()
def test_vectors_are_those_of_the_library_one_by_one(folder, pooling):
    tower, alone = build(folder, pooling=pooling), AutoModel.from_pretrained(folder).eval()
    together = read(tower)
    assert together.shape == (3, tower.width)
    for sentence, found in zip(SENTENCES, together, strict=True):
        seen = alone(torch.tensor([tower.text.encode(sentence)])).last_hidden_state[0]
        wanted = {"mean": seen.mean(0), "class": seen[0], "last": seen[-1]}[pooling]
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_it_is_built_again_from_a_checkpoint_without_its_weights_folder(folder, tmp_path):
    tower = build(folder)
    about = {"model": tower.describe(), "text": tower.text.describe()}
    checkpoint.save(tmp_path / "best", tower.state_dict(), about)
    found = checkpoint.load(tmp_path / "best")
    again = TextTower(found.meta["model"], open_text(found.meta["text"])).eval()
    checkpoint.load_into(again, found.weights, found.folder)
    assert torch.equal(read(again), read(tower))


def test_trouble_is_named_in_a_line(folder, tmp_path):
    cases = [
        ({"name": str(tmp_path / "none")}, "text tower .* cannot be loaded"),
        ({"pooling": "max"}, "text tower.pooling must be one of 'mean', 'class', 'last'"),
        (
            {"tower": {"model_type": "vit", "hidden_size": 16, "num_attention_heads": 2}},
            "a vit is no text tower",
        ),
        ({"tower": {"model_type": "bert", "vocab_size": 7, **SMALL}}, "7 words; the text has"),
    ]
    for settings, message in cases:
        with pytest.raises(ModelError, match=message) as error:
            build(folder, **settings)
        assert "\n" not in str(error.value)

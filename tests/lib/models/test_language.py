"""Language models of Hugging Face's as decoders: opened from a folder, kept whole, frozen or not, strict."""

import json

import pytest
import torch
from tiny_models import saved_model
from transformers import AutoModelForCausalLM

from lib import checkpoint
from lib.data import Preprocess
from lib.data.loader import Batch
from lib.data.subwords import open_huggingface
from lib.models import Captioner, Decoding, ModelError, build_decoder, build_encoder
from lib.train import cross_entropy

TINY = {"model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model and its tokenizer as transformers saves them."""
    place, config = tmp_path_factory.mktemp("gpt"), {k: v for k, v in TINY.items() if k != "model_type"}
    return saved_model(place, AutoModelForCausalLM, TINY["model_type"], padded=3, **config)


def captioner(folder, **settings):
    text = open_huggingface(folder)
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    sizes = {"vocab_size": len(text), "memory_width": encoder.width, "name": str(folder), **settings}
    return Captioner(
        encoder, build_decoder({"kind": "huggingface", **sizes}), text, Preprocess(resize=40, crop=32)
    )


def batch(model, images=2):
    text = model.vocab
    tokens = torch.tensor([[text.start, 4, 5, text.end]] * images)
    lengths, given = torch.full((images,), 4), torch.ones(images, dtype=torch.long)
    seen = torch.randn(images, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    ids = tuple(map(str, range(images)))
    return Batch(ids, torch.arange(images), images=seen, tokens=tokens, lengths=lengths, given=given)


def test_without_cells_it_is_the_model_itself(folder):
    """What a folder holds is what answers: with each cell masked, words are scored as transformers does."""
    model = captioner(folder).eval()
    alone = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokens = torch.tensor([[model.vocab.start, 4, 5, 6]])
    memory, mask = torch.randn(1, 4, model.encoder.width), torch.zeros(1, 4, dtype=torch.bool)
    with torch.no_grad():
        found = model.decoder(memory, tokens, mask).logits
        torch.testing.assert_close(found, alone(tokens).logits[..., : len(model.vocab)])


def test_a_checkpoint_needs_the_tokenizer_and_not_the_weights(folder, tmp_path):
    model = captioner(folder).eval()
    checkpoint.save(tmp_path / "best", model.state_dict(), json.loads(json.dumps(model.meta())))
    (folder / "model.safetensors").rename(folder / "away")
    try:
        again = Captioner.load(tmp_path)
    finally:
        (folder / "away").rename(folder / "model.safetensors")
    for decoding in (Decoding(beam=3, max_length=8), Decoding(method="greedy", max_length=8)):
        assert again.caption(batch(model), decoding) == model.caption(batch(model), decoding)
    assert again.describe() == model.describe()


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_only_the_map_learns(folder, frozen):
    model = captioner(folder, frozen=frozen)
    model.encoder.requires_grad_(False)
    model.train()
    assert model.decoder.body.training != frozen
    cross_entropy()(model, batch(model))["loss"].backward()
    learning = {name.split(".")[1] for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {"reader", "size"} | (set() if frozen else {"body"})


def test_trouble_is_named_in_a_line(folder, tmp_path):
    sizes = {"kind": "huggingface", "vocab_size": 9, "memory_width": 4}
    cases = [
        ({}, "needs a name"),
        ({"name": str(tmp_path / "none")}, "language model .* cannot be loaded"),
        ({"config": {"model_type": "no such"}}, "language model 'no such' cannot be loaded"),
        ({"name": str(folder), "vocab_size": 900}, "the text has 900: use its own"),
        ({"config": TINY, "heads": 3}, "decoder.heads"),
    ]
    for settings, message in cases:
        with pytest.raises(ModelError, match=message) as error:
            build_decoder(sizes | settings)
        assert "\n" not in str(error.value)
    small = build_decoder(sizes | {"config": TINY})
    with pytest.raises(ModelError, match="has room for 40"):
        small(torch.randn(1, 36, 4), torch.ones(1, 5, dtype=torch.long))

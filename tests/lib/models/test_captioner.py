"""The captioner as a whole: the course project's calls, saving, and what must not fit together."""

import json

import pytest
import torch

from lib import checkpoint
from lib.checkpoint import CheckpointError
from lib.config import ConfigError
from lib.data.images import Preprocess
from lib.data.loader import Batch
from lib.data.text import Vocab
from lib.models import (
    AttributeEncoder,
    Captioner,
    Decoding,
    ModelError,
    build_decoder,
    build_encoder,
    open_eye,
)
from originals.deepfashion import generate_numbers

WORDS = ["a", "woman", "wears", "the", "red", "shirt", "with", "long", "sleeves", "and", "blue", "jeans"]


@pytest.fixture
def vocab():
    return Vocab.build([" ".join(WORDS)])


def build(vocab, kind="transformer"):
    torch.manual_seed(0)
    encoder = build_encoder({"kind": "atelier", "channels": 4})
    sizes = {"transformer": {"width": 16, "heads": 2, "layers": 1}}.get(kind, {"word": 8, "hidden": 12})
    decoder = build_decoder({"kind": kind, "vocab_size": len(vocab), "memory_width": encoder.width, **sizes})
    return Captioner(encoder, decoder, vocab, Preprocess(resize=40, crop=32))


def test_the_course_projects_calls(vocab):
    model = build(vocab)
    images = torch.randn(3, 3, 32, 32)
    texts = generate_numbers(model, images, beam_k=3, max_len=7)
    assert model.training  # as it was; meanwhile dropout slept
    assert texts == generate_numbers(model, images, beam_k=3, max_len=7)
    assert len(texts) == 3
    for ids in texts:
        assert len(ids) <= 7
        assert all(1 <= number <= len(WORDS) for number in ids)
        assert set(model.decode(ids).split()) <= set(WORDS)
    with pytest.raises(ConfigError, match=r"decoding\.beam must be at least 1, not 0"):
        generate_numbers(model, images, beam_k=0)


def test_a_caption_does_not_depend_on_the_pictures_beside_it(vocab):
    model = build(vocab, "attention_gru").eval()
    images = torch.randn(4, 3, 32, 32)
    together = generate_numbers(model, images, beam_k=3, max_len=7)
    assert together == [generate_numbers(model, images[i : i + 1], beam_k=3, max_len=7)[0] for i in range(4)]
    images[1:] = 0
    assert generate_numbers(model, images, beam_k=3, max_len=7)[0] == together[0]


def test_pictures_and_their_features_give_the_same(vocab):
    model = build(vocab).eval()
    images, tokens = torch.randn(2, 3, 32, 32), torch.tensor([[vocab.start, 1, 2, vocab.end]] * 2)
    indices = torch.arange(2)
    seen = Batch(ids=("a", "b"), indices=indices, images=images, tokens=tokens)
    remembered = Batch(ids=("a", "b"), indices=indices, memory=model.encode(images), tokens=tokens)
    decoded = model(seen)
    assert decoded.logits.shape == (2, 3, len(vocab))
    assert torch.equal(decoded.logits, model(remembered).logits)
    decoding = Decoding(beam=2, max_length=6)
    assert model.caption(seen, decoding) == model.caption(remembered, decoding)


@pytest.mark.parametrize("kind", ["gru", "attention_gru", "transformer"])
def test_a_checkpoint_holds_all_that_a_caption_needs(vocab, kind, tmp_path):
    model = build(vocab, kind).eval()
    checkpoint.save(tmp_path / "best", model.state_dict(), json.loads(json.dumps(model.meta())))
    again = Captioner.load(tmp_path)
    images = torch.randn(2, 3, 32, 32)
    assert generate_numbers(again, images, 2, 6) == generate_numbers(model, images, 2, 6)
    assert (again.vocab, again.preprocess) == (model.vocab, model.preprocess)
    assert again.describe() == model.describe()
    assert not again.training


def test_the_oracle_is_a_captioner_over_attributes(vocab, tmp_path):
    encoder = AttributeEncoder({"color": ("red", "blue")})
    decoder = build_decoder({"kind": "transformer", "vocab_size": len(vocab), "memory_width": encoder.width})
    model = Captioner(encoder, decoder, vocab, None).eval()
    checkpoint.save(tmp_path / "best", model.state_dict(), model.meta())
    again = Captioner.load(tmp_path / "best")
    attributes = torch.tensor([[1], [2], [0]])
    assert generate_numbers(again, attributes, 2, 5) == generate_numbers(model, attributes, 2, 5)


def test_what_does_not_belong_together_is_refused(vocab, tmp_path):
    model = build(vocab)
    encoder, decoder = model.encoder, model.decoder
    with pytest.raises(ModelError, match=f"the decoder knows {len(vocab)} words, the vocabulary 5"):
        Captioner(encoder, decoder, Vocab.build(["a"]), None)
    with pytest.raises(ModelError, match="cells are 3 wide; the decoder reads 32"):
        Captioner(AttributeEncoder({"color": ("red", "blue")}), decoder, vocab, None)
    with pytest.raises(ModelError, match="no captioner: its config has the keys kind"):
        Captioner.from_config({"kind": "retriever"}, vocab, None)
    checkpoint.save(tmp_path / "best", model.state_dict(), {"model": model.describe()})
    with pytest.raises(ModelError, match=r"no captioner; meta\.json lacks preprocess, text"):
        Captioner.load(tmp_path / "best")
    weights = dict(model.state_dict())
    weights.pop("decoder.norm.weight")
    checkpoint.save(tmp_path / "best", weights, model.meta())
    with pytest.raises(CheckpointError, match=r"missing: decoder.norm.weight"):
        Captioner.load(tmp_path / "best")


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"text": {"kind": "words", "words": ["a", "b"]}}, "vocabulary: expected an object of words"),
        ({"text": 3}, "'int' object is not subscriptable"),
        ({"text": {"kind": "runes"}}, "no text of kind 'runes'; known: words, huggingface, sentencepiece"),
        ({"preprocess": {"crop": "all"}}, r"preprocess\.crop must be int, not 'all'"),
        ({"model": {"kind": "retriever"}}, "no captioner: its config has the keys kind"),
        ({"model": {"kind": "captioner", "encoder": [], "decoder": {}}}, "no attribute 'get'"),
    ],
)
def test_a_broken_description_is_named(vocab, change, reason, tmp_path):
    model = build(vocab)
    checkpoint.save(tmp_path / "best", model.state_dict(), model.meta() | change)
    with pytest.raises(
        ModelError, match=rf"best: no captioner can be built as its meta\.json says \(.*{reason}"
    ):
        Captioner.load(tmp_path)


def test_a_captioner_is_no_eye_and_the_line_names_the_notebook_that_makes_one(vocab, tmp_path):
    model = build(vocab)
    checkpoint.save(tmp_path / "best", model.state_dict(), model.meta())
    with pytest.raises(ModelError, match="best: no eye as notebook 00 keeps it can be built") as error:
        open_eye(tmp_path / "best")
    assert "\n" not in str(error.value)

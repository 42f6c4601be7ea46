"""Decoders: one seam, four kinds. Steps equal the teacher-forced pass; no row and no word leaks."""

import pytest
import torch
from torch.nn import functional as F

from lib.models import Decoding, ModelError, build_decoder, generate
from lib.models.attention import AdditiveAttention
from lib.models.decoders import describe_decoder
from lib.train.optimise import recomputing

KINDS = ("gru", "attention_gru", "transformer", "huggingface")
SMALL = {
    "gru": {"word": 24, "hidden": 32, "dropout": 0.0},
    "attention_gru": {"word": 24, "hidden": 32, "attention": 16, "cells": 24, "positions": 6, "dropout": 0.0},
    "transformer": {"width": 32, "heads": 2, "layers": 2, "positions": 6, "memory_layers": 1, "dropout": 0.0},
    "huggingface": {
        "config": {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 2},
        "positions": 6,
    },
}
SMALL["huggingface"]["config"] |= dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
VOCAB = 20


@pytest.fixture(params=KINDS)
def decoder(request):
    torch.manual_seed(0)
    settings = {"kind": request.param, "vocab_size": VOCAB, "memory_width": 7, **SMALL[request.param]}
    return build_decoder(settings).eval()


def inputs(images: int = 3, rows: int = 6, length: int = 9):
    torch.manual_seed(1)
    mask = torch.ones(images, 6, dtype=torch.bool)
    mask[0, 4:] = False
    return torch.randn(images, 6, 7), torch.randint(1, VOCAB, (rows, length)), mask


@pytest.mark.parametrize("per_image", [1, 3])
def test_steps_equal_the_forward_pass(decoder, per_image):
    memory, tokens, mask = inputs(3, 3 * per_image)
    with torch.no_grad():
        wanted = decoder(memory, tokens, mask).logits
        state = decoder.start(memory, mask).reorder(torch.arange(3).repeat_interleave(per_image))
        for t in range(tokens.shape[1]):
            logits, state = decoder.step(tokens[:, t], state)
            assert torch.allclose(logits, wanted[:, t], atol=1e-5)


def test_steps_follow_hypotheses_that_change_places(decoder):
    """After a reordering each row goes on from its new past; images that are dropped do not matter."""
    memory, tokens, _ = inputs(3, 6, 4)
    rows = torch.tensor([1, 1, 2, 3, 5, 4])
    with torch.no_grad():
        state = decoder.start(memory).reorder(torch.arange(3).repeat_interleave(2))
        for t in range(3):
            _, state = decoder.step(tokens[:, t], state)
        state = state.reorder(rows).keep(torch.tensor([0, 2]))
        past = torch.cat([tokens[rows, :3], tokens[:, 3:]], 1)[[0, 1, 4, 5]]
        logits, _ = decoder.step(past[:, 3], state)
        assert torch.allclose(logits, decoder(memory[[0, 2]], past).logits[:, -1], atol=1e-5)


def test_no_row_depends_on_another(decoder):
    memory, tokens, mask = inputs(3, 3)
    with torch.no_grad():
        wanted = decoder(memory, tokens, mask).logits[1]
        other_memory, other_tokens = memory.clone(), tokens.clone()
        other_memory[[0, 2]] += 3
        other_tokens[[0, 2]] = 1
        assert torch.allclose(decoder(other_memory, other_tokens, mask).logits[1], wanted, atol=1e-6)
        assert torch.allclose(decoder(memory[1:2], tokens[1:2]).logits[0], wanted, atol=1e-5)


def test_padding_changes_nothing(decoder):
    memory, tokens, mask = inputs(3, 3)
    with torch.no_grad():
        wanted = decoder(memory, tokens, mask)
        spoilt = memory.masked_fill(~mask[..., None], 50.0)
        assert torch.allclose(decoder(spoilt, tokens, mask).logits, wanted.logits, atol=1e-5)
        longer = decoder(memory, F.pad(tokens, (0, 4)), mask).logits
        assert torch.allclose(longer[:, : tokens.shape[1]], wanted.logits, atol=1e-5)
        shorter = decoder(memory[:1, :4], tokens[:1]).logits
        assert torch.allclose(shorter[0], wanted.logits[0], atol=1e-5)


def test_no_word_sees_those_after_it(decoder):
    memory, tokens, _ = inputs(3, 3)
    changed = tokens.clone()
    changed[:, 5:] = 1
    with torch.no_grad():
        assert torch.equal(decoder(memory, tokens).logits[:, :5], decoder(memory, changed).logits[:, :5])


def test_attention_is_a_distribution_over_real_cells(decoder):
    memory, tokens, mask = inputs(3, 6)
    weights = decoder(memory, tokens, mask, attention=True).attention
    if decoder.kind in ("gru", "huggingface"):
        assert weights is None
        return
    assert weights.shape == (6, 9, 6)
    assert torch.allclose(weights.sum(-1), torch.ones(6, 9))
    assert (weights[:2, :, 4:] == 0).all()
    assert (weights[2:] > 0).all()


def test_it_learns_eight_captions_by_heart(decoder):
    torch.manual_seed(2)
    start, end = VOCAB - 2, VOCAB - 1
    memory, words = torch.randn(8, 6, 7), torch.randint(1, start, (8, 7))
    tokens = torch.cat([torch.full((8, 1), start), words, torch.full((8, 1), end)], 1)
    optimiser = torch.optim.Adam(decoder.parameters(), 1e-2)
    decoder.train()
    for _ in range(100):
        logits = decoder(memory, tokens[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for settings in ({"method": "greedy"}, {"beam": 3}):
        found = generate(decoder, memory, Decoding(max_length=12, **settings), start=start, end=end)
        assert torch.equal(found.tokens[:, 0], tokens[:, 1:])


def test_it_is_rebuilt_from_its_description(decoder):
    again = build_decoder(describe_decoder(decoder)).eval()
    again.load_state_dict(decoder.state_dict(), strict=True)
    memory, tokens, mask = inputs()
    assert torch.equal(again(memory, tokens, mask).logits, decoder(memory, tokens, mask).logits)


def test_additive_attention_is_bahdanaus():
    """The product of exponentials gives v . tanh(key + query), and beyond 20 counts as 20."""
    torch.manual_seed(0)
    attention = AdditiveAttention(5, 4, 6).double()
    for size in (1.0, 12.0):
        cells, query = size * torch.randn(3, 7, 5).double(), size * torch.randn(3, 2, 4).double()
        energy = torch.tanh(attention.key(cells)[:, None] + attention.query(query)[:, :, None])
        wanted = attention.score(energy).squeeze(-1).softmax(-1)
        assert torch.allclose(attention(query, attention.keys(cells)), wanted, atol=1e-8)
        with torch.no_grad():  # in blocks
            assert torch.allclose(attention(query, attention.keys(cells)), wanted, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_recomputed_activations_give_the_same_gradients(kind):
    torch.manual_seed(0)
    made = build_decoder({"kind": kind, "vocab_size": VOCAB, "memory_width": 7, **SMALL[kind]})
    memory, tokens, mask = inputs(3, 3)
    gradients = []
    for wanted in (False, True):
        with recomputing(made, wanted):
            made(memory, tokens, mask).logits.square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in made.parameters()])
        made.zero_grad()
    for plain, recomputed in zip(*gradients, strict=True):
        assert torch.allclose(plain, recomputed, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 60.0])
def test_additive_attention_has_finite_gradients(size):
    torch.manual_seed(0)
    attention = AdditiveAttention(5, 4, 6)
    cells = (size * torch.randn(3, 7, 5)).requires_grad_()
    attention(size * torch.randn(3, 2, 4), attention.keys(cells)).square().sum().backward()
    assert torch.isfinite(cells.grad).all()


def test_sinusoidal_places_are_not_learned():
    fixed, learned = (
        build_decoder({"kind": "transformer", "vocab_size": 9, "memory_width": 3, "places": places})
        for places in ("sinusoidal", "learned")
    )
    names = [dict(d.named_parameters()) for d in (fixed, learned)]
    assert "places" not in names[0]
    assert "places" in names[1]
    assert torch.equal(fixed.places, learned.places)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "lstm", "vocab_size": 9, "memory_width": 3}, "unknown decoder 'lstm'; known"),
        ({"kind": "gru", "vocab_size": 9, "memory_width": 3, "hiden": 4}, "did you mean decoder.hidden"),
        ({"kind": "gru", "vocab_size": 9}, "needs memory_width"),
        ({"kind": "gru", "vocab_size": 9, "memory_width": "3"}, "decoder.memory_width must be int"),
        (
            {"kind": "transformer", "vocab_size": 9, "memory_width": 3, "width": 50},
            "width 50 is not a multiple",
        ),
    ],
)
def test_an_impossible_decoder_is_refused_in_a_line(config, message):
    with pytest.raises(ModelError, match=message) as error:
        build_decoder(config)
    assert "\n" not in str(error.value)


def test_a_text_or_memory_too_long_is_refused():
    made = build_decoder(
        {"kind": "transformer", "vocab_size": 9, "memory_width": 3, "max_length": 4, "positions": 2}
    )
    with pytest.raises(ModelError, match="5 words; this decoder knows 4"):
        made(torch.zeros(1, 2, 3), torch.ones(1, 5, dtype=torch.long))
    with pytest.raises(ModelError, match="3 cells; this decoder knows 2 positions"):
        made.start(torch.zeros(1, 3, 3))

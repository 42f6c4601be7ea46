"""Dot-product attention: exact in fp32, and where a processor learns in bf16 as exact as its inputs."""

import pytest
import torch
from torch.nn import functional as F

from lib.models.attention import dot_product_attention

MASK = torch.tensor([[True, True, True, False, False], [True] * 5])[:, None, None]


@pytest.fixture
def parts():
    torch.manual_seed(0)
    shapes = (2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 8)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def by_hand(query, keys, values):
    scores = query @ keys.transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.masked_fill(~MASK, -torch.inf).softmax(-1) @ values


def rounded(parts, kind):
    return [part.detach().to(kind).requires_grad_() for part in parts]


def test_in_fp32_it_is_torchs_own_to_the_last_bit(parts):
    ours, theirs = rounded(parts, torch.float32), rounded(parts, torch.float32)
    found = dot_product_attention(*ours, attn_mask=MASK)
    expected = F.scaled_dot_product_attention(*theirs, attn_mask=MASK)
    assert torch.equal(found, expected)
    found.sum().backward()
    expected.sum().backward()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(ours, theirs, strict=True))


def test_gradients_in_bf16_lose_only_what_rounding_loses(parts):
    half = rounded(parts, torch.bfloat16)
    exact = rounded(half, torch.float64)
    weights = torch.randn(2, 3, 4, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = dot_product_attention(*half, attn_mask=MASK)
    assert found.dtype == torch.bfloat16
    (found.float() * weights).sum().backward()
    (by_hand(*exact) * weights).sum().backward()
    for ours, theirs in zip(half, exact, strict=True):
        assert ours.grad.dtype == torch.bfloat16
        torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=2e-2, atol=2e-2)


def test_without_gradients_precision_is_left_as_it_is(parts, monkeypatch):
    kinds = []
    plain = F.scaled_dot_product_attention

    def watched(query, *others, **how):
        kinds.append(query.dtype)
        return plain(query, *others, **how)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    half = rounded(parts, torch.bfloat16)
    dot_product_attention(*half, attn_mask=MASK)
    with torch.no_grad():
        dot_product_attention(*half, attn_mask=MASK)
    assert kinds == [torch.float32, torch.bfloat16]

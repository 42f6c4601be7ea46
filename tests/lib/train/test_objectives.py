"""Objectives against their definitions, and blind to padding, order and the way a batch is cut."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lib.train.objectives import IGNORED, attribute_loss, cross_entropy, next_tokens, uneven_attention

TOKENS = torch.tensor([[7, 1, 2, 8], [7, 3, 8, 0]])  # <start> 7, <end> 8, padding 0
LENGTHS = torch.tensor([4, 3])


class Fixed(nn.Module):
    """Gives out logits and attention made beforehand."""

    def __init__(self, seed=0, words=9, cells=5):
        super().__init__()
        torch.manual_seed(seed)
        self.logits = nn.Parameter(torch.randn(2, 3, words))
        self.attention = nn.Parameter(torch.rand(2, 3, cells).softmax(2))

    def forward(self, batch, *, attention=False):
        seen = self.attention[batch.rows] if attention else None
        return SimpleNamespace(logits=self.logits[batch.rows], attention=seen)


def batch(rows=(0, 1), tokens=TOKENS):
    rows = list(rows)
    given = torch.ones(len(rows), dtype=torch.long)
    return SimpleNamespace(tokens=tokens[rows], lengths=LENGTHS[rows], given=given, mask=None, rows=rows)


def test_the_next_token_up_to_the_end_is_wanted():
    assert next_tokens(batch()).tolist() == [[1, 2, 8], [3, 8, IGNORED]]


def test_cross_entropy_sums_over_real_tokens():
    model = Fixed()
    result = cross_entropy()(model, batch())
    logs = model.logits.log_softmax(2)
    expected = -(logs[0, 0, 1] + logs[0, 1, 2] + logs[0, 2, 8] + logs[1, 0, 3] + logs[1, 1, 8])
    assert result["count"] == 5 and set(result) == {"loss", "count"}
    torch.testing.assert_close(result["loss"], expected)


def test_the_padding_counts_where_it_is_asked_for():
    """As torch's own loss has it that is told of no padding."""
    model = Fixed()
    result = cross_entropy(padding=True)(model, batch())
    wanted = nn.functional.cross_entropy(model.logits.flatten(0, 1), TOKENS[:, 1:].flatten(), reduction="sum")
    assert result["count"] == 6
    torch.testing.assert_close(result["loss"], wanted)


def test_what_stands_on_the_padding_does_not_matter():
    model, odd = Fixed(), TOKENS.clone()
    odd[1, 3] = 5
    for objective in (cross_entropy(), cross_entropy(label_smoothing=0.1, doubly_stochastic=2.0)):
        one, other = objective(model, batch()), objective(model, batch(tokens=odd))
        assert torch.equal(one["loss"], other["loss"])
        one["loss"].backward()
        assert not model.logits.grad[1, 2].any() and not (
            model.attention.grad is not None and model.attention.grad[1, 2].any()
        )
        model.zero_grad()


def test_label_smoothing_mixes_in_all_words():
    model = Fixed()
    plain, smooth = cross_entropy()(model, batch()), cross_entropy(label_smoothing=0.1)(model, batch())
    logs = model.logits.log_softmax(2)
    uniform = -logs.mean(2)[torch.tensor([[True, True, True], [True, True, False]])].sum()
    torch.testing.assert_close(smooth["loss"], 0.9 * plain["loss"] + 0.1 * uniform)


def test_doubly_stochastic_wants_each_cell_seen_once():
    even = torch.full((1, 4, 4), 0.25)
    one_cell = torch.zeros(1, 4, 4)
    one_cell[:, :, 0] = 1
    real = torch.ones(1, 4, dtype=torch.bool)
    assert uneven_attention(even, real) == 0
    assert uneven_attention(one_cell, real) == (9 + 1 + 1 + 1) / 4
    real[0, 2:] = False
    assert uneven_attention(one_cell, real) == (1 + 1 + 1 + 1) / 4


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.2, "doubly_stochastic": 1.5}])
def test_a_batch_is_the_sum_of_its_parts(options):
    """So dividing by the global count gives one loss, however a batch is cut into pieces."""
    model, objective = Fixed(), cross_entropy(**options)
    whole, parts = objective(model, batch()), [objective(model, batch([row])) for row in (1, 0)]
    torch.testing.assert_close(whole["loss"], sum(part["loss"] for part in parts))
    assert whole["count"] == sum(part["count"] for part in parts)


def test_attributes_are_classified_one_by_one():
    """The picture of each row decides; a value that an attribute does not have can weigh nothing."""
    targets = torch.tensor([[0, 2], [1, 1], [1, 0]])
    scores = torch.randn(3, 2, 3, generator=torch.Generator().manual_seed(0))
    scores[:, 0, 2] = -torch.inf
    rows = torch.tensor([2, 1])
    result = attribute_loss(targets)(
        lambda batch: scores[batch.indices].unbind(1), SimpleNamespace(indices=rows)
    )
    logs = scores.log_softmax(2)
    torch.testing.assert_close(
        result["loss"], -(logs[2, 0, 1] + logs[2, 1, 0] + logs[1, 0, 1] + logs[1, 1, 1])
    )
    right = (scores[rows].argmax(2) == targets[rows]).float().mean()
    assert result["count"] == 4 and result["accuracy"] == right

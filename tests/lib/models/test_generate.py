"""The one search: known answers, a plain reference, and independence from whatever else is in the batch."""

import math
from itertools import pairwise

import pytest
import torch

from lib.config import ConfigError
from lib.models import Decoding, ModelError, build_decoder, generate
from lib.models.search import forbid_repeats, narrow

VOCAB, START, END = 11, 9, 10
KINDS = ("gru", "attention_gru", "transformer", "huggingface")
SMALL = {
    "gru": {"word": 8, "hidden": 12},
    "attention_gru": {"word": 8, "hidden": 12, "attention": 6, "cells": 8, "positions": 4},
    "transformer": {"width": 16, "heads": 2, "layers": 2, "max_length": 20, "positions": 4},
    "huggingface": {"config": {"model_type": "llama", "hidden_size": 16, "intermediate_size": 24}},
}
SMALL["huggingface"]["config"] |= {"num_hidden_layers": 2, "num_attention_heads": 2}


def decoder(kind: str, seed: int = 0, end_bias: float = 0.0):
    """A random decoder in double precision, its scores far enough apart to be told apart."""
    torch.manual_seed(seed)
    made = (
        build_decoder({"kind": kind, "vocab_size": VOCAB, "memory_width": 5, **SMALL[kind]}).double().eval()
    )
    for name, parameter in made.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.6 if "embedding" in name else 0.4)
    if kind.endswith("gru"):
        made.words.out.bias.data[END] += end_bias
    return made


def memories(images: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(images, 4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def search(model, memory, *, mask=None, generator=None, attention=False, marks=None, **settings):
    decoding = Decoding(**{"max_length": 9, **settings})
    marks = {"start": START, "end": END, "banned": (0, START), **(marks or {})}
    return generate(model, memory, decoding, **marks, mask=mask, generator=generator, attention=attention)


def next_logprobs(model, memory, words):
    """Log-probabilities after `words`, by a whole forward pass: no state, no cache."""
    tokens = torch.tensor([[START, *words]])
    logprobs = model(memory, tokens).logits[0, -1].log_softmax(-1)
    logprobs[[0, START]] = -math.inf
    return logprobs.tolist()


def plain_beam_search(model, memory, *, beam, max_length, penalty):
    """One image, lists and loops: what `generate` must equal."""
    live, ended = [(0.0, ())], []
    for length in range(1, max_length + 1):
        grown = [
            (total + logprob, (*words, word))
            for total, words in live
            for word, logprob in enumerate(next_logprobs(model, memory, words))
            if logprob > -math.inf
        ]
        grown.sort(key=lambda item: -item[0])
        ended += [(total / length**penalty, words) for total, words in grown[:beam] if words[-1] == END]
        ended = sorted(ended, key=lambda item: -item[0])[:beam]
        live = [item for item in grown[: 2 * beam] if item[1][-1] != END][:beam]
        if len(ended) == beam and live[0][0] / length**penalty <= ended[-1][0]:
            return ended
    ended += [(total / max_length**penalty, words) for total, words in live]
    return sorted(ended, key=lambda item: -item[0])[:beam]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("beam", "penalty"), [(1, 1.0), (3, 0.0), (4, 0.7), (14, 1.0)])
def test_beam_search_equals_a_plain_one(kind, beam, penalty):
    model, memory = decoder(kind, end_bias=1.0), memories(3)
    found = search(model, memory, beam=beam, n_best=beam, length_penalty=penalty, max_length=5)
    lengths = set()
    for image in range(len(memory)):
        wanted = plain_beam_search(model, memory[image : image + 1], beam=beam, max_length=5, penalty=penalty)
        for place, (score, words) in enumerate(wanted):
            length = int(found.lengths[image, place])
            assert tuple(found.tokens[image, place, :length].tolist()) == words
            assert found.scores[image, place].item() == pytest.approx(score, abs=1e-5)
            lengths.add(length)
    assert penalty == 0 or beam == 1 or len(lengths) > 1  # texts of different lengths competed


@pytest.mark.parametrize("kind", KINDS)
def test_beam_one_equals_greedy(kind):
    model, memory = decoder(kind), memories(20)
    greedy, beam = search(model, memory, method="greedy"), search(model, memory, beam=1)
    assert torch.equal(greedy.tokens, beam.tokens)
    assert torch.equal(greedy.lengths, beam.lengths)
    assert torch.allclose(greedy.scores, beam.scores, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{"method": "greedy"}, {"beam": 3, "n_best": 3}], ids=["greedy", "beam"])
def test_one_image_alone_equals_many_together(kind, settings):
    model, memory = decoder(kind, end_bias=1.0), memories(12)
    together = search(model, memory, **settings)
    assert len(set(together.lengths[:, 0].tolist())) > 1  # so that images leave the batch at different times
    for image in range(len(memory)):
        alone = search(model, memory[image : image + 1], **settings)
        width = alone.tokens.shape[-1]
        assert torch.equal(alone.tokens[0], together.tokens[image, :, :width])
        assert not together.tokens[image, :, width:].any()
        assert torch.allclose(alone.scores[0], together.scores[image], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_sampling_does_not_depend_on_the_others(kind):
    model, memory = decoder(kind, end_bias=1.0), memories(6)
    changed = memory.clone()
    changed[1:] += 1
    seeds = [torch.Generator().manual_seed(3) for _ in range(2)]
    first, second = (
        search(model, m, method="sample", samples=4, generator=g)
        for m, g in zip((memory, changed), seeds, strict=True)
    )
    width = min(first.tokens.shape[-1], second.tokens.shape[-1])
    assert torch.equal(first.tokens[0, :, :width], second.tokens[0, :, :width])
    assert len({tuple(row) for row in first.tokens[0].tolist()}) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_padded_cells_change_nothing(kind):
    model, memory = decoder(kind), memories(3)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1, 2:] = False
    spoilt = memory.clone()
    spoilt[1, 2:] = 100.0
    for settings in ({"beam": 3}, {"method": "greedy"}):
        first, second = (search(model, m, mask=mask, **settings) for m in (memory, spoilt))
        assert torch.equal(first.tokens, second.tokens)
        assert torch.allclose(first.scores, second.scores)
        alone = search(model, memory[1:2, :2], **settings)
        assert torch.allclose(alone.scores[0], first.scores[1], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_logprobs_of_samples_are_the_models_own(kind):
    model, memory = decoder(kind), memories(2)
    found = search(model, memory, method="sample", samples=3, temperature=2.0)
    for image in range(2):
        for place in range(3):
            words = found.tokens[image, place, : found.lengths[image, place]]
            tokens = torch.cat([torch.tensor([START]), words])[None]
            logits = model(memory[image : image + 1], tokens[:, :-1]).logits.log_softmax(-1)
            wanted = logits.gather(-1, tokens[:, 1:, None])[0, :, 0]
            own = found.logprobs[image, place, : len(words)]
            assert torch.allclose(own.double(), wanted, atol=1e-5)
            assert found.scores[image, place].item() == pytest.approx(
                wanted.sum().item() / len(words), abs=1e-5
            )


def test_samples_follow_the_distribution():
    model, memory = decoder("gru"), memories(1)
    found = search(
        model,
        memory,
        method="sample",
        samples=20_000,
        max_length=1,
        generator=torch.Generator().manual_seed(0),
    )
    wanted = torch.tensor(next_logprobs(model, memory, ())).softmax(-1)
    seen = torch.bincount(found.tokens.flatten(), minlength=VOCAB) / 20_000
    assert seen[0] == seen[START] == 0
    assert (seen - wanted).abs().max() < 0.015
    few = search(model, memory, method="sample", samples=2_000, max_length=1, top_k=2)
    assert set(few.tokens.flatten().tolist()) == set(wanted.topk(2).indices.tolist())


def test_the_nucleus_is_the_fewest_words_that_hold_so_much():
    logits = torch.tensor([[0.5, 0.1, 0.3, 0.1]]).log()
    assert torch.allclose(narrow(logits, 0, 0.75), torch.tensor([[0.5, 0.0, 0.3, 0.0]]))
    assert torch.allclose(narrow(logits, 0, 0.3), torch.tensor([[0.5, 0.0, 0.0, 0.0]]))
    assert torch.allclose(narrow(logits, 2, 1.0), torch.tensor([[0.625, 0.0, 0.375, 0.0]]))


def test_no_sequence_of_words_comes_twice():
    written = torch.tensor([[4, 5, 6, 4, 5], [1, 1, 1, 1, 1], [1, 2, 3, 4, 5]])
    left = forbid_repeats(torch.zeros(3, 8), written, 3)
    assert (left[0] == -math.inf).nonzero().tolist() == [[6]]
    assert (left[1] == -math.inf).nonzero().tolist() == [[1]]
    assert torch.isfinite(left[2]).all()
    model, memory = decoder("gru", end_bias=-50.0), memories(8)
    for settings in ({"beam": 3}, {"method": "greedy"}):
        for row in search(model, memory, no_repeat_ngram=2, **settings).tokens[:, 0].tolist():
            pairs = list(pairwise(row))
            assert len(pairs) == len(set(pairs))
    plain = search(model, memory, method="greedy").tokens[:, 0].tolist()
    assert any(len(set(pairwise(row))) < len(row) - 1 for row in plain)


@pytest.mark.parametrize("kind", KINDS[1:3])
def test_attention_is_that_of_the_words_said(kind):
    model, memory = decoder(kind), memories(3)
    found = search(model, memory, beam=3, n_best=2, attention=True)
    assert found.attention.shape == (*found.tokens.shape, 4)
    assert torch.allclose(found.attention.sum(-1), torch.ones(()).to(found.attention.dtype))
    tokens = torch.cat([torch.tensor([[START]]), found.tokens[1, 1:2, :-1]], 1)
    alone = model(memory[1:2], tokens, attention=True).attention
    assert torch.allclose(alone[0], found.attention[1, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_prefix_is_a_longer_start(kind):
    """<start> and a first word given together: the rest is what greedy would say after them."""
    model, memory = decoder(kind), memories(4)
    prefix = torch.tensor([[START, 3]] * 4)
    found = search(model, memory, method="greedy", marks={"start": prefix}, max_length=5)
    for image in range(4):
        words = [3]
        for word in found.tokens[image, 0, : found.lengths[image, 0]].tolist():
            best = next_logprobs(model, memory[image : image + 1], words)
            assert word == best.index(max(best))
            words.append(word)


@pytest.mark.parametrize("kind", KINDS)
def test_lower_precision_searches_too(kind):
    model, memory = decoder(kind).float(), memories(4).float()
    full, half = search(model, memory, beam=3), search(model, memory, beam=3, precision="bf16")
    assert half.scores.dtype == torch.float32
    assert torch.allclose(full.scores, half.scores, atol=0.1)


def test_one_can_learn_from_what_was_found():
    """The search runs in inference mode; its words and numbers take part in a later loss all the same."""
    model, memory = decoder("transformer"), memories(2)
    found = search(model, memory, method="sample", samples=2, attention=True)
    assert not any(tensor.is_inference() for tensor in found)
    logits = model(memory, found.tokens.flatten(0, 1)).logits
    (logits.mean() * found.scores.mean()).backward()
    assert model.embedding.weight.grad.abs().sum() > 0


def test_dropout_sleeps_during_the_search_and_wakes_after_it():
    model, memory = decoder("gru"), memories(4)
    wanted = search(model, memory, method="greedy")
    model.train()
    model.reader.eval()
    assert torch.equal(search(model, memory, method="greedy").tokens, wanted.tokens)
    assert model.training
    assert model.words.dropout.training
    assert not model.reader.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam": 0}, "decoding.beam must be at least 1, not 0"),
        ({"method": "best"}, "decoding.method must be one of greedy, sample, beam, not 'best'"),
        ({"max_length": 0}, "decoding.max_length must be at least 1"),
        ({"temperature": 0.0}, "decoding.temperature must be above 0"),
        ({"top_p": 1.5}, "decoding.top_p must be above 0 and at most 1"),
        ({"top_k": -1}, "decoding.top_k must be 0 or more"),
        ({"beam": 2, "n_best": 3}, "decoding.n_best 3 is more than beam 2"),
    ],
)
def test_impossible_settings_are_refused_in_a_line(settings, message):
    with pytest.raises(ConfigError, match=message) as error:
        Decoding(**settings)
    assert "\n" not in str(error.value)


def test_what_a_decoder_cannot_do_is_said():
    with pytest.raises(ModelError, match="max_length is 21; this decoder knows 20 words"):
        search(decoder("transformer"), memories(1), max_length=21)
    with pytest.raises(ModelError, match="no attention to show"):
        search(decoder("gru"), memories(1), attention=True)
    with pytest.raises(ModelError, match=r"reads \[images, cells, 5\]"):
        search(decoder("gru"), torch.zeros(1, 4, 6).double())
    with pytest.raises(ModelError, match="prefix"):
        search(decoder("gru"), memories(2), marks={"start": torch.tensor([[START]])})

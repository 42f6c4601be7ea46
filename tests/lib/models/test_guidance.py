"""Styles before a caption: guidance away from what has none, styles left out in training."""

import math

import numpy as np
import pytest
import torch
from test_generate import END, KINDS, START, decoder, memories
from torch import nn

from lib.config import ConfigError, Training
from lib.data.loader import CachedFeatures, CaptionPairs, Loader
from lib.data.record import STYLELESS, Caption, Record
from lib.data.text import TextError, Vocab
from lib.models import Captioner, Decoding, ModelError, build_decoder, build_encoder, generate
from lib.models.state import State
from lib.train import CaptionTask, caption_all

A, B, STOP, STYLED, ANY = range(5)
CHANCES = {STYLED: (0.5, 0.3, 0.2), ANY: (0.4, 0.1, 0.5)}  # of A, B and STOP after each beginning


class Toy(nn.Module):
    """Says a word by the beginning alone, as often as CHANCES has it."""

    max_length, kind = None, "toy"

    def start(self, memory, mask=None):
        return State(image=(memory,), hypothesis=(torch.zeros(len(memory), dtype=torch.long),))

    def step(self, tokens, state):
        (style,) = state.hypothesis
        style = torch.where(tokens > STOP, tokens, style)
        logits = torch.tensor([CHANCES[int(s)] + (1e-9, 1e-9) for s in style]).log()
        return logits + 3.0, State(image=state.image, hypothesis=(style,), step=state.step + 1)


def guided(weight):
    """CHANCES[ANY] * (CHANCES[STYLED] / CHANCES[ANY]) ** weight, made to sum to one."""
    raw = [plain * (styled / plain) ** weight for styled, plain in zip(*CHANCES.values(), strict=True)]
    return [part / sum(raw) for part in raw]


def ask(weight, **how):
    memory = torch.zeros(1, 1, 1)
    start, without = torch.tensor([[STYLED]]), torch.tensor([[ANY]])
    decoding = Decoding(guidance=weight, **{"max_length": 2, **how})
    chance = torch.Generator().manual_seed(0)
    return generate(
        Toy(), memory, decoding, start=start, without=without, end=STOP, banned=(3, 4), generator=chance
    )


@pytest.mark.parametrize("weight", [0.0, 0.5, 2.0, 3.0])
def test_guided_chances_are_those_worked_out_by_hand(weight):
    chances = guided(weight)
    best = int(np.argmax(chances))
    greedy = ask(weight, method="greedy")
    assert greedy.tokens[0, 0, 0] == best
    assert greedy.logprobs[0, 0, 0] == pytest.approx(math.log(chances[best]), abs=1e-5)
    drawn = ask(weight, method="sample", samples=4000, max_length=1).tokens[0, :, 0]
    shares = torch.bincount(drawn, minlength=3)[:3] / 4000
    assert shares.tolist() == pytest.approx(chances, abs=0.03)
    found = ask(weight, beam=3, n_best=3, length_penalty=0.0)
    a, b, stop = (math.log(chance) for chance in chances)
    wanted = sorted([stop, a + a, a + b, b + a, b + b, a + stop, b + stop], reverse=True)[:3]
    assert found.scores[0].tolist() == pytest.approx(wanted, abs=1e-5)


def test_guidance_changes_what_is_said():
    assert [int(ask(weight, method="greedy").tokens[0, 0, 0]) for weight in (0.0, 1.0, 3.0)] == [STOP, A, B]


METHODS = {"greedy": {}, "sample": {"samples": 3}, "beam": {"beam": 3, "n_best": 2}}


def both(kind, method, weight, images=4):
    """A style of two words, and a shorter beginning without it."""
    model, memory = decoder(kind, end_bias=1.0), memories(images)
    rows = {"start": torch.tensor([[START, 3, 5]] * images), "without": torch.tensor([[START, 7]] * images)}
    decoding = Decoding(method=method, max_length=7, guidance=weight, **METHODS[method])
    return model, memory, rows, decoding


def say(model, memory, rows, decoding):
    chance = torch.Generator().manual_seed(4)
    return generate(model, memory, decoding, end=END, banned=(0, START), generator=chance, **rows)


def equal(one, other):
    return all(a is b is None or torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_one_is_the_plain_search_bit_for_bit_and_nought_the_one_without_style(kind, method):
    model, memory, rows, decoding = both(kind, method, 1.0)
    assert equal(say(model, memory, rows, decoding), say(model, memory, {"start": rows["start"]}, decoding))
    model, memory, rows, decoding = both(kind, method, 0.0)
    plain = Decoding(method=method, max_length=7, **METHODS[method])
    one, other = say(model, memory, rows, decoding), say(model, memory, {"start": rows["without"]}, plain)
    assert torch.equal(one.tokens, other.tokens) and torch.allclose(one.scores, other.scores, atol=1e-4)


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_a_guided_caption_does_not_depend_on_the_pictures_beside_it(method):
    model, memory, rows, decoding = both("transformer", method, 2.5, images=6)
    together = say(model, memory, rows, decoding)
    for place in range(6):
        own = {name: row[place : place + 1] for name, row in rows.items()}
        alone = say(model, memory[place : place + 1], own, decoding)
        length = alone.tokens.shape[2]
        assert torch.equal(together.tokens[place, :, :length], alone.tokens[0])


def test_guidance_needs_to_know_what_has_no_style():
    model, memory, rows, decoding = both("gru", "greedy", 2.0)
    with pytest.raises(ModelError, match=r"decoding\.guidance is 2\.0; it needs the start without"):
        say(model, memory, {"start": rows["start"]}, decoding)
    with pytest.raises(ConfigError, match=r"decoding\.guidance must be 0 or more, not -1"):
        Decoding(guidance=-1)


VOCAB = Vocab.build(["a man runs ."], prefixes=["<sad>", "<glad>", *STYLELESS])
RECORDS = [Record(str(i), f"{i}.jpg", ("a man runs .",), "train") for i in range(300)]
VIEW = CachedFeatures([np.random.default_rng(0).normal(size=(300, 2, 8)).astype(np.float32)])


def pairs(share, prefix=("<sad>",)):
    rows = [Caption("a man runs .", prefix)]
    return CaptionPairs(RECORDS, VOCAB, VIEW, rows=lambda _: rows, style_dropout=share)


def styles(loader, epoch, start=0):
    batches = list(loader.batches(epoch, start))
    assert all(batch.prefix.shape[1] == 2 for batch in batches)
    return {id_: VOCAB.words[int(row[1])] for b in batches for id_, row in zip(b.ids, b.tokens, strict=True)}


def test_a_style_is_left_out_now_and_then_anew_each_epoch():
    loader = Loader(pairs(0.3), batch_size=50, seed=7)
    first, second = styles(loader, 0), styles(loader, 1)
    share = sum(style == "<any>" for style in first.values()) / 300
    assert 0.2 < share < 0.4 and set(first.values()) == {"<sad>", "<any>"} and first != second
    assert first == styles(Loader(pairs(0.3), batch_size=50, seed=7), 0)  # a resumed run sees the same
    assert first != styles(Loader(pairs(0.3), batch_size=50, seed=8), 0)
    rest = styles(loader, 0, start=4)
    assert len(rest) == 100 and rest.items() <= first.items()
    assert set(styles(Loader(pairs(0.0), batch_size=50), 0).values()) == {"<sad>"}
    assert set(styles(Loader(pairs(1.0), batch_size=50), 0).values()) == {"<any>"}


def test_what_is_left_out_is_the_style_and_nothing_else():
    whole, left_out = (next(Loader(pairs(p), batch_size=300).batches()) for p in (0.0, 1.0))
    assert torch.equal(whole.tokens[:, 2:], left_out.tokens[:, 2:])
    assert torch.equal(whole.given, left_out.given)
    bare = next(Loader(pairs(1.0, prefix=()), batch_size=300).batches())
    assert bare.given.unique().tolist() == [1]  # nothing to leave out
    longer = next(Loader(pairs(1.0, prefix=("<sad>", "man", "runs")), batch_size=300).batches())
    assert torch.equal(longer.tokens, left_out.tokens) and torch.equal(longer.lengths, left_out.lengths)
    with pytest.raises(TextError, match="no '<any>'"):
        CaptionPairs(RECORDS, Vocab.build(["a man"]), VIEW, style_dropout=0.5)


def captioner():
    torch.manual_seed(1)
    encoder = build_encoder({"kind": "atelier", "channels": 1})
    sizes = {"vocab_size": len(VOCAB), "memory_width": encoder.width, "word": 8, "hidden": 12}
    return Captioner(encoder, build_decoder({"kind": "gru", **sizes}), VOCAB, None).eval()


def test_a_task_leaves_styles_out_and_its_run_is_another_one():
    model, keys, seen = captioner(), [], []
    for share in (0.0, 1.0):
        task = CaptionTask(
            {"train": RECORDS}, VOCAB, model.encoder, None, {"train": VIEW}, "x",
            rows=lambda _: [Caption("a man", ("<sad>",))], style_dropout=share,
        )  # fmt: skip
        keys.append(task.run_key(model, "xe"))
        seen.append(set(styles(task.loader(Training(batch_size=100)), 0).values()))
    assert seen == [{"<sad>"}, {"<any>"}]
    assert keys[1] == keys[0] | {"style_dropout": 1.0}


def test_each_record_is_told_in_its_own_way_whatever_its_beginnings_length():
    """`tokenize_style` false: a style in words, some longer than others."""
    ways = [("<sad>",), ("man", "runs", "a"), ("<glad>", "a"), ("a", "man", "man")]
    told = {record.id: ways[int(record.id) % 4] for record in RECORDS[:8]}
    model, greedy = captioner(), Decoding(method="greedy", max_length=5)
    found = caption_all(model, RECORDS[:8], VIEW, greedy, prefix=lambda record: told[record.id], workers=1)
    shown = [CachedFeatures([VIEW.views[0][place : place + 1]]) for place in range(8)]
    alone = [
        caption_all(model, [record], view, greedy, prefix=told[record.id])[0]
        for record, view in zip(RECORDS[:8], shown, strict=True)
    ]
    assert found == alone and len(set(found)) > 1


def test_a_captioner_is_guided_away_from_what_has_no_style():
    model = captioner()
    batch = next(Loader(pairs(0.0), batch_size=5, shuffle=False).batches())
    without = torch.tensor([[VOCAB.start, VOCAB.numbers["<any>"]]] * 5)
    for weight in (1.0, 4.0):
        decoding = Decoding(beam=2, max_length=5, guidance=weight)
        found = model.search(batch.memory, decoding, start=batch.prefix, without=without)
        wanted = [VOCAB.decode(row) for row in found.tokens[:, 0].tolist()]
        assert model.caption(batch, decoding) == wanted

"""Clips of unlike length, captions with a prefix, groups and frames pass the seams and change nothing."""

import numpy as np
import pytest
import torch

from lib.config import Training
from lib.data.loader import CachedFeatures, CaptionPairs, Loader, stack
from lib.data.record import Caption, Record
from lib.data.split import crosses, split_by_product
from lib.data.text import Vocab
from lib.models import Captioner, Decoding, build_decoder
from lib.models.features import hash_pictures
from lib.models.generate import Generated, generate
from lib.train import caption_all, cross_entropy, fit, self_critical
from lib.train.objectives import IGNORED, next_tokens, uneven_attention
from lib.train.reinforce import score

WIDTH = 6
VOCAB = Vocab.build(["a man runs .", "two dogs jump ."], prefixes=("<funny>", "<calm>"))
KINDS = {
    "gru": {"kind": "gru", "word": 8, "hidden": 8},
    "attention_gru": {"kind": "attention_gru", "word": 8, "hidden": 8, "attention": 8, "cells": 8},
    "transformer": {"kind": "transformer", "width": 16, "layers": 2, "heads": 2},
}


class Cells(torch.nn.Module):
    """Stands where an encoder would: the memory is given."""

    width = WIDTH

    def describe(self):
        return {"kind": "cells"}


def captioner(kind):
    torch.manual_seed(0)
    sizes = {"vocab_size": len(VOCAB), "memory_width": WIDTH}
    return Captioner(Cells(), build_decoder(KINDS[kind] | sizes), VOCAB, None).eval()


class Clips:
    """Clips of 1, 4 and 2 frames, each frame a cell."""

    field = "memory"

    def __init__(self, lengths=(1, 4, 2)):
        made = torch.Generator().manual_seed(3)
        self.clips = [torch.randn(length, WIDTH, generator=made) for length in lengths]

    def __call__(self, index, seed):
        return self.clips[index]


def clip(number, *captions, **more):
    return Record(f"{number}", "film.mp4", captions, "train", frames=(0, 5, 9), **more)


RECORDS = [clip(0, "a man runs ."), clip(1, "two dogs jump ."), clip(2, "a man runs .")]


def batch_of(records=RECORDS, view=None, **options):
    pairs = CaptionPairs(records, VOCAB, view or Clips(), **options)
    [batch] = Loader(pairs, batch_size=len(pairs), shuffle=False).batches()
    return batch


# clips of unlike length


def test_clips_are_padded_with_a_mask_and_equal_ones_have_none():
    batch = batch_of()
    assert batch.memory.shape == (3, 4, WIDTH)
    assert batch.mask.tolist() == [[True] + [False] * 3, [True] * 4, [True, True, False, False]]
    assert batch_of(view=Clips((2, 2, 2))).mask is None
    assert stack([torch.ones(2, 3)] * 2)[1] is None


@pytest.mark.parametrize("kind", KINDS)
def test_padded_cells_change_nothing(kind):
    model, view, together = captioner(kind), Clips(), batch_of()
    whole = model(together).logits
    beam = Decoding(method="beam", beam=3, max_length=6)
    said = model.caption(together, beam)
    for place in range(len(RECORDS)):
        memory = view.clips[place][None]
        logits = model.decoder(memory, together.tokens[place : place + 1, :-1], attention=False).logits
        assert torch.allclose(whole[place], logits[0], atol=1e-5)
        found = model.search(memory, beam)
        assert said[place] == model.decode(found.tokens[0, 0].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_rewards_see_no_padded_cell(kind):
    model, together = captioner(kind), batch_of()
    sampling = Decoding(method="sample", samples=2, max_length=5)
    found = model.search(together.memory, sampling, mask=together.mask)
    scored = score(model, together.memory, together, found)
    for place, clip_ in enumerate(Clips().clips):
        own = Generated(found.tokens[place : place + 1], found.lengths[place : place + 1], None, None, None)
        alone = score(model, clip_[None], batch_of([RECORDS[place]]), own)
        assert torch.allclose(scored.said[2 * place : 2 * place + 2], alone.said, atol=1e-5)
    spoiled = together.memory.masked_fill(~together.mask[..., None], 7.0)
    assert torch.allclose(score(model, spoiled, together, found).said, scored.said, atol=1e-5)


def test_a_padded_cell_is_not_one_that_was_overlooked():
    attention = torch.tensor([[[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]])
    real = torch.ones(1, 2, dtype=torch.bool)
    assert uneven_attention(attention, real, torch.tensor([[True, True, False]])).tolist() == [0.0]
    assert uneven_attention(attention, real).tolist() == pytest.approx([1 / 3])


# captions with a prefix, and with an open end


def styles(record):
    return [Caption(text, ("<funny>",) if "man" in text else ("<calm>",)) for text in record.captions]


def test_a_prefix_is_given_and_costs_nothing():
    batch = batch_of(rows=styles)
    funny, calm = VOCAB.numbers["<funny>"], VOCAB.numbers["<calm>"]
    assert batch.prefix.tolist() == [[VOCAB.start, funny], [VOCAB.start, calm], [VOCAB.start, funny]]
    targets = next_tokens(batch)
    assert (targets[:, 0] == IGNORED).all()
    plain = next_tokens(batch_of())
    assert targets[:, 1:].tolist() == plain.tolist()


def test_an_open_end_is_not_taught():
    rows = [Caption("a man runs .", open_end=True)]
    batch = batch_of([RECORDS[0]], rows=lambda _: rows)
    taught = next_tokens(batch)[0]
    assert VOCAB.end not in taught.tolist() and VOCAB.decode(taught.tolist()) == "a man runs."


def test_prefixes_of_unlike_length_in_one_batch_are_refused():
    rows = {"0": Caption("a man runs .", ("<funny>",)), "1": Caption("two dogs jump .")}
    batch = batch_of(RECORDS[:2], rows=lambda record: [rows[record.id]])
    with pytest.raises(ValueError, match=r"prefixes of \[1, 2\] tokens"):
        batch.prefix  # noqa: B018
    with pytest.raises(ValueError, match="no '<sad>' to begin"):
        VOCAB.encode("a man", prefix=("<sad>",))


@pytest.mark.parametrize("kind", KINDS)
def test_search_and_rewards_take_a_prefix_a_row(kind):
    model, batch = captioner(kind), batch_of(rows=styles)
    sampling = Decoding(method="sample", samples=2, max_length=5)
    found = model.search(batch.memory, sampling, mask=batch.mask, start=batch.prefix)
    scored = score(model, batch.memory, batch, found)
    rows = torch.cat([batch.prefix.repeat_interleave(2, 0), found.tokens.flatten(0, 1)[:, :-1]], 1)
    logits = model.decoder(batch.memory, rows, batch.mask, attention=False).logits[:, 1:]
    allowed = logits.index_fill(2, torch.tensor(model.banned), -1e4).log_softmax(2)
    expected = allowed.gather(2, found.tokens.flatten(0, 1)[..., None])[..., 0]
    assert torch.allclose(scored.said, expected.masked_fill(~scored.real, 0), atol=1e-5)
    direct = generate(
        model.decoder, batch.memory, sampling, start=batch.prefix, end=VOCAB.end, mask=batch.mask,
        banned=model.banned, generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    assert not set(direct.tokens.flatten().tolist()) & {VOCAB.numbers["<funny>"], VOCAB.numbers["<calm>"]}


class Length:
    """Pays for short captions."""

    def scores(self, candidates, indices):
        return np.array([-float(len(words)) for words in candidates])


def test_self_critical_training_goes_on_from_the_prefix():
    model, batch = captioner("gru"), batch_of(rows=styles)
    result = self_critical(Length(), samples=3, max_length=5, xe_weight=1.0)(model, batch)
    assert torch.isfinite(result["loss"]) and result["count"] == 3


def test_one_picture_is_told_as_the_prefix_says(tmp_path):
    record = Record("0", "x.jpg", ("a man runs .", "two dogs jump ."), "train")
    view = CachedFeatures([np.ones((1, 2, WIDTH), np.float16)])
    model = captioner("gru")
    pairs = CaptionPairs([record], VOCAB, view, rows=styles)
    fit(
        model, cross_entropy(), Loader(pairs, batch_size=2),
        training=Training(epochs=150, learning_rate=0.02), folder=tmp_path / "toy" / "a",
        run_key={"data": "d", "model": "m", "objective": "o"},
    )  # fmt: skip
    greedy = Decoding(method="greedy", max_length=6)
    told = {
        style: caption_all(model, [record], view, greedy, prefix=(style,)) for style in ("<funny>", "<calm>")
    }
    assert told == {"<funny>": ["a man runs."], "<calm>": ["two dogs jump."]}


# clips as records


def test_a_clip_has_no_single_picture():
    with pytest.raises(ValueError, match="a clip of 3 frames is no single picture"):
        RECORDS[0].path  # noqa: B018
    assert [path.name for path in RECORDS[0].files] == ["film.mp4"]
    assert Record("0", "x.jpg", (), "train").path.name == "x.jpg"


def test_the_key_of_features_covers_every_frame(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    frames = tuple(str(tmp_path / name) for name in "abc")
    record = Record("0", str(tmp_path), (), "train", frames=frames)
    before = hash_pictures([record])
    (tmp_path / "c").write_text("changed")
    assert hash_pictures([record]) != before
    film = [Record("0", str(tmp_path / "a"), (), "train", frames=(0, place)) for place in (1, 2)]
    assert hash_pictures(film[:1]) != hash_pictures(film[1:])


def test_clips_of_one_film_stay_together():
    clips = [clip(number, "a man", group=f"film {number // 4}") for number in range(40)]
    parted = split_by_product(clips, fractions=(0.5, 0.25, 0.25))
    assert not crosses(parted) and len({record.split for record in parted}) == 3

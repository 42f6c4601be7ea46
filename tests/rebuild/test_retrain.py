"""Captions of several origins in one task: every caption with its own picture, ends that are not taught."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from atelier.describe import describe
from atelier.sample import sample_look
from atelier.visible import visible
from atelier.world import WARDROBE
from lib.config import Training
from lib.data import Record, Vocab
from lib.data.loader import CachedFeatures, Loader
from lib.models.attributes import AttributeEncoder
from lib.train import CaptionTask
from lib.train.objectives import IGNORED, next_tokens
from rebuild.retrain import Lot, gather, pay_for, state_attributes


def lot(texts, first, *, whole=True):
    """Pictures whose memory is their own number."""
    records = [
        Record(f"{first + n}.jpg", f"{first + n}.jpg", (text,), "train") for n, text in enumerate(texts)
    ]
    features = [np.full((len(texts), 1, 2), first, np.float16) + np.arange(len(texts))[:, None, None]]
    return Lot(records, features, whole)


ORIGINAL = ("a man wears a red shirt.", "a woman wears a blue coat.", "he wears a cap.")
REBUILT = ("a man wears a red shirt. it was taken on a beach.", "a woman in a park.")


def base():
    vocab, encoder = Vocab.build(["nothing"]), AttributeEncoder({"hat": ["cap"]})
    return CaptionTask({}, vocab, encoder, None, {}, "eye", WARDROBE)


@pytest.fixture
def task():
    lots = lot(ORIGINAL, 0, whole=False), lot(REBUILT, 10)
    return gather(base(), lots, {"val": lot(REBUILT[:1], 20), "test": lot(REBUILT, 30)})


def batches(task):
    loader = task.loader(Training(batch_size=2))
    return [batch for epoch in range(2) for batch in loader.batches(epoch)]


def test_every_caption_comes_with_the_memory_of_its_own_picture(task):
    seen = {}
    for batch in batches(task):
        for id, memory, tokens in zip(batch.ids, batch.memory, batch.tokens, strict=True):
            assert f"{int(memory[0, 0])}.jpg" == id
            seen[id] = task.vocab.decode(tokens.tolist())
    assert sorted(seen.values()) == sorted(text for text in (*ORIGINAL, *REBUILT))
    assert int(task.views["test"](1, 0)[0, 0]) == 31 and task.test[1].captions == (REBUILT[1],)


def test_the_words_are_those_of_the_captions_it_learns_from(task):
    assert "beach" in task.vocab and "cap" in task.vocab and "nothing" not in task.vocab


def test_an_original_caption_teaches_its_words_and_not_its_end(task):
    said = {record.id: record.captions[0] for record in task.splits["train"]}
    for batch in batches(task):
        targets = next_tokens(batch)
        for id, row in zip(batch.ids, targets, strict=True):
            real = row[row != IGNORED]
            text = said[id]
            assert task.vocab.decode(real.tolist()) == text
            assert (task.vocab.end in real) == (text in REBUILT)


def test_without_ends_it_is_another_run():
    first, whole = lot(ORIGINAL[:1], 0, whole=False), lot(ORIGINAL[1:], 1)
    judged = {"val": lot(REBUILT[:1], 20), "test": lot(REBUILT, 30)}
    some, none, all_ = (
        gather(base(), lots, judged)
        for lots in ((first, whole), (lot(ORIGINAL, 0),), (lot(ORIGINAL, 0, whole=False),))
    )
    captioner = SimpleNamespace(describe=dict)
    assert len({repr(task.run_key(captioner, "x")) for task in (some, none, all_)}) == 3
    ends = [[row.open_end for row in some.rows(record)] for record in some.splits["train"]]
    assert ends == [[True], [False], [False]]


def test_a_share_is_the_first_part_with_its_own_pictures():
    whole = lot(REBUILT * 5, 40)
    part = whole.take(0.3)
    assert len(part.records) == len(part.view) == 3 and part.records == whole.records[:3]
    assert int(part.view[2][0, 0]) == 42 and len(whole.take(0.0001).records) == 1


def test_rewards_pay_for_what_the_teacher_stated_and_need_no_truth(task):
    attributes = visible(sample_look(5, 1, 3), "4_full")
    text = describe(attributes, random.Random(0))
    [stated] = state_attributes([Record("a", "a", (text,), "train")], WARDROBE)
    assert {name: value for name, value in stated.attributes.items() if value}.items() <= attributes.items()
    reward, pairs = pay_for(task, lot(REBUILT, 10), {"cider_d": 1.0, "attribute_f1": 1.0, "bleu4": 0.0})
    assert set(reward.weights) == {"cider_d", "attribute_f1"}
    own, other = reward.scores([task.vocab.tokens(task.vocab.encode(text)) for text in REBUILT], [0, 0])
    assert own > other
    [batch] = Loader(pairs, batch_size=2, shuffle=False).batches()
    assert batch.memory[:, 0, 0].tolist() == [10, 11] and torch.equal(batch.indices, torch.tensor([0, 1]))
    assert isinstance(pairs.view, CachedFeatures)

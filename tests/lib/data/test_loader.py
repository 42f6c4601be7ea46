"""Order depends on seed and epoch alone; ranks, workers, resumes change nothing; bad pictures are named."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from lib.data.images import ImageError, Preprocess
from lib.data.loader import Batch, CachedFeatures, CaptionPairs, Loader, PictureView
from lib.data.record import Record
from lib.data.text import Vocab

WORDS = ["red", "blue", "green", "dress", "shirt", "hat", "long", "short", "with", "a", "the"]


def make_records(count: int = 23, captions: int = 3) -> list[Record]:
    chance = np.random.default_rng(0)
    texts = [
        tuple(" ".join(chance.choice(WORDS, chance.integers(1, 15))) for _ in range(captions))
        for _ in range(count)
    ]
    return [Record(f"p{place}", f"p{place}.jpg", text, "train") for place, text in enumerate(texts)]


def make_pairs(records=None, **options) -> CaptionPairs:
    records = make_records() if records is None else records
    vocab = Vocab.build(text for record in records for text in record.captions)
    plain = np.arange(len(records) * 4, dtype=np.float16).reshape(len(records), 2, 2)
    return CaptionPairs(records, vocab, CachedFeatures([plain, plain + 1000], augment=True), **options)


def same(first: Batch, second: Batch) -> bool:
    names = ("indices", "images", "memory", "tokens", "lengths")
    for one, two in ((getattr(first, name), getattr(second, name)) for name in names):
        if (one is None) != (two is None) or (one is not None and not torch.equal(one, two)):
            return False
    return first.ids == second.ids


def test_tokens_are_padded_and_belong_to_their_picture():
    pairs = make_pairs()
    for batch in Loader(pairs, batch_size=8).batches():
        assert batch.tokens.shape == (len(batch), batch.lengths.max()) and batch.tokens.dtype == torch.int64
        for place, record_id in enumerate(batch.ids):
            record = pairs.records[batch.indices[place]]
            vocab = Vocab.build(text for r in pairs.records for text in r.captions)
            row, length = batch.tokens[place].tolist(), int(batch.lengths[place])
            assert record.id == record_id and vocab.decode(row) in record.captions
            assert row[0] == vocab.start and row[length - 1] == vocab.end and set(row[length:]) <= {vocab.pad}
            plain = torch.arange(4.0).reshape(2, 2) + 4 * int(batch.indices[place])
            assert torch.equal(batch.memory[place] % 1000, plain % 1000)


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 69, 100])
def test_an_epoch_has_each_pair_once(bucket, batch_size):
    loader = Loader(make_pairs(), batch_size=batch_size, bucket=bucket)
    plan = loader.plan(3)
    assert len(plan) == len(loader) == -(-69 // batch_size)
    assert sorted(np.concatenate(plan)) == list(range(69))
    sizes = {len(batch) for batch in plan}
    assert max(sizes) <= batch_size and max(sizes) - min(sizes) <= 1


def test_order_depends_on_seed_and_epoch_alone():
    first, second = (Loader(make_pairs(), batch_size=8, seed=5, bucket=True) for _ in range(2))
    list(first.batches(0))
    torch.manual_seed(3)
    np.random.seed(3)
    for one, two in zip(first.batches(4), second.batches(4), strict=True):
        assert same(one, two)
    orders = {
        tuple(np.concatenate(Loader(make_pairs(), batch_size=8, seed=seed).plan(epoch)))
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


def test_without_shuffling_order_is_that_of_the_records():
    loader = Loader(make_pairs(), batch_size=10, shuffle=False)
    assert list(np.concatenate(loader.plan(2))) == list(range(69))


@pytest.mark.parametrize("workers", [0, 2])
def test_resumed_epoch_yields_the_rest(workers):
    loader = Loader(make_pairs(), batch_size=8, seed=1, workers=workers)
    whole = list(loader.batches(2))
    rest = list(loader.batches(2, start=5))
    assert len(rest) == len(whole) - 5 and all(map(same, whole[5:], rest))
    assert list(loader.batches(2, start=len(loader))) == []


def test_workers_change_nothing_and_leave_the_global_chance_alone():
    pairs = make_pairs()
    torch.manual_seed(7)
    state = torch.get_rng_state()
    alone, helped = (list(Loader(pairs, batch_size=8, workers=workers).batches(1)) for workers in (0, 2))
    assert len(alone) == len(helped) == 9 and all(map(same, alone, helped))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("bucket", [False, True])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_together_are_one_process(world, bucket):
    pairs = make_pairs()
    one = Loader(pairs, batch_size=6 * world, seed=2, bucket=bucket)
    ranks = [
        Loader(pairs, batch_size=6, seed=2, bucket=bucket, rank=rank, world=world) for rank in range(world)
    ]
    assert {len(loader) for loader in [one, *ranks]} == {len(one)}
    for whole, *parts in zip(one.batches(3), *(loader.batches(3) for loader in ranks), strict=True):
        assert Counter(whole.ids) == Counter(name for part in parts for name in part.ids)
        assert len(whole) == sum(map(len, parts)) and min(map(len, parts)) > 0
        memory = torch.cat([part.memory for part in parts]).flatten(1)
        assert sorted(memory.tolist()) == sorted(whole.memory.flatten(1).tolist())


def test_no_rank_ever_goes_without():
    """3 pairs at 1 a process on 2 processes: no second batch with a single pair in it."""
    pairs = make_pairs(make_records(3, 1))
    loaders = [Loader(pairs, batch_size=1, rank=rank, world=2) for rank in range(2)]
    shares = [[len(batch) for batch in loader.batches()] for loader in loaders]
    assert shares == [[2], [1]]
    with pytest.raises(ValueError, match="3 pairs cannot be shared among 4"):
        Loader(pairs, batch_size=1, world=4)


def test_buckets_save_padding():
    def padding(bucket):
        batches = Loader(make_pairs(make_records(200)), batch_size=16, bucket=bucket).batches()
        return sum(int((batch.lengths.max() - batch.lengths).sum()) for batch in batches)

    assert padding(True) < 0.3 * padding(False)


def test_one_caption_of_each_picture_an_epoch():
    records = [*make_records(), Record("bare", "bare.jpg", (), "train")]
    pairs = make_pairs(records, per="picture")
    loader = Loader(pairs, batch_size=8)
    assert len(pairs) == 23
    epochs = [[pair for batch in loader.plan(epoch) for pair in batch] for epoch in range(12)]
    for epoch in epochs:
        assert sorted(pairs.owner[epoch]) == list(range(23))
    assert len({pair for epoch in epochs for pair in epoch}) > 60


def test_pictures_without_words_are_for_predicting(tmp_path):
    records = [Record("a", "a.jpg", (), "test"), Record("b", "b.jpg", ("x",), "test")]
    pairs = CaptionPairs(records, None, CachedFeatures([np.ones((2, 3, 4))]))
    (batch,) = Loader(pairs, batch_size=4, shuffle=False).batches()
    assert batch.ids == ("a", "b") and batch.tokens is None and batch.lengths is None
    assert batch.memory.shape == (2, 3, 4) and batch.memory.dtype == torch.float32
    with pytest.raises(ValueError, match="no pairs to load"):
        CaptionPairs(records[:1], Vocab.build(["x"]), CachedFeatures([np.ones((1, 3, 4))]))


@pytest.fixture
def wall(tmp_path):
    """Six real pictures and their records."""
    chance = np.random.default_rng(1)
    records = make_records(6, 2)
    for place, record in enumerate(records):
        path = tmp_path / record.media
        Image.fromarray(chance.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path, quality=95)
        records[place] = replace(record, media=str(path))
    return records


@pytest.mark.parametrize("workers", [0, 2])
def test_augmentation_belongs_to_seed_epoch_and_pair(wall, workers):
    preprocess, vocab = Preprocess(resize=32, crop=24), Vocab.build(t for r in wall for t in r.captions)
    pairs = CaptionPairs(wall, vocab, PictureView(wall, preprocess, augment=True))
    loader = Loader(pairs, batch_size=12, shuffle=False, workers=workers)
    first, again, other = (next(loader.batches(epoch)) for epoch in (0, 0, 1))
    assert first.images.shape == (12, 3, 24, 24) and first.memory is None
    assert same(first, again) and not torch.equal(first.images, other.images)
    assert not torch.equal(first.images[0], first.images[1])  # one picture, two captions, two crops
    plain = next(
        Loader(
            CaptionPairs(wall, vocab, PictureView(wall, preprocess)), batch_size=12, shuffle=False
        ).batches(9)
    )
    assert torch.equal(plain.images[0], plain.images[1])


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_picture_is_named_in_one_line(wall, workers):
    path = wall[3].path
    path.write_bytes(path.read_bytes()[:700])
    pairs = CaptionPairs(wall, None, PictureView(wall, Preprocess(resize=32, crop=24)))
    loader = Loader(pairs, batch_size=2, shuffle=False, workers=workers)
    good = []
    with pytest.raises(ImageError, match=r"p3.jpg: broken picture") as caught:
        good.extend(batch.ids for batch in loader.batches())
    assert "\n" not in str(caught.value)


def test_batch_moves_whole():
    batch = Batch(("a",), torch.tensor([0]), memory=torch.ones(1, 2, 3), tokens=torch.tensor([[1, 2]]))
    moved = batch.to("meta")
    assert moved.indices.is_meta and moved.memory.is_meta and moved.tokens.is_meta and moved.ids == ("a",)
    assert moved.images is None and len(moved) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"rank": 1},
        {"rank": -1, "world": 2},
        {"workers": -1},
        {"seed": -1},
        {"bucket": True, "shuffle": False},
    ],
)
def test_impossible_settings_are_refused(options):
    with pytest.raises(ValueError, match=r"impossible loader|needs shuffle"):
        Loader(make_pairs(), **{"batch_size": 4, **options})

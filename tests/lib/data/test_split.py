"""Splits without a product in two of them, val taken from train, and the leak of the original split."""

import random
from collections import Counter

import pytest
from absent import DATA, needs
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.formats import open_dataset
from lib.data.record import Record, digest
from lib.data.split import group_of, hold_out_val, leaks, split_by_product


def shot(product: int, outfit: int = 1, view: str = "1_front", split: str = "train") -> Record:
    name = f"WOMEN-Dresses-id_{product:08d}-{outfit:02d}_{view}.jpg"
    return Record(name, name, ("A dress.",), split, group=f"{product:08d}")


wardrobe = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 3)), min_size=1, max_size=80, unique=True
).map(lambda pairs: [shot(product, outfit) for product, outfit in pairs])


@settings(max_examples=60, deadline=None)
@given(records=wardrobe, seed=st.integers(0, 5))
def test_no_product_is_in_two_splits(records, seed):
    found = split_by_product(records, fractions=(0.6, 0.2, 0.2), seed=seed)
    assert [record.id for record in found] == [record.id for record in records]
    homes = {}
    for record in found:
        assert homes.setdefault(group_of(record), record.split) == record.split
    shuffled = random.Random(seed).sample(records, len(records))
    again = {
        record.id: record.split for record in split_by_product(shuffled, fractions=(0.6, 0.2, 0.2), seed=seed)
    }
    assert again == {record.id: record.split for record in found}


def test_shares_are_kept_and_seeds_differ():
    records = [shot(product, view=view) for product in range(300) for view in ("1_front", "2_side", "3_back")]
    first, second = (split_by_product(records, seed=seed) for seed in (0, 1))
    assert Counter(record.split for record in first) == {"train": 720, "val": 90, "test": 90}
    assert first != second
    assert "val" not in {record.split for record in split_by_product(records, fractions=(0.5, 0, 0.5))}
    with pytest.raises(ValueError, match="sum to 1"):
        split_by_product(records, fractions=(0.5, 0.1, 0.1))


def test_names_that_tell_no_product_are_their_own():
    records = [Record(f"{number}.jpg", "x", (), "train") for number in range(100)]
    assert Counter(record.split for record in split_by_product(records)) == {
        "train": 80,
        "val": 10,
        "test": 10,
    }


def test_val_is_taken_from_train_alone():
    records = [shot(number) for number in range(100)] + [
        shot(number, 2, split="test") for number in range(20)
    ]
    found = hold_out_val(records, share=0.2)
    assert Counter(record.split for record in found) == {"train": 80, "val": 20, "test": 20}
    assert [r.split for r in found[100:]] == ["test"] * 20
    assert hold_out_val(found) == found
    assert {r.id for r in hold_out_val(records[::-1], share=0.2) if r.split == "val"} == {
        r.id for r in found if r.split == "val"
    }
    assert hold_out_val(records, share=0.2, seed=1) != found
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out_val(records, share=1)


def test_leaks_are_counted():
    train = [shot(1, 1), shot(2, 1)]
    test = [shot(1, 1, "2_side"), shot(1, 2), shot(3, 1), shot(12, 1)]
    found = leaks(train, test)
    assert (found.product, found.outfit) == (0.5, 0.25)
    assert leaks(train, []).product == 0


def test_digest_sees_what_a_model_can_learn():
    one = shot(1)
    assert digest([one]) == digest([shot(1)])
    changed = [shot(2), shot(1, split="val"), Record(one.id, one.media, ("A hat.",), "train")]
    changed.append(Record(one.id, one.media, one.captions, "train", {"hat": None}))
    assert len({digest([record]) for record in [one, *changed]}) == 5
    assert digest([shot(1), shot(2)]) != digest([shot(2), shot(1)])


@needs(DATA / "deepfashion_text")
def test_leak_of_the_real_split_and_of_ours():
    records = open_dataset(DATA / "deepfashion_text", need_images=False)
    train, test = records.split("train"), records.split("test")
    found = leaks(train, test)
    assert found.product == pytest.approx(0.60, abs=0.01) and found.outfit == pytest.approx(0.22, abs=0.005)
    ours = split_by_product(records)
    parts = {
        split: [record for record in ours if record.split == split] for split in ("train", "val", "test")
    }
    assert leaks(parts["train"], parts["test"]).product == 0
    assert leaks(parts["train"] + parts["test"], parts["val"]).product == 0
    assert len(parts["test"]) == pytest.approx(0.1 * len(records), abs=30)

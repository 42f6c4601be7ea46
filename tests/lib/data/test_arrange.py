"""The splits a notebook works with."""

import pytest

from lib.data import Dataset, Record
from lib.data.formats import Report
from lib.data.split import arrange, category_of, crosses, part


def dataset(*rows):
    records = [
        Record(f"WOMEN-Dresses-id_{p:08d}-01_{i}_front.jpg", "x", ("a",), s, group=str(p))
        for i, (p, s) in enumerate(rows)
    ]
    return Dataset(records, format="deepfashion", folder=".", report=Report())


LEAKY = dataset(*[(p % 40, "train") for p in range(160)], *[(p, "test") for p in range(40)])


def test_by_product_parts_what_leaks_and_makes_a_val():
    arranged = arrange(LEAKY, "by_product")
    assert crosses(LEAKY) and not crosses(arranged)
    assert set(arranged.sizes) == {"train", "val", "test"}


def test_original_keeps_test_and_takes_val_from_train():
    arranged = arrange(LEAKY, "original")
    assert [r.id for r in arranged.split("test")] == [r.id for r in LEAKY.split("test")]
    assert arranged.sizes["train"] + arranged.sizes["val"] == 160
    assert crosses(arranged)


def test_disjoint_splits_are_left_alone():
    good = dataset((1, "train"), (2, "val"), (3, "test"))
    assert list(arrange(good, "by_product")) == list(good)


def test_a_disjoint_test_stays_and_val_is_taken_from_train_by_product():
    rows = [(p % 40, "train") for p in range(160)] + [(p, "test") for p in range(50, 70)]
    given = dataset(*rows[:100], *rows[-20:], *rows[100:160])
    arranged = arrange(given, "by_product")
    assert [r.id for r in arranged] == [r.id for r in given]
    assert [r.id for r in arranged.split("test")] == [r.id for r in given.split("test")]
    assert not crosses(arranged) and arranged.sizes == {"train": 144, "test": 20, "val": 16}


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="'original' or 'by_product'"):
        arrange(LEAKY, "random")


def test_category_is_of_the_name():
    assert category_of(LEAKY[0]) == "WOMEN-Dresses"
    assert category_of(Record("1234.jpg", "1234.jpg", ("a",), "train")) is None


def test_without_test_pictures_val_is_parted_and_nothing_is_in_both():
    parts = part(dataset(*[(i, "train") for i in range(6)], *[(i, "val") for i in range(10, 17)]))
    assert {name: len(records) for name, records in parts.items()} == {"train": 6, "val": 3, "test": 4}
    assert not {r.id for r in parts["val"]} & {r.id for r in parts["test"]}


def test_given_test_pictures_are_used_whole():
    parts = part(dataset((1, "train"), (2, "val"), (3, "test")))
    assert [r.split for records in parts.values() for r in records] == ["train", "val", "test"]

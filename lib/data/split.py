"""Who trains, validates and tests: the dataset's own split, or one in which no product appears twice."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from lib.data.formats.deepfashion import parse_name
from lib.data.formats.report import Dataset
from lib.data.record import SPLITS, Record


def group_of(record: Record) -> str:
    """What must not be torn apart: the product of a picture, the film of a clip, else the picture alone."""
    return record.group or record.id


def outfit_of(record: Record) -> str:
    """The product in one outfit: the same clothes on the same person."""
    name = parse_name(record.id)
    return name.outfit if name else record.id


def category_of(record: Record) -> str | None:
    """Whose and what kind of garment the file name says it is; None where names tell nothing."""
    name = parse_name(record.id)
    return f"{name.gender}-{name.category}" if name else None


def arrange(dataset: Dataset, how: str, *, seed: int = 0) -> Dataset:
    """The splits to work with: `original` keeps the given ones, `by_product` keeps a product in one of them.

    A val that is missing is made either way; splits that are disjoint already are left as they are.
    """
    if how not in ("original", "by_product"):
        raise ValueError(f"split must be 'original' or 'by_product', not {how!r}")
    disjoint = not crosses(dataset)
    if how == "original":
        records = hold_out_val(dataset, seed=seed)
    elif disjoint and {"train", "val"} <= dataset.sizes.keys():
        records = dataset
    elif disjoint and {"train", "test"} <= dataset.sizes.keys():
        records = hold_out_products(dataset, seed=seed)
    else:
        records = split_by_product(dataset, seed=seed)
    return Dataset(records, format=dataset.format, folder=dataset.folder, report=dataset.report)


def part(dataset: Dataset) -> dict[str, list[Record]]:
    """Train, val and test; where a dataset keeps no test pictures, its val is parted in two.

    The first half is there to choose by, the second to report, so that nothing is chosen on what is reported.
    """
    train, val = dataset.split("train"), dataset.split("val")
    if "test" in dataset.sizes:
        return {"train": train, "val": val, "test": dataset.split("test")}
    return {"train": train, "val": val[: len(val) // 2], "test": val[len(val) // 2 :]}


def crosses(records: Iterable[Record]) -> bool:
    """Whether some product stands in two splits."""
    home: dict[str, str] = {}
    return any(home.setdefault(group_of(record), record.split) != record.split for record in records)


def split_by_product(
    records: Iterable[Record], *, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0
) -> list[Record]:
    """Split anew into train, val and test so that no product is in two of them. Order is kept.

    Depends on the ids, the fractions and the seed alone: not on the order of the records.
    """
    records = list(records)
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must be three shares that sum to 1, not {tuple(fractions)}")
    sizes = Counter(map(group_of, records))
    products = sorted(sizes)
    random.Random(seed).shuffle(products)
    room = {split: share * len(records) for split, share in zip(SPLITS, fractions, strict=True)}
    home: dict[str, str] = {}
    for product in products:
        home[product] = max(room, key=room.__getitem__)  # the split that lacks most
        room[home[product]] -= sizes[product]
    return [replace(record, split=home[group_of(record)]) for record in records]


def hold_out_val(records: Iterable[Record], *, share: float = 0.1, seed: int = 0) -> list[Record]:
    """The original split with a val taken from train, picture by picture; unchanged if it has one.

    The course project drew its test so: val leaks from train as test does, and selection sees what test will.
    """
    records = list(records)
    if any(record.split == "val" for record in records):
        return records
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    train = sorted(record.id for record in records if record.split == "train")
    chosen = set(random.Random(seed).sample(train, round(share * len(train))))
    return [replace(r, split="val") if r.split == "train" and r.id in chosen else r for r in records]


def hold_out_products(records: Iterable[Record], *, share: float = 0.1, seed: int = 0) -> list[Record]:
    """A val of whole products taken from train; every other picture stays where it is."""
    records = list(records)
    train = [record for record in records if record.split == "train"]
    parted = iter(split_by_product(train, fractions=(1 - share, share, 0), seed=seed))
    return [next(parted) if record.split == "train" else record for record in records]


class Leak(NamedTuple):
    """The share of test pictures whose product, or whose very outfit, is in train too."""

    product: float
    outfit: float


def leaks(train: Iterable[Record], test: Sequence[Record]) -> Leak:
    """How much of a test set can be answered from memory."""
    train = list(train)
    shares = []
    for part_of in (group_of, outfit_of):
        known = set(map(part_of, train))
        shares.append(sum(part_of(record) in known for record in test) / max(1, len(test)))
    return Leak(*shares)

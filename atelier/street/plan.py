"""What stands in the street's dataset: which pictures, what is said of each, and what is made wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from atelier.sample import blend
from atelier.street.describe import describe_street_many
from atelier.street.sample import neighbour, sample_street
from atelier.wardrobe import Attributes

CATEGORIES = ("people", "car")
MOST_LINES = 3  # of one training picture
NEAR = 4  # every so many test pictures differ in one fact from the one before


@dataclass(frozen=True, kw_only=True)
class StreetRecipe:
    """Everything the dataset's content depends on. `test` counts pictures of each category."""

    train: int = 4000
    val: int = 400
    test: int = 300
    seed: int = 0
    size: int = 128
    wrong: float = 0.04  # share of training lines that tell of another category's picture


class Drawing(NamedTuple):
    """One picture to draw."""

    name: str
    split: str
    attributes: Attributes
    seed: int


def plan_street(recipe: StreetRecipe) -> Iterator[Drawing]:
    """Pictures split by split; their names, in which order they are listed, tell nothing."""
    letters, number = Random(recipe.seed), 0
    for split, count in (("train", recipe.train), ("val", recipe.val), ("test", 2 * recipe.test)):
        before: dict[str, Attributes] = {}
        for place in range(count):
            number += 1
            category, seed = CATEGORIES[place % 2], blend(recipe.seed, number)
            near = split == "test" and place // 2 % NEAR == NEAR - 1
            found = neighbour(before[category], seed)[0] if near else sample_street(category, seed)
            before[category] = found
            name = "".join(letters.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(10))
            yield Drawing(f"{name}.jpg", split, found, seed)


class Said(NamedTuple):
    """What is said of one picture: texts, the facts they tell, and whether these are another picture's."""

    texts: list[str]
    facts: Attributes
    wrong: bool


def say_street(drawings: Sequence[Drawing], recipe: StreetRecipe, chance: Random) -> dict[str, Said]:
    """Texts for each picture by its name; a training picture has several, some of them wrong on purpose."""
    said = {}
    for drawing in drawings:
        training = drawing.split == "train"
        count = 1 + int(chance.random() * MOST_LINES) if training else 1
        told, wrong = drawing.attributes, training and chance.random() < recipe.wrong
        if wrong:
            other = CATEGORIES[told["category"] == "people"]
            told = sample_street(other, blend(drawing.seed, 2))
        texts = describe_street_many(told, blend(drawing.seed, 1), count)
        said[drawing.name] = Said(texts, told, wrong)
    return said

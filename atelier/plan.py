"""What is photographed: so many products, outfits and views, each drawn and described from a seed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from atelier.describe import describe_many
from atelier.draw import draw
from atelier.sample import blend, picture_name, sample_look
from atelier.visible import visible
from atelier.wardrobe import VIEWS, Attributes

# outfits of a product, pictures of an outfit: any of these, equally often
OUTFITS, PICTURES = (1, 2, 3), (2, 3, 4)
Taken = tuple[str, str, list[str], Attributes]  # split, name, captions, visible attributes


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything the dataset's content depends on."""

    train: int = 3000
    val: int = 400
    test: int = 600
    seed: int = 0
    size: int = 128
    references: int = 1
    single: bool = False  # one picture of each product: the most that so many pictures can teach an eye
    leaky: bool = False  # split by picture as the original dataset, so that products stand on both sides

    @property
    def sizes(self) -> dict[str, int]:
        return {"train": self.train, "val": self.val, "test": self.test}


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photograph to take."""

    product: int
    outfit: int
    view: str
    split: str


def plan_shots(recipe: Recipe) -> Iterator[Shot]:
    """Photographs split by split. Every product belongs to one split, unless the recipe leaks on purpose."""
    total = sum(recipe.sizes.values())
    if recipe.leaky:
        shots = list(shots_of_products({"train": total}, recipe))
        splits = [split for split, size in recipe.sizes.items() for _ in range(size)]
        order = sorted(range(total), key=lambda index: blend(recipe.seed, 7, index))
        for split, index in zip(splits, order, strict=True):
            yield Shot(**{**asdict(shots[index]), "split": split})
    else:
        yield from shots_of_products(recipe.sizes, recipe)


def shots_of_products(sizes: Mapping[str, int], recipe: Recipe) -> Iterator[Shot]:
    """Product after product; a product's pictures never cross into the next split."""
    product = 0
    for split, size in sizes.items():
        taken = 0
        while taken < size:
            product += 1
            shots = shots_of_product(product, split, recipe.seed)
            if recipe.single:
                shots = [shots[product % len(shots)]]  # all views in turn
            for shot in shots[: size - taken]:
                taken += 1
                yield shot


def shots_of_product(product: int, split: str, seed: int) -> list[Shot]:
    chance = Random(blend(seed, 3, product))
    shots = []
    for outfit in range(1, OUTFITS[int(chance.random() * len(OUTFITS))] + 1):
        count = PICTURES[int(chance.random() * len(PICTURES))]
        views = sorted(sorted(VIEWS, key=lambda _: chance.random())[:count])
        shots += [Shot(product=product, outfit=outfit, view=view, split=split) for view in views]
    return shots


def take_photographs(shots: list[Shot], recipe: Recipe, images: Path) -> list[Taken]:
    """Draw, save and describe a few photographs; everything follows from the seed and the shot."""
    rows = []
    for shot in shots:
        look = sample_look(shot.product, shot.outfit, recipe.seed)
        seed = blend(recipe.seed, shot.product, shot.outfit, VIEWS.index(shot.view))
        attributes, name = visible(look, shot.view), picture_name(look, shot.view)
        draw(look, shot.view, recipe.size, seed).save(images / name, quality=92, subsampling=0)
        rows.append((shot.split, name, describe_many(attributes, seed, recipe.references), attributes))
    return rows

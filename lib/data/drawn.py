"""The drawn dataset: the atelier's photographs planned, drawn and described in several processes, once.

It writes the files that the DeepFashion course project has, so the readers for real data read this one too.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import atelier
from atelier.describe import describe_many
from atelier.draw import draw
from atelier.sample import blend, picture_name, sample_look
from atelier.visible import visible
from atelier.wardrobe import VIEWS, Attributes
from lib.data.formats import write_deepfashion
from lib.files import sha256, whole, write_json
from lib.paths import shorten
from lib.progress import Progress

RECIPE = "atelier.json"
CHUNK = 50  # photographs a process draws before it reports
# outfits of a product, pictures of an outfit: any of these, equally often
OUTFITS, PICTURES = (1, 2, 3), (2, 3, 4)
# modules of the atelier that change no picture and no caption
NOT_DRAWING = {"__init__", "parse", "statistics", "synonyms", "world"}


class DrawnError(ValueError):
    """A dataset that cannot be made where it was asked for."""


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


def make_dataset(folder: str | Path, recipe: Recipe, *, processes: int | None = None) -> bool:
    """Make the dataset unless this very one is there already; say whether it was made."""

    def write(draft: Path) -> None:
        (draft / "images").mkdir(parents=True)
        shots = list(plan_shots(recipe))
        write_captions(
            draft, draw_in_processes(take_photographs, shots, (recipe, draft / "images"), processes)
        )

    return make_once(folder, fingerprint(recipe), write)


def make_once(folder: str | Path, known: dict, write: Callable[[Path], None]) -> bool:
    """Let `write` fill a draft of the folder unless `known` is what it holds; say whether it was made."""
    folder = Path(folder)
    if written_by(folder) == known:
        return False
    if folder.exists() and written_by(folder) is None and any(folder.iterdir()):
        raise DrawnError(
            f"{shorten(folder)} holds something that the atelier did not write; name another folder"
        )
    with whole(folder) as draft:
        write(draft)
        write_json(draft / RECIPE, known, indent=1)
    return True


def fingerprint(recipe: Any, *parts: str) -> dict:
    """The recipe and the code that follows it (`parts` of the atelier beside its own): each counts."""
    home = Path(atelier.__file__).parent
    files = [path for part in ("", *parts) for path in sorted((home / part).glob("*.py"))]
    files += sorted(Path(__file__).parent / f"{name}.py" for name in ("drawn", *parts))
    code = sha256(path.read_bytes() for path in files if path.stem not in NOT_DRAWING)
    return {**asdict(recipe), "code": code[:16]}


def written_by(folder: Path) -> dict | None:
    """The fingerprint that a finished dataset carries."""
    try:
        return json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


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


Taken = tuple[str, str, list[str], Attributes]  # split, name, captions, visible attributes


def draw_in_processes(draw: Callable[..., list], plan: Sequence, given: tuple, processes: int | None) -> list:
    """Draw a plan in chunks, several at once; what comes back is in its order, whoever was faster."""
    chunks = [plan[start : start + CHUNK] for start in range(0, len(plan), CHUNK)]
    done: dict[int, list] = {}
    workers = min(processes or os.cpu_count() or 1, len(chunks))
    with (
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
        Progress("drawing", len(plan), "pictures") as progress,
    ):
        jobs = {pool.submit(draw, chunk, *given): number for number, chunk in enumerate(chunks)}
        for job in as_completed(jobs):
            done[jobs[job]] = job.result()
            progress.update(len(done[jobs[job]]))
    return [row for number in sorted(done) for row in done[number]]


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


def write_captions(folder: Path, rows: list[Taken]) -> None:
    captions: dict[str, dict[str, list[str]]] = {split: {} for split in ("train", "val", "test")}
    for split, name, texts, _ in rows:
        captions[split][name] = texts
    write_deepfashion(folder, captions, {name: attributes for _, name, _, attributes in rows})

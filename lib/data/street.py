"""The drawn street as a dataset: label lines, pictures and test texts as the retrieval challenge has them.

train/train_images/ train_label.txt val_images/ val_label.txt   test/test_images/ test_text.txt
street.json                                                     what is true, and what was made wrong
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from atelier.sample import blend
from atelier.street.draw import photograph_street
from atelier.street.plan import Drawing, StreetRecipe, plan_street, say_street
from lib.data.drawn import draw_in_processes, fingerprint, make_once
from lib.data.formats.labels import CleanedLine, LabelLine, label_records, read_labels, write_labels
from lib.data.record import Record
from lib.files import read_json, write_json, write_text
from lib.paths import resolve

TRUTH = "street.json"


def make_street(folder: str | Path, recipe: StreetRecipe, *, processes: int | None = None) -> bool:
    """Make the dataset unless this very one is there already; say whether it was made."""

    def write(draft: Path) -> None:
        drawings = list(plan_street(recipe))
        for split in dict.fromkeys(drawing.split for drawing in drawings):
            picture_folder(draft, split).mkdir(parents=True)
        draw_in_processes(draw_pictures, drawings, (recipe, draft), processes)
        write_street(draft, drawings, recipe)

    return make_once(folder, fingerprint(recipe, "street"), write)


def picture_folder(folder: Path, split: str) -> Path:
    return folder / ("test" if split == "test" else "train") / f"{split}_images"


def draw_pictures(drawings: list[Drawing], recipe: StreetRecipe, folder: Path) -> list[str]:
    """Draw and save a few pictures."""
    for drawing in drawings:
        path = picture_folder(folder, drawing.split) / drawing.name
        photograph_street(drawing.attributes, drawing.seed, recipe.size).save(path, quality=92, subsampling=0)
    return [drawing.name for drawing in drawings]


def write_street(folder: Path, drawings: list[Drawing], recipe: StreetRecipe) -> None:
    """Label lines, some of them wrong on purpose, the test texts, and the truth about all of them."""
    chance = Random(blend(recipe.seed, 5))
    said = say_street(drawings, recipe, chance)
    for split in ("train", "val"):
        rows = [(d.name, said[d.name]) for d in drawings if d.split == split]
        fields = [",".join(value for value in each.facts.values() if value) for _, each in rows]
        found = [LabelLine(n, f, t, t) for (n, each), f in zip(rows, fields, strict=True) for t in each.texts]
        write_labels(folder / "train" / f"{split}_label.txt", found)
    answers = {d.name: said[d.name].texts for d in drawings if d.split == "test"}
    texts = [text for told in answers.values() for text in told]
    chance.shuffle(texts)
    write_text(folder / "test" / "test_text.txt", "".join(f"{text}\n" for text in texts))
    truth = {drawing.name: drawing.attributes for drawing in drawings}
    wrong = [name for name, each in said.items() if each.wrong]
    write_json(folder / TRUTH, {**asdict(recipe), "wrong": wrong, "answers": answers, "attributes": truth})


def read_truth(folder: str | Path) -> dict[str, Any]:
    """What the street's dataset knows of itself: `attributes`, `answers` of the test, `wrong` pictures."""
    return read_json(resolve(folder) / TRUTH)


@dataclass(frozen=True)
class Street:
    """The dataset opened: its records, the raw lines of training, and the pictures whose lines are wrong."""

    splits: dict[str, list[Record]]
    lines: list[LabelLine]
    wrong: set[str]

    def kept(self, cleaned: Iterable[CleanedLine]) -> dict[str, list[Record]]:
        """The splits with only those lines of training that nothing speaks against."""
        believed: dict[str, list[str]] = {}
        for row in cleaned:
            if not row.reason:
                believed.setdefault(row.line.picture, []).append(row.line.caption)
        train = [replace(r, captions=tuple(believed[r.id])) for r in self.splits["train"] if r.id in believed]
        return self.splits | {"train": train}


def open_street(folder: str | Path) -> Street:
    """Read what `make_street` wrote, or the challenge's own files: these do not tell of which test picture a
    text is, so a half of val, drawn by chance, stands in for them."""
    place = resolve(folder)
    truth = read_truth(folder) if (place / TRUTH).is_file() else {"attributes": {}, "wrong": []}
    lines = {split: read_labels(place / "train" / f"{split}_label.txt") for split in ("train", "val")}
    answers = truth.get("answers", {}).items()
    lines["test"] = [LabelLine(name, "", text) for name, texts in answers for text in texts]
    splits = {
        split: label_records(found, picture_folder(place, split), split, truth["attributes"])
        for split, found in lines.items()
    }
    if not answers:
        val = Random(0).sample(splits["val"], len(splits["val"]))  # it may come one category after the other
        splits |= {"val": val[: len(val) // 2], "test": val[len(val) // 2 :]}
    return Street(splits, lines["train"], set(truth["wrong"]))

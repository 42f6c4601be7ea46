"""The datasets that have a name here: where they belong, and where their authors publish them."""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from lib.paths import DATASET, shorten


@dataclass(frozen=True, kw_only=True)
class KnownDataset:
    """One dataset a user can bring (or, for the atelier, make)."""

    name: str
    folders: list[str]  # below dataset/, any one of them
    layout: list[str]  # what belongs in the folder
    get: str


ROWS = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text("utf-8"))["dataset"]
KNOWN_DATASETS = {row["name"]: KnownDataset(**row) for row in ROWS}


def guess_name(wrong: str, dataset: Path = DATASET) -> str | None:
    """The name, or the folder in dataset/, that was probably meant; None where nothing is near."""
    here = sorted(dataset.iterdir()) if dataset.is_dir() else []
    meant = {folder.name.lower(): shorten(folder) for folder in here if folder.is_dir()}
    for known in KNOWN_DATASETS.values():
        meant |= dict.fromkeys((known.name, *map(str.lower, known.folders)), known.name)
    near = difflib.get_close_matches(wrong.lower(), meant, n=1, cutoff=0.7)
    return meant[near[0]] if near else None


def place_of(known: KnownDataset, dataset: Path = DATASET) -> Path:
    """The folder that exists, or the one to make."""
    places = [dataset / folder for folder in known.folders]
    return next((place for place in places if place.is_dir()), places[0])

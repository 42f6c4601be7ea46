"""Open a dataset by its name or folder: recognise which format lies there, and read it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lib.data.formats.catalogue import KNOWN_DATASETS, guess_name, place_of
from lib.data.formats.coco import read_coco
from lib.data.formats.deepfashion import SPELLINGS, read_deepfashion
from lib.data.formats.flickr import CAPTIONS, read_flickr
from lib.data.formats.folder import read_fashion_new, read_folder
from lib.data.formats.gallery import is_picture
from lib.data.formats.homework import read_homework
from lib.data.formats.karpathy import read_karpathy
from lib.data.formats.report import Dataset, FormatError, OnBad
from lib.data.record import SPLITS
from lib.paths import DATASET, resolve, shorten

READERS: dict[str, Callable[..., Dataset]] = {
    "deepfashion": read_deepfashion,
    "homework": read_homework,
    "flickr": read_flickr,
    "coco": read_coco,
    "karpathy": read_karpathy,
    "fashion-new": read_fashion_new,
    "folder": read_folder,
}
# what lies in a folder of each format: one of these files, or folders where a name ends in /
SIGNS: dict[str, Sequence[str]] = {
    "deepfashion": ["captions.json", *(f"{s}_captions.json" for s in SPLITS), *(f"{s}/" for s in SPELLINGS)],
    "homework": [f"{split}_data.json" for split in SPLITS],
    "flickr": CAPTIONS,
    "coco": ("captions_*.json", "annotations/captions_*.json"),
    "karpathy": ("dataset_*.json", "dataset.json"),
    "fashion-new": ("images-raw/",),
}


def open_dataset(
    name_or_folder: str | Path,
    *,
    format: str | None = None,
    on_bad: OnBad = "raise",
    need_images: bool = True,
) -> Dataset:
    """The records behind a name (`flickr8k`) or in a folder; `.format` says how they were read."""
    folder = find_folder(name_or_folder)
    if format is not None and format not in READERS:
        raise FormatError(f"unknown format {format!r}; known: {', '.join(READERS)}")
    reader = READERS[format or recognise(folder)]
    return reader(folder, on_bad=on_bad, need_images=need_images)


def find_folder(name_or_folder: str | Path, dataset: Path = DATASET) -> Path:
    """Where a name or a path points; a missing place is an error that says what to do."""
    known = KNOWN_DATASETS.get(str(name_or_folder))
    folder = place_of(known, dataset) if known else resolve(name_or_folder)
    if folder.exists():
        return folder
    if known:
        expected = ", ".join(known.layout)
        raise FormatError(f"{shorten(folder)}: {known.name} is not here; expected {expected}. {known.get}")
    meant = guess_name(folder.name, dataset)
    question = f" (did you mean {meant}?)" if meant else ""
    told = f"no such folder{question}; expected a path or one of the names {', '.join(KNOWN_DATASETS)}"
    raise FormatError(f"{shorten(folder)}: {told}")


def recognise(path: Path) -> str:
    """The format of a folder (or of one JSON file), by the files that lie in it."""
    if path.is_file():
        starts = {"coco": "captions_", "karpathy": "dataset"}
        found = [kind for kind, start in starts.items() if path.name.startswith(start)]
        expected = "captions_*.json or dataset_*.json"
    else:
        found = [kind for kind, signs in SIGNS.items() if any(any(path.glob(sign)) for sign in signs)]
        expected = "one of " + ", ".join(READERS)
        if not found and any(is_picture(below.name) for below in path.rglob("*")):
            found = ["folder"]
    if len(found) == 1:
        return found[0]
    seen = f"{' and '.join(found)}: name one with format=" if found else "none of them"
    raise FormatError(f"{shorten(path)}: expected {expected}; it looks like {seen}")

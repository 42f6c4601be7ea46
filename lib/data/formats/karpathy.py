"""Karpathy's splits: `dataset_{coco,flickr8k,flickr30k}.json`, pictures, sentences and splits in one file."""

from pathlib import Path
from typing import Any

from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import is_object, read_members
from lib.data.record import Record
from lib.paths import shorten

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}
FOLDERS = ("images", "Images", "flickr30k-images", "flickr30k_images", "Flicker8k_Dataset")


def read_karpathy(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Read one file, or the only one of a folder. `restval` counts as train, and the report says so.

    A record's id is the COCO id where the file has one, so that results can be scored by COCO's own tools;
    else the file name.
    """
    path = Path(path)
    report = Report(on_bad)
    file = path if path.is_file() else only_file(path)
    folders = f"{file.stem.partition('_')[0]}_images", *FOLDERS  # train_car.json has its own
    root = next((place for name in folders if (place := file.parent / name).is_dir()), file.parent)
    gallery = Gallery(root, report, need_images=need_images)
    records, seen, rest = [], set(), 0
    for section, item in read_members(file, report, inside=("images",)):
        if section == "images" and (record := read_image(item, file, gallery, seen)):
            records.append(record)
            rest += item["split"] == "restval"
    if rest:
        report.notes.append(f"{rest} pictures of 'restval' count as train")
    return Dataset(records, format="karpathy", folder=file.parent, report=report)


def only_file(folder: Path) -> Path:
    files = sorted(folder.glob("dataset_*.json")) or sorted(folder.glob("dataset.json"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise FormatError(f"{shorten(folder)}: expected one dataset_*.json in it, found {found}")
    return files[0]


def read_image(item: Any, file: Path, gallery: Gallery, seen: set[str]) -> Record | None:
    """The record of one element of `images`, if it is good."""
    report = gallery.report
    if not is_object(item, file, "images", report):
        return None
    keys = ("filename", "cocoid", "split", "filepath", "sentences")
    name, number, split, folder, sentences = map(item.get, keys)
    identity = str(name if number is None else number)
    if not isinstance(name, str):
        report.bad(Bad.WRONG_TYPE, file, f"images {str(item)[:60]}", f"text as 'filename', not {name!r}")
    elif number is not None and type(number) is not int:
        report.bad(Bad.WRONG_TYPE, file, name, f"a whole number as 'cocoid', not {number!r}")
    elif not isinstance(split, str) or split not in SPLITS:
        report.bad(Bad.WRONG_TYPE, file, name, f"a split among {', '.join(SPLITS)}, not {split!r}")
    elif not isinstance(sentences, list) or not all(isinstance(sentence, dict) for sentence in sentences):
        report.bad(Bad.WRONG_TYPE, file, name, "'sentences' as a list of objects with 'raw'")
    elif report.first(identity, seen, file, name, f"id {identity} once"):
        media = gallery.find(f"{folder}/{name}" if isinstance(folder, str) and folder else name, file, name)
        captions = report.captions([said.get("raw") for said in sentences], file, name) if media else ()
        return Record(identity, media, captions, SPLITS[split]) if captions else None
    return None

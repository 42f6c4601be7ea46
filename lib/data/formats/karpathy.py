"""Karpathy's splits: `dataset_{coco,flickr8k,flickr30k}.json`, pictures, sentences and splits in one file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import Repeated, read_members
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
    records: list[Record] = []
    seen: set[str] = set()
    rest = 0
    for section, item in read_members(file, report, inside=("images",)):
        if section == "images":
            for record in read_image(item, file, gallery, seen):
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


def read_image(item: Any, file: Path, gallery: Gallery, seen: set[str]) -> Iterator[Record]:
    """The record of one element of `images`, if it is good."""
    report = gallery.report
    if not isinstance(item, dict) or isinstance(item, Repeated) or not isinstance(item.get("filename"), str):
        shown = f"images {str(item)[:60]}"
        report.bad(Bad.WRONG_TYPE, file, shown, "an object, each key once, with 'filename'")
        return
    name = item["filename"]
    number = item.get("cocoid")
    if number is not None and type(number) is not int:
        report.bad(Bad.WRONG_TYPE, file, name, f"a whole number as 'cocoid', not {number!r}")
        return
    identity = name if number is None else str(number)
    if identity in seen:
        report.bad(Bad.DUPLICATE, file, name, f"id {identity} once")
        return
    seen.add(identity)
    split = SPLITS.get(item["split"]) if isinstance(item.get("split"), str) else None
    if split is None:
        expected = f"a split among {', '.join(SPLITS)}, not {item.get('split')!r}"
        report.bad(Bad.WRONG_TYPE, file, name, expected)
        return
    folder = item.get("filepath")
    media = gallery.find(f"{folder}/{name}" if isinstance(folder, str) and folder else name, file, name)
    captions = read_sentences(item.get("sentences"), file, name, report) if media else ()
    if captions:
        yield Record(identity, media, captions, split)


def read_sentences(sentences: Any, file: Path, name: str, report: Report) -> tuple[str, ...]:
    """The raw text of each sentence."""
    if not isinstance(sentences, list) or not all(isinstance(sentence, dict) for sentence in sentences):
        report.bad(Bad.WRONG_TYPE, file, name, "'sentences' as a list of objects with 'raw'")
        return ()
    return report.captions([sentence.get("raw") for sentence in sentences], file, name)

"""DeepFashion-MultiModal as the DeepFashion course project lays it out; the atelier writes the same files.

images/*.jpg
{train,val,test}_captions.json   {"WOMEN-Dresses-id_00006368-02_2_side.jpg": "caption" or [captions]}
captions.json                    the same for all pictures, as the dataset's authors publish it
attributes.json                  {name: {"upper": "dress", "hat": null, ...}}, where known
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.data.formats.catalogue import KNOWN_DATASETS
from lib.data.formats.gallery import Gallery, leads_out, only_one
from lib.data.formats.report import UNASSIGNED, Bad, Dataset, FormatError, OnBad, Report
from lib.data.formats.stream import is_object, read_members
from lib.data.record import SPLITS, Record
from lib.files import write_json
from lib.paths import shorten

SPELLINGS = tuple(KNOWN_DATASETS["deepfashion"].folders)


class Name(NamedTuple):
    """What a DeepFashion file name says. An outfit has a number of its own only within its product."""

    gender: str
    category: str
    product: str
    outfit: str  # product-number
    view: str

    @property
    def outfit_number(self) -> int:
        return int(self.outfit.rpartition("-")[2])


NAME = re.compile(r"(?:.*/)?([A-Z]+)-([A-Za-z_]+)-id_(\d+)-(\d+)_(\w+)\.\w+")


def parse_name(name: str) -> Name | None:
    """`WOMEN-Dresses-id_00002367-04_1_front.jpg` -> its parts; None where a name is built otherwise."""
    match = NAME.fullmatch(name)
    if not match:
        return None
    gender, category, product, outfit, view = match.groups()
    return Name(gender, category, product, f"{product}-{outfit}", view)


def product_in(name: str) -> str | None:
    """The product that a file name tells of."""
    return (parts := parse_name(name)) and parts.product


def read_deepfashion(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Read the folder (by any of its three spellings, or the folder above it)."""
    report, path = Report(on_bad), Path(path)
    # however it is spelled; two different ones side by side are an error
    beside = [path.with_name(spelling) for spelling in SPELLINGS if spelling != path.name]
    below = [path / spelling for spelling in SPELLINGS]
    folder = only_one([path, *beside] if path.name in SPELLINGS else below, report) or path
    files = deepfashion_captions_files(folder, report)
    gallery = Gallery(folder / "images", report, need_images=need_images)
    attributes = read_attributes(folder / "attributes.json", report)
    records = list(read_captions_files(files, gallery, attributes))
    strangers = attributes.keys() - {record.id for record in records}
    if strangers:
        report.notes.append(f"attributes.json knows {len(strangers)} pictures that have no caption")
    return Dataset(records, format="deepfashion", folder=folder, report=report)


def deepfashion_captions_files(folder: Path, report: Report) -> dict[str, Path]:
    """Split -> captions file."""
    single = folder / "captions.json"
    files = {split: folder / f"{split}_captions.json" for split in SPLITS}
    files = {split: file for split, file in files.items() if file.is_file()}
    if files and single.is_file():
        report.notes.append("captions.json is left aside: the split files beside it name the pictures")
    if not files and not single.is_file():
        raise FormatError(f"{shorten(folder)}: expected {{train,val,test}}_captions.json or captions.json")
    return files or {UNASSIGNED: single}


def read_captions_files(
    files: Mapping[str, Path], gallery: Gallery, attributes: Mapping[str, dict[str, str | None]]
) -> Iterator[Record]:
    report, seen = gallery.report, set()
    for split, file in files.items():
        for name, value in read_members(file, report):
            if not report.first(name, seen, file, name, "each picture once in all splits together"):
                continue
            media = gallery.find(name, file)
            captions = report.captions(value, file, name) if media else ()
            if captions:
                yield Record(name, media, captions, split, attributes.get(name), group=product_in(name))


def read_attributes(file: Path, report: Report) -> dict[str, dict[str, str | None]]:
    """Name -> visible attributes; empty where the dataset has none."""
    attributes, seen = {}, set()
    for name, value in read_members(file, report) if file.is_file() else ():
        once = report.first(name, seen, file, name, "each picture once")
        if not once or not is_object(value, file, name, report):
            continue
        if wrong := [key for key, found in value.items() if not isinstance(found, str | None)]:
            report.bad(Bad.WRONG_TYPE, file, name, f"text or null for {wrong[0]!r}")
        else:
            attributes[name] = value
    return attributes


def read_captions(path: str | Path, *, on_bad: OnBad = "raise") -> dict[str, tuple[str, ...]]:
    """A bare `{"x.jpg": "caption"}` file, as the course project's `{image,background}_caption.json`."""
    report, seen, captions = Report(on_bad), set(), {}
    for name, value in read_members(path, report):
        if report.first(name, seen, path, name, "each picture once"):
            captions[name] = report.captions(value, path, name)
    return {name: texts for name, texts in captions.items() if texts}


def write_deepfashion(
    folder: str | Path,
    captions: Mapping[str, Mapping[str, str | Sequence[str]]],
    attributes: Mapping[str, dict[str, str | None]] | None = None,
) -> None:
    """Write `{split: {name: caption or captions}}` and what is visible; a single caption as plain text."""
    folder = Path(folder)
    seen: set[str] = set()
    for split, rows in captions.items():
        if split not in (*SPLITS, UNASSIGNED):
            raise FormatError(f"{shorten(folder)}: split {split!r}; expected one of {', '.join(SPLITS)}")
        check_captions(folder, split, rows, seen)
    if UNASSIGNED in captions and len(captions) > 1:
        raise FormatError(f"{shorten(folder)}: {UNASSIGNED} pictures beside splits; expected either")
    for split, rows in captions.items():
        file = "captions.json" if split == UNASSIGNED else f"{split}_captions.json"
        lists = {name: [value] if isinstance(value, str) else list(value) for name, value in rows.items()}
        plain = {name: texts[0] if len(texts) == 1 else texts for name, texts in lists.items()}
        write_json(folder / file, plain, indent=1, ascii_only=False)
    if attributes is not None:
        write_json(folder / "attributes.json", dict(attributes), indent=1, ascii_only=False)


def check_captions(folder: Path, split: str, rows: Mapping[str, str | Sequence[str]], seen: set[str]) -> None:
    """Refuse to write what the reader would refuse to read."""
    report, file = Report("raise"), folder / f"{split}_captions.json"
    for name, value in rows.items():
        if leads_out(name):
            report.bad(Bad.OUTSIDE, file, name, "a new file name inside images/")
        report.first(name, seen, file, name, "a new file name inside images/")
        report.captions(value if isinstance(value, str) else list(value), file, name)

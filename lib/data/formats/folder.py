"""A folder of pictures: with a text file beside each (`x.jpg`, `x.txt`), with one caption file, or bare.

Sub-folders are read; a picture below one named train, val or test belongs to that split.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from lib.data.formats.deepfashion import product_in, read_captions
from lib.data.formats.gallery import Gallery, is_picture
from lib.data.formats.report import UNASSIGNED, Bad, Dataset, FormatError, OnBad, Report
from lib.data.record import SPLITS, Record
from lib.paths import shorten


def read_folder(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Every picture below the folder, sorted by name; a line of its .txt is a caption."""
    if not need_images:
        raise FormatError(f"{shorten(path)}: a folder of pictures cannot be read without its pictures")
    report = Report(on_bad)
    gallery = Gallery(path, report)
    records = []
    for name, captioned in sorted(walk_folder(gallery)):
        media = gallery.find(name, gallery.root)
        captions = read_sidecar(f"{name.rpartition('.')[0]}.txt", gallery) if media and captioned else ()
        if media and (captions or not captioned):
            split = next((part for part in name.split("/")[:-1] if part in SPLITS), UNASSIGNED)
            records.append(Record(name, media, captions, split, group=product_in(name)))
    if not records and not report.skipped:
        raise FormatError(f"{shorten(path)}: no pictures in it; expected .jpg, .png, .webp or the like")
    return Dataset(records, format="folder", folder=path, report=report)


def walk_folder(gallery: Gallery, wanted: Callable[[str], bool] = is_picture) -> Iterator[tuple[str, bool]]:
    """(name from the root, whether a .txt lies beside it) of each picture, or of what else is wanted."""
    for folder, folders, names in os.walk(gallery.root):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        if links:
            told = f"linked folders are not entered: {', '.join(sorted(links))} in {folder}"
            gallery.report.notes.append(told)
        inside = Path(folder).relative_to(gallery.root).as_posix()
        sidecars = {name[:-4] for name in names if name.endswith(".txt")}
        for name in names:
            if wanted(name):
                shown = name if inside == "." else f"{inside}/{name}"
                yield shown, name.rpartition(".")[0] in sidecars


def read_sidecar(name: str, gallery: Gallery) -> tuple[str, ...]:
    """The captions of one picture: the lines that are not blank."""
    file = gallery.find(name, gallery.root)
    if file is None:
        return ()
    text = Path(file).read_bytes().decode("utf-8-sig", errors="surrogateescape")
    lines = [line for line in text.splitlines() if line.strip()]
    return gallery.report.captions(lines, gallery.root, name)


def read_fashion_new(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """The course project's second dataset: `images-raw/` or `images/`, and once made `image_caption.json`."""
    path = Path(path)
    pictures = path / "images"
    pictures = pictures if pictures.is_dir() else path / "images-raw"
    raw = read_folder(pictures, on_bad=on_bad, need_images=need_images)
    records: list[Record] = list(raw)
    captions_file = path / "image_caption.json"
    if captions_file.is_file():
        captions = read_captions(captions_file, on_bad=on_bad)
        for name in sorted(captions.keys() - {record.id for record in raw}):
            expected = f"the name of a picture in {raw.folder.name}/"
            raw.report.bad(Bad.WRONG_TYPE, captions_file, name, expected)
        records = [replace(record, captions=captions.get(record.id, ())) for record in raw]
    return Dataset(records, format="fashion-new", folder=path, report=raw.report)

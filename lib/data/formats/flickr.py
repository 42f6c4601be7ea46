"""Flickr8k (and Flickr30k) in the three forms it is found in.

    captions.txt          tab-separated with a header: image, caption_id, caption
    captions.txt          comma-separated with a header: image,caption (Kaggle)
    Flickr8k.token.txt    image#number <tab> caption (the authors' own)
    train.txt val.txt test.txt, or the authors' Flickr_8k.{train,dev,test}Images.txt: one picture a line
    images/ (or Images/, Flicker8k_Dataset/)

Pictures that no split file names are given as `unassigned`, and the report says how many.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lib.data.formats.gallery import Gallery, only_one
from lib.data.formats.report import UNASSIGNED, Bad, Dataset, FormatError, OnBad, Report
from lib.data.record import Record
from lib.paths import shorten

FOLDERS = ("images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset")
CAPTIONS = ("captions.txt", "captions.csv", "Flickr8k.token.txt", "Flickr8k_text/Flickr8k.token.txt")
SPLIT_FILES = {"train": "trainImages", "val": "devImages", "test": "testImages"}

TABS = re.compile(r"([^\t]+)\t(\d+)\t([^\t]*)")
TOKENS = re.compile(r"([^\t]+)#(\d+)\t(.*)", re.DOTALL)

# line, picture, the caption's number where the file gives one, caption
CaptionRow = tuple[int, str, str | None, str]


def read_flickr(path: str | Path, *, on_bad: OnBad = "raise", need_images: bool = True) -> Dataset:
    """Read the folder in any of the three forms."""
    folder = Path(path)
    report = Report(on_bad)
    file = next((folder / name for name in CAPTIONS if (folder / name).is_file()), None)
    if file is None:
        raise FormatError(f"{shorten(folder)}: expected captions.txt or Flickr8k.token.txt in it")
    pictures = only_one([folder / name for name in FOLDERS], report) or folder / FOLDERS[0]
    gallery = Gallery(pictures, report, need_images=need_images)
    captions = gather_flickr(read_flickr_rows(file, report), file, report)
    splits = read_splits(folder, captions, report)
    records = []
    for name in list(captions):
        media, texts = gallery.find(name, file), captions.pop(name)
        if media and texts:
            records.append(Record(name, media, tuple(texts.values()), splits.get(name, UNASSIGNED)))
    free = sum(record.split == UNASSIGNED for record in records)
    if free and splits:
        report.notes.append(f"{free} pictures are in no split file: they are given as {UNASSIGNED!r}")
    return Dataset(records, format="flickr", folder=folder, report=report)


def gather_flickr(rows: Iterator[CaptionRow], file: Path, report: Report) -> dict[str, dict[str | int, str]]:
    """Picture -> number -> caption, in the order of the file."""
    captions: dict[str, dict[str | int, str]] = {}
    for line, name, number, text in rows:
        mine = captions.setdefault(name, {})
        key = len(mine) if number is None else number
        if key in mine:
            report.bad(Bad.DUPLICATE, file, line, f"caption {number} of {name!r} once")
        elif caption := report.caption(text, file, line):
            mine[key] = caption
    return captions


def read_flickr_rows(file: Path, report: Report) -> Iterator[CaptionRow]:
    """The rows of whichever form the first line shows. Bytes that are not UTF-8 stay visible in their row."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        first = text.readline().rstrip("\r\n")
        if first == "image\tcaption_id\tcaption":
            rows, form, expected = enumerate(text, start=2), TABS, "image <tab> caption number <tab> caption"
        elif first == "image,caption":
            yield from read_commas(text, file, report)
            return
        elif "#" in first.partition("\t")[0]:
            text.seek(0)
            rows, form, expected = enumerate(text, start=1), TOKENS, "image#number <tab> caption"
        else:
            wanted = "image<tab>caption_id<tab>caption or image,caption, or a row image#number<tab>caption"
            raise FormatError(f"{shorten(file)}: line 1: expected the header {wanted}; found {first[:60]!a}")
        for line, row in rows:
            if match := form.fullmatch(row.rstrip("\r\n")):
                yield line, *match.groups()
            elif row.strip():
                report.bad(Bad.WRONG_TYPE, file, line, expected)


def read_commas(text: TextIO, file: Path, report: Report) -> Iterator[CaptionRow]:
    rows = csv.reader(text, strict=True)
    while True:
        line = rows.line_num + 2  # the header was read before, and a quoted row may go over several lines
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            report.bad(Bad.WRONG_TYPE, file, line, f"image,caption ({error})")
            continue
        if len(cells) == 2 and cells[0]:
            yield line, cells[0], None, cells[1]
        elif cells:
            report.bad(Bad.WRONG_TYPE, file, line, "image,caption (quotes around a caption with commas)")


def read_splits(folder: Path, known: dict[str, dict], report: Report) -> dict[str, str]:
    """Picture -> split; a picture in two splits, or in a split and without a caption, is bad."""
    splits: dict[str, str] = {}
    for split, authors in SPLIT_FILES.items():
        names = (f"{split}.txt", f"Flickr_8k.{authors}.txt", f"Flickr8k_text/Flickr_8k.{authors}.txt")
        file = next((folder / name for name in names if (folder / name).is_file()), None)
        if file is None:
            continue
        with file.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            for line, row in enumerate(lines, start=1):
                name = row.strip()
                if name in splits:
                    report.bad(Bad.DUPLICATE, file, line, f"{name!r} once in all split files")
                elif name and name not in known:
                    report.bad(Bad.EMPTY_CAPTION, file, line, f"a picture that has captions, not {name!r}")
                elif name:
                    splits[name] = split
    return splits

"""The person and car retrieval challenge in the files of the system that serves it.

fliter_{train,val}_labels.txt             cleaned label lines, sorted by picture; spelled otherwise too
{train,val}_{people,car}.json, test.json  as Karpathy wrote his
flickr30k_{people,car}.{train,val}.jsonl  a picture and the numbers of its text, marks left out, in each line
test_text.txt, test.txt                   a text a line; in the second one cars come first
infer_json_{car,people,all}.json          for each text the names of its ten likeliest pictures
"""

import heapq
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lib.data.formats.gallery import Gallery
from lib.data.formats.labels import Category, LabelLine, drop_last_empty, text_category
from lib.data.formats.report import Bad, FormatError, Report
from lib.data.record import Record
from lib.files import read_json, read_utf8, write_json, write_text
from lib.paths import shorten

WORD = re.compile(r"[^,. ]+")  # what the seed takes for a word of Karpathy's `tokens`
CLEANED = "fliter_{}_labels.txt"  # as it is spelled in the wild, and written here
FIELDS = {"image_path": str, "text_segment": list, "image_id": int}  # of a line of a .jsonl
MOST = 10  # names to a text
Said = Mapping[str, Sequence[str]]  # picture -> what is said of it


class IndexRow(NamedTuple):
    """One line of a .jsonl; a picture of which nothing is said has no numbers."""

    image_path: str
    text_segment: list[int]
    image_id: int


class ResultRow(NamedTuple):
    """What was found for one text, the likeliest first."""

    text: str
    image_names: list[str]


def find_labels(folder: Path, split: str) -> Path:
    """The cleaned labels of a split, by any of their spellings, or the raw ones where none is cleaned."""
    names = [CLEANED.format(split), f"{split}_people_labels.txt"]
    names += ["filtered_labels.txt"] if folder.name == split else []
    return only_spelling(folder, names, f"{split}_label.txt")


def find_index(folder: Path, split: str, category: Category) -> Path:
    """The .jsonl of a category; `flickr30k_0` is an older name for people."""
    names = [f"flickr30k_{category}.{split}.jsonl"]
    return only_spelling(folder, names, f"flickr30k_0.{split}.jsonl" if category == "people" else names[0])


def only_spelling(folder: Path, names: Sequence[str], otherwise: str) -> Path:
    """The file that has one of these names, or the one named `otherwise`; two of them are one too many."""
    found = [name for name in names if (folder / name).is_file()]
    if len(found) > 1:
        raise FormatError(f"{shorten(folder)}: {' and '.join(found)} are two spellings of one file; keep one")
    path = folder / (found or [otherwise])[0]
    if not path.is_file():
        expected = ", ".join(dict.fromkeys([*names, otherwise]))
        raise FormatError(f"{shorten(folder)}: expected one of {expected} in it")
    return path


def said_of(lines: Iterable[LabelLine], category: Category) -> dict[str, list[str]]:
    """The captions of a category by their pictures."""
    said: dict[str, list[str]] = {}
    for line in lines:
        if text_category(line.caption) == category:
            said.setdefault(line.picture, []).append(line.caption)
    return said


def write_karpathy(path: str | Path, said: Said, split: str) -> Path:
    """What `read_karpathy` reads."""
    images, count = [], 0
    for place, (picture, texts) in enumerate(said.items()):
        numbers = list(range(count, count + len(texts)))
        told = [{"tokens": WORD.findall(text.lower()), "raw": text, "imgid": place} for text in texts]
        sentences = [one | {"sentid": number} for one, number in zip(told, numbers, strict=True)]
        about = {"sentences": sentences, "split": split, "filename": picture}
        images.append({"sentids": numbers, "imgid": place, **about})
        count += len(texts)
    return write_json(path, {"images": images, "dataset": "flickr30k"})


def write_index(path: str | Path, said: Said, split: str, number: Callable[[str], list[int]]) -> Path:
    """One line for each picture and text; `number` gives a text's numbers without marks."""
    rows = [
        IndexRow(f"{split}_images/{picture}", number(text) if text else [], place)
        for place, (picture, texts) in enumerate(said.items())
        for text in texts or [""]
    ]
    return write_text(path, "".join(json.dumps(row._asdict()) + "\n" for row in rows))


def read_index(path: str | Path) -> list[IndexRow]:
    """The lines of a .jsonl; each picture has one number."""
    report, rows, known = Report("raise"), [], {}
    for line, text in enumerate(drop_last_empty(read_utf8(path).split("\n")), start=1):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or {name: type(value) for name, value in told.items()} != FIELDS:
            fields = ", ".join(f"{name} ({kind.__name__})" for name, kind in FIELDS.items())
            report.bad(Bad.WRONG_TYPE, path, line, f"one JSON object a line, of {fields}")
        row = IndexRow(**told)
        if not all(type(number) is int and number >= 0 for number in row.text_segment):
            report.bad(Bad.WRONG_TYPE, path, line, "'text_segment' as whole numbers")
        if known.setdefault(row.image_path, row.image_id) != row.image_id:
            report.bad(Bad.DUPLICATE, path, line, f"{row.image_path!r} as image {known[row.image_path]}")
        rows.append(row)
    return rows


def index_records(path: Path, split: str, decode: Callable[[list[int]], str | None]) -> list[Record]:
    """The pictures of a .jsonl with all that is said of each; `decode` makes numbers a text, or None of
    another tokenizer's."""
    report, said = Report("raise"), {}
    gallery = Gallery(path.parent, report)
    for line, row in enumerate(read_index(path), start=1):
        texts = said.setdefault(row.image_path, [])
        if row.text_segment:
            text = decode(row.text_segment)
            if text is None:
                report.bad(Bad.WRONG_TYPE, path, line, "numbers of the sentencepiece model that is used")
            texts.append(report.caption(text, path, line))
    return [Record(name, gallery.find(name, path), tuple(texts), split) for name, texts in said.items()]


def read_texts(path: str | Path) -> list[str]:
    """One text a line; a blank one is an error."""
    report, lines = Report("raise"), drop_last_empty(read_utf8(path).split("\n"))
    return [report.caption(line.strip(), path, number) for number, line in enumerate(lines, start=1)]


def cars_first(texts: Iterable[str]) -> list[str]:
    """The order of test.txt and of all results."""
    return sorted(texts, key=lambda text: text_category(text) == "people")


def lay_side_by_side(pictures: Sequence[str], texts: Sequence[str]) -> dict[str, list[str]]:
    """Test pictures and texts for files that know only pairs; texts that are left over go to the last."""
    said = {picture: list(texts[place : place + 1]) for place, picture in enumerate(pictures)}
    if len(texts) > len(pictures):
        said[pictures[-1]] = list(texts[len(pictures) - 1 :])
    return said


def nearest_names(likeness: Sequence[float], names: Sequence[str]) -> list[str]:
    """The names of the likeliest pictures; equal ones by name, and fewer where there are fewer."""
    pairs = zip(likeness, names, strict=True)
    return [name for _, name in heapq.nsmallest(MOST, ((-value, name) for value, name in pairs))]


def write_results(path: str | Path, rows: Iterable[ResultRow]) -> Path:
    """Indented by four, ASCII, no line end after the last bracket: what the challenge takes."""
    return write_json(path, {"results": [row._asdict() for row in rows]}, indent=4)


def read_results(path: str | Path) -> list[ResultRow]:
    """What `write_results` wrote, names and types strict."""
    told = read_json(path)
    try:
        rows = [ResultRow(**row) for row in told["results"]]
        if not all(isinstance(part, str) for row in rows for part in (row.text, *row.image_names)):
            raise ValueError("expected texts")
        return rows
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(f"{shorten(path)}: no results: {error}") from None

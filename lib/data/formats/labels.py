"""Label lines of the person and car retrieval challenge: `picture$field$caption`, often with `$completed`.

The field is a car's attribute phrase or a person's 21 values; the fourth is the caption made complete. A
picture may have several lines, and several pictures may share one caption.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from lib.data.formats.report import Bad, FormatError, Report
from lib.data.record import Record
from lib.files import read_utf8, write_text
from lib.paths import shorten

Category = Literal["people", "car"]
SEPARATOR = "$"
FIELDS = "picture$field$caption or picture$field$caption$completed, picture and caption not empty"


class LabelLine(NamedTuple):
    """What one line says of one picture."""

    picture: str
    field: str
    caption: str
    completed: str = ""  # real files have it, and it may be missing


def read_labels(path: str | Path) -> list[LabelLine]:
    """Every line, in the order of the file; a blank one is as wrong as one with too few fields."""
    report, lines = Report("raise"), drop_last_empty(read_utf8(path).split("\n"))
    rows = [line.removesuffix("\r").split(SEPARATOR) for line in lines]
    for number, (line, cells) in enumerate(zip(lines, rows, strict=True), start=1):
        if len(cells) not in (3, 4) or not cells[0].strip() or not cells[2].strip():
            found = f"{len(cells)} fields in {line[:60]!r}" if line.strip() else "a blank line"
            report.bad(Bad.WRONG_TYPE, path, number, f"{FIELDS}; found {found}")
    return [LabelLine(*cells) for cells in rows]


def drop_last_empty(lines: list[str]) -> list[str]:
    """A file's last line ends like the others, and nothing stands after it."""
    return lines[:-1] if lines[-1] == "" else lines


def write_labels(path: str | Path, lines: Iterable[LabelLine]) -> Path:
    """Write what `read_labels` reads back; a line without `completed` has three fields."""
    rows = [tuple(line) if line.completed else tuple(line)[:3] for line in lines]
    for row in rows:
        if any(mark in cell for cell in row for mark in (SEPARATOR, "\n", "\r")):
            raise FormatError(f"{shorten(path)}: {row[0]!r}: a field holds {SEPARATOR!r} or ends the line")
    return write_text(path, "".join(SEPARATOR.join(row) + "\n" for row in rows))


def text_category(text: str) -> Category:
    """Whom a text is about: every person's says `He ` or `She ` somewhere, and no car's does."""
    return "people" if "He " in text or "She " in text else "car"


def whom(record: Record) -> Category:
    """Whom a picture shows, as far as that is known, or as it is said."""
    return (record.attributes or {}).get("category") or text_category(record.captions[0])


def only(category: Category, records: Iterable[Record]) -> list[Record]:
    return [record for record in records if whom(record) == category]


class CleanedLine(NamedTuple):
    """A label line, whom it is about, and why it cannot be believed; no reason where it can."""

    line: LabelLine
    category: Category
    reason: str


def clean_labels(lines: Iterable[LabelLine], seen: Mapping[str, str | None]) -> list[CleanedLine]:
    """Each line beside what a detector saw in its picture: a text of people on a car's picture is flagged."""
    cleaned = []
    for line in lines:
        told, shown = text_category(line.caption), seen.get(line.picture)
        reason = "" if told == shown else f"the text is of {told}, the picture shows {shown or 'neither'}"
        cleaned.append(CleanedLine(line, told, reason))
    return cleaned


def label_records(
    lines: Iterable[LabelLine], pictures: Path, split: str, truth: Mapping[str, dict] | None = None
) -> list[Record]:
    """A record for each picture with all that is said of it; `truth` holds what is visible, where known."""
    said: dict[str, list[str]] = {}
    for line in lines:
        said.setdefault(line.picture, []).append(line.caption)
    known = truth or {}
    return [Record(n, str(pictures / n), tuple(texts), split, known.get(n)) for n, texts in said.items()]

"""What a reader hands back: the records, and everything that was wrong on the way."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from lib.data.record import Record
from lib.files import FileError
from lib.paths import shorten

OnBad = Literal["raise", "skip"]
EXAMPLES = 5  # of each reason, kept to be shown

UNASSIGNED = "unassigned"  # the split of pictures for which a dataset names none


class Bad(StrEnum):
    """What can be wrong with a row."""

    MISSING_IMAGE = "missing image"
    EMPTY_CAPTION = "empty caption"
    WRONG_TYPE = "wrong type"
    NOT_JSON = "not JSON"
    OUTSIDE = "path leads out of the folder"
    DUPLICATE = "duplicate id"
    NOT_UTF8 = "not UTF-8"
    TWO_SPELLINGS = "folder spelled two ways"


class FormatError(FileError):
    """A dataset that is not what its format says; names file, key or line, and what was expected."""


class NoPictures(FormatError):
    """The folder of a dataset's pictures does not exist; its captions can still be read alone."""


@dataclass
class Report:
    """Counts what is bad, or stops at the first of it."""

    on_bad: OnBad = "raise"
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # worth knowing, not wrong

    def __post_init__(self):
        if self.on_bad not in ("raise", "skip"):
            raise ValueError(f"on_bad must be 'raise' or 'skip', not {self.on_bad!r}")

    def bad(self, reason: Bad, file: str | Path, where: Any, expected: str) -> None:
        """Raise, or count one bad row; `where` is the key (a string) or the line (a number)."""
        place = f"line {where}" if isinstance(where, int) else repr(where)
        message = f"{shorten(file)}: {place}: {reason}; expected {expected}"
        if self.on_bad == "raise":
            raise FormatError(printable(message))
        self.counts[reason] += 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < EXAMPLES:
            kept.append(printable(message))

    def caption(self, text: Any, file: str | Path, where: Any) -> str | None:
        """The caption if it is one, else None once the reason is reported."""
        if not isinstance(text, str):
            self.bad(Bad.WRONG_TYPE, file, where, f"a caption (text), not {type(text).__name__}")
        elif not text.strip():
            self.bad(Bad.EMPTY_CAPTION, file, where, "a caption of at least one word")
        elif not is_unicode(text):
            self.bad(Bad.NOT_UTF8, file, where, "text in UTF-8")
        else:
            return text
        return None

    def captions(self, value: Any, file: str | Path, where: Any) -> tuple[str, ...]:
        """The good ones among one caption or a list of several."""
        if isinstance(value, list) and not value:
            self.bad(Bad.EMPTY_CAPTION, file, where, "a caption or a list of captions")
        texts = value if isinstance(value, list) else [value]
        return tuple(text for item in texts if (text := self.caption(item, file, where)) is not None)

    def first(self, key: Any, seen: set, file: str | Path, where: Any, expected: str) -> bool:
        """Whether a key comes for the first time; reported where it does not."""
        if key in seen:
            self.bad(Bad.DUPLICATE, file, where, expected)
            return False
        seen.add(key)
        return True

    @property
    def skipped(self) -> int:
        """How many rows were left out."""
        return sum(self.counts.values())


class Dataset(list[Record]):
    """The records of one dataset in the order of its files, its format, and the report of its reading."""

    def __init__(self, records, *, format: str, folder: str | Path, report: Report):
        super().__init__(records)
        self.format = format
        self.folder = Path(folder)
        self.report = report

    def split(self, name: str) -> list[Record]:
        """The records of one split; a split that does not exist is an error, not an empty list."""
        found = [record for record in self if record.split == name]
        if not found:
            known = ", ".join(self.sizes) or "none"
            raise FormatError(f"{shorten(self.folder)}: no split {name!r}; it has {known}")
        return found

    @property
    def sizes(self) -> dict[str, int]:
        """Split -> number of pictures, in the order in which the splits appear."""
        return dict(Counter(record.split for record in self))


def is_unicode(text: str) -> bool:
    """False for text with halves of characters: bytes that were not UTF-8, or a lone JSON escape."""
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def printable(message: str) -> str:
    """One line that any terminal can show, even where a name is not UTF-8."""
    return " ".join(message.encode("utf-8", "backslashreplace").decode("utf-8").split())

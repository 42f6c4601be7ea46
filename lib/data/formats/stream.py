"""Read JSON files of any size piece by piece: a million captions need no more room than one of them."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from lib.data.formats.report import Bad, FormatError, Report, is_unicode
from lib.paths import shorten

CHUNK = 1 << 20  # characters
WHITE = re.compile(r"[ \t\r\n]*")


class Repeated(dict):
    """A JSON object with one key twice: it is no dict that anybody asked for, so type checks can tell."""


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Repeated(value)


def is_object(value: Any, file: str | Path, where: Any, report: Report) -> bool:
    """Whether a value is an object with each key once; reported where it is not."""
    good = isinstance(value, dict) and not isinstance(value, Repeated)
    if not good:
        report.bad(Bad.WRONG_TYPE, file, where, f"a JSON object, each key once; found {str(value)[:60]!r}")
    return good


class BrokenJson(Exception):
    """A file stops being JSON: the line, why, and whether it is UTF-8 there."""


class Scanner:
    """A window that moves over the text of one file."""

    def __init__(self, file: TextIO):
        self.file = file
        self.window = ""
        self.at = 0  # where in the window the next piece starts
        self.line = 1  # of the window's first character
        self.ended = False
        self.decoder = json.JSONDecoder(object_pairs_hook=read_object)

    def grow(self) -> None:
        """Drop what was read, append as much again as is waiting: long pieces stay linear."""
        self.line += self.window.count("\n", 0, self.at)
        waiting = self.window[self.at :]
        more = self.file.read(max(CHUNK, len(waiting)))
        self.window, self.at, self.ended = waiting + more, 0, not more

    def peek(self) -> str:
        """The next character that is not white space; empty at the end of the file."""
        while True:
            self.at = WHITE.match(self.window, self.at).end()
            if self.at < len(self.window) or self.ended:
                return self.window[self.at : self.at + 1]
            self.grow()

    def take(self, mark: str, expected: str) -> None:
        """Step over a mark that must be there."""
        if self.peek() != mark:
            raise self.broken(f"expected {expected}", self.at)
        self.at += 1

    def value(self) -> Any:
        """The next JSON value, whole."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.window, self.at)
            except json.JSONDecodeError as error:
                if self.ended or not cut_off(error, len(self.window)):
                    raise self.broken(error.msg, error.pos) from None
            except (ValueError, RecursionError) as error:
                raise self.broken(str(error), self.at) from None
            else:
                # a number could go on in the next chunk: "1", "1." and "1e+" may all be the start of one
                if self.ended or self.window[end : end + 3].strip("0123456789.eE+-"):
                    self.at = end
                    return value
            self.grow()

    def broken(self, reason: str, at: int) -> BrokenJson:
        line = self.line + self.window.count("\n", 0, at)
        return BrokenJson(line, reason, is_unicode(self.window[max(0, at - 40) : at + 40]))


def cut_off(error: json.JSONDecodeError, end: int) -> bool:
    """Whether the mistake may only be that the window ends here."""
    return error.msg.startswith("Unterminated string") or error.pos >= end - 16


def read_members(
    path: str | Path, report: Report, *, inside: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """(key, value) of a file that is one JSON object; arrays named in `inside` come element by element.

    Bytes that are not UTF-8 arrive as lone surrogates, so that `Report.caption` can name their row.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from walk_object(Scanner(file), inside)
    except BrokenJson as error:
        line, told, readable = error.args
        reason = Bad.NOT_JSON if readable else Bad.NOT_UTF8
        report.bad(reason, path, line, f"a JSON object in UTF-8 ({told})")
    except OSError as error:
        raise FormatError(f"{shorten(path)}: {error.strerror or error}") from None


def walk_object(text: Scanner, inside: Collection[str]) -> Iterator[tuple[str, Any]]:
    for _ in elements(text, "{", "}", "an object, {...}"):
        if text.peek() != '"':
            raise text.broken("expected a key in double quotes", text.at)
        key = text.value()
        text.take(":", "':' after the key")
        if key in inside and text.peek() == "[":
            for _ in elements(text, "[", "]", "an array"):
                yield key, text.value()
        else:
            yield key, text.value()
    if text.peek():
        raise text.broken("more text after the object", text.at)


def elements(text: Scanner, opening: str, closing: str, expected: str) -> Iterator[None]:
    """Halts before each element between two brackets, for the caller to read it."""
    text.take(opening, expected)
    more = text.peek() != closing
    while more:
        yield
        more = text.peek() == ","
        text.at += more
    text.take(closing, f"',' or {closing!r}")

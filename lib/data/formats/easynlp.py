"""Tables of clips as EasyNLP has them: a row a line, tabs between fields, a clip's frames as a JSON list.

idx:str:1,imgbase64:str:1,text:str:1    the schema: which fields there are, and in which order
1 \\t ["/9j/4AAQ...", ...] \\t A dog runs.  frames in base64, of either alphabet, or paths of pictures
1 \\t ["a dog runs", ...]                 what was generated, which EasyNLP itself writes as str(list)
"""

import ast
import base64
import functools
import json
import re
import secrets
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lib.data.formats.gallery import Gallery
from lib.data.formats.report import Bad, FormatError, Report, is_unicode
from lib.data.record import Record
from lib.files import read_utf8, whole, write_text
from lib.paths import shorten

COLUMN = re.compile(r"(\w+):str:1")
LONGEST = 64 << 20  # bytes of a row: frames by the hundred, and no more than memory has
BLOCK = 1 << 24  # bytes
URL_SAFE = bytes.maketrans(b"-_", b"+/")
MARK = b"\xef\xbb\xbf"  # with which some editors begin a file
REPORT = Report("raise")
GeneratedRow = Mapping[str, str | Sequence[str]]  # column -> a text, or the list of those generated


def parse_schema(schema: str, *needed: str) -> list[str]:
    """The names of a table's columns; `needed` ones must be among them."""
    found = [COLUMN.fullmatch(part.strip()) for part in schema.split(",")]
    if None in found:
        part = schema.split(",")[found.index(None)]
        raise FormatError(f"schema {schema!r}: expected name:str:1, found {part!r}")
    names = [match[1] for match in found]
    if len(set(names)) < len(names):
        raise FormatError(f"schema {schema!r}: one name stands there twice")
    if absent := [name for name in needed if name not in names]:
        raise FormatError(f"schema {schema!r}: no column {absent[0]!r}; it has {', '.join(names)}")
    return names


@dataclass(frozen=True)
class TableRow:
    """One line: its frames as they stand in the file, from byte `start` on, and its other fields as text."""

    path: Path
    line: int
    start: int
    frames: bytes
    fields: Mapping[str, str]

    def names(self) -> list[str]:
        """The frames as the list of texts that they are: paths, or base64."""
        return self.said(list_of_texts, self.frames)

    def pictures(self) -> list[bytes]:
        """The frames as files of pictures."""
        return self.said(decode_list, self.frames)

    def said(self, read: Callable[[bytes], list], value: bytes) -> list:
        try:
            return read(value)
        except ValueError as error:
            return REPORT.bad(Bad.WRONG_TYPE, self.path, self.line, str(error))


def list_of_texts(field: bytes) -> list[str]:
    try:
        found = json.loads(field)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
        raise ValueError(f"a JSON list of at least one text as frames, not {field[:40]!r}")
    return found


def decode_list(field: bytes) -> list[bytes]:
    return [decode_frame(text, place) for place, text in enumerate(list_of_texts(field))]


def decode_frame(text: str, place: int) -> bytes:
    """Base64 of either alphabet, padded or not, and nothing else: a lenient reader drops what it is not."""
    plain = text.encode("utf-8", "replace")
    plain = plain.translate(URL_SAFE) if b"-" in plain or b"_" in plain else plain
    try:
        if found := a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True):
            return found
    except ValueError:
        pass
    bare = text.removesuffix("=").removesuffix("=")
    odd = next((mark for mark in bare if not (mark.isascii() and (mark.isalnum() or mark in "+/-_"))), None)
    found = f"a text with {odd!r} in it" if odd else f"{len(bare)} characters, which are broken off"
    raise ValueError(f"base64 as frame {place}, not {found}")


def frames_at(path: Path, start: int, length: int) -> list[bytes]:
    """The pictures of the row whose frames lie there; `table_records` knows where."""
    try:
        return decode_list(field_at(path, start, length))
    except ValueError as error:
        line = int(np.searchsorted(line_starts(path), start, "right"))
        return REPORT.bad(Bad.WRONG_TYPE, path, line, str(error))


def field_at(path: Path, start: int, length: int) -> bytes:
    with open_table(path) as file:
        file.seek(start)
        return file.read(length)


def open_table(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise FormatError(f"{shorten(path)}: {error.strerror or error}") from None


def line_starts(path: Path) -> np.ndarray:
    """The byte at which each line begins, and the one after the last of them."""
    found, at = [np.zeros(1, np.int64)], 0
    with open_table(path) as file:
        while block := file.read(BLOCK):
            found.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + at + 1)
            at += len(block)
    found += [np.array([at])] if found[-1].size == 0 or found[-1][-1] != at else []
    return np.unique(np.concatenate(found))


@dataclass(frozen=True)
class ClipTable:
    """The rows of a table, streamed or by number; for numbers an index is kept in a file beside it.

    table = ClipTable("train.txt", "idx:str:1,imgbase64:str:1,text:str:1")
    for row in table: ...
    table[1_000_000].pictures()
    """

    path: Path
    schema: str
    frames: str = "imgbase64"
    text: str | None = None  # a column that must say something
    index: Path | None = None  # where the index lies, if not beside the table

    @cached_property
    def columns(self) -> list[str]:
        return parse_schema(self.schema, self.frames, *([self.text] if self.text else []))

    def ident(self, row: TableRow) -> str:
        """The first field that is neither frames nor text, else the line."""
        own = (name for name in self.columns if name not in (self.frames, self.text))
        return row.fields.get(next(own, ""), str(row.line))

    def __iter__(self) -> Iterator[TableRow]:
        with open_table(self.path) as file:
            line = 0
            while raw := file.readline(LONGEST + 1):
                line += 1
                yield self.row(raw, line, file.tell() - len(raw))

    def row(self, raw: bytes, line: int, start: int) -> TableRow:
        if len(raw) > LONGEST:
            REPORT.bad(Bad.WRONG_TYPE, self.path, line, f"a row of at most {LONGEST >> 20} MiB")
        if line == 1 and raw.startswith(MARK):
            raw, start = raw.removeprefix(MARK), start + len(MARK)
        cells = raw.rstrip(b"\r\n").split(b"\t")
        if len(cells) != len(self.columns):
            expected = f"{len(self.columns)} fields ({', '.join(self.columns)}), not {len(cells)}"
            REPORT.bad(Bad.WRONG_TYPE, self.path, line, expected)
        at = self.columns.index(self.frames)
        told = {n: c for n, c in zip(self.columns, cells, strict=True) if n != self.frames}
        fields = {name: cell.decode("utf-8", "surrogateescape") for name, cell in told.items()}
        if not all(map(is_unicode, fields.values())):
            REPORT.bad(Bad.NOT_UTF8, self.path, line, "text in UTF-8")
        if self.text:
            REPORT.caption(fields[self.text], self.path, line)
        return TableRow(self.path, line, start + sum(len(cell) + 1 for cell in cells[:at]), cells[at], fields)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each row begins, and where the last one ends; made anew when the table has changed."""
        place = self.index or self.path.with_name(f".{self.path.name}.index.npy")
        open_table(self.path).close()  # or it is not there
        about = self.path.stat()
        now = [about.st_size, about.st_mtime_ns]
        try:
            kept = np.load(place, mmap_mode="r")
            if kept.dtype == np.int64 and kept[:2].tolist() == now:
                return kept[2:]
        except (OSError, ValueError):
            pass
        found = line_starts(self.path)
        with whole(place, draft=f"{secrets.token_hex(4)}.tmp") as draft, draft.open("wb") as file:
            np.save(file, np.concatenate([now, found]))
        return found

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> TableRow:
        number = range(len(self))[number]
        start, end = map(int, self.starts[number : number + 2])
        with open_table(self.path) as file:
            file.seek(start)
            return self.row(file.read(min(end - start, LONGEST + 1)), number + 1, start)


def table_records(table: ClipTable, split: str, *, images: Path | None = None) -> list[Record]:
    """A record for each clip with all that is said of it; its frames stay in the table until asked for.

    With `images` the frames are paths below that folder. Two clips of one id are an error.
    """
    gallery = Gallery(images, REPORT) if images else None
    records: dict[str, Record] = {}
    for row in table:
        ident = table.ident(row)
        media, frames = str(table.path), (row.start, len(row.frames))
        if gallery:
            found = (gallery.find(name, table.path, row.line) for name in row.names())
            media, frames = str(images), tuple(found)
        said = (row.fields[table.text],) if table.text else ()
        known = records.setdefault(ident, Record(ident, media, (), split, frames=frames))
        same = known.frames == frames
        if not same and (gallery or row.frames != field_at(table.path, *known.frames)):
            REPORT.bad(Bad.DUPLICATE, table.path, row.line, f"other frames under another id than {ident!r}")
        records[ident] = replace(known, captions=known.captions + said)
    return list(records.values())


def write_table(path: str | Path, rows: Iterable[tuple[str, Sequence[bytes], str | None]]) -> Path:
    """Write ids, frames as files of pictures, and texts; a row without a text has two fields."""
    with (
        whole(path, draft=f"{secrets.token_hex(4)}.tmp") as draft,
        draft.open("w", encoding="utf-8", newline="") as file,
    ):
        for ident, frames, text in rows:
            listed = json.dumps([base64.b64encode(frame).decode() for frame in frames])
            file.write(to_line([ident, listed, *([] if text is None else [text])], path))
    return Path(path)


def to_line(cells: Sequence[str], path: str | Path) -> str:
    if odd := [cell for cell in cells if not cell or not is_unicode(cell) or re.search(r"[\t\r\n]", cell)]:
        told = f"a field is empty, or holds a tab or two lines: {odd[0]!r}"
        raise FormatError(f"{shorten(path)}: {cells[0]!r}: {told}")
    return "\t".join(cells) + "\n"


def write_generated(
    path: str | Path, rows: Iterable[GeneratedRow], columns: Sequence[str], *, repr: bool = False
) -> Path:
    """Write what was generated, a list of texts as JSON; with `repr` as Python shows it, as EasyNLP does."""
    spell = str if repr else functools.partial(json.dumps, ensure_ascii=False)
    lines = []
    for row in rows:
        cells = [row[name] if isinstance(row[name], str) else spell(list(row[name])) for name in columns]
        lines.append(to_line(cells, path))
    return write_text(path, "".join(lines))


def read_generated(path: str | Path, columns: Sequence[str], texts: str = "gen_text") -> list[dict]:
    """What `write_generated` and EasyNLP wrote; the column `texts` as a list."""
    rows = []
    for line, raw in enumerate(read_utf8(path).removesuffix("\n").split("\n"), start=1):
        cells = raw.removesuffix("\r").split("\t")
        if len(cells) != len(columns):
            REPORT.bad(
                Bad.WRONG_TYPE, path, line, f"{len(columns)} fields ({', '.join(columns)}), not {len(cells)}"
            )
        row = dict(zip(columns, cells, strict=True))
        try:
            found = (
                ast.literal_eval(row[texts]) if not row[texts].startswith('["') else json.loads(row[texts])
            )
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            found = None
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            REPORT.bad(Bad.WRONG_TYPE, path, line, f"a list of texts as {texts}, not {row[texts][:40]!r}")
        rows.append(row | {texts: found})
    return rows

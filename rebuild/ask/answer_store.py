"""The answer store: JSON lines in one file a shard, appended and synced, so that a kill costs nothing.

A shard belongs to the process that holds the kernel's lock on its claim. The lock ends with the process, so
what a dead worker had claimed is free at once, and the next owner goes on after its last whole line.
"""

import fcntl
import json
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lib.data.formats.report import is_unicode
from lib.files import sync, whole
from lib.paths import shorten
from rebuild.errors import RebuildError

AnswerRow = dict[str, Any]


def encode_row(row: AnswerRow) -> bytes:
    """A row as a line; escapes only where a file name is not UTF-8."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    if not is_unicode(text):
        text = json.dumps(row, allow_nan=False)
    return text.encode("utf-8") + b"\n"


def read_json_lines(file: Path) -> Iterator[tuple[int, AnswerRow]]:
    """(position, row) of each line; a last line without its end was cut off by a kill and is left out."""
    with file.open("rb") as lines:
        offset = 0
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield offset, json.loads(line)
            except ValueError as error:
                raise RebuildError(f"{shorten(file)}: line {number}: not JSON: {error}") from None
            offset += len(line)


def write_json_lines(file: Path, rows: Iterable[AnswerRow]) -> int:
    """Write rows one by one, into a draft that its owner syncs and names; returns how many."""
    count = 0
    with file.open("wb") as lines:
        for row in rows:
            lines.write(encode_row(row))
            count += 1
    return count


def take_claim(file: Path, *, wait: bool = False) -> TextIO | None:
    """Hold a claim until the returned file is closed; None where another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    claim = file.open("a+", encoding="utf-8")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException as error:
        claim.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return claim


class Shard:
    """One shard's answers while this process holds its claim."""

    def __init__(self, file: Path, claim: TextIO):
        self.file, self.claim = file, claim
        fresh = not file.exists()
        self.lines = file.open("a+b")
        if fresh:
            sync(file.parent)
        self.repair()
        self.done = {row["id"] for _, row in read_json_lines(file)}

    def repair(self) -> None:
        """Cut off a last line that a kill left half written."""
        if end := self.lines.seek(0, os.SEEK_END):
            with mmap.mmap(self.lines.fileno(), 0, access=mmap.ACCESS_READ) as text:
                kept = text.rfind(b"\n") + 1
            if kept != end:
                self.lines.truncate(kept)

    def append(self, rows: Iterable[AnswerRow]) -> None:
        """Add rows and wait until the disk has them."""
        rows = list(rows)
        self.lines.write(b"".join(encode_row(row) for row in rows))
        self.lines.flush()
        os.fsync(self.lines.fileno())
        self.done.update(row["id"] for row in rows)

    def forget(self, ids: set[str]) -> None:
        """Take rows out, so that they are asked for again."""
        kept = [row for _, row in read_json_lines(self.file) if row["id"] not in ids]
        with whole(self.file) as draft:
            write_json_lines(draft, kept)
            self.lines.close()
        self.lines = self.file.open("a+b")
        self.done -= ids

    def close(self) -> None:
        """Give the shard back; the lock ends last."""
        self.lines.close()
        self.claim.close()


class AnswerStore:
    """A folder of answers: `rows/<shard>.jsonl`, beside it the claims."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows_folder = folder / "rows"
        self.rows_folder.mkdir(parents=True, exist_ok=True)

    def claim(self, number: int) -> Shard | None:
        """This shard for this process, or None where another one has it."""
        claim = take_claim(self.folder / "claims" / f"{number:02x}.lock")
        if claim is None:
            return None
        try:
            return Shard(self.file(number), claim)
        except BaseException:
            claim.close()
            raise

    def file(self, number: int) -> Path:
        return self.rows_folder / f"{number:02x}.jsonl"

    def rows(self, number: int) -> dict[str, AnswerRow]:
        """Id -> row of one shard, as it is on disk now."""
        file = self.file(number)
        return {row["id"]: row for _, row in read_json_lines(file)} if file.exists() else {}

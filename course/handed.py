"""What was handed in, read without trusting it: no link followed, nothing unbounded, nothing run."""

import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from lib.files import unique_keys

MEGA = 2**20
LARGEST = {".ipynb": 64 * MEGA, ".json": 16 * MEGA, ".jsonl": 64 * MEGA, ".safetensors": 1024 * MEGA}
DEEPEST, MOST = 32, 1_000_000  # levels of one JSON file, and its commas and brackets
FOLDERS = 500  # looked at below model_ckpt
PLAINLY = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
# what steers a terminal, or turns or hides the text beside it
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class CourseError(ValueError):
    """A wish of the grader's that cannot be met; the message is the one line to show."""


class Refused(CourseError):
    """A file that is not read, for what it is or what it holds; the message is one line."""


class Folder:
    """A stranger's folder. A name in it is walked from the top, and a link on the way ends the walk.

    `unread` gathers what was refused; a file that is just not there is not among it.
    """

    def __init__(self, root: Path):
        self.root = root
        self.unread: dict[str, str] = {}
        self.known: dict[Any, Any] = {}

    def once(self, read: Callable[["Folder", str], Any], name: str) -> Any:
        """What `read` makes of a name in this folder, asked once; None where it refuses."""
        if (read, name) not in self.known:
            try:
                self.known[read, name] = read(self, name)
            except Refused as error:
                self.known[read, name], self.unread[name] = None, str(error)
        return self.known[read, name]

    def find(self, name: str) -> os.stat_result | None:
        """What lies under a name; None for nothing."""
        place = self.root
        for part in ("", *PurePosixPath(name).parts):
            place /= part
            try:
                found = place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            except (OSError, ValueError) as error:
                raise Refused(f"{name}: {getattr(error, 'strerror', None) or error}") from None
            if part == ".." or stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0):
                raise Refused(f"{name if part else 'the folder'}: a link, which is not followed")
        return found

    def holds(self, name: str) -> bool:
        """Whether a file that is not empty is there."""
        found = self.once(Folder.find, name)
        return found is not None and stat.S_ISREG(found.st_mode) and found.st_size > 0

    def read(self, name: str, take: Callable[[BinaryIO], Any] | None = None) -> Any:
        """What a plain file of bounded size holds, or what `take` makes of it; no pipe is opened."""
        if (found := self.find(name)) is None:
            return None
        most = LARGEST[PurePosixPath(name).suffix]
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
            raise Refused(f"{name}: {what} where a file is expected")
        if found.st_size > most:
            raise Refused(f"{name}: {found.st_size / MEGA:,.0f} MiB; {most // MEGA} MiB are read at most")
        try:
            with os.fdopen(os.open(self.root / name, PLAINLY), "rb") as file:
                return take(file) if take else file.read(most)
        except OSError as error:
            raise Refused(f"{name}: {error.strerror}") from None

    def json(self, name: str) -> Any:
        raw = self.read(name)
        return None if raw is None else parse_json(raw, name)

    def digest(self, name: str) -> str | None:
        """The hash of a large file."""
        return self.read(name, lambda file: hashlib.file_digest(file, "sha256").hexdigest())

    def checkpoints(self) -> Iterator[str]:
        """Folders with a meta.json below model_ckpt, a bounded number of them; no link is walked into."""
        top = self.once(Folder.find, "model_ckpt")
        walk = os.walk(self.root / "model_ckpt") if top and stat.S_ISDIR(top.st_mode) else ()
        for folder, inner, files in islice(walk, FOLDERS):
            inner.sort()
            if "meta.json" in files:
                yield Path(folder).relative_to(self.root).as_posix()


def parse_json(raw: bytes, name: str) -> Any:
    """Strict JSON of bounded depth and number of values: UTF-8, no key twice, no NaN, nothing infinite."""
    if sum(map(raw.count, (b",", b"[", b"{"))) > MOST:  # counted before anything is built of them
        raise Refused(f"{name}: more than {MOST:,} values")
    strict = {"object_pairs_hook": unique_keys, "parse_constant": finite, "parse_float": finite}
    try:
        value = json.loads(raw.decode("utf-8-sig"), **strict)
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"{name}: not JSON: {in_a_line(error)}") from None
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in held_in(outer)]:
        if (depth := depth + 1) > DEEPEST:
            raise Refused(f"{name}: nested too deep: {DEEPEST} levels are read at most")
    return value


def held_in(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is no number")
    return value


def printable_text(text: str) -> str:
    """Text that any page and any file can hold: no half characters, nothing that steers a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode("utf-8"))


def in_a_line(text: object, most: int = 200) -> str:
    line = " ".join(printable_text(str(text)[: 4 * most]).split())
    return line if len(line) <= most else f"{line[:most]}…"

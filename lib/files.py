"""Small files, whole or not at all: a reader never meets a half-written one, and a broken one is named."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lib.paths import shorten


class FileError(ValueError):
    """A file that cannot be read or written as it should be; the message names it."""


@contextlib.contextmanager
def whole(path: str | Path, *, draft: str = "draft") -> Iterator[Path]:
    """The name of a draft, a file or a folder, that takes the place of `path` when the block has ended well.

    Until then `path` holds what it held; a folder's writer that was killed in between calls `settle` first.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = path.with_name(f".{path.name}.{draft}"), replaced(path)
    remove(new)  # of a writer that was killed
    try:
        yield new
        sync(new)
        if path.is_dir() and new.is_dir():  # a file never takes a folder's place
            remove(old)
            path.rename(old)
        new.replace(path)
        sync(path.parent)
    finally:
        remove(new)
    remove(old)


def replaced(folder: Path) -> Path:
    """Where a folder lies for the moment in which another one takes its place."""
    return folder.with_name(f".{folder.name}.old")


def settle(folder: Path) -> None:
    """For the one who writes: end what a kill left half done."""
    old = replaced(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    remove(old)


def remove(path: Path) -> None:
    """Take a file or a folder away, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a write or a rename survive a power cut; where a folder cannot be synced only that is lost."""
    with contextlib.suppress(PermissionError, IsADirectoryError):  # Windows
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text, whole or not at all, whoever else writes it at the same time."""
    with whole(path, draft=f"{secrets.token_hex(4)}.tmp") as draft:
        draft.write_text(text, encoding="utf-8", newline="")
    return Path(path)


def sha256(*parts: str | bytes | Iterable[str | bytes]) -> str:
    """The hash of texts and bytes, one after the other."""
    whole = hashlib.sha256()
    for part in parts:
        for piece in (part,) if isinstance(part, str | bytes) else part:
            whole.update(piece.encode("utf-8", "backslashreplace") if isinstance(piece, str) else piece)
    return whole.hexdigest()


def hash_file(path: Path) -> str:
    """The hash of what a file holds, however large it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: str | Path, value: Any, *, indent: int | None = None, ascii_only: bool = True) -> Path:
    """Write JSON as `json.dump` does by default. NaN and infinity are refused: they are not JSON."""
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FileError(f"{shorten(path)}: cannot be written as JSON: {error}") from None
    return write_text(path, text)


def read_utf8(path: str | Path) -> str:
    """Read UTF-8 text; whatever is wrong with the file is one line that names it."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"{shorten(path)}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"{shorten(path)}: not UTF-8 at byte {error.start}") from None


def read_json(path: str | Path) -> Any:
    """Read JSON strictly: UTF-8, and no key twice in one object."""
    text = read_utf8(path)
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{shorten(path)}: not JSON: {error}") from None


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different; Python's own reader would keep the last in silence."""
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise ValueError(f"key {next(key for key, n in counts.items() if n > 1)!r} stands there twice")
    return value


def link(source: Path, target: Path) -> None:
    """One file under two names; a copy where the disk cannot or the source is a link itself."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()
    if target.exists() and target.samefile(source):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

"""Pictures: what lies in a folder, sorted, each known by the hash of its content and not by its name.

The list is kept as JSON lines, sorted by name, so that only new and changed files are read again. In memory
there is one position a picture, grouped by shard: the part of all work that one process claims at a time.
"""

import json
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from PIL import Image

from lib.data.formats.gallery import is_picture
from lib.data.images import FORMATS, ImageError, load_image
from lib.files import hash_file, sync
from lib.paths import resolve, shorten
from lib.progress import Progress
from rebuild.ask.answer_store import read_json_lines, take_claim, write_json_lines
from rebuild.errors import RebuildError

SHARDS = 256  # the first two hex digits of an id
READERS = 4  # threads; reading and hashing leave Python alone
WINDOW = 256  # files under way
OUTSIDE = "the link leads out of the folder"
NAMED = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".bmp": "BMP"}


@dataclass(frozen=True, slots=True)
class ListedPicture:
    """One file: its name below the folder, and what it is, or the reason why it cannot be read."""

    name: str
    id: str | None  # of the content; None where there is a reason
    size: int
    changed: int  # nanoseconds
    reason: str | None = None

    @property
    def shard(self) -> int | None:
        return None if self.id is None else int(self.id[:2], 16)


class PictureList:
    """The list of a folder's pictures. `shard(n)` gives the n-th part of it, sorted by name."""

    def __init__(self, root: Path, file: Path):
        self.root = root
        self.offsets = [array("Q") for _ in range(SHARDS)]
        self.refused: list[ListedPicture] = []
        self.lines = file.open("rb")  # kept: another process may put a newer list in its place
        for offset, row in read_json_lines(file):
            picture = ListedPicture(**row)
            if picture.shard is None:
                self.refused.append(picture)
            else:
                self.offsets[picture.shard].append(offset)

    def shard(self, number: int) -> dict[str, list[str]]:
        """Id -> the names under which this content lies in the folder, the first one standing for it."""
        names: dict[str, list[str]] = {}
        for offset in self.offsets[number]:
            self.lines.seek(offset)
            row = json.loads(self.lines.readline())
            names.setdefault(row["id"], []).append(row["name"])
        return names


def list_pictures(folder: str | Path, file: str | Path) -> PictureList:
    """List a folder into `file`; what was listed before and did not change is not read again.

    One process lists at a time; the next one finds nearly all of it done.
    """
    root, file = resolve(folder), Path(file)
    if not root.is_dir():
        raise RebuildError(f"{shorten(root)}: no such folder; expected pictures in it")
    names = sorted(walk_pictures(root))
    if not names:
        raise RebuildError(f"{shorten(root)}: no pictures in it; expected .jpg, .png, .webp or the like")
    with take_claim(file.with_suffix(".lock"), wait=True):
        write_list(root, names, file)
        return PictureList(root, file)


def write_list(root: Path, names: Sequence[str], file: Path) -> None:
    """The list in `file`, whole or not at all; what a killed listing had read serves the next."""
    draft, earlier = file.with_name(f".{file.name}.draft"), file.with_name(f".{file.name}.earlier")
    if draft.exists():
        draft.replace(earlier)  # a listing that was killed
    before = file if file.exists() else earlier
    known = (ListedPicture(**row) for _, row in read_json_lines(before)) if before.exists() else iter(())
    with Progress("listing", len(names), "pictures") as progress:
        write_json_lines(draft, (asdict(picture) for picture in look_at_all(root, names, known, progress)))
    sync(draft)
    draft.replace(file)
    earlier.unlink(missing_ok=True)


def walk_pictures(root: Path) -> Iterator[str]:
    """The names of all pictures below a folder, linked folders left aside."""
    for folder, _, names in os.walk(root):
        inside = Path(folder).relative_to(root).as_posix()
        for name in names:
            if is_picture(name):
                yield name if inside == "." else f"{inside}/{name}"


def look_at_all(
    root: Path, names: Sequence[str], known: Iterator[ListedPicture], progress: Progress
) -> Iterator[ListedPicture]:
    """Each file in the order of the names; both lists are sorted, so they are walked side by side."""
    with ThreadPoolExecutor(READERS) as pool:
        todo, old = iter(names), next(known, None)
        while window := list(islice(todo, WINDOW)):
            pairs = []
            for name in window:
                while old is not None and old.name < name:
                    old = next(known, None)
                pairs.append((name, old if old is not None and old.name == name else None))
            yield from pool.map(lambda pair: inspect_picture(root, *pair), pairs)
            progress.update(len(window))


def inspect_picture(root: Path, name: str, earlier: ListedPicture | None) -> ListedPicture:
    """One file, its content hashed unless size and time say that it is the one that was listed."""
    path = root / name
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            return ListedPicture(name, None, 0, 0, OUTSIDE)
        found = path.stat()
        reason = reason_against(found)
        size, changed = found.st_size, found.st_mtime_ns
        if earlier and earlier.id and (earlier.size, earlier.changed) == (size, changed):
            return earlier
        return ListedPicture(name, None if reason else hash_file(path)[:16], size, changed, reason)
    except OSError as error:
        return ListedPicture(name, None, 0, 0, error.strerror or str(error))


def reason_against(found: os.stat_result) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return "not a plain file"
    return None if found.st_size else "the file is empty (0 bytes)"


def check_picture(path: Path) -> tuple[str | None, list[str]]:
    """Whether a picture opens (the reason, if not), and what is odd about it though it does."""
    try:
        load_image(path)
    except (ImageError, OSError) as error:
        return " ".join(str(error).split()).removeprefix(f"{shorten(path)}: "), []
    with Image.open(path, formats=FORMATS) as image:
        kind, frames = image.format, getattr(image, "n_frames", 1)
    named = NAMED.get(path.suffix.lower(), kind)
    flags = [f"named {path.suffix.lower()}, is {kind}"] if kind not in (named, "MPO") else []
    return None, flags + ([f"first of {frames} frames"] if frames > 1 and kind != "MPO" else [])

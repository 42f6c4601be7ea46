"""Clips: frames of a film, a GIF, a folder or a row of a table, chosen by time; and where scenes change."""

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from lib.data.films import FILMS, ClipError, Reel, is_film, survey_film, survey_gif
from lib.data.formats.easynlp import frames_at
from lib.data.formats.gallery import is_picture
from lib.data.formats.report import FormatError
from lib.data.images import decode_picture, load_image
from lib.data.record import Record
from lib.paths import shorten

NEAR = 12  # frames before and after, among which a cut stands out
LEAST = 0.12  # of all pixels change their colour or place at a cut
SUDDEN = 4  # times as many as is usual around it
Choose = Literal["uniform", "first", "random"]


class Frame(NamedTuple):
    """A picture and when it is shown, in seconds from the clip's first; in a list of files, its place."""

    time: float
    picture: Image.Image


def open_frames(
    clip: Record | str | Path, count: int, *, choose: Choose = "uniform", seed: int | None = None
) -> list[Frame]:
    """Frames of a film, a GIF or a folder of pictures, in order, upright and in RGB.

    Of a record also some of a film's frames, files, or a row of a table. `uniform` takes those shown at the
    middles of `count` equal parts of its duration, `random` one that begins in each part, `first` the first
    `count`. No frame comes twice, so a short clip gives fewer. A film that is cut short has no known
    duration: it is an error, but for `first` where what is there is enough.
    """
    reel = reel_of(clip) if isinstance(clip, Record) else open_reel(Path(clip))
    if count < 1 or choose not in ("uniform", "first", "random") or (choose == "random" and seed is None):
        raise ValueError(f"impossible choice of frames: {count=}, {choose=}, {seed=}")
    if reel.cut and (choose != "first" or len(reel.marks) < count):
        raise ClipError(reel.cut)
    begun, lasts = reel.marks[0], reel.end - reel.marks[0]
    if choose == "first":
        places = range(min(count, len(reel.marks)))
    elif choose == "uniform":
        middles = (begun + (2 * part + 1) * lasts // (2 * count) for part in range(count))
        places = sorted({bisect_right(reel.marks, middle) - 1 for middle in middles})
    else:
        chance = random.Random(seed)
        edges = [bisect_left(reel.marks, begun - (-part * lasts // count)) for part in range(count + 1)]
        places = [chance.randrange(low, high) for low, high in pairwise(edges) if low < high]
    return list(shown(reel, places))


def shown(reel: Reel, places: Sequence[int]) -> Iterator[Frame]:
    for place, picture in zip(places, reel.read(places), strict=True):
        yield Frame(reel.time(reel.marks[place]), picture)


def reel_of(record: Record) -> Reel:
    """Where a record's frames are found; numbers are a film's frames, or where a table's field lies."""
    path = Path(record.media)
    if not record.frames:
        still = is_picture(path.name) and not is_film(path.name)  # a picture is a clip of one frame
        return listed(1, lambda places: (load_image(path) for _ in places)) if still else open_reel(path)
    if isinstance(record.frames[0], str):
        return listed(len(record.frames), lambda places: (load_image(record.files[p]) for p in places))
    if is_film(path.name):
        whole = open_reel(path)
        if max(record.frames) >= len(whole.marks):
            raise ClipError(f"{shorten(path)}: no frame {max(record.frames)}; it has {len(whole.marks)}")
        marks, end = [whole.marks[p] for p in record.frames], [*whole.marks, whole.end][record.frames[-1] + 1]
        return Reel(marks, end, whole.unit, lambda places: whole.read([record.frames[p] for p in places]))
    try:
        data = frames_at(path, *record.frames)
    except FormatError as error:
        raise ClipError(str(error)) from None

    def read(places: Sequence[int]) -> Iterator[Image.Image]:
        for place in places:
            yield decode_picture(BytesIO(data[place]), path, f"frame {record.id}, {place}: ", ClipError)

    return listed(len(data), read)


def listed(count: int, read: Callable[[Sequence[int]], Iterable[Image.Image]]) -> Reel:
    return Reel(range(count), count, Fraction(1), read)


def open_reel(path: Path) -> Reel:
    if path.is_dir():
        files = sorted((f for f in path.iterdir() if is_picture(f.name)), key=lambda f: natural(f.name))
        if not files:
            raise ClipError(f"{shorten(path)}: no pictures in it; expected a clip's frames")
        return listed(len(files), lambda places: (load_image(files[place]) for place in places))
    if not path.is_file():
        raise ClipError(f"{shorten(path)}: no such clip")
    if path.stat().st_size == 0:
        raise ClipError(f"{shorten(path)}: the clip is empty (0 bytes)")
    if path.suffix.lower() == ".gif":
        return survey_gif(path)
    if path.suffix.lower() not in FILMS:
        raise ClipError(f"{shorten(path)}: expected a folder of pictures, .gif, {', '.join(FILMS)}")
    return survey_film(path)


def natural(name: str) -> list:
    """Frame 9 stands before frame 10."""
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", name)]


def scene_cuts(path: str | Path) -> list[tuple[float, float]]:
    """The scenes of a clip, each from its first frame to the next one's, in seconds.

    A cut is a frame that differs from the one before, in its colours and where they lie, by far more than its
    neighbours do among themselves.
    """
    return cuts_of(open_reel(Path(path)))


def cuts_of(reel: Reel) -> list[tuple[float, float]]:
    if reel.cut:
        raise ClipError(reel.cut)
    frames = shown(reel, range(len(reel.marks)))
    times, sights = zip(*((frame.time, sight(frame.picture)) for frame in frames), strict=True)
    change = np.array([abs(b - a).sum() / 2 for a, b in pairwise(sights)])
    begun = [times[0]]
    for place, size in enumerate(change):
        around = np.delete(change[max(0, place - NEAR) : place + NEAR + 1], min(place, NEAR))
        usual = np.median(around) if len(around) else 0
        if size > max(LEAST, SUDDEN * usual) and size >= around.max(initial=0):
            begun.append(times[place + 1])
    return list(pairwise([*begun, reel.time(reel.end)]))


def scenes(path: str | Path) -> list[tuple[float, float, Record]]:
    """The scenes of a film or GIF: start, end, and a record of those frames alone."""
    reel, found = open_reel(Path(path)), []
    for start, end in cuts_of(reel):
        places = tuple(p for p, mark in enumerate(reel.marks) if start <= reel.time(mark) < end)
        found.append((start, end, Record(f"{path}, {start:.2f} s", str(path), (), "", frames=places)))
    return found


def time_overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """What two spans of time cover both, by what either covers (IoU)."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(both, 0.0) / (max(one[1], other[1]) - min(one[0], other[0]))


def sight(picture: Image.Image) -> np.ndarray:
    """Shares of 64 colours in each ninth of a picture, 1 in all."""
    pixels = np.asarray(picture.resize((48, 48), Image.Resampling.BOX)) >> 6
    colours = pixels @ np.array([16, 4, 1], np.uint8)
    ninths = colours.reshape(3, 16, 3, 16).swapaxes(1, 2).reshape(9, -1)
    return np.stack([np.bincount(ninth, minlength=64) for ninth in ninths]) / colours.size

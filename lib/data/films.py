"""Films and GIFs: when each frame is shown, found without decoding, and some of them read in order.

The times are those of the packets, whatever the header says. What is wanted is read from the key frames
before it, or from the start where that is not much more work; the pictures are the same.
"""

import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageSequence

from lib.data.images import MAX_PIXELS, ImageError, check_size, to_rgb
from lib.paths import shorten

if TYPE_CHECKING:
    from av.container import InputContainer

FILMS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
# no other container and nothing from a network: a file may be another thing than its name says
GUARD = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi", "protocol_whitelist": "file"}
SEGMENT = b"\x18\x53\x80\x67"  # of Matroska and WebM; its length stands behind it
GIF_PAUSE = 100  # milliseconds for which browsers show a frame that names no time
TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
SEEK = 10  # frames: about what it costs to seek and to begin anew


def is_film(name: str) -> bool:
    return name.lower().endswith((*FILMS, ".gif"))


class ClipError(ImageError):
    """A clip that cannot be shown; the message names the file."""


@dataclass(frozen=True)
class Reel:
    """When each frame of a clip begins and the last one ends, and how to read some, whose places ascend."""

    marks: Sequence[int]
    end: int
    unit: Fraction  # seconds
    read: Callable[[Sequence[int]], Iterable[Image.Image]]
    cut: str = ""  # what is wrong with the end of which file, where something is

    def time(self, mark: int) -> float:
        """Seconds from its first frame on."""
        return float((mark - self.marks[0]) * self.unit)


class Packet(NamedTuple):
    """One coded frame, in the order of the file."""

    mark: int
    lasts: int
    key: bool


@contextmanager
def opened(path: Path) -> Iterator["InputContainer"]:
    import av

    try:
        with av.open(str(path.resolve()), options=GUARD, metadata_errors="replace") as film:
            yield film
    except av.FFmpegError as error:
        told = f"broken film ({error.strerror}); nothing of it can be read"
        raise ClipError(f"{shorten(path)}: {told}") from None


def pictured(film: "InputContainer", path: Path) -> Any:
    """Its stream of pictures; the cover of an album is none."""
    from av.stream import Disposition

    found = [s for s in film.streams.video if not s.disposition & Disposition.attached_pic]
    if not found:
        others = ", ".join(sorted({stream.type for stream in film.streams})) or "nothing"
        raise ClipError(f"{shorten(path)}: no moving pictures in it, only {others}")
    return found[0]


def survey_film(path: Path) -> Reel:
    import av

    packets, broken = [], missing_bytes(path) > 0
    with opened(path) as film:
        stream = pictured(film, path)
        hidden = stream.codec_context.name == "vp8"  # it alone has packets that are never shown
        counted, unit = film.format.name == "avi", stream.time_base  # which numbers frames as they were coded
        try:
            for packet in film.demux():
                broken = broken or packet.is_corrupt
                if packet.stream is not stream or not packet.size or packet.is_discard or packet.is_corrupt:
                    continue
                if packet.pts is not None and not (hidden and not memoryview(packet)[0] & 16):
                    packets.append(Packet(packet.pts, packet.duration or 0, packet.is_keyframe))
        except av.FFmpegError:
            broken = True
    if not packets:
        raise ClipError(f"{shorten(path)}: the film has no frames")
    marks = sorted({packet.mark for packet in packets})
    last = max(packets).lasts or int(statistics.median([b - a for a, b in pairwise(marks)] or [1]))
    seconds = float((marks[-1] - marks[0]) * unit)
    told = f"{shorten(path)}: the film is cut short: {len(marks)} frames, {seconds:.1f} s of it can be read"
    plan, cut = None if counted else packets, told if broken else ""
    return Reel(marks, marks[-1] + last, unit, lambda places: read_film(path, marks, plan, places), cut)


def missing_bytes(path: Path) -> int:
    """How much shorter a Matroska file is than it says; its packets do not tell."""
    with path.open("rb") as file:
        head = file.read(4096)
    at = head.find(SEGMENT) + len(SEGMENT)
    if not head.startswith(b"\x1a\x45\xdf\xa3") or at < len(SEGMENT) or not head[at:]:
        return 0
    width = 9 - head[at].bit_length()
    length = int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)
    unknown = length == (1 << 7 * width) - 1  # as a live stream has it
    return 0 if unknown else at + width + length - path.stat().st_size


def runs(packets: Sequence[Packet], wanted: Sequence[int]) -> list[tuple[int | None, list[int]]]:
    """Where to start and what to look for from there; one run in all where seeking spares little."""
    place_of = {packet.mark: place for place, packet in enumerate(packets)}
    keys, latest = [], 0
    for place, packet in enumerate(packets):
        latest = place if packet.key else latest
        early = packet.mark < packets[latest].mark  # shown before its key frame: it needs the one before
        keys.append(keys[latest - 1] if early and latest else latest)
    found = [(key, list(marks)) for key, marks in groupby(wanted, lambda mark: keys[place_of[mark]])]
    work = sum(max(place_of[mark] for mark in marks) - key + 1 + SEEK for key, marks in found)
    if work > max(place_of[mark] for mark in wanted) + 1:
        return [(None, list(wanted))]
    return [(packets[key].mark if key else None, marks) for key, marks in found]


def read_film(
    path: Path, marks: Sequence[int], packets: Sequence[Packet] | None, places: Sequence[int]
) -> Iterator[Image.Image]:
    """The pictures at these places; without packets frames are counted from the first one on."""
    left = deque(marks[place] for place in places)
    everything = [(None, list(left))]
    plan = runs(packets, list(left)) if packets and left else []
    for attempt in (plan, everything):  # a container may lack what seeking needs
        for mark, picture in decode(path, attempt, None if packets else iter(marks)) if left else ():
            if left and mark == left[0]:
                left.popleft()
                yield picture
    if left:
        missing = f"{len(left)} of the {len(places)} frames that are wanted"
        raise ClipError(f"{shorten(path)}: broken film: {missing} cannot be decoded")


def decode(
    path: Path, plan: Sequence[tuple[int | None, list[int]]], numbers: Iterator[int] | None
) -> Iterator[tuple[int, Image.Image]]:
    """Those of the wanted frames that are met, each with its mark: its own, or the next of `numbers`."""
    import av

    seen = 0.0
    with opened(path) as film:
        stream = pictured(film, path)
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        try:
            for start, wanted in plan:
                if start is not None:
                    film.seek(start, stream=stream)
                for mark, frame in frames_up_to(wanted, film, stream, numbers):
                    seen = float(mark * stream.time_base)
                    if mark in wanted:
                        yield mark, upright(frame, path)
        except av.FFmpegError as error:
            reason = f"broken film ({error.strerror}); it can be read up to {seen:.1f} s"
            raise ClipError(f"{shorten(path)}: {reason}") from None


def frames_up_to(
    wanted: list[int], film: "InputContainer", stream: Any, numbers: Iterator[int] | None
) -> Iterator[tuple[int, Any]]:
    """Frames with their marks from where the film stands; most of those that nobody wants are left out."""
    coder, last = stream.codec_context, wanted[-1]
    for packet in film.demux(stream):
        if numbers is None:  # what no other frame builds on need not be decoded
            coder.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        for frame in packet.decode():
            mark = frame.pts if numbers is None else next(numbers, last + 1)
            yield mark, frame
            if mark >= last:
                return


def upright(frame: Any, path: Path) -> Image.Image:
    """As the film's matrix says that it is shown."""
    picture = frame.to_image()
    check_size(picture, path)
    return picture.transpose(TURNS[frame.rotation % 360]) if frame.rotation % 360 in TURNS else picture


def survey_gif(path: Path) -> Reel:
    pauses: list[int] = []
    with gif(path, pauses) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()
            pauses.append(int(frame.info.get("duration") or GIF_PAUSE))
    marks = list(accumulate(pauses[:-1], initial=0))
    return Reel(marks, sum(pauses), Fraction(1, 1000), lambda places: read_gif(path, places))


def read_gif(path: Path, places: Sequence[int]) -> Iterator[Image.Image]:
    with gif(path, places) as image:
        for place in places:
            image.seek(place)
            yield to_rgb(image.copy())


@contextmanager
def gif(path: Path, read: Sequence) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=("GIF",)) as image:
            check_size(image, path)
            yield image
    except ImageError:
        raise
    except Exception as error:  # a broken file can make a decoder raise nearly anything
        found = f"broken GIF ({type(error).__name__}); {len(read)} frames of it can be read"
        raise ClipError(f"{shorten(path)}: {found}") from None

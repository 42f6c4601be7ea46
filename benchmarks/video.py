"""Frames of a long clip and rows of a table of clips: what reading takes, beside the plain ways of doing it.

    python -m benchmarks.video [--rounds 5] [--seconds 60] [--megabytes 100]

The film is drawn and encoded with PyAV, 640 x 360 in H.264, once with a key frame every two seconds, as what
is streamed has it, once every 250 frames, as encoders have it by themselves; the table is packed from it.
Contestants take turns (`benchmarks.turns`). OpenCV is a row where it is installed, for this alone.
"""

import argparse
import base64
import importlib.util
import io
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.results import record
from benchmarks.turns import measure, times
from lib import environment
from lib.data.clips import open_frames
from lib.data.formats.easynlp import ClipTable, table_records, write_table

RATE, SIZE, COUNT = 30, (640, 360), 8
KEY_EVERY = (60, 250)  # frames
SCHEMA = "idx:str:1,imgbase64:str:1,text:str:1"


def draw_film(path: Path, seconds: int, key_every: int) -> Path:
    """A picture that wanders, another one every ten seconds."""
    import av

    chance = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "g": str(key_every)})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(RATE * seconds):
            if number % (10 * RATE) == 0:
                scene = chance.integers(0, 256, (45, 80, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
            shown = np.roll(scene, (number % 90, 2 * number), (0, 1))[: SIZE[1], : SIZE[0]]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def draw_table(path: Path, film: Path, megabytes: int) -> Path:
    frames = []
    for found in open_frames(film, COUNT):
        buffer = io.BytesIO()
        found.picture.save(buffer, "JPEG", quality=90)
        frames.append(buffer.getvalue())
    rows = megabytes * 2**20 * 3 // (4 * sum(map(len, frames)))
    return write_table(path, ((str(number), frames, f"clip {number}") for number in range(rows)))


def with_opencv(film: Path, *, grab: bool = False) -> list[Image.Image]:
    """All frames are read, or only grabbed, and those that are wanted kept."""
    cv2 = importlib.import_module("cv2")
    reader, found = cv2.VideoCapture(str(film)), []
    count = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = middles(count)
    for place in range(count):
        frame = reader.grab() if grab else reader.read()[1]
        if place in wanted:
            frame = reader.retrieve()[1] if grab else frame
            found.append(Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
    return found


def with_pyav(film: Path) -> list[Image.Image]:
    """All frames are decoded, and those that are wanted made pictures."""
    import av

    with av.open(str(film)) as reader:
        wanted = middles(reader.streams.video[0].frames)
        frames = enumerate(reader.decode(video=0))
        return [frame.to_image() for place, frame in frames if place in wanted]


def check_alike(ours: list[Image.Image], others: list[Image.Image], name: str) -> None:
    """The same frames, but for how each turns colours into RGB."""
    apart = [
        np.abs(np.asarray(a, int) - np.asarray(b, int)).mean() for a, b in zip(ours, others, strict=True)
    ]
    if max(apart) > 3:
        raise SystemExit(f"{name} gives other frames: {max(apart):.1f} apart in the mean")


def middles(count: int) -> list[int]:
    return [(2 * part + 1) * count // (2 * COUNT) for part in range(COUNT)]


def plain_rows(table: Path) -> int:
    """`split`, `b64decode` and PIL, as the original reads its tables."""
    seen = 0
    with table.open(encoding="utf-8") as file:
        for line in file:
            _, field, _ = line.rstrip("\n").split("\t")
            for text in json.loads(field):
                seen += Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB").width
    return seen


def our_rows(table: Path) -> int:
    records = table_records(ClipTable(table, SCHEMA, text="text"), "train")
    return sum(frame.picture.width for each in records for frame in open_frames(each, COUNT))


def plain_bytes(table: Path) -> int:
    with table.open(encoding="utf-8") as file:
        fields = (line.rstrip("\n").split("\t")[1] for line in file)
        return sum(len(base64.b64decode(text)) for field in fields for text in json.loads(field))


def our_bytes(table: Path) -> int:
    return sum(len(data) for row in ClipTable(table, SCHEMA, text="text") for data in row.pictures())


def compare(
    title: str, rows: dict[str, Callable[[], object]], rounds: int, absent: Sequence[str] = ()
) -> dict:
    """The first is ours; a ratio says how many times as long each other takes."""
    seconds = measure(rows, rounds)
    first = next(iter(seconds.values()))
    lines = []
    for name, taken in seconds.items():
        lines.append([name, f"{1000 * statistics.median(taken):.1f}", f"{times(taken, first):.2f}"])
    lines += [[name, "not installed", ""] for name in absent]
    return {"title": title, "columns": ["", "ms", "times ours"], "rows": lines}


def race_readers(title: str, film: Path, rounds: int) -> dict:
    readers = {
        "PyAV: all decoded": lambda: with_pyav(film),
        "OpenCV: all read": lambda: with_opencv(film),
        "OpenCV: all grabbed, those retrieved": lambda: with_opencv(film, grab=True),
    }
    installed = importlib.util.find_spec("cv2") is not None
    absent = [name for name in readers if "OpenCV" in name and not installed]
    ours = {"ours": lambda: [each.picture for each in open_frames(film, COUNT)]}
    rows = ours | {name: read for name, read in readers.items() if name not in absent}
    for name, read in rows.items():
        check_alike(rows["ours"](), read(), name)
    return compare(title, rows, rounds, absent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rounds", 5), ("seconds", 60), ("megabytes", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tables = []
        for key_every in KEY_EVERY:
            film = draw_film(Path(scratch) / "film.mp4", arguments.seconds, key_every)
            title = f"{COUNT} frames of {arguments.seconds} s, a key frame every {key_every}"
            tables.append(race_readers(title, film, arguments.rounds))
        table = draw_table(Path(scratch) / "table.txt", film, arguments.megabytes)
        size = f"{table.stat().st_size / 2**20:.0f} MiB of table, {COUNT} frames a clip"
        for what, ours, plain in (
            ("pictures decoded", our_rows, plain_rows),
            ("bytes alone", our_bytes, plain_bytes),
        ):
            if ours(table) != plain(table):
                raise SystemExit(f"{what}: ours reads other things")
            names = ("ours", "split, b64decode, PIL" if plain is plain_rows else "split, b64decode")
            rows = {
                name: lambda read=read: read(table) for name, read in zip(names, (ours, plain), strict=True)
            }
            tables.append(compare(f"{size}, {what}", rows, arguments.rounds))
    write(tables, arguments)


def write(tables: list[dict], arguments: argparse.Namespace) -> None:
    found = environment.versions("av", "opencv-python-headless", "pillow")
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")
    text = (
        f"Medians of {arguments.rounds} rounds in turns, ratios medians of ratios. The film is drawn, "
        f"{SIZE[0]} x {SIZE[1]}, {RATE} frames a second, H.264 of x264's preset veryfast. Ours surveys the "
        "packets, seeks the key frames before what is wanted, and leaves out between them what no other "
        "frame builds on; the others decode every frame, with as many threads as they take by themselves. Of "
        "the table ours checks each row and all base64; for pictures it goes through it twice, to find rows "
        "and to read them. Load average at the end "
        f"{os.getloadavg()[0]:.1f}: the machine was shared. {versions}."
    )
    options = " ".join(f"--{name} {getattr(arguments, name)}" for name in ("rounds", "seconds", "megabytes"))
    command = f"python -m benchmarks.video {options}"
    path = record(
        "video", title="Frames of clips and tables of them", command=command, text=text, tables=tables
    )
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

"""Films drawn with PyAV whose every frame says its number in grey, so that what is read can be told."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

CODECS = {".mp4": "libx264", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx"}
SIZE = (64, 48)


def number_picture(number: int) -> np.ndarray:
    """A number below 256 as eight bars, black or white."""
    bits = [255 * (number >> place & 1) for place in range(8)]
    return np.repeat(np.array(bits, np.uint8), SIZE[0] // 8)[None, :, None].repeat(SIZE[1], 0).repeat(3, 2)


def number_in(picture: Image.Image) -> int:
    bars = np.asarray(picture.convert("L").resize(SIZE)).mean(0).reshape(8, -1).mean(1)
    return sum(1 << place for place, value in enumerate(bars) if value > 127)


def film(
    path: Path, marks=range(60), *, rate=30, pictures=None, key_every=12, sound=False, **options
) -> Path:
    """Frames at `marks` / `rate` seconds; the n-th shows n, or the n-th of `pictures`."""
    container = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=container) as out:
        stream = out.add_stream(CODECS[path.suffix], rate=rate, options={"g": str(key_every), **options})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        heard = out.add_stream("aac", rate=44100) if sound else None
        for number, mark in enumerate(marks):
            shown = number_picture(number) if pictures is None else pictures[number]
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            frame.pts, frame.time_base = mark, Fraction(1, rate)
            out.mux(stream.encode(frame))
            if sound:
                out.mux(heard.encode(noise(number, 44100 // rate)))
        for each in (stream, heard) if sound else (stream,):
            out.mux(each.encode())
    return path


def noise(number: int, samples: int) -> av.AudioFrame:
    wave = np.random.default_rng(number).normal(size=(1, samples)).astype("f4")
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
    frame.rate, frame.pts = 44100, number * samples
    return frame


def turn(path: Path, degrees: int) -> Path:
    """Write into an mp4's header how it is to be turned, as a telephone does (clockwise)."""
    data, one = bytearray(path.read_bytes()), 1 << 16
    cos, sin = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    matrix = [cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30]
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data)
    return path

"""A checkpoint opened for use, and pictures captioned with it in batches: a stream of any length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lib import environment
from lib.data.clips import scenes
from lib.data.formats.report import printable
from lib.data.images import ImageError
from lib.data.loader import stack
from lib.data.record import Record
from lib.models.captioner import Captioner
from lib.models.clip_encoder import present, show_record
from lib.models.decoding import Decoding
from lib.paths import resolve, shorten

SEEN_AT_ONCE = 8  # pictures whose maps stay in a processor's cache: more take longer each


class PredictError(ValueError):
    """Something that no picture can be captioned with; the message says what was expected."""


@dataclass(frozen=True)
class Prediction:
    """What was said of one picture, the best first, or why it could not be read."""

    path: str  # as it was given
    captions: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()  # sum of log-probabilities / length
    trouble: str | None = None


def open_captioner(path: str | Path, device: str = "cpu") -> Captioner:
    """The captioner of a checkpoint (a run's name, a variant or the folder itself), in eval mode."""
    place, folder = check_device(device), resolve(path)
    try:
        model = Captioner.load(folder)
    except (ValueError, OSError) as error:  # all that can be wrong with a checkpoint, each in one line
        raise PredictError(str(error)) from None
    if not model.preprocess:
        raise PredictError(f"{shorten(folder)}: this captioner is told attributes; it cannot see pictures")
    return model.to(place)


def check_device(name: str) -> torch.device:
    """A device that is there."""
    try:
        device = torch.device(str(name))
    except RuntimeError:
        raise PredictError(f"unknown device {name!r}; expected cpu, cuda, cuda:1 or mps") from None
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if device.type not in there:
        raise PredictError(f"device {name!r} is not served; expected cpu, cuda, cuda:1 or mps")
    if (device.index or 0) >= there[device.type]:
        raise PredictError(f"no device {name!r} on this machine (torch is {environment.cuda_verdict()})")
    return device


def longest(model: Captioner, wanted: int) -> int:
    """So many words, or as many as the decoder knows."""
    return min(wanted, model.decoder.max_length or wanted)


def predict(
    model: Captioner,
    paths: Iterable[str],
    decoding: Decoding,
    *,
    batch_size: int = 32,
    generator: torch.Generator | None = None,
) -> Iterator[Prediction]:
    """One prediction for each path, in their order. Paths are taken, and pictures held, a batch at a time."""
    paths = iter(paths)
    while batch := list(islice(paths, batch_size)):
        yield from predict_batch(model, batch, decoding, generator)


def predict_batch(
    model: Captioner, paths: Sequence[str], decoding: Decoding, generator: torch.Generator | None
) -> list[Prediction]:
    """Pictures that cannot be read do not hold up the others."""
    images, troubles = [], {}
    for place, path in enumerate(paths):
        try:
            record = Record(path, str(resolve(path)), (), "")
            images += show_record(model.encoder, record, model.preprocess)
        except (ImageError, OSError, RuntimeError) as error:  # RuntimeError: the home of an unknown ~user
            troubles[place] = printable(str(error))
    found = iter(caption(model, torch.stack(images), decoding, generator) if images else ())
    return [
        Prediction(path, trouble=troubles[place]) if place in troubles else Prediction(path, *next(found))
        for place, path in enumerate(paths)
    ]


def subtitles(model: Captioner, path: str, decoding: Decoding) -> str:
    """What is said of each scene of a clip, with its times, as players read it (SRT)."""
    found = scenes(resolve(path))
    shown = [seen for _, _, record in found for seen in show_record(model.encoder, record, model.preprocess)]
    said = caption(model, torch.stack(shown), decoding)
    lines = []
    for number, ((start, end, _), (captions, _)) in enumerate(zip(found, said, strict=True), 1):
        lines.append(f"{number}\n{spell_time(start)} --> {spell_time(end)}\n{captions[0]}\n")
    return "\n".join(lines)


def spell_time(seconds: float) -> str:
    """`00:01:02,345`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"


@torch.no_grad()
def caption(
    model: Captioner, images: Tensor, decoding: Decoding, generator: torch.Generator | None = None
) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Captions and scores of each picture, the best first; places that a small vocabulary left empty go."""
    parts = images.to(next(model.parameters()).device).split(SEEN_AT_ONCE)
    seen = [cells[present(cells)] for part in parts for cells in model.encode(part)]
    memory, mask = stack(seen)
    found = model.search(memory, decoding, mask=mask, generator=generator)
    said = []
    for rows, scores in zip(found.tokens.tolist(), found.scores.tolist(), strict=True):
        ranked = sorted(zip(scores, rows, strict=True), key=lambda pair: -pair[0])
        kept = [(model.decode(ids), score) for score, ids in ranked if score != -torch.inf]
        said.append(tuple(zip(*kept, strict=True)))
    return said

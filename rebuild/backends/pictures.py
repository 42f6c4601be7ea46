"""Pictures for backends: read safely, a NoAnswer for each that cannot be, and packed for another process."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from lib.data.images import ImageError, load_image
from rebuild.backends.shape import Answer, NoAnswer, check_questions

Ask = Callable[[list[Image.Image], list[str]], list[Answer]]


def answer_in_batches(
    pictures: Sequence[Path], prompts: Sequence[str], ask: Ask, batch_size: int
) -> list[Answer]:
    """Ask about some pictures at a time, so that however many rows are given, few are in memory."""
    check_questions(pictures, prompts)
    answers: list[Answer] = []
    for start in range(0, len(pictures), batch_size):
        rows = slice(start, start + batch_size)
        answers += answer_readable(pictures[rows], prompts[rows], ask)
    return answers


def answer_readable(pictures: Sequence[Path], prompts: Sequence[str], ask: Ask) -> list[Answer]:
    """Ask about the pictures that open; the others are NoAnswers in their own places."""
    opened = [open_picture(path) for path in pictures]
    good = [row for row, image in enumerate(opened) if not isinstance(image, NoAnswer)]
    answers: list = list(opened)
    if good:
        replies = ask([opened[row] for row in good], [prompts[row] for row in good])
        for row, answer in zip(good, replies, strict=True):
            answers[row] = answer
    return answers


def open_picture(path: Path) -> Image.Image | NoAnswer:
    try:
        return load_image(path)
    except (ImageError, OSError) as error:
        return NoAnswer(str(error))


def pack(image: Image.Image, kind: str, max_side: int | None = None) -> str:
    """A picture as base64 text: PNG where every pixel counts, JPEG where it travels far."""
    if max_side is not None and max(image.size) > max_side:
        image = image.copy()
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if kind == "PNG":
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=90)
    return base64.b64encode(buffer.getvalue()).decode("ascii")

"""The one shape of all that answers: pictures and prompts go in, one text or NoAnswer a row comes out."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lib.files import sha256

LINE = 300  # characters of a reason that are worth keeping
SAMPLES = 64  # blocks of one MiB that stand for a file larger than all of them


class BackendError(RuntimeError):
    """What concerns all rows: no model, no layer, no key, an endpoint that refuses. One line."""

    def __init__(self, message: str):
        super().__init__(one_line(message))


@dataclass(frozen=True)
class NoAnswer:
    """Why one row has no answer."""

    reason: str

    def __post_init__(self):
        object.__setattr__(self, "reason", one_line(self.reason))


Answer = str | NoAnswer


class Backend(Protocol):
    """Whatever describes pictures. Rows fail one by one; BackendError is for what stops them all."""

    name: str  # of the kind: transformers, lavis, openai, replay
    model: str  # what was asked for, as the store shows it
    fingerprint: str  # of what answers: weights, or endpoint and model, with the settings that shape the text
    batch_size: int  # rows it likes at once

    def __call__(self, pictures: Sequence[Path], prompts: Sequence[str]) -> list[Answer]:
        """One answer a row, in the order of the rows."""
        ...

    def close(self) -> None:
        """Give back memory, processes and connections; may be called twice."""
        ...


class Patience:
    """Ends a run that answers nothing any more, so that a million rows are not recorded as failed."""

    def __init__(self, limit: int):
        self.limit, self.failed = limit, 0

    def note(self, answers: Sequence[Answer]) -> None:
        """Count the rows that failed since the last that did not; unreadable pictures do not count."""
        for answer in answers:
            self.failed = self.failed + 1 if isinstance(answer, NoAnswer) else 0
            if self.failed >= self.limit:
                raise BackendError(f"{self.failed} rows in a row have no answer; the last: {answer.reason}")


def one_line(text: str) -> str:
    """Any message on one line, shortened in the middle, where it says the least."""
    text = " ".join(str(text).split())
    return text if len(text) <= LINE else f"{text[: LINE // 2]} ... {text[-LINE // 2 :]}"


def check_questions(pictures: Sequence[Path], prompts: Sequence[str]) -> None:
    """A row is a picture and its prompt: a caller that lost count would get answers on wrong pictures."""
    if len(pictures) != len(prompts):
        raise ValueError(
            f"{len(pictures)} pictures and {len(prompts)} prompts: expected one prompt a picture"
        )


def backend_fingerprint(*parts: Any) -> str:
    """A short hash of settings and of the files named by paths among them."""
    return sha256(piece for part in parts for piece in pieces_of_part(part))[:16]


def pieces_of_part(part: Any) -> Iterator[str | bytes]:
    """Settings as JSON; of a file or folder the names and contents that a model is read from."""
    if not isinstance(part, Path):
        yield json.dumps(part, sort_keys=True)
        return
    for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
        if file.is_file() and not file.name.startswith(".") and file.suffix != ".pyc":
            yield file.name.encode("utf-8", "surrogateescape") + file_digest(file)


def file_digest(path: Path) -> bytes:
    """The whole file, or its size and blocks spread over it where reading all would take minutes."""
    size, block = path.stat().st_size, 2**20
    whole = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= SAMPLES * block:
            whole.update(file.read())
        else:
            for index in range(SAMPLES):
                file.seek((size - block) * index // (SAMPLES - 1))
                whole.update(file.read(block))
    return whole.digest()

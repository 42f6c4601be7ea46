"""Record: the one shape every dataset is read into, whatever its files look like."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lib.files import sha256

SPLITS = ("train", "val", "test")
STYLELESS = ("<any>",)  # what a caption begins with where its style is left out


class Caption(NamedTuple):
    """One caption as it is taught: what is given before it costs no loss, and an open end is not learnt."""

    text: str
    prefix: tuple[str, ...] = ()  # tokens that say how to tell it: a style, a language, a task
    open_end: bool = False  # that it stops here says nothing: whoever wrote it was not asked for more


@dataclass(frozen=True, slots=True)
class Record:
    """One picture or clip and what was said about it.

    `media` is the file as the reader found it: a picture, a film, or the folder of a clip's frames.
    `captions` may be empty where a dataset gives none. `attributes` holds what is visible where that is
    known, a hidden or absent one being None. `frames` make it a clip: files, or positions in the film. What
    shares a `group` (a product, a film) never stands on two sides of a split.
    """

    id: str
    media: str
    captions: tuple[str, ...]
    split: str
    attributes: dict[str, str | None] | None = None
    frames: tuple[str, ...] | tuple[int, ...] = ()
    group: str | None = None

    @property
    def path(self) -> Path:
        """The picture's file. A clip has no one picture, and handing over its first would hide that."""
        if self.frames:
            told = f"a clip of {len(self.frames)} frames is no single picture; see files"
            raise ValueError(f"{self.id}: {told}")
        return Path(self.media)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that it is seen in."""
        named = tuple(Path(frame) for frame in self.frames if isinstance(frame, str))
        return named or (Path(self.media),)


def plain_captions(record: Record) -> list[Caption]:
    """The captions of a record that are told without further ado, and to their end."""
    return [Caption(text) for text in record.captions]


def digest(records: Iterable[Record]) -> str:
    """Fingerprint of what records can teach a model (ids, captions, splits, attributes), for run keys."""
    known = ((r, sorted(r.attributes.items()) if r.attributes else None) for r in records)
    return sha256(repr((r.id, r.captions, r.split, attributes)) for r, attributes in known)[:16]

"""Record: the one shape every dataset is read into, whatever its files look like."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Record:
    """One picture (or clip) and what was said about it.

    `media` is the file as the reader found it (tuple of files for a clip). `captions` may be empty
    where a dataset gives none. `attributes` holds visible attributes where they are known, a hidden or absent
    one being None.
    """

    id: str
    media: str | tuple[str, ...]
    captions: tuple[str, ...]
    split: str
    attributes: dict[str, str | None] | None = None

    @property
    def path(self) -> Path:
        """The picture's file (the first frame's, for a clip)."""
        return Path(self.media if isinstance(self.media, str) else self.media[0])


def digest(records: Iterable[Record]) -> str:
    """Fingerprint of what records can teach a model (ids, captions, splits, attributes), for run keys."""
    whole = hashlib.sha256()
    for record in records:
        attributes = sorted(record.attributes.items()) if record.attributes else None
        whole.update(
            repr((record.id, record.captions, record.split, attributes)).encode("utf-8", "backslashreplace")
        )
    return whole.hexdigest()[:16]

"""Embeddings on disk: vectors, an id for each and the model they come from, in one file that is mapped."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath

import numpy as np
from safetensors import SafetensorError, safe_open

from lib.files import FileError
from lib.paths import shorten

FORMAT = "lookbook embeddings 1"
NUMBERS = {"F16": np.float16, "F32": np.float32}


class GalleryError(FileError):
    """Vectors, ids or an index that cannot be used so; the message says why."""


@dataclass(frozen=True)
class Embeddings:
    """What a model made of pictures. An id is the picture's path, or any other text that is its own."""

    vectors: np.ndarray  # [N, D], float16 or float32
    ids: tuple[str, ...]
    model: str  # the fingerprint of the model

    def __post_init__(self):
        if self.vectors.ndim != 2 or self.vectors.dtype not in NUMBERS.values() or not self.vectors.size:
            kind = f"{self.vectors.dtype} {list(self.vectors.shape)}"
            raise GalleryError(f"vectors must be float16 or float32 [N, D], at least one, not {kind}")
        if len(self.ids) != len(self.vectors):
            raise GalleryError(f"{len(self.ids):,} ids for {len(self.vectors):,} vectors")
        if not all(isinstance(text, str) and text for text in (self.model, *self.ids)):
            raise GalleryError("the model or an id is empty or not a text")
        if len(files := Counter(map(normpath, self.ids))) < len(self.ids):
            file = files.most_common(1)[0][0]
            first, second, *_ = (id for id in self.ids if normpath(id) == file)
            raise GalleryError(f"one file or id stands there twice: {first!r} and {second!r}")


def write_embeddings(path: str | Path, embeddings: Embeddings) -> None:
    """Write them, whole or not at all."""
    from lib.checkpoint import write_arrays  # imports torch, which reading does without

    ids = np.frombuffer(json.dumps(embeddings.ids).encode(), np.uint8)  # too many for a header
    arrays = {"vectors": embeddings.vectors, "ids": ids}
    write_arrays(path, arrays, {"format": FORMAT, "model": embeddings.model})


def read_embeddings(path: str | Path) -> Embeddings:
    """Read them strictly; the vectors stay on disk until they are touched."""
    try:
        with safe_open(path, framework="numpy") as file:  # checks the lengths
            if (about := file.metadata() or {}).get("format") != FORMAT:
                raise GalleryError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
            ids = tuple(json.loads(file.get_tensor("ids").tobytes()))
        with Path(path).open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            table = json.loads(file.read(size))["vectors"]
        place = 8 + size + table["data_offsets"][0]
        vectors = np.memmap(path, NUMBERS[table["dtype"]], "r", place, tuple(table["shape"]))
        return Embeddings(vectors, ids, about["model"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise GalleryError(f"{shorten(path)}: not a whole file of embeddings: {error}") from None

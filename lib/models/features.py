"""Features of a frozen encoder, computed once and kept on disk: fp16 shards that are mapped, not read.

    <folder>/<key>/index.json            what was computed, of what
    <folder>/<key>/view0-00000.npy ...   shards [pictures, N, D]; a shard that is there is whole

The key covers pictures, encoder, weights and preprocessing: whatever changes, changes the folder. A killed
run goes on after its last whole shard; more views are added to those there. An encoder that needs no more of
a picture than its backbone's map has the map cached first, so that pictures are opened once for all of them.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lib.data.images import Preprocess, stack_pictures
from lib.data.record import Record
from lib.files import read_json, sha256, whole, write_json
from lib.models.clip_encoder import ClipEncoder, show_record
from lib.models.errors import ModelError
from lib.models.folding import halved
from lib.models.generate import eval_mode
from lib.paths import resolve, shorten
from lib.progress import Progress

SHARD_BYTES = 64 << 20
EDGE = 64 << 10  # a picture's first and last so many bytes tell it from others of its size
PATIENCE = 0.5  # seconds between two looks at what the first process has written


class Features(list):
    """`features[view][index]` is an array [N, D]; view 0 is the plain picture, the others are augmented."""

    def __init__(self, folder: Path, views: int):
        self.folder = folder
        index = read_json(folder / "index.json")
        self.key, self.count, self.shape = index["key"], index["pictures"], tuple(index["shape"])
        super().__init__(FeatureView(folder, view, self.count, index["per_shard"]) for view in range(views))

    def memory(self, indices: Sequence[int], view: int = 0) -> Tensor:
        """Several pictures as a batch, [B, N, D] in fp32."""
        return torch.from_numpy(np.stack([self[view][int(i)] for i in indices])).float()


class FeatureView(Sequence):
    """One view of all pictures. Shards are opened when first needed, in each process for itself."""

    def __init__(self, folder: Path, view: int, count: int, per_shard: int):
        self.folder, self.view, self.count, self.per_shard = folder, view, count, per_shard
        self.open: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.count:
            raise IndexError(index)
        shard, place = divmod(index, self.per_shard)
        if shard not in self.open:
            self.open[shard] = np.load(shard_path(self.folder, self.view, shard), mmap_mode="r")
        return self.open[shard][place]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"open": {}}  # a worker gets the path, not the pages


def cache_features(
    records: Sequence[Record],
    encoder: nn.Module,
    preprocess: Preprocess,
    folder: str | Path,
    *,
    views: int = 1,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
    precision: str = "fp32",
) -> Features:
    """The features of all records under `folder`, augmented in `views` above 1; what is not there is computed
    now, by the first of several processes while the others wait."""
    if not records or views < 1:
        raise ModelError(f"{len(records)} pictures in {views} views: there is nothing to compute")
    about = {  # all that the features of a view depend on
        "pictures_sha256": hash_pictures(records),
        "weights_sha256": hash_weights(encoder),
        "encoder": encoder.describe(),
        "preprocess": preprocess.to_json(),
        "precision": precision,
    }
    key = sha256(json.dumps(about, sort_keys=True))[:16]
    place = resolve(folder) / key
    if os.environ.get("RANK", "0") != "0":
        while known_views(place) < views:
            time.sleep(PATIENCE)
    elif known_views(place) < views:
        how = {"batch_size": batch_size, "device": torch.device(device), "precision": precision}
        whole = encoder.whole()
        cells = whole and cache_features(records, whole, preprocess, folder, views=views, **how)
        eye = encoder.to(device)
        work = Work(records=records, encoder=eye, preprocess=preprocess, place=place, cells=cells, **how)
        index = work.compute(views)
        write_json(place / "index.json", {"key": key, **index, "about": about}, indent=1)
    return Features(place, views)


def known_views(place: Path) -> int:
    """How many views are whole."""
    index = place / "index.json"
    return read_json(index)["views"] if index.exists() else 0


def hash_pictures(records: Sequence[Record]) -> str:
    """Ids, frames, sizes and both ends of each file: all of a small one, and enough of a compressed one."""
    return sha256(piece for record in records for piece in pieces_of(record))


def pieces_of(record: Record) -> Iterator[str | bytes]:
    for path in record.files:
        size = path.stat().st_size if path.is_file() else -1
        yield f"{record.id}\0{size}\0"
        if size > 0:
            with path.open("rb") as file:
                yield file.read(EDGE)
                file.seek(max(file.tell(), size - EDGE))
                yield file.read()
    if record.frames:
        yield repr(record.frames)


def hash_weights(model: nn.Module) -> str:
    state = sorted(model.state_dict().items())
    flat = ((name, t.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()) for name, t in state)
    return sha256(piece for name, numbers in flat for piece in (name, numbers.tobytes()))


def shard_path(folder: Path, view: int, shard: int) -> Path:
    return folder / f"view{view}-{shard:05d}.npy"


@dataclass(kw_only=True, eq=False)
class Work:
    """What is to be computed, and how; memory holds two shards of each view and a batch for each core."""

    records: Sequence[Record]
    encoder: nn.Module
    preprocess: Preprocess
    place: Path
    cells: Features | None  # all that the encoder needs of the pictures, if that is known
    batch_size: int
    device: torch.device
    precision: str

    @torch.no_grad()
    def compute(self, views: int) -> dict[str, Any]:
        """Write the missing shards; what the index says of them comes back."""
        self.place.mkdir(parents=True, exist_ok=True)
        named = "features" if self.cells is None else "features, from the cells"
        with (
            eval_mode(self.encoder),
            ThreadPoolExecutor(1) as disk,  # a shard is written while the next one is computed
            Progress(named, views * len(self.records), "pictures") as progress,
        ):
            if self.cells is None and self.precision != "fp32":
                self.encoder = self.halve(self.pictures(0, [0])[0].to(self.device))
            shape = next(self.batches(range(1), [0])).shape[2:]
            per_shard, written = max(1, SHARD_BYTES // (2 * shape[0] * shape[1])), []
            for shard, first in enumerate(range(0, len(self.records), per_shard)):
                indices = range(first, min(first + per_shard, len(self.records)))
                paths = {view: shard_path(self.place, view, shard) for view in range(views)}
                missing = {view: path for view, path in paths.items() if not path.exists()}
                progress.update((views - len(missing)) * len(indices))
                if missing:
                    array = np.empty((len(missing), len(indices), *shape), np.float16)
                    fill(array, self.batches(indices, list(missing)), progress)
                    list(written)
                    written = disk.map(write_shard, missing.values(), array)
            list(written)
        return {"pictures": len(self.records), "views": views, "shape": shape, "per_shard": per_shard}

    def batches(self, indices: range, views: list[int]) -> Iterator[np.ndarray]:
        """Features of consecutive pictures, [views, pictures, N, D]."""
        chunks = [indices[i : i + self.batch_size] for i in range(0, len(indices), self.batch_size)]
        return self.see(chunks, views) if self.cells is None else self.recall(chunks, views)

    def recall(self, chunks: list[range], views: list[int]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            yield self.encode((self.cells.memory(chunk, view) for view in views), self.encoder.recall)

    def see(self, chunks: list[range], views: list[int]) -> Iterator[np.ndarray]:
        """Each core takes a batch, opens its pictures once for all views and sees them by itself: that is
        faster than all cores at one batch, and gives the same numbers however many cores there are."""
        with cores_apart(torch.get_num_threads() if self.device.type == "cpu" else os.cpu_count()) as pool:
            yield from pool.map(lambda chunk: self.open(chunk, views), chunks)

    def open(self, chunk: range, views: list[int]) -> np.ndarray:
        shown = zip(*(self.pictures(index, views) for index in chunk), strict=True)
        return self.encode(map(stack_pictures, shown), self.encoder)

    def pictures(self, index: int, views: list[int]) -> list[Tensor]:
        """The views of one picture or clip."""
        record = self.records[index]
        seeds = [zlib.crc32(f"{record.id}/{view}".encode()) if view else None for view in views]
        return show_record(self.encoder, record, self.preprocess, seeds)

    def halve(self, sample: Tensor) -> nn.Module:
        """The encoder in half precision; `sample` is a picture [3, H, W] or a clip of them."""
        if not isinstance(self.encoder, ClipEncoder):
            return halved(self.encoder, sample[None], self.precision)
        return self.encoder.through(halved(self.encoder.eye, sample[:1], self.precision))

    @torch.no_grad()
    def encode(self, shown: Iterable[Tensor], encode: Callable[[Tensor], Tensor]) -> np.ndarray:
        """Features as they are kept, [views, pictures, N, D]."""
        found = torch.stack([encode(view.to(self.device)).cpu() for view in shown])
        if (found.abs() > torch.finfo(torch.float16).max).any():
            most = found.abs().nan_to_num(0, posinf=torch.inf).max()
            raise ModelError(f"{shorten(self.place)}: features of {most:.3g} do not fit into fp16")
        return found.half().numpy()


@contextmanager
def cores_apart(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads in each of which torch keeps to one core."""
    together = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(together)  # in threads that come later; this one's number stood all the time


def fill(array: np.ndarray, batches: Iterator[np.ndarray], progress: Progress) -> None:
    """Batches [views, pictures, N, D], one behind the other."""
    done = 0
    for batch in batches:
        array[:, done : done + batch.shape[1]] = batch
        done += batch.shape[1]
        progress.update(batch.shape[0] * batch.shape[1])


def write_shard(path: Path, view: np.ndarray) -> None:
    """All of it or nothing."""
    with whole(path) as draft, draft.open("wb") as file:
        np.save(file, view)

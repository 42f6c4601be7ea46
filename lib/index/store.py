"""An index in a folder: immutable segments, and one JSON that says which of them count and what was removed.

Few vectors are searched exactly. Of many, 8-bit codes in a few lists are looked through (IVF, `codes.faiss`),
and the best candidates ranked again by the vectors. What `index.json` does not name does not exist.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lib.files import read_json, remove, replaced, settle, sync, whole, write_json
from lib.index.absence import absence
from lib.index.embeddings import Embeddings, GalleryError, read_embeddings, write_embeddings
from lib.paths import shorten, some
from lib.score.bootstrap import interval, resampled_sums

FORMAT, ABOUT, VECTORS, CODES = 1, "index.json", "vectors.safetensors", "codes.faiss"
EXACT = {"probes": None, "candidates": None, "recall": 1.0, "interval": [1.0, 1.0]}
BLOCK = 1 << 15  # vectors held in fp32 at a time
AT, MOST = 10, 200  # recall is measured among the first 10; so many candidates are ranked again at most
HELD_OUT, ENOUGH = 1000, 0.995  # queries that recall is measured with, and where its curve ends

Found = tuple[np.ndarray, np.ndarray]  # scores and rows [Q, k], the best first; row -1 where there is none


def unit(vectors: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Vectors of length 1; one that has no direction is refused."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float32))
    if wrong := np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0))).tolist():
        raise GalleryError(f"vector {wrong[0]} (from 0) is zero or not finite")
    return np.divide(vectors, lengths[:, None], dtype=np.float32).astype(dtype, copy=False)


def best_of(found: list[Found], k: int) -> Found:
    """The best `k` of several findings for the same queries; of equal scores the first one."""
    scores, rows = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)


def blocks(vectors: np.ndarray, rows: np.ndarray) -> Iterator[Found]:
    """These rows of the vectors in fp32 with their numbers, a block at a time; not copied if need not be."""
    for part in np.split(rows, range(BLOCK, len(rows), BLOCK)):
        run = slice(part[0], part[-1] + 1) if part[-1] - part[0] == len(part) - 1 else part
        yield np.asarray(vectors[run], np.float32), part


def nearest(queries: np.ndarray, vectors: np.ndarray, rows: np.ndarray, k: int) -> Found:
    """Exact search among these rows, which ascend."""
    found = []
    for block, part in blocks(vectors, rows):
        scores, places = faiss.knn(queries, block, min(k, len(part)), metric=faiss.METRIC_INNER_PRODUCT)
        found.append((scores, part[places]))
    return best_of(found, k)


def choose_setting(curve: list[dict[str, Any]], recall: float) -> dict[str, Any] | None:
    """The cheapest setting that reaches this recall for sure: with the lower end of its interval."""
    return next((row for row in curve if row["sure"] >= recall), None)


class Segment:
    """A part of an index, opened: `about` is what the index's JSON says of it."""

    def __init__(self, folder: Path, about: dict[str, Any]):
        stored = read_embeddings(folder / about["name"] / VECTORS)
        self.about, self.ids, self.curve = about, stored.ids, about["curve"]
        self.vectors = stored.vectors if self.curve else np.asarray(stored.vectors, np.float32)
        alive = np.ones(len(self.ids), bool)
        alive[about["removed"]] = False
        self.rows, bits = np.flatnonzero(alive), np.packbits(alive, bitorder="little")
        self.selector = faiss.IDSelectorBitmap(bits) if about["removed"] else None
        self.codes = faiss.read_index(str(folder / about["name"] / CODES)) if self.curve else None

    def search(self, queries: np.ndarray, k: int, recall: float) -> Found:
        """The best `k` that are left; exact unless the curve says how to reach this recall with less."""
        if setting := choose_setting(self.curve, recall):
            wanted = math.ceil(setting["candidates"] * max(1, k / AT))
            how = faiss.SearchParametersIVF(nprobe=setting["probes"], sel=self.selector)
            rows = self.codes.search(queries, wanted, params=how)[1]
            if (rows[:, :k] >= 0).all():  # else the lists hold fewer than were asked for
                pairs = zip(rows, queries, strict=True)
                scores = [np.asarray(self.vectors[row], np.float32) @ query for row, query in pairs]
                return best_of([(np.where(rows < 0, -np.inf, scores), rows)], k)
        return nearest(queries, self.vectors, self.rows, k)


def write_segment(folder: Path, embeddings: Embeddings, queries: np.ndarray | None, about: dict) -> list:
    """Write a segment's files as the index's JSON wants them; its curve, empty where search is exact."""
    write_embeddings(folder / VECTORS, embeddings)
    vectors, count = embeddings.vectors, len(embeddings.ids)
    if count < about["exact_below"]:
        return []
    order = np.random.default_rng(about["seed"]).permutation(count)
    held_out, others = np.split(order, [min(HELD_OUT, count // 10)])
    lists = 2 ** round(math.log2(4 * math.sqrt(count)))
    codes = faiss.index_factory(vectors.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    codes.cp.seed, codes.cp.min_points_per_centroid = about["seed"], 1
    codes.train(np.asarray(vectors[others[: 40 * lists]], np.float32))
    others.sort()
    for block, rows in blocks(vectors, others):
        codes.add_with_ids(block, rows)
    unseen = np.asarray(vectors[held_out], np.float32)
    queries = unseen if queries is None else queries
    curve = measure_curve(codes, queries, nearest(queries, vectors, others, AT)[1])
    codes.add_with_ids(unseen, held_out)
    faiss.write_index(codes, str(folder / CODES))
    sync(folder / CODES)
    return curve


def measure_curve(codes: faiss.Index, queries: np.ndarray, true: np.ndarray) -> list[dict[str, Any]]:
    """Recall@10 by settings: what is reached for sure from every second query, the report from the others."""
    curve, probes = [], 1
    while not curve or (curve[-1]["sure"] < ENOUGH and probes <= codes.nlist):
        found = codes.search(queries, MOST, params=faiss.SearchParametersIVF(nprobe=probes))[1]
        reached = (found[:, :, None] == true[:, None]).any(2).cumsum(1) / AT  # [Q, count of candidates]
        means = reached[::2].mean(0)
        count = max(AT, int(np.argmax(means >= means[-1] - 0.001)) + 1)  # they find what all of them do
        halves = reached[::2, [count - 1]], reached[1::2, [count - 1]]
        sure, reported = (interval(resampled_sums(half)[:, 0] / len(half)) for half in halves)
        row = {"probes": probes, "candidates": count, "sure": sure[0], "recall": float(halves[1].mean())}
        curve.append(row | {"interval": reported, "queries": len(halves[1])})
        probes = math.ceil(probes * 1.4)
    return curve


def check_new(index: Any, embeddings: Embeddings, known: set[str]) -> None:
    """What is added must be of the index's model and width, and none of it there already (`known`)."""
    own, given = (index.model, index.width), (embeddings.model, embeddings.vectors.shape[1])
    if given != own:
        raise GalleryError(f"the index is of the model and width {own}; these vectors are of {given}")
    if known:
        raise GalleryError(f"in the index already: {some(sorted(known))}; remove before adding anew")


class Index:
    """Pictures that can be searched, added and removed; each change is on disk when the call returns."""

    def __init__(self, folder: str | Path):
        whole, old = Path(folder), replaced(Path(folder))
        self.folder = old if old.exists() and not whole.exists() else whole
        self.stored = about = read_json(self.folder / ABOUT)
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise GalleryError(f"{shorten(self.folder / ABOUT)}: not an index of format {FORMAT}")
        self.model, self.checkpoint, self.width = about["model"], about["checkpoint"], about["width"]
        self.segments = [Segment(self.folder, segment) for segment in about["segments"]]
        self.ids = [id for segment in self.segments for id in segment.ids]

    @classmethod
    def build(
        cls, folder: str | Path, embeddings: Embeddings, *, recall: float = 0.95, seed: int = 0,
        queries: np.ndarray | None = None, checkpoint: str | None = None, exact_below: int = 100_000,
    ) -> "Index":  # fmt: skip
        """A new one, in place of an old one. Recall is measured with `queries`, such as texts', if given."""
        folder = Path(folder)
        if not 0 < recall <= 1 or (queries is not None and len(queries) < 2):
            raise GalleryError(f"recall must be above 0 and at most 1, not {recall}, and queries two or more")
        settle(folder)
        if folder.exists() and not (folder / ABOUT).is_file():
            raise GalleryError(f"{shorten(folder)}: exists and is no index; give another name")
        with whole(folder) as draft:
            draft.mkdir()
            about = {"format": FORMAT, "model": embeddings.model, "checkpoint": checkpoint, "asked": recall}
            about |= {"width": embeddings.vectors.shape[1], "exact_below": exact_below, "seed": seed}
            write_json(draft / ABOUT, about | {"change": 0, "segments": [], "absence": None})
            cls(draft).add(embeddings, queries)
        return cls(folder)

    def __len__(self) -> int:
        return sum(len(segment.rows) for segment in self.segments)

    @property
    def about(self) -> dict[str, Any]:
        """Its size, and the recall that was measured: that of the segment where it is lowest."""
        worst = min((s.about["measured"] for s in self.segments), key=lambda m: m["recall"], default=EXACT)
        sizes = {"vectors": len(self), "segments": len(self.segments), "model": self.model}
        return sizes | {"asked": self.stored["asked"]} | worst

    def search(self, vectors: np.ndarray, k: int, recall: float | None = None) -> tuple[np.ndarray, list]:
        """Cosines [Q, k] and each query's ids, the best first; fewer if there are fewer. Recall 1 is exact."""
        recall, queries = self.stored["asked"] if recall is None else recall, np.atleast_2d(vectors)
        if k < 1 or not 0 < recall <= 1 or queries.ndim != 2 or queries.shape[1] != self.width:
            asked = f"k={k}, recall={recall}, queries {list(queries.shape)}"
            raise GalleryError(f"{asked}: expected k from 1, recall above 0 to 1, queries [Q, {self.width}]")
        queries, start = unit(queries), 0
        found = [(np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), int))]
        for segment in self.segments:
            scores, rows = segment.search(queries, min(k, len(segment.rows)), recall)
            found.append((scores, rows + start))
            start += len(segment.ids)
        scores, rows = best_of(found, k)
        return scores, [[self.ids[row] for row in each] for each in rows]

    def add(self, embeddings: Embeddings, queries: np.ndarray | None = None) -> None:
        """More pictures, in a segment of their own."""
        check_new(self, embeddings, set(embeddings.ids) & self._places().keys())
        fresh = Embeddings(unit(embeddings.vectors, np.float16), embeddings.ids, self.model)
        name = f"segment-{self.stored['change'] + 1:06d}"
        with whole(self.folder / name) as draft:
            draft.mkdir()
            curve = write_segment(draft, fresh, None if queries is None else unit(queries), self.stored)
        about = {"name": name, "vectors": len(fresh.ids), "removed": [], "curve": curve}
        about["measured"] = choose_setting(curve, self.stored["asked"]) or EXACT
        self._change(segments=[*self.stored["segments"], about])

    def remove(self, ids: list[str]) -> None:
        """Fewer pictures: tombstones; a segment with nothing left goes."""
        places, kept = self._places(), []
        if unknown := [id for id in ids if id not in places]:
            raise GalleryError(f"not in the index: {some(unknown)}")
        for number, segment in enumerate(self.segments):
            gone = {row for n, row in map(places.get, ids) if n == number}
            if len(gone) < len(segment.rows):
                kept.append(segment.about | {"removed": sorted({*segment.about["removed"], *gone})})
        self._change(segments=kept)

    def calibrate(self, unrelated: np.ndarray, related: np.ndarray | None = None) -> None:
        """Keep the best scores of queries that no picture fits, and of some that one does, as quantiles."""
        best = [v if v is None else self.search(v, 1)[0] for v in (unrelated, related)]
        kept = [v if v is None else np.quantile(v, np.linspace(0, 1, 201)).tolist() for v in best]
        self._change(absence={"unrelated": kept[0], "related": kept[1]})

    def nothing_fits(self, best: float) -> float | None:
        """How likely it is that no picture fits a query of this best score; None before `calibrate`."""
        return (known := self.stored["absence"]) and absence(best, known["unrelated"], known["related"])

    def _places(self) -> dict[str, tuple[int, int]]:
        """Id -> segment and row of all that is left."""
        return {s.ids[row]: (number, int(row)) for number, s in enumerate(self.segments) for row in s.rows}

    def _change(self, **changes: Any) -> None:
        """Replace the JSON, unless somebody else did meanwhile; then clear away what it does not name."""
        if read_json(self.folder / ABOUT)["change"] != self.stored["change"]:
            raise GalleryError(f"{shorten(self.folder)}: changed by another process; open it again")
        fresh = self.stored | changes | {"change": self.stored["change"] + 1}
        write_json(self.folder / ABOUT, fresh)
        self.__init__(self.folder)
        for path in set(self.folder.glob("segment-*")) - {self.folder / s["name"] for s in fresh["segments"]}:
            remove(path)


build_index, open_index = Index.build, Index  # as a notebook calls them

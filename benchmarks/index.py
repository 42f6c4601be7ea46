"""A million vectors: our index beside exact search, usearch and hnswlib, one query at a time and in batches.

    python -m benchmarks.index [--sizes 10000 100000 1000000] [--threads 1] [--vectors FILE]

Vectors are a seeded mixture: 4,000 centres, and noise of half their spread around them; both fall off over
the dimensions as those of embeddings do. Queries are fresh points of the mixture. `--vectors` takes an
embeddings file instead, repeated with a little noise up to the size; queries are then noisy copies too. Exact
is faiss IndexFlatIP. Everybody has the same threads, in building and in searching.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np

from benchmarks.results import record
from lib import environment
from lib.index import Embeddings, build_index, read_embeddings

WIDTH, CENTRES, QUERIES, BATCH, K = 256, 4000, 200, 100, 10
ASKED_RECALL, ASKED_SPEED, ASKED_SIZE = 0.95, 20, 1_000_000
OTHERS_UP_TO = 100_000  # a graph over a million takes one thread far longer than the rest of the benchmark
WIDER = (32, 64, 128, 256, 512)  # search widths tried for equal recall
RESIDENT = """
import sys, psutil, numpy as np, faiss
before = psutil.Process().memory_info().rss
faiss.omp_set_num_threads(int(sys.argv[3]))
queries = np.load(sys.argv[2])
from lib.index import open_index
index = open_index(sys.argv[1])
for query in queries:
    index.search(query, 10)
print(psutil.Process().memory_info().rss - before)
"""


def normalise(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def draw(size: int, file: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The gallery and the queries, all of length 1."""
    chance = np.random.default_rng(0)
    if file:
        given = normalise(np.asarray(read_embeddings(file).vectors, np.float32))
        width = given.shape[1]
        chosen = given[chance.integers(len(given), size=size + QUERIES)]
        noise = chance.standard_normal((size + QUERIES, width), dtype=np.float32) * (0.3 / width**0.5)
        drawn = normalise(chosen + noise)
    else:
        falling = np.arange(1, WIDTH + 1, dtype=np.float32) ** -0.5
        centres = chance.standard_normal((CENTRES, WIDTH), dtype=np.float32)
        noise = chance.standard_normal((size + QUERIES, WIDTH), dtype=np.float32)
        drawn = normalise((centres[chance.integers(CENTRES, size=size + QUERIES)] + 0.5 * noise) * falling)
    return drawn[:size], drawn[size:]


def measure(search: Callable[[np.ndarray], np.ndarray], queries: np.ndarray, true: np.ndarray | None) -> dict:
    """Recall, milliseconds a query alone (median) and in batches (mean); numbers of the found come along."""
    search(queries[:5])
    seconds, found = [], []
    for query in queries:
        begun = time.perf_counter()
        found.append(search(query[None])[0])
        seconds.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    for start in range(0, len(queries), BATCH):
        search(queries[start : start + BATCH])
    batch = (time.perf_counter() - begun) / len(queries)
    true = np.array(found) if true is None else true
    hits = [len({*map(int, a)} & {*map(int, b)}) / K for a, b in zip(found, true, strict=True)]
    return {"recall": np.mean(hits), "one": 1000 * np.median(seconds), "batch": 1000 * batch, "found": true}


def timed(work: Callable) -> tuple[object, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


def exact(gallery: np.ndarray, queries: np.ndarray) -> dict:
    flat = faiss.IndexFlatIP(gallery.shape[1])
    _, seconds = timed(lambda: flat.add(gallery))
    return measure(lambda q: flat.search(q, K)[1], queries, None) | {
        "build": seconds,
        "memory": gallery.nbytes,
    }


def ours(gallery: np.ndarray, queries: np.ndarray, true: np.ndarray, threads: int) -> dict:
    """Built, searched, opened anew in a process of its own, and grown by a hundredth."""
    size = len(gallery)
    ids = tuple(f"{number:07d}" for number in range(size))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "index"
        index, seconds = timed(lambda: build_index(folder, Embeddings(gallery, ids, "drawn")))
        row = measure(lambda q: np.array(index.search(q, K)[1]).astype(int), queries, true)
        np.save(Path(scratch) / "queries.npy", queries)
        words = [sys.executable, "-c", RESIDENT, str(folder), f"{scratch}/queries.npy", str(threads)]
        memory = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        more = Embeddings(gallery[: size // 100], tuple(f"new {n}" for n in range(size // 100)), "drawn")
        _, added = timed(lambda: index.add(more))
        row |= {"build": seconds, "memory": memory, "add": added, "measured": index.stored["segments"][0]}
    return row


def hnswlib(gallery: np.ndarray, threads: int) -> tuple[Callable, Callable]:
    graph = importlib.import_module("hnswlib").Index("ip", gallery.shape[1])
    graph.init_index(len(gallery))  # M 16, ef_construction 200
    graph.set_num_threads(threads)
    graph.add_items(gallery, num_threads=threads)
    return lambda q: graph.knn_query(q, K, num_threads=threads)[0], graph.set_ef


def usearch(gallery: np.ndarray, threads: int) -> tuple[Callable, Callable]:
    graph = importlib.import_module("usearch.index").Index(ndim=gallery.shape[1], metric="ip")
    graph.add(np.arange(len(gallery)), gallery, threads=threads)

    def search(queries: np.ndarray) -> np.ndarray:
        return np.atleast_2d(graph.search(queries, K, threads=threads).keys)

    return search, lambda width: setattr(graph, "expansion_search", width)


def others(
    gallery: np.ndarray, queries: np.ndarray, true: np.ndarray, threads: int
) -> dict[str, dict | None]:
    """Each with its defaults, and with the least width that reaches our recall; None where not installed."""
    rows: dict[str, dict | None] = {}
    for name, make in (("usearch", usearch), ("hnswlib", hnswlib)):
        try:
            (search, widen), seconds = timed(lambda make=make: make(gallery, threads))
        except ImportError:
            rows[name] = None
            continue
        rows[f"{name}, defaults"] = measure(search, queries, true) | {"build": seconds}
        for width in WIDER:
            widen(width)
            row = measure(search, queries, true)
            if row["recall"] >= ASKED_RECALL:
                break
        rows[f"{name}, width {width}"] = row | {"build": seconds}
    return rows


def show(name: str, size: int, row: dict | None, flat: dict) -> list[str]:
    if row is None:
        return [name, f"{size:,}", "not installed", *[""] * 7]
    times = [f"{flat[key] / row[key]:.1f}" for key in ("one", "batch")]
    memory = f"{row['memory'] / 2**20:,.0f}" if "memory" in row else ""
    added = f"{row['add']:.1f}" if "add" in row else ""
    speed = [f"{row['one']:.3f}", times[0], f"{row['batch']:.3f}", times[1]]
    return [name, f"{size:,}", f"{row['recall']:.3f}", *speed, f"{row['build']:.1f}", added, memory]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1, help="of everybody (%(default)s)")
    parser.add_argument("--vectors", metavar="FILE", help="measure on these embeddings, repeated with noise")
    parser.add_argument("--name", default="index", help="of the result's file (%(default)s)")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    rows, curve = [], []
    for size in arguments.sizes:
        gallery, queries = draw(size, arguments.vectors)
        flat = exact(gallery, queries)
        own = ours(gallery, queries, flat["found"], arguments.threads)
        found = {"exact (IndexFlatIP)": flat, "ours": own}
        if size <= OTHERS_UP_TO:
            found |= others(gallery, queries, flat["found"], arguments.threads)
        rows += [show(name, size, row, flat) for name, row in found.items()]
        curve += [
            [f"{size:,}", *(f"{r[k]}" for k in ("probes", "candidates")), f"{r['recall']:.3f}", spell(r)]
            for r in own["measured"]["curve"]
        ]
        print(*rows[-len(found) :], sep="\n", flush=True)
    write(rows, curve, arguments)


def spell(row: dict) -> str:
    low, high = row["interval"]
    return f"{low:.3f} to {high:.3f}"


def write(rows: list[list[str]], curve: list[list[str]], arguments: argparse.Namespace) -> None:
    columns = ["search", "vectors", f"recall@{K}", "ms, one", "times exact", f"ms, {BATCH} at once"]
    columns += ["times exact", "build, s", "add 1 %, s", "memory, MiB"]
    found = environment.versions("faiss-cpu", "usearch", "hnswlib")
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")
    data = f"vectors of {arguments.vectors}" if arguments.vectors else f"{CENTRES:,} centres with noise"
    text = (
        f"{data}; {QUERIES} queries, threads of everybody: {arguments.threads}. Asked for: recall "
        f"{ASKED_RECALL} at {ASKED_SPEED} times the speed of exact search, one query at a time, among "
        f"{ASKED_SIZE:,}. Exact is faiss IndexFlatIP; below 100,000 ours is exact too. Milliseconds are "
        "medians of single queries, means in batches. Memory is what a fresh process grows by that opens our "
        f"index and searches in it; of IndexFlatIP, its vectors. Graphs are built up to {OTHERS_UP_TO:,}. "
        f"Load average at the end {os.getloadavg()[0]:.1f}: the machine was shared. {versions}."
    )
    tables = [{"title": "recall, speed, memory", "columns": columns, "rows": rows}]
    settings = ["vectors", "lists probed", "ranked again", f"recall@{K}", "95 % interval"]
    if curve:
        tables.append({"title": "what the build measured", "columns": settings, "rows": curve})
    given = f" --vectors {Path(arguments.vectors).name}" if arguments.vectors else ""
    sizes = " ".join(map(str, arguments.sizes))
    command = f"python -m benchmarks.index --sizes {sizes} --threads {arguments.threads}{given}"
    record(arguments.name, title="Search over a million vectors", command=command, text=text, tables=tables)


if __name__ == "__main__":
    main()

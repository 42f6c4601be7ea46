"""A million vectors: our index beside exact search, usearch and hnswlib, one query at a time and in batches.

    python -m benchmarks.index [--sizes 10000 100000 1000000] [--noise 0.5 1.0] [--threads 1] [--vectors FILE]

Vectors are a seeded mixture of 4,000 centres; noise of 1.0 is as wide as the centres are apart, so that they
overlap, and both fall off over the dimensions as those of embeddings do. With little noise a million vectors
fall into about as many clusters as our index has lists, which flatters it: hence more than one noise. Queries
are fresh points. `--vectors` takes an embeddings file instead, repeated with that noise; queries are noisy
copies too. Exact is faiss IndexFlatIP. Contestants have the same threads and take turns query by query; a
ratio is the median over queries: a busy machine slows both.
"""

import argparse
import importlib
import itertools
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
from benchmarks.turns import times
from lib import environment
from lib.index import Embeddings, build_index, read_embeddings

WIDTH, CENTRES, QUERIES, BATCH, K = 256, 4000, 200, 100, 10
ASKED_RECALL, ASKED_SPEED, ASKED_SIZE = 0.95, 20, 1_000_000
OTHERS_UP_TO = 100_000  # a graph over a million takes one thread far longer than the rest of the benchmark
WIDTHS = {"usearch": (64, 32, 128, 256), "hnswlib": (10, 32, 64, 128, 256)}  # the default first
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


def draw(size: int, spread: float, file: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The gallery and the queries, all of length 1."""
    chance = np.random.default_rng(0)
    if file:
        given = normalise(np.asarray(read_embeddings(file).vectors, np.float32))
        width, centres = given.shape[1], given
        falling, spread = 1.0, spread / width**0.5
    else:
        width, centres = WIDTH, chance.standard_normal((CENTRES, WIDTH), dtype=np.float32)
        falling = np.arange(1, WIDTH + 1, dtype=np.float32) ** -0.5
    noise = chance.standard_normal((size + QUERIES, width), dtype=np.float32)
    drawn = normalise(
        (centres[chance.integers(len(centres), size=size + QUERIES)] + spread * noise) * falling
    )
    return drawn[:size], drawn[size:]


def timed(work: Callable) -> tuple[object, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


def race(searches: dict[str, Callable], queries: np.ndarray) -> dict[str, dict]:
    """Recall, milliseconds and times as fast as the first, who is exact: alone and in batches, in turns."""
    parts = {"one": [queries[i : i + 1] for i in range(len(queries))]}
    parts["batch"] = [queries[i : i + BATCH] for i in range(0, len(queries), BATCH)] * 3
    rows: dict[str, dict] = {name: {} for name in searches}
    for kind, asked in parts.items():
        spent: dict[str, list[float]] = {name: [] for name in searches}
        for number, query in enumerate([asked[0], *asked]):  # the first round does not count
            for name, search in searches.items():
                found, seconds = timed(lambda search=search, query=query: search(query))
                if number:
                    spent[name].append(1000 * seconds / len(query))
                    rows[name].setdefault(f"{kind} found", []).append(found[0])
        first = spent[next(iter(searches))]
        for name, own in spent.items():
            rows[name] |= {kind: float(np.median(own)), f"{kind} faster": times(first, own)}
    true = next(iter(rows.values()))["one found"]
    for row in rows.values():
        pairs = zip(row["one found"], true, strict=True)
        row["recall"] = np.mean([len({*map(int, a)} & {*map(int, b)}) / K for a, b in pairs])
    return rows


def compare(gallery: np.ndarray, queries: np.ndarray, threads: int) -> tuple[dict[str, dict | None], list]:
    """A row for each contestant, and the curve that our build measured."""
    flat = faiss.IndexFlatIP(gallery.shape[1])
    flat.add(gallery)
    about: dict[str, dict] = {"exact (IndexFlatIP)": {"memory": gallery.nbytes}}
    searches: dict[str, Callable] = {"exact (IndexFlatIP)": lambda q: flat.search(q, K)[1]}
    ids = tuple(f"{number:07d}" for number in range(len(gallery)))
    with tempfile.TemporaryDirectory() as scratch:
        folder, asked = Path(scratch) / "index", Path(scratch) / "queries.npy"
        index, seconds = timed(lambda: build_index(folder, Embeddings(gallery, ids, "drawn")))
        np.save(asked, queries)
        words = [sys.executable, "-c", RESIDENT, str(folder), str(asked), str(threads)]
        memory = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        about["ours"] = {"build": seconds, "memory": memory}
        searches["ours"] = lambda q: np.array(index.search(q, K)[1]).astype(int)
        absent = add_graphs(searches, about, gallery, threads) if len(gallery) <= OTHERS_UP_TO else []
        rows = {name: row | about[name] for name, row in race(searches, queries).items()}
        size, curve = len(gallery) // 100, index.stored["segments"][0]["curve"]
        more = Embeddings(gallery[:size], tuple(f"new {n}" for n in range(size)), "drawn")
        _, rows["ours"]["add"] = timed(lambda: index.add(more))
    return rows | dict.fromkeys(absent), curve


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


def add_graphs(searches: dict, about: dict, gallery: np.ndarray, threads: int) -> list[str]:
    """Each with several widths of search, the default among them; those that are not installed come back."""
    absent = []
    for name, make in (("usearch", usearch), ("hnswlib", hnswlib)):
        try:
            (search, widen), seconds = timed(lambda make=make: make(gallery, threads))
        except ImportError:
            absent.append(name)
            continue
        for width in WIDTHS[name]:

            def widened(queries: np.ndarray, search=search, widen=widen, width=width) -> np.ndarray:
                widen(width)
                return search(queries)

            default = ", default" if width == WIDTHS[name][0] else ""
            searches[f"{name}, width {width}{default}"] = widened
            about[f"{name}, width {width}{default}"] = {"build": seconds}
    return absent


def show(name: str, size: int, spread: float, row: dict | None) -> list[str]:
    if row is None:
        return [name, f"{size:,}", f"{spread}", "not installed", *[""] * 7]
    speed = [
        f"{row[key]:.{3 if ' ' not in key else 1}f}" for key in ("one", "one faster", "batch", "batch faster")
    ]
    rest = [f"{row[key]:.1f}" if key in row else "" for key in ("build", "add")]
    memory = f"{row['memory'] / 2**20:,.0f}" if "memory" in row else ""
    return [name, f"{size:,}", f"{spread}", f"{row['recall']:.3f}", *speed, *rest, memory]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.5, 1.0], help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of everybody (%(default)s)")
    parser.add_argument("--vectors", metavar="FILE", help="measure on these embeddings, repeated with noise")
    parser.add_argument("--name", default="index", help="of the result's file (%(default)s)")
    arguments = parser.parse_args()
    faiss.omp_set_num_threads(arguments.threads)
    rows, curves = [], []
    for size, spread in itertools.product(arguments.sizes, arguments.noise):
        found, curve = compare(*draw(size, spread, arguments.vectors), arguments.threads)
        rows += [show(name, size, spread, row) for name, row in found.items()]
        for row in curve:
            setting = [str(row[key]) for key in ("probes", "candidates")]
            curves.append([f"{size:,}", f"{spread}", *setting, f"{row['recall']:.3f}", spell(row)])
        print(*rows[-len(found) :], sep="\n", flush=True)
    write(rows, curves, arguments)


def spell(row: dict) -> str:
    low, high = row["interval"]
    return f"{low:.3f} to {high:.3f}"


def write(rows: list[list[str]], curve: list[list[str]], arguments: argparse.Namespace) -> None:
    columns = ["search", "vectors", "noise", f"recall@{K}", "ms, one", "times exact", f"ms, {BATCH} at once"]
    columns += ["times exact", "build, s", "add 1 %, s", "memory, MiB"]
    found = environment.versions("faiss-cpu", "usearch", "hnswlib")
    versions = ", ".join(f"{name} {version}" for name, version in found.items() if name != "python")
    data = f"vectors of {arguments.vectors}" if arguments.vectors else f"{CENTRES:,} centres with noise"
    text = (
        f"{data}; {QUERIES} queries, threads of everybody: {arguments.threads}. Asked for: recall "
        f"{ASKED_RECALL} at {ASKED_SPEED} times the speed of exact search, one query at a time, among "
        f"{ASKED_SIZE:,}. Exact is faiss IndexFlatIP; below 100,000 ours is exact too. Milliseconds are "
        "medians, ratios medians of ratios, in turns. Memory is what a fresh process grows by that opens our "
        f"index and searches in it; of IndexFlatIP, its vectors. Graphs are built up to {OTHERS_UP_TO:,}. "
        f"Load average at the end {os.getloadavg()[0]:.1f}: the machine was shared. "
        f"usearch holds bf16. {versions}."
    )
    tables = [{"title": "recall, speed, memory", "columns": columns, "rows": rows}]
    settings = ["vectors", "noise", "lists probed", "ranked again", f"recall@{K}", "95 % interval"]
    if curve:
        tables.append({"title": "what the build measured", "columns": settings, "rows": curve})
    given = f" --vectors {Path(arguments.vectors).name}" if arguments.vectors else ""
    sizes = " ".join(map(str, arguments.sizes))
    noises = " ".join(map(str, arguments.noise))
    command = (
        f"python -m benchmarks.index --sizes {sizes} --noise {noises} --threads {arguments.threads}{given}"
    )
    record(arguments.name, title="Search over a million vectors", command=command, text=text, tables=tables)


if __name__ == "__main__":
    main()

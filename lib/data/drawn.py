"""The drawn dataset: the atelier's photographs planned, drawn and described in several processes, once.

It writes the files that the DeepFashion course project has, so the readers for real data read this one too.
"""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import atelier
from atelier.plan import Recipe, Taken, plan_shots, take_photographs
from lib.data.formats import write_deepfashion
from lib.files import sha256, whole, write_json
from lib.paths import shorten
from lib.progress import Progress

RECIPE = "atelier.json"
CHUNK = 50  # photographs a process draws before it reports
# modules of the atelier that change no picture and no caption
NOT_DRAWING = {"__init__", "parse", "statistics", "synonyms", "world"}


class DrawnError(ValueError):
    """A dataset that cannot be made where it was asked for."""


def make_dataset(folder: str | Path, recipe: Recipe, *, processes: int | None = None) -> bool:
    """Make the dataset unless this very one is there already; say whether it was made."""

    def write(draft: Path) -> None:
        (draft / "images").mkdir(parents=True)
        shots = list(plan_shots(recipe))
        taken = draw_in_processes(take_photographs, shots, (recipe, draft / "images"), processes)
        write_captions(draft, taken)

    return make_once(folder, fingerprint(recipe), write)


def make_once(folder: str | Path, known: dict, write: Callable[[Path], None]) -> bool:
    """Let `write` fill a draft of the folder unless `known` is what it holds; say whether it was made."""
    folder = Path(folder)
    if written_by(folder) == known:
        return False
    if folder.exists() and written_by(folder) is None and any(folder.iterdir()):
        told = "holds something that the atelier did not write; name another folder"
        raise DrawnError(f"{shorten(folder)} {told}")
    with whole(folder) as draft:
        write(draft)
        write_json(draft / RECIPE, known, indent=1)
    return True


def fingerprint(recipe: Any, *parts: str) -> dict:
    """The recipe and the code that follows it (`parts` of the atelier beside its own): each counts."""
    home = Path(atelier.__file__).parent
    files = [path for part in ("", *parts) for path in sorted((home / part).glob("*.py"))]
    files += sorted(Path(__file__).parent / f"{name}.py" for name in ("drawn", *parts))
    code = sha256(path.read_bytes() for path in files if path.stem not in NOT_DRAWING)
    return {**asdict(recipe), "code": code[:16]}


def written_by(folder: Path) -> dict | None:
    """The fingerprint that a finished dataset carries."""
    try:
        return json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def draw_in_processes(draw: Callable[..., list], plan: Sequence, given: tuple, processes: int | None) -> list:
    """Draw a plan in chunks, several at once; what comes back is in its order, whoever was faster."""
    chunks = [plan[start : start + CHUNK] for start in range(0, len(plan), CHUNK)]
    done: dict[int, list] = {}
    workers = min(processes or os.cpu_count() or 1, len(chunks))
    with (
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
        Progress("drawing", len(plan), "pictures") as progress,
    ):
        jobs = {pool.submit(draw, chunk, *given): number for number, chunk in enumerate(chunks)}
        for job in as_completed(jobs):
            done[jobs[job]] = job.result()
            progress.update(len(done[jobs[job]]))
    return [row for number in sorted(done) for row in done[number]]


def write_captions(folder: Path, rows: list[Taken]) -> None:
    captions: dict[str, dict[str, list[str]]] = {split: {} for split in ("train", "val", "test")}
    for split, name, texts, _ in rows:
        captions[split][name] = texts
    write_deepfashion(folder, captions, {name: attributes for _, name, _, attributes in rows})

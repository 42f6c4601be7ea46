"""Describing a folder: each picture once, by as many processes as work on it, kill or no kill.

The work lies in 256 shards by the pictures' content. A process claims a few, asks the backend about what is
missing in them, appends the answers and gives the shards back; whoever is left finishes what others let go.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.files import sha256, whole, write_json
from lib.paths import resolve
from lib.progress import Progress
from rebuild.ask.answer_store import AnswerRow, AnswerStore, Shard, write_json_lines
from rebuild.ask.pictures import SHARDS, PictureList, check_picture, list_pictures
from rebuild.backends.shape import Backend, NoAnswer
from rebuild.errors import RebuildError

BATCHES = 4  # of the backend's size, from the shards that are claimed at once
PAUSE = 0.3  # seconds between two looks at shards that others hold
OPENERS = 4  # threads that try whether pictures open
UNREADABLE, REFUSED = "unreadable", "refused"  # flags

Content = tuple[str, list[str]]  # id, the names under which it lies in the folder
Claimed = tuple[int, Shard, list[Content]]  # a shard's number, the shard, what is missing in it


@dataclass(frozen=True)
class Answers:
    """All answers of one backend to some prompts about a folder, on disk."""

    pictures: PictureList
    store: AnswerStore

    def rows(self) -> Iterator[AnswerRow]:
        """One row a picture, shard by shard; then the files that are none, with the reason.

        A picture that lies in the folder more than once has the first of its names; `copies` are the others.
        """
        for number in range(SHARDS):
            found = self.store.rows(number)
            for id, names in self.pictures.shard(number).items():
                if id in found:
                    yield found[id] | {"name": names[0], "copies": names[1:]}
        for picture in self.pictures.refused:
            yield {"id": None, "name": picture.name, "texts": {}, "failed": {"picture": picture.reason},
                   "flags": [REFUSED]}  # fmt: skip

    def write(self, file: str | Path) -> int:
        """The rows in one JSONL file; returns how many."""
        file = resolve(file)
        with whole(file) as draft:
            return write_json_lines(draft, self.rows())


def describe_folder(
    folder: str | Path,
    work: str | Path,
    backend: Backend,
    prompts: Mapping[str, str],
    *,
    retry_failed: bool = False,
) -> Answers:
    """Ask `backend` every prompt ({"background": "...", ...}) about every picture below `folder`.

    The answers of each backend and its prompts have a folder of their own in `work`, so another model or
    prompt neither mixes with them nor costs them. With `retry_failed` rows that failed are asked again.
    """
    if not prompts:
        raise RebuildError("no prompts: expected at least one, as {'background': 'Describe ...'}")
    pictures = list_pictures(folder, resolve(work) / "pictures.jsonl")
    about = {"backend": backend.name, "model": backend.model, "fingerprint": backend.fingerprint,
             "prompts": dict(prompts)}  # fmt: skip
    answers = Answers(pictures, open_answer_store(resolve(work), about))
    _Worker(answers, backend, about, retry_failed).work()
    return answers


def open_answer_store(work: Path, about: AnswerRow) -> AnswerStore:
    """The folder that belongs to this backend and these prompts."""
    key = sha256(json.dumps(about, sort_keys=True))[:12]
    store = AnswerStore(work / f"{about['backend'].replace(' ', '-')}-{key}")
    write_json(store.folder / "about.json", about, indent=1, ascii_only=False)
    return store


class _Worker:
    """One process's part in a run."""

    def __init__(self, answers: Answers, backend: Backend, about: AnswerRow, retry_failed: bool):
        self.pictures, self.store = answers.pictures, answers.store
        self.backend, self.about = backend, about
        self.retry = set(range(SHARDS)) if retry_failed else set()
        self.counted = [len(self.store.rows(number)) for number in range(SHARDS)]
        self.batch = max(1, backend.batch_size // len(about["prompts"]))
        self.failed = 0

    def work(self) -> None:
        """Until every picture has its row, here or from another process."""
        total = sum(len(offsets) for offsets in self.pictures.offsets)
        left = [number for number in range(SHARDS) if self.pictures.offsets[number]]
        with (
            Progress(f"asking {self.backend.name}", total, "pictures", done=sum(self.counted)) as progress,
            ThreadPoolExecutor(OPENERS) as self.openers,
        ):
            while left:
                before = len(left)
                left = self.pass_over(left, progress)
                if len(left) == before:
                    time.sleep(PAUSE)

    def pass_over(self, numbers: list[int], progress: Progress) -> list[int]:
        """Work on all shards that are free; returns those that others hold."""
        todo, held = iter(numbers), []
        while True:
            with contextlib.ExitStack() as claims:
                group = self.claim_some(todo, held, claims)
                self.answer(group, progress)
            for number, *_ in group:
                self.count(number, len(self.pictures.offsets[number]) - self.counted[number], progress)
            if not group:
                return held

    def claim_some(self, todo: Iterator[int], held: list[int], claims: contextlib.ExitStack) -> list[Claimed]:
        """Enough of the next free shards for a few batches."""
        group: list[Claimed] = []
        wanted = BATCHES * self.batch
        for number in todo:
            if (shard := self.store.claim(number)) is None:
                held.append(number)
                continue
            claims.callback(shard.close)
            missing = self.find_missing(number, shard)
            group.append((number, shard, missing))
            wanted -= len(missing)
            if wanted <= 0:
                break
        return group

    def find_missing(self, number: int, shard: Shard) -> list[Content]:
        """(id, names) of the pictures of a shard that have no row."""
        if number in self.retry:
            self.retry.discard(number)
            shard.forget({id for id, row in self.store.rows(number).items() if row["failed"]})
        return [(id, names) for id, names in self.pictures.shard(number).items() if id not in shard.done]

    def answer(self, group: list[Claimed], progress: Progress) -> None:
        """Ask about what is missing in some shards, a batch at a time, each batch safe before the next."""
        flat = [(number, shard, *item) for number, shard, missing in group for item in missing]
        for start in range(0, len(flat), self.batch):
            batch = flat[start : start + self.batch]
            rows = self.ask([(id, names) for *_, id, names in batch])
            by_shard: dict[int, tuple[Shard, list[AnswerRow]]] = {}
            for (number, shard, *_), row in zip(batch, rows, strict=True):
                by_shard.setdefault(number, (shard, []))[1].append(row)
            for number, (shard, its) in by_shard.items():
                shard.append(its)
                self.count(number, len(its), progress)

    def count(self, number: int, steps: int, progress: Progress) -> None:
        self.counted[number] += steps
        shown: dict[str, Any] = {"failed": self.failed} if self.failed else {}
        progress.update(steps, **shown)

    def ask(self, pictures: list[Content]) -> list[AnswerRow]:
        """A row for each picture; those that do not open are not put to the backend."""
        paths = [self.pictures.root / names[0] for _, names in pictures]
        checked = self.openers.map(check_picture, paths)
        rows = [self.begin_row(*picture, *check) for picture, check in zip(pictures, checked, strict=True)]
        good = [(path, row) for path, row in zip(paths, rows, strict=True) if not row["failed"]]
        asked = [(path, row, kind) for path, row in good for kind in self.about["prompts"]]
        prompts = [self.about["prompts"][kind] for *_, kind in asked]
        given = self.backend([path for path, *_ in asked], prompts) if asked else []
        if len(given) != len(asked):
            raise RebuildError(f"{self.backend.name} gave {len(given)} answers to {len(asked)} questions")
        for (_, row, kind), answer in zip(asked, given, strict=True):
            if isinstance(answer, NoAnswer):
                row["failed"][kind] = answer.reason
            else:
                row["texts"][kind] = answer
        self.failed += sum(bool(row["failed"]) for row in rows)
        return rows

    def begin_row(self, id: str, names: list[str], reason: str | None, flags: list[str]) -> AnswerRow:
        row: AnswerRow = {"id": id, "name": names[0], "texts": {}, "failed": {}, **self.about, "flags": flags}
        if reason is not None:
            row["failed"]["picture"] = reason
            row["flags"] = [UNREADABLE]
        return row

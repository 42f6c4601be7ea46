"""Fingerprints: what a stage's result depends on, and in words what changed since its last good run."""

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lib.paths import shorten
from lib.pipeline import closure, notebook
from lib.pipeline.plan import Job


def digest(*parts: str) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogateescape")
        total.update(b"%d:" % len(data) + data)
    return total.hexdigest()


def take(job: Job, root: Path, before: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that decides whether the stage must run again; `before` saves hashing unchanged files."""
    cells = [c for c in notebook.code_cells(job.notebook) if not notebook.has_tag(c, "parameters")]
    reads = {**job.needs, **job.inputs}
    return {
        "notebook": digest(*(cell["source"] for cell in cells)),
        "parameters": json.loads(json.dumps(job.parameters)),
        "modules": closure.hashes(notebook.parse_code(job.notebook, job.name), root),
        "inputs": {name: state(path, before.get("inputs", {}).get(name)) for name, path in reads.items()},
    }


def differences(old: Mapping[str, Any], new: Mapping[str, Any], job: Job) -> list[str]:
    """Why a result recorded with `old` does not hold for `new`, one phrase a reason."""
    reasons = ["notebook changed"] if old.get("notebook") != new["notebook"] else []
    # the record lies in the output folder, so a folder that was moved or renamed is still the same one
    was, now = ({k: v for k, v in side.get("parameters", {}).items() if k != "output"} for side in (old, new))
    reasons += [
        f"parameter {name}: {was.get(name, 'absent')!r} -> {now.get(name, 'absent')!r}"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name) or type(was.get(name)) is not type(now.get(name))
    ]
    was, now = old.get("modules", {}), new["modules"]
    reasons += [f"{name} changed" for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    was, now, paths = old.get("inputs", {}), new["inputs"], {**job.needs, **job.inputs}
    return reasons + [
        f"input {shorten(paths.get(name, name))} changed"
        for name in sorted({*was, *now})
        if was.get(name, {}).get("content") != now.get(name, {}).get("content")
    ]


def spoiled(job: Job, record: Mapping[str, Any], copy: Path) -> list[str]:
    """What the last good run left and is gone, or has been touched since."""
    gone = [path for path in (*job.makes.values(), copy) if not path.exists()]
    made = record.get("makes", {})
    touched = [
        path
        for name, path in job.makes.items()
        if path not in gone and state(path, made.get(name))["content"] != made.get(name, {}).get("content")
    ]
    return [f"output {shorten(p)} missing" for p in gone] + [f"output {shorten(p)} changed" for p in touched]


def state(path: Path, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """A file or folder: size and time, and a content hash that is taken anew only where those changed."""
    stat = signature(path)
    if before and before.get("stat") == stat:
        return dict(before)
    return {"stat": stat, "content": content(path, stat)}


def signature(path: Path) -> str:
    sizes = ((name, file.stat()) for name, file in files(path))
    return digest(*(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in sizes))


@functools.lru_cache(maxsize=4096)
def content(path: Path, stat: str) -> str:
    """The hash of a file, or of a folder's names and files; `stat` is the cache's key."""
    parts: list[str] = []
    for name, file in files(path):
        with file.open("rb") as stream:
            parts += [name, hashlib.file_digest(stream, "sha256").hexdigest()]
    return digest(*parts)


def files(path: Path) -> list[tuple[str, Path]]:
    """The file itself under the name "", or all visible files below a folder, sorted; nothing for nothing."""
    if path.is_dir():
        return sorted(walk(path))
    return [("", path)] if path.exists() else []


def walk(top: Path) -> Iterator[tuple[str, Path]]:
    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(top, followlinks=True):
        here = Path(folder)
        stat = here.stat()
        if (stat.st_dev, stat.st_ino) in seen:  # a link that leads back up
            subfolders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "__pycache__"))]
        for name in names:
            if not name.startswith(".") and (here / name).exists():
                yield (here / name).relative_to(top).as_posix(), here / name

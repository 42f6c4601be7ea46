"""Fingerprints: what a stage's result depends on, and in words what changed since its last good run."""

import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lib.files import hash_file, sha256
from lib.paths import shorten
from pipeline import closure, notebook
from pipeline.plan import Job, Request


def take_fingerprint(job: Job, root: Path, before: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that decides whether the stage must run again; `before` saves hashing unchanged files."""
    cells = [c for c in notebook.code_cells(job.notebook) if not notebook.has_tag(c, "parameters")]
    reads = {**job.needs, **job.inputs}
    return {
        "notebook": sha256(f"{cell['source']}\0" for cell in cells),
        "parameters": json.loads(json.dumps(job.parameters)),
        "modules": closure.hashes(notebook.parse_code(job.notebook, job.name), root),
        "inputs": {name: state_of(path, before.get("inputs", {}).get(name)) for name, path in reads.items()},
    }


def reasons_to_run(job: Job, last: Mapping, marks: Mapping, request: Request) -> list[str]:
    """Why the stage must run, one phrase a reason; none where its last run (`last`) still holds."""
    if not last:
        return ["first run"]
    if not last.get("complete"):
        return [f"last run {last['state']}"]
    forced = ["--force"] if request.force else []
    return forced + changes_since(last, marks, job) + spoiled(job, last, request.copies(job.name)[0])


def spell_reasons(reasons: list[str]) -> str:
    """The first few."""
    return ", ".join(reasons[:3]) + (f" and {len(reasons) - 3} more" if len(reasons) > 3 else "")


def changes_since(old: Mapping[str, Any], new: Mapping[str, Any], job: Job) -> list[str]:
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
        if path not in gone and state_of(path, made.get(name))["content"] != made.get(name, {}).get("content")
    ]
    return [f"output {shorten(p)} missing" for p in gone] + [f"output {shorten(p)} changed" for p in touched]


def state_of(path: Path, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """A file or folder: size and time, and a content hash that is taken anew only where those changed."""
    stat = signature(path)
    if before and before.get("stat") == stat:
        return dict(before)
    return {"stat": stat, "content": content(path, stat)}


def signature(path: Path) -> str:
    sizes = ((name, file.stat()) for name, file in files(path))
    return sha256(f"{name} {stat.st_size} {stat.st_mtime_ns}\0" for name, stat in sizes)


@functools.lru_cache(maxsize=4096)
def content(path: Path, stat: str) -> str:
    """The hash of a file, or of a folder's names and files; `stat` is the cache's key."""
    return sha256(f"{name} {hash_file(file)}\0" for name, file in files(path))


def files(path: Path) -> list[tuple[str, Path]]:
    """The file itself under the name "", or all visible files below a folder, sorted; nothing for nothing."""
    if path.is_dir():
        return sorted(walk_visible(path))
    return [("", path)] if path.exists() else []


def walk_visible(top: Path) -> Iterator[tuple[str, Path]]:
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

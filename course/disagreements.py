"""What disagrees within a submission, and with the course. It is shown; no point is ever taken for it."""

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from course.cells import INJECTED, CodeCell, begin, read_literals, same_code, trimmed
from course.handed import Folder, Refused, in_a_line, parse_json
from course.rules import Course, StageWork, is_number, within

CLAIMS = ("profile", "dataset", "seed", "seeds")
PARAMETERS = "parameters"
GRADING = re.compile(r"\bcheck\b|\bexercise \d+:|\blib\.publish\b|__repr__|_repr_html_|\bNote\b")


def find_disagreements(work: StageWork, course: Course) -> Iterator[str]:
    """One line each, all of one stage."""
    if work.cells is not None:
        yield from compare_sources(work)
        yield from compare_parameters(work)
        yield from compare_record(work)
    if work.metrics is not None:
        yield from compare_recorded_hash(work)
        yield from compare_untrained_rows(work, course)


def compare_sources(work: StageWork) -> Iterator[str]:
    """Cells that are not the course's. The tags that count are the course's own."""
    last, by_a_run = -1, read_used(work)[1]
    for k, cell in enumerate(work.given):
        if (theirs := work.handed(k)) is None:
            yield f"the course's cell {begin(cell)} is missing"
            continue
        where = f"code cell {work.places[k] + 1}"
        if work.places[k] < last:
            yield f"{where} stands elsewhere than in the course: {begin(theirs)}"
        last = max(last, work.places[k])
        if "exercise" in cell.tags:
            yield from suspect(where, theirs)
        elif PARAMETERS in cell.tags:
            if read_literals(theirs.source) is None:
                yield f"{where}, the parameters, holds more than `name = literal`"
        elif not same_code(cell.source, theirs.source):
            yield f"{where} was changed: {first_change(cell, theirs)}"
    for place in work.added:
        if place != by_a_run:
            yield f"code cell {place + 1} was added: {begin(work.cells[place])}"
            yield from suspect(f"code cell {place + 1}", work.cells[place])


def suspect(where: str, cell: CodeCell) -> Iterator[str]:
    if found := GRADING.search(cell.source):
        yield f"{where} names `{found[0]}`, which tells whether an answer is right"


def first_change(ours: CodeCell, theirs: CodeCell) -> str:
    pairs = zip_longest(trimmed(ours.source), trimmed(theirs.source), fillvalue="")
    ours, theirs = next((in_a_line(a, 80), in_a_line(b, 80)) for a, b in pairs if a != b)
    return f"`{theirs}` where the course has `{ours}`".replace("``", "nothing")


def read_used(work: StageWork) -> tuple[dict[str, Any], int | None]:
    """The values that a notebook ran with, and the place of the cell that a run put behind its parameters.

    Such a cell holds literals of the same names and nothing else.
    """
    used: dict[str, Any] = {}
    for k, cell in enumerate(work.given):
        if PARAMETERS in cell.tags and (theirs := work.handed(k)):
            place = work.places[k] + 1
            used |= read_literals(theirs.source) or {}
            behind = work.cells[place] if place < len(work.cells) else theirs
            values = read_literals(behind.source) if INJECTED in behind.tags else None
            if values is not None and values.keys() <= (read_literals(cell.source) or {}).keys():
                return used | values, place
    return used, None


def compare_parameters(work: StageWork) -> Iterator[str]:
    """What the notebook ran with, against what run.json and the metrics claim."""
    used, metrics = read_used(work)[0], work.metrics or {}
    for name, claimed in within(work.run, "parameters").items():
        if name != "output" and used.get(name, claimed) != claimed:
            yield f"{name}: the notebook ran with {spell(used[name])}, run.json says {spell(claimed)}"
    for name in [name for name in CLAIMS if name in metrics]:
        own = [used[n] for n in ((name, "raw") if name == "dataset" else (name,)) if n in used]
        if own and metrics[name] not in own:
            yield f"{name}: the notebook ran with {spell(own[0])}, its metrics say {spell(metrics[name])}"


def compare_record(work: StageWork) -> Iterator[str]:
    """The numbers that the notebook shows last, against metrics/<stage>.json."""
    shown = next((record for cell in reversed(work.cells) if (record := read_record(cell, work.stage))), None)
    if shown is None:
        yield "the notebook shows no metrics of its own to compare with the file"
    elif work.metrics is not None:
        yield from differences("", shown, work.metrics)


def read_record(cell: CodeCell, stage: str) -> dict[str, Any] | None:
    for shown in cell.shown:
        if shown.text.startswith("{") and shown.kind == "execute_result":
            try:
                record = within(parse_json(shown.text.encode("utf-8", "replace"), "metrics"))
            except Refused:
                continue
            if record.get("stage") == stage and "rows" in record:
                return record
    return None


def differences(where: str, shown: Any, stored: Any) -> Iterator[str]:
    """Where two values differ, down to the numbers; rows are told by their names."""
    if isinstance(shown, dict) and isinstance(stored, dict):
        for key in dict.fromkeys([*shown, *stored]):
            yield from differences(f"{where} {key}".removeprefix(" rows "), shown.get(key), stored.get(key))
    elif isinstance(shown, list) and isinstance(stored, list) and len(shown) == len(stored):
        for place, (one, other) in enumerate(zip(shown, stored, strict=True)):
            yield from differences(f"{where} {within(one).get('name') or place}", one, other)
    elif shown != stored:
        yield f"{in_a_line(where, 80)}: the notebook shows {spell(shown)}, the metrics have {spell(stored)}"


def spell(value: Any) -> str:
    return "nothing" if value is None else in_a_line(json.dumps(value), 80)


def compare_recorded_hash(work: StageWork) -> Iterator[str]:
    """run.json holds the hash of the metrics as the pipeline left them (see `pipeline.fingerprint`)."""
    name = f"metrics/{work.stage}.json"
    recorded = within(work.run, "makes", f"{{output}}/{name}").get("content")
    found = hashlib.sha256(f" {work.folder.hashes[name]}\0".encode()).hexdigest()
    if recorded not in (None, found):
        yield f"{name} is not the file that run.json recorded when the notebook had run"


def compare_untrained_rows(work: StageWork, course: Course) -> Iterator[str]:
    """Rows that no training touches are the same for all who draw the same data: those of the reference."""
    reference = course.metrics.get(work.stage)
    if not reference or any(reference.get(name) != work.metrics.get(name) for name in CLAIMS):
        return
    fixed = {row["name"] for row in within(course.metrics.get("00_dataset")).get("rows", ())}
    ours = {row["name"]: row for row in reference["rows"] if row["name"] in fixed}
    for row in work.metrics["rows"]:
        for key, value in ours.get(row["name"], {}).items():
            if is_number(value) and is_number(row.get(key)) and abs(row[key] - value) > 1e-6 * abs(value):
                told = f"{row[key]:.6g} here, {value:.6g} in the reference run, and nothing of it is trained"
                yield f"{row['name']} {key}: {told}"


def compare_weights(folder: Folder) -> Iterator[str]:
    """Each checkpoint's weights against the hash in its meta.json; what takes too long goes to `unread`."""
    for place in folder.checkpoints():
        meta, weights = f"{place}/meta.json", f"{place}/weights.safetensors"
        promised = within(folder.once(meta, folder.json, meta)).get("weights_sha256")
        found = folder.once(weights, folder.digest, weights)
        if meta not in folder.unread and not isinstance(promised, str):
            yield f"{meta} names no weights_sha256"
        elif found is None and weights not in folder.unread:
            yield f"{weights} is missing, though its meta.json is there"
        elif found and promised and found != promised:
            yield f"{weights} is not the file whose hash its meta.json holds"

"""What disagrees within a submission, and with the course. It is shown; no point is ever taken for it."""

import json
import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from atelier import WARDROBE
from course.cells import INJECTED, CodeCell, begin, read_literals, same_code, trimmed
from course.handed import Folder, Refused, in_a_line, parse_json
from course.rules import StageWork, is_number, within
from lib.score import evaluate

CLAIMS = ("profile", "dataset", "seed", "seeds")
PARAMETERS = "parameters"
PICTURES, TEXTS, LETTERS = 20_000, 50, 2_000  # of a file, of a picture, of a caption: more is no caption
NEAR = 1e-9  # of scores, relative


def find_disagreements(work: StageWork) -> Iterator[str]:
    """One line each, all of one stage."""
    if work.cells is not None:
        used, by_a_run = read_used(work)
        yield from compare_sources(work, by_a_run)
        yield from compare_parameters(work, used)
        yield from compare_record(work)


def compare_sources(work: StageWork, by_a_run: int | None) -> Iterator[str]:
    """Cells that are not the course's. The tags that count are the course's own."""
    last = -1
    for k, cell in enumerate(work.given):
        if (theirs := work.handed(k)) is None:
            yield f"the course's cell {begin(cell)} is missing"
            continue
        where = f"code cell {work.places[k] + 1}"
        if work.places[k] < last:
            yield f"{where} stands elsewhere than in the course: {begin(theirs)}"
        last = max(last, work.places[k])
        if PARAMETERS in cell.tags:
            if read_literals(theirs.source) is None:
                yield f"{where}, the parameters, holds more than `name = literal`"
        elif "exercise" not in cell.tags and not same_code(cell.source, theirs.source):
            yield f"{where} was changed: {first_change(cell, theirs)}"
    for place in work.added:
        if place != by_a_run:
            yield f"code cell {place + 1} was added: {begin(work.cells[place])}"


def first_change(ours: CodeCell, theirs: CodeCell) -> str:
    pairs = zip_longest(trimmed(ours.source), trimmed(theirs.source), fillvalue="")
    ours, theirs = next((in_a_line(a, 80), in_a_line(b, 80)) for a, b in pairs if a != b)
    return f"`{theirs}` where the course has `{ours}`".replace("``", "nothing")


def read_used(work: StageWork) -> tuple[dict[str, Any], int | None]:
    """The values that a notebook ran with, and the place of the cell that a run put behind its parameters."""
    used: dict[str, Any] = {}
    for k, cell in enumerate(work.given):
        if PARAMETERS in cell.tags and (theirs := work.handed(k)):
            place = work.places[k] + 1
            used |= read_literals(theirs.source) or {}
            behind = work.cells[place] if place < len(work.cells) else theirs
            # a run's own cell holds literals of the same names and nothing else
            values = read_literals(behind.source) if INJECTED in behind.tags else None
            if values is not None and values.keys() <= (read_literals(cell.source) or {}).keys():
                return used | values, place
    return used, None


def compare_parameters(work: StageWork, used: dict[str, Any]) -> Iterator[str]:
    """What the notebook ran with, against what run.json and the metrics claim."""
    for name, claimed in within(work.run, "parameters").items():
        if name != "output" and used.get(name, claimed) != claimed:
            yield f"{name}: the notebook ran with {spell(used[name])}, run.json says {spell(claimed)}"
    for name, claimed in [(name, work.metrics[name]) for name in CLAIMS if name in (work.metrics or {})]:
        own = [used[n] for n in ((name, "raw") if name == "dataset" else (name,)) if n in used]
        if own and claimed not in own:
            yield f"{name}: the notebook ran with {spell(own[0])}, its metrics say {spell(claimed)}"


def compare_record(work: StageWork) -> Iterator[str]:
    """The numbers that the notebook shows last, against metrics/<stage>.json."""
    texts = [text for cell in work.cells for kind, text in cell.shown if kind == "execute_result"]
    own = [text for text in texts if text.startswith("{") and f'"stage": "{work.stage}"' in text]
    try:
        shown = parse_json(own[-1].encode("utf-8", "replace"), "metrics") if own else None
    except Refused:
        shown = None
    if shown is None:
        yield "the notebook shows no metrics of its own to compare with the file"
    elif work.metrics is not None:
        yield from differences("", shown, work.metrics)


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


def compare_weights(folder: Folder) -> Iterator[str]:
    """Each checkpoint's weights against the hash in its meta.json."""
    for place in folder.checkpoints():
        meta, weights = f"{place}/meta.json", f"{place}/weights.safetensors"
        promised = within(folder.once(Folder.json, meta)).get("weights_sha256")
        found = folder.once(Folder.digest, weights)
        if meta not in folder.unread and not isinstance(promised, str):
            yield f"{meta} names no weights_sha256"
        elif found is None and weights not in folder.unread:
            yield f"{weights} is missing, though its meta.json is there"
        elif found and promised and found != promised:
            yield f"{weights} is not the file whose hash its meta.json holds"


def read_predictions(folder: Folder, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Of each picture its references and attributes, of each row its captions by picture."""
    if (raw := folder.read(name)) is None:
        return None
    truths, captions = {}, {}
    if raw.count(b"\n") > PICTURES:
        raise Refused(f"{name}: more than {PICTURES:,} pictures")
    for where, line in ((f"{name}, line {k}", line) for k, line in enumerate(raw.splitlines(), 1)):
        row = parse_json(line, where)
        if not is_prediction(row) or row["id"] in truths:
            raise Refused(f"{where}: expected an id of its own, references and captions (texts)")
        truths[row["id"]] = row["references"], row.get("attributes")
        for who, caption in row["captions"].items():
            captions.setdefault(who, {})[row["id"]] = caption
    return truths, captions


def is_prediction(row: Any) -> bool:
    shape = {"references": list, "captions": dict}
    if not isinstance(row, dict) or not all(isinstance(row.get(key), kind) for key, kind in shape.items()):
        return False
    texts = [row.get("id"), *row["references"], *row["captions"].values()]
    known = bool(row["references"]) and len(texts) <= TEXTS and isinstance(row.get("attributes"), dict | None)
    return known and all(isinstance(text, str) and len(text) <= LETTERS for text in texts)


def rederive(work: StageWork, notes: list[dict[str, Any]]) -> Iterator[str]:
    """What disagrees with the rows of a stage; a note tells, as it goes, how many scores were computed."""
    found = work.folder.once(read_predictions, f"metrics/{work.stage}.predictions.jsonl")
    if work.metrics is None or found is None:
        return
    truths, said = found
    rows = {row["name"]: row for row in work.metrics["rows"]}
    note = {"stage": work.stage, "scores": 0, "rows without captions": len(rows.keys() - said.keys())}
    notes.append(note)
    for who, captions in said.items():
        name = in_a_line(who, 60)
        try:
            references, attributes = ({key: truths[key][place] for key in captions} for place in (0, 1))
            known = None if None in attributes.values() else attributes
            scores = evaluate(captions, references, attributes=known, world=WARDROBE, resamples=0)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield f"{name}: its captions cannot be scored ({in_a_line(error, 100)})"
            continue
        for key, value in scores.items():
            if is_number(claimed := rows.get(who, {}).get(key)):
                note["scores"] += 1
                if not math.isclose(claimed, value, rel_tol=NEAR, abs_tol=NEAR):
                    yield f"{name} {key}: the metrics say {claimed:.6g}, its captions come to {value:.6g}"

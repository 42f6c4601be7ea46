"""Scores computed anew from the captions that were handed in, held against those the metrics claim."""

import contextlib
import math
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from course.handed import Folder, Refused, in_a_line, parse_json
from course.rules import is_number

PICTURES, TEXTS, LETTERS = 20_000, 50, 2_000  # of a file, of a picture, of a caption: more is no caption
NEAR = 1e-9  # relative
BUDGET = 10.0  # seconds a submission

Truths = Mapping[str, tuple[list[str], dict[str, Any] | None]]  # picture -> references and attributes
Captions = Mapping[str, Mapping[str, str]]  # row -> picture -> caption


class OutOfTime(Exception):
    """What was asked for took longer than it may."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends the block with OutOfTime when its time is over; Windows has no such timer, and so no end."""

    def ring(*_: object) -> None:
        raise OutOfTime

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read_predictions(folder: Folder, name: str) -> tuple[Truths, Captions] | None:
    """What metrics/<stage>.predictions.jsonl holds; None where there is no such file."""
    if (raw := folder.read(name)) is None:
        return None
    truths, captions = {}, {}
    if raw.count(b"\n") > PICTURES:
        raise Refused(f"{name}: more than {PICTURES:,} pictures")
    for number, line in enumerate(raw.splitlines(), 1):
        row = parse_json(line, f"{name}, line {number}")
        if not is_prediction(row) or row["id"] in truths:
            raise Refused(
                f"{name}, line {number}: expected an id of its own, references and captions (texts)"
            )
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


def rederive(
    found: tuple[Truths, Captions], rows: Mapping[str, Mapping[str, Any]], truths: Truths | None, ends: float
) -> tuple[list[str], str]:
    """What disagrees with the rows of a stage, and one line: what was computed anew, and what was not."""
    told, own = ([], found[0]) if truths is None else compare_truths(found[0], truths)
    done, left, late = 0, 0, 0
    for who, captions in found[1].items():
        claimed = {key: value for key, value in rows.get(who, {}).items() if is_number(value)}
        name = in_a_line(who, 60)
        try:
            with at_most(ends - time.monotonic()):
                scores = score_anew(captions, own)
        except OutOfTime:
            late += 1
            continue
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told.append(f"{name}: its captions cannot be scored ({in_a_line(error, 100)})")
            continue
        both = sorted(claimed.keys() & scores.keys())
        done, left = done + len(both), left + len(claimed) - len(both)
        for key in both:
            if not math.isclose(claimed[key], scores[key], rel_tol=NEAR, abs_tol=NEAR):
                told.append(
                    f"{name} {key}: the metrics say {claimed[key]:.6g}, its captions {scores[key]:.6g}"
                )
    whose = "references of its own" if truths is None else "the references of the reference run"
    note = f"{done} scores computed anew by {whose}; {left} that cannot be, "
    note += f"{len(rows.keys() - found[1].keys())} rows without captions"
    return told, note + (f", {late} rows left out when the time was over" if late else "")


def compare_truths(theirs: Truths, ours: Truths) -> tuple[list[str], Truths]:
    """What is not as in the reference run, and the truth to score with: the reference's wherever it knows."""
    strange, lacking = len(theirs.keys() - ours.keys()), len(ours.keys() - theirs.keys())
    told = [f"{strange} of {len(theirs)} predicted pictures are not in the reference run"] if strange else []
    told += [f"{lacking} of the reference run's pictures were not predicted"] if lacking else []
    for place, what in enumerate(("references", "attributes")):
        other = sum(theirs[key][place] != ours[key][place] for key in theirs.keys() & ours.keys())
        told += [f"{what} of {other} pictures are not those of the reference run"] if other else []
    return told, {key: ours.get(key, truth) for key, truth in theirs.items()}


def score_anew(captions: Mapping[str, str], truths: Truths) -> dict[str, float]:
    from atelier import WARDROBE
    from lib.score import evaluate

    references = {key: truths[key][0] for key in captions}
    attributes = {key: truths[key][1] for key in captions}
    known = None if None in attributes.values() else attributes
    return evaluate(captions, references, attributes=known, world=WARDROBE, resamples=0)

"""One submission graded: points with reasons, what disagrees and what could not be read, as plain data."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from course.cells import read_cells
from course.disagreements import compare_weights, find_disagreements
from course.handed import CourseError, Folder, in_a_line
from course.rederive import BUDGET, at_most, read_predictions, rederive
from course.rubric import read_rubric
from course.rules import Course, StageWork, forms_of, grade_rule, open_work, read_rows, tell
from lib.paths import shorten

SLOWEST = 30.0  # seconds that a submission may take without scores computed anew
MOST_TOLD = 20  # disagreements of one stage
NOT_GRADED = "not graded: see what was not read"


def open_course(notebooks: Path, rubric: Path, reference: Path | None, *, truths: bool = False) -> Course:
    """The teacher's side; a run of the teacher's own is read with the same care as what is graded."""
    own, run = Folder(notebooks), Folder(reference or notebooks)
    given = {path.stem: read_cells(own, path.name) for path in sorted(notebooks.glob("*.ipynb"))}
    if not given:
        raise CourseError(f"{shorten(notebooks)}: no notebooks there to hold submissions against")
    course = Course(given, read_rubric(rubric, given), {}, {}, {})
    for stage in given if reference else ():
        if cells := read_cells(run, f"notebooks/{stage}.ipynb"):
            course.expected[stage] = {cell.id: forms_of(cell) - {"any"} for cell in cells}
        course.metrics[stage] = read_rows(run, f"metrics/{stage}.json")
        found = read_predictions(run, f"metrics/{stage}.predictions.jsonl") if truths else None
        course.truths[stage] = found and found[0]
    if reference and not course.expected:
        raise CourseError(f"{shorten(reference)}: no executed notebooks there to compare with")
    return course


def begin_result(name: str, course: Course) -> dict[str, Any]:
    result = {
        "format": 1,
        "name": in_a_line(name),
        "rubric": course.rubric.title,
        "points": 0.0,
        "possible": 0.0,
    }
    return result | {"rules": [], "disagreements": [], "computed_anew": [], "unread": []}


def grade_submission(
    root: Path, course: Course, *, again: bool = False
) -> tuple[dict[str, Any], dict[str, StageWork]]:
    """What grade.json holds, and the stages as they were read. No file of a submission ends the run."""
    folder, result, works = Folder(root), begin_result(root.name, course), dict[str, StageWork]()
    told = result["disagreements"]
    try:
        with at_most(SLOWEST):
            for stage, given in course.notebooks.items():
                works[stage] = open_work(folder, stage, given)
            result["rules"] += (grade_rule(rule, works[rule.stage], course) for rule in course.rubric.rules)
            for stage, work in works.items():
                told += few(stage, find_disagreements(work, course))
            told += few("checkpoints", compare_weights(folder))
        ends = time.monotonic() + BUDGET
        for work in works.values() if again else ():
            derive(work, course, result, ends)
    except Exception as error:  # whatever a stranger's file does, the class goes on and the page tells it
        folder.unread["*"] = f"the rest, for the grader stopped: {type(error).__name__} {error}"
    return finish(result, course, folder.unread.values()), works


def finish(result: dict[str, Any], course: Course, unread: Any) -> dict[str, Any]:
    """Rules that were not reached give nothing and say so; the sums."""
    missed = course.rubric.rules[len(result["rules"]) :]
    result["rules"] += (tell(rule, 0.0, NOT_GRADED) for rule in missed)
    for key in ("points", "possible"):
        result[key] = round(sum(rule[key] for rule in result["rules"]), 2)
    return result | {"unread": [in_a_line(line, 300) for line in dict.fromkeys(unread)]}


def few(stage: str, lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The first of them, and how many more there are."""
    yield from ({"stage": stage, "what": in_a_line(line, 400)} for line in islice(lines, MOST_TOLD))
    if rest := sum(1 for _ in lines):
        yield {"stage": stage, "what": f"and {rest} more"}


def derive(work: StageWork, course: Course, result: dict[str, Any], ends: float) -> None:
    """Scores of one stage computed anew from its predictions."""
    name = f"metrics/{work.stage}.predictions.jsonl"
    found = work.folder.once(name, read_predictions, work.folder, name)
    if work.metrics is None or found is None:
        return
    rows = {row["name"]: row for row in work.metrics["rows"]}
    lines, note = rederive(found, rows, course.truths.get(work.stage), ends)
    result["disagreements"] += few(work.stage, iter(lines))
    result["computed_anew"].append({"stage": work.stage, "what": note})

"""`python -m course grade`: points, reasons and disagreements for one submission or a class of them."""

import argparse
import contextlib
import csv
import gc
import io
import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from course.cells import read_cells
from course.disagreements import compare_weights, find_disagreements, rederive
from course.handed import CourseError, Folder, in_a_line
from course.page import render
from course.rubric import DEFAULT, read_rubric
from course.rules import Course, StageWork, grade_rule, open_work, tell
from lib.files import write_text
from lib.paths import NOTEBOOKS, resolve, shorten

GRADES = "grades"  # the folder of results; no student's folder has this name
SECONDS = 10.0  # for a submission, for its checkpoints, and for computing its scores anew
MOST_TOLD = 20  # disagreements of one stage
Works = dict[str, StageWork]  # by its name
Told = list[dict[str, Any]]


class OutOfTime(Exception):
    """A submission took longer than it may."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    about = "an output folder, or a folder with one folder for each student (default: output)"
    parser.add_argument("path", nargs="?", default="output", metavar="DIR", help=about)
    about = "rules in TOML (default: course/rubric.toml)"
    parser.add_argument("--rubric", default=str(DEFAULT), metavar="FILE", help=about)
    parser.add_argument("--out", metavar="DIR", help="where grades go (default: DIR/grades)")
    about = "compute scores anew from metrics/*.predictions.jsonl, for 10 s a submission at most"
    parser.add_argument("--rederive", action="store_true", help=about)
    about = "the course's own notebooks (default: notebooks)"
    parser.add_argument("--notebooks", default=str(NOTEBOOKS), metavar="DIR", help=about)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes")


def run(arguments: argparse.Namespace) -> int:
    """Grade, write, show a table."""
    place = resolve(arguments.path).resolve()
    out = resolve(arguments.out) if arguments.out else place / GRADES
    if not place.is_dir():
        raise CourseError(f"{shorten(place)}: no such folder")
    course = open_course(resolve(arguments.notebooks), resolve(arguments.rubric))
    alone = (place / "notebooks").is_dir() or (place / "metrics").is_dir()
    handed = {out: place} if alone else find_students(place, out)
    for where in (out, *handed):
        if where.is_symlink() or (where.exists() and not where.is_dir()):
            raise CourseError(f"{shorten(where)}: a link or a file; name another place by --out")
    work = partial(grade_one, course=course, again=arguments.rederive)
    results = list(grade_all(handed, work, arguments.jobs))
    if not alone:
        csv.writer(table := io.StringIO(), lineterminator="\n").writerows(tabulate(results, "name"))
        write_text(out / "grades.csv", table.getvalue())
    rows = tabulate(results, "stage")
    rows[0] = [heading.partition("_")[0] for heading in rows[0]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        print(name.ljust(widths[0]), *map(str.rjust, cells, widths[1:]))
    if alone:
        for line in (*(told["what"] for told in results[0]["disagreements"]), *results[0]["unread"]):
            print(f"  {line}")
    print(f"grades: {shorten(out)}")
    return 0


def find_students(place: Path, out: Path) -> dict[Path, Path]:
    """Where a student's results go -> the student's folder. A link is one too: it is told, not followed."""
    below = [path for path in sorted(place.iterdir()) if path.is_dir()]
    theirs = [p for p in below if p.name[0] != "." and p.name != GRADES and p.resolve() != out.resolve()]
    if not theirs:
        raise CourseError(f"{shorten(place)}: neither notebooks/ or metrics/ in it nor folders of students")
    return {out / path.name: path for path in theirs}


def grade_all(handed: dict[Path, Path], work: partial, jobs: int) -> Iterator[dict[str, Any]]:
    """Results in order. A process that dies takes nobody with it: who was left is graded alone."""
    with ProcessPoolExecutor(max(1, min(jobs, len(handed))), initializer=gc.disable) as pool:  # 1/4 faster
        for where, place, future in [(*pair, pool.submit(work, *pair)) for pair in handed.items()]:
            try:
                yield future.result()
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                raise
            except BrokenProcessPool:
                alone = len(handed) == 1
                yield work(where, place, dead=True) if alone else next(grade_all({where: place}, work, 1))


def grade_one(where: Path, place: Path, *, course: Course, again: bool, dead: bool = False) -> dict[str, Any]:
    """Write the page and grade.json; of one whose reader died, that it did."""
    if dead:
        (folder := Folder(place)).unread["all of it"] = "all of it: the process that read it died"
        result, works = sum_up(folder, course, [], [], []), Works()
    else:
        result, works = grade_submission(place, course, again=again)
    write_text(where / "grade.html", render(result, works))
    write_text(where / "grade.json", json.dumps(result, indent=1) + "\n")
    return result


def open_course(notebooks: Path, rubric: Path) -> Course:
    """The teacher's side."""
    own = Folder(notebooks)
    given = {path.stem: read_cells(own, path.name) for path in sorted(notebooks.glob("*.ipynb"))}
    if not given:
        raise CourseError(f"{shorten(notebooks)}: no notebooks there to hold submissions against")
    return Course(given, *read_rubric(rubric, given))


def grade_submission(root: Path, course: Course, *, again: bool = False) -> tuple[dict[str, Any], Works]:
    """The result, and the stages as they were read. No file of a submission ends the run."""
    folder, works = Folder(root), Works()
    rules, told, anew = [], [], []
    with bounded(folder, "its notebooks and metrics"):
        for stage, given in course.notebooks.items():
            works[stage] = open_work(folder, stage, given)
        rules += (grade_rule(rule, works[rule.stage]) for rule in course.rules)
        for stage, work in works.items():
            told += few(stage, find_disagreements(work))
    with bounded(folder, "its checkpoints"):
        told += few("checkpoints", compare_weights(folder))
    with bounded(folder, "its predictions"):
        for stage, work in works.items() if again else ():
            told += few(stage, rederive(work, anew))
    return sum_up(folder, course, rules, told, anew), works


def sum_up(folder: Folder, course: Course, rules: Told, told: Told, anew: Told) -> dict[str, Any]:
    """What grade.json holds; rules that were not come to count nothing."""
    missed = "not graded: see what was not read"
    rules += [tell(rule, 0.0, missed) for rule in course.rules[len(rules) :]]
    unread = [in_a_line(line, 300) for line in dict.fromkeys(folder.unread.values())]
    result = {"format": 1, "name": in_a_line(folder.root.name), "rubric": course.title}
    result |= {key: round(sum(rule[key] for rule in rules), 2) for key in ("points", "possible")}
    return result | {"rules": rules, "disagreements": told, "computed_anew": anew, "unread": unread}


@contextlib.contextmanager
def bounded(folder: Folder, what: str) -> Iterator[None]:
    """Whatever a stranger's files do to the block, and however long: it is told, and the class goes on."""

    def ring(*_: object) -> None:
        raise OutOfTime(f"{SECONDS:g} s are over")

    timed = hasattr(signal, "setitimer")  # Windows has no such timer, and so no end
    try:
        if timed:
            signal.signal(signal.SIGALRM, ring)
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
        yield
    except Exception as error:
        told = f"{type(error).__name__} {error}"
        folder.unread[f"not all of {what}"] = f"not all of {what}, for the grader stopped: {told}"
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)


def few(stage: str, lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The first of them, and how many more there are."""
    yield from ({"stage": stage, "what": in_a_line(line, 400)} for line in islice(lines, MOST_TOLD))
    if rest := sum(1 for _ in lines):
        yield {"stage": stage, "what": f"and {rest} more"}


def tabulate(results: Sequence[dict[str, Any]], by: str) -> list[list[str]]:
    """One row a student, and a column for each name or each stage of the rules."""
    columns = dict.fromkeys((rule[by] for rule in results[0]["rules"]), 0.0)
    rows = [["student", *columns, "total", "possible", "disagreements", "not read"]]
    for result in results:
        name = ("'" if result["name"].startswith(("=", "+", "-", "@")) else "") + result["name"]  # no formula
        points = dict(columns)
        for rule in result["rules"]:
            points[rule[by]] += rule["points"]
        sums = [round(value, 2) for value in (*points.values(), result["points"], result["possible"])]
        rows.append([name, *map(str, (*sums, len(result["disagreements"]), len(result["unread"])))])
    return rows

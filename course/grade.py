"""`python -m course grade`: points, reasons and disagreements for one submission or a class of them."""

import argparse
import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from course.grading import begin_result, finish, grade_submission, open_course
from course.handed import CourseError
from course.rubric import DEFAULT
from course.rules import Course, StageWork
from lib.files import FileError, write_text
from lib.paths import NOTEBOOKS, resolve, shorten

GRADES = "grades"  # the folder of results; no student's folder has this name
_held: dict[str, Course] = {}  # in a worker: what all submissions are held against


def add_arguments(parser: argparse.ArgumentParser) -> None:
    about = "an output folder, or a folder with one folder for each student (default: output)"
    parser.add_argument("path", nargs="?", default="output", metavar="DIR", help=about)
    about = "rules in TOML (default: course/rubric.toml)"
    parser.add_argument("--rubric", default=str(DEFAULT), metavar="FILE", help=about)
    parser.add_argument("--out", metavar="DIR", help="where grades go (default: DIR/grades)")
    about = "the output of a run of your own: what cells show, untrained rows, the truth of its pictures"
    parser.add_argument("--reference", metavar="DIR", help=about)
    about = "compute scores anew from metrics/*.predictions.jsonl, for 10 s a submission at most"
    parser.add_argument("--rederive", action="store_true", help=about)
    about = "the course's own notebooks (default: notebooks)"
    parser.add_argument("--notebooks", default=str(NOTEBOOKS), metavar="DIR", help=about)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes")


def run(arguments: argparse.Namespace) -> int:
    """Grade, write, show a table; 1 where the grader failed on a submission."""
    place = resolve(arguments.path).resolve()
    out = resolve(arguments.out) if arguments.out else place / GRADES
    if not place.is_dir():
        raise CourseError(f"{shorten(place)}: no such folder")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise CourseError(f"{shorten(out)}: a link or a file; name another place by --out")
    reference = resolve(arguments.reference).resolve() if arguments.reference else None
    sources = resolve(arguments.notebooks), resolve(arguments.rubric), reference
    course = open_course(*sources, truths=arguments.rederive)
    handed = {out: place} if is_output(place) else find_students(place, out)
    results = list(grade_all(handed, course, again=arguments.rederive, jobs=arguments.jobs))
    if out not in handed:
        write_text(out / "grades.csv", spell_csv(results))
    show(results)
    print(f"grades: {shorten(out)}")
    return int(any(result.get("failed", False) for result in results))


def is_output(place: Path) -> bool:
    return (place / "notebooks").is_dir() or (place / "metrics").is_dir()


def find_students(place: Path, out: Path) -> dict[Path, Path]:
    """Where a student's results go -> the student's folder. A link is one too: it is told, not followed."""
    below = [path for path in sorted(place.iterdir()) if path.is_dir() and path.name[0] != "."]
    found = {
        out / path.name: path for path in below if path.name != GRADES and path.resolve() != out.resolve()
    }
    if not found:
        raise CourseError(f"{shorten(place)}: neither notebooks/ or metrics/ in it nor folders of students")
    return found


def grade_all(
    handed: dict[Path, Path], course: Course, *, again: bool, jobs: int
) -> Iterator[dict[str, Any]]:
    """Results in order. A worker that dies takes nobody with it: who was left is graded alone."""
    with open_pool(min(jobs, len(handed)), course) as pool:
        waiting = {where: pool.submit(grade_one, where, place, again) for where, place in handed.items()}
        for where, future in waiting.items():
            try:
                yield future.result()
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                raise
            except BrokenProcessPool:
                if len(handed) > 1:
                    yield from grade_all({where: handed[where]}, course, again=again, jobs=1)
                else:
                    result = begin_result(handed[where].name, course) | {"failed": True}
                    told = ["all of it: the process that read it died"]
                    yield write_grade(where, finish(result, course, told), {})


def open_pool(jobs: int, course: Course) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(max(1, jobs), initializer=_held.update, initargs=({"course": course},))


def grade_one(where: Path, place: Path, again: bool) -> dict[str, Any]:
    return write_grade(where, *grade_submission(place, _held["course"], again=again))


def write_grade(where: Path, result: dict[str, Any], works: dict[str, StageWork]) -> dict[str, Any]:
    """Write the page and grade.json."""
    from course.page import render

    try:
        if where.is_symlink():
            raise FileError(f"{shorten(where)}: a link, so nothing is written there")
        write_text(where / "grade.html", render(result, works))
        write_text(where / "grade.json", json.dumps(result, indent=1) + "\n")
    except (OSError, FileError) as error:
        return result | {"unread": [*result["unread"], f"not written: {error}"], "failed": True}
    return result


def spell_csv(results: Sequence[dict[str, Any]]) -> str:
    """One row a student, one column a rule. A name that a spreadsheet would compute is quoted."""
    writer = csv.writer(table := io.StringIO(), lineterminator="\n")
    rules = [rule["name"] for rule in results[0]["rules"]]
    writer.writerow(["student", *rules, "total", "possible", "disagreements", "not read"])
    for result in results:
        name = ("'" if result["name"].startswith(("=", "+", "-", "@")) else "") + result["name"]
        counts = len(result["disagreements"]), len(result["unread"])
        points = [rule["points"] for rule in result["rules"]]
        writer.writerow([name, *points, result["points"], result["possible"], *counts])
    return table.getvalue()


def show(results: Sequence[dict[str, Any]]) -> None:
    """A table with a column for each stage; below a single one what disagrees and what was not read."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    stages = dict.fromkeys(rule["stage"] for rule in results[0]["rules"])
    table = Table("student", box=None, pad_edge=False)
    for heading in (*(stage.partition("_")[0] for stage in stages), "total", "of", "disagree", "not read"):
        table.add_column(heading, justify="right")
    for result in results:
        sums = [sum(rule["points"] for rule in result["rules"] if rule["stage"] == stage) for stage in stages]
        cells = [f"{round(value, 2):g}" for value in (*sums, result["points"], result["possible"])]
        counts = [str(len(result[key]) or "") for key in ("disagreements", "unread")]
        table.add_row(Text(result["name"]), *cells, *counts)
    Console().print(table)
    for result in results if len(results) == 1 else ():
        for line in (*(told["what"] for told in result["disagreements"]), *result["unread"]):
            print(f"  {line}")

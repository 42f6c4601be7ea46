"""`python -m course handout`: the notebooks for students: solutions out, questions and checks kept."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from course.handed import CourseError
from lib.files import write_text
from lib.paths import NOTEBOOKS, resolve, shorten
from pipeline import notebook as notebooks
from pipeline.stage import PipelineError

MARKER = re.compile(r"^([ \t]*)# (BEGIN|END) SOLUTION[ \t]*$")
ANSWER = "...  # your answer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="DIR", help="where the students' notebooks go")
    about = "the notebooks with solutions (default: notebooks)"
    parser.add_argument("--notebooks", default=str(NOTEBOOKS), metavar="DIR", help=about)


def run(arguments: argparse.Namespace) -> int:
    """Write all of them, or none where one has a mistake."""
    source, out = resolve(arguments.notebooks), resolve(arguments.out)
    paths = sorted(source.glob("*.ipynb"))
    if not paths:
        raise CourseError(f"{shorten(source)}: no notebooks there")
    if out.resolve() == source.resolve():
        raise CourseError(f"{shorten(out)}: the handout would replace the notebooks themselves")
    handouts = {path: make_handout(path) for path in paths}
    for path, (content, taken) in handouts.items():
        write_text(out / path.name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        print(f"{path.stem:<24} {taken} solution{'' if taken == 1 else 's'} taken out")
    print(f"handout: {shorten(out)}")
    return 0


def make_handout(path: Path) -> tuple[dict[str, Any], int]:
    """A notebook without solutions and outputs, and how many solutions it had."""
    try:
        content = notebooks.read(path)
    except PipelineError as error:
        raise CourseError(str(error)) from None
    taken = 0
    for number, cell in enumerate(content["cells"], 1):
        stripped, count = strip_solutions(cell["source"], f"{shorten(path)}, cell {number}")
        if count and cell["cell_type"] != "code":
            raise CourseError(f"{shorten(path)}, cell {number}: a solution in a cell that is no code")
        cell["source"], taken = stripped.splitlines(keepends=True), taken + count
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return content, taken


def strip_solutions(source: str, where: str) -> tuple[str, int]:
    """What stands between BEGIN and END SOLUTION becomes `...`, as far to the right as BEGIN was."""
    kept, inside, taken = [], "", 0
    for line in source.splitlines():
        marker = MARKER.match(line)
        if marker and (marker[2] == "BEGIN") == bool(inside):
            raise CourseError(
                f"{where}: {line.strip()!r} {'inside a solution' if inside else 'without a BEGIN'}"
            )
        if marker:
            inside, taken = (line, taken + 1) if not inside else ("", taken)
            kept += [marker[1] + ANSWER] if inside else []
        elif not inside:
            kept.append(line)
    if inside:
        raise CourseError(f"{where}: {inside.strip()!r} without an END")
    return "\n".join(kept), taken

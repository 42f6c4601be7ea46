"""`python -m course handout`: the notebooks for students: solutions out, questions and checks kept."""

import argparse
import json
from pathlib import Path
from typing import Any

from course.cells import strip_solutions
from course.handed import CourseError
from lib.files import write_text
from lib.paths import NOTEBOOKS, resolve, shorten
from pipeline import notebook as notebooks


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
    content, total = notebooks.read(path), 0
    for number, cell in enumerate(content["cells"], 1):
        where = f"{shorten(path)}, cell {number}"
        stripped, taken = strip_solutions(cell["source"], where)
        if taken and cell["cell_type"] != "code":
            raise CourseError(f"{where}: a solution in a cell that is no code")
        cell["source"], total = stripped.splitlines(keepends=True), total + taken
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return content, total

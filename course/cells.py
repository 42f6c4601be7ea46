"""Notebooks as a grader needs them: plain code cells, and which of them are the course's."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from course.handed import CourseError, Folder, Refused, in_a_line

INJECTED = "injected-parameters"  # the tag of the cell that a run adds
LONGEST = 20_000  # characters of a cell that is parsed
MARKER = re.compile(r"^[ \t]*# (BEGIN|END) SOLUTION[ \t\r]*$", re.M)
SOLUTION = re.compile(r"^([ \t]*)# BEGIN SOLUTION[ \t\r]*$.*?^[ \t]*# END SOLUTION[ \t\r]*$", re.M | re.S)
ANSWER = "...  # your answer"


class CodeCell(NamedTuple):
    """A code cell that is not blank: one that runs."""

    id: str
    tags: frozenset[str]
    source: str
    count: int | None
    shown: tuple[tuple[str, str], ...]  # of each output its kind as nbformat names it, and its text


def read_cells(folder: Folder, name: str) -> tuple[CodeCell, ...] | None:
    """The cells of a notebook of format 4 that was handed in."""
    if (content := folder.json(name)) is None:
        return None
    try:
        code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        return tuple(read_cell(cell) for cell in code if joined(cell["source"]).strip())
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{name}: no notebook of format 4 ({in_a_line(repr(error))})") from None


def read_cell(cell: dict[str, Any]) -> CodeCell:
    count, tags = cell.get("execution_count"), cell.get("metadata", {}).get("tags", ())
    shown = tuple(read_output(output) for output in cell.get("outputs", ()))
    name, source = str(cell.get("id") or ""), joined(cell["source"])
    return CodeCell(name, frozenset(map(str, tags)), source, count if type(count) is int else None, shown)


def read_output(output: dict[str, Any]) -> tuple[str, str]:
    kind = str(output["output_type"])
    if kind == "error":
        return kind, in_a_line(f"{output['ename']}: {output['evalue']}")
    return kind, joined(output["text"] if kind == "stream" else output["data"].get("text/plain", ""))


def joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def begin(cell: CodeCell) -> str:
    """How a message names a cell: by its first line."""
    return f"`{in_a_line(cell.source.strip().splitlines()[0], 70)}`"


def trimmed(source: str) -> tuple[str, ...]:
    """Lines to compare: blanks at their ends mean nothing."""
    return tuple(line.rstrip() for line in source.strip().splitlines())


def same_code(ours: str, theirs: str) -> bool:
    """Equal as Python reads it: a formatter or a comment changes nothing."""
    if trimmed(ours) == trimmed(theirs):
        return True
    try:
        return len(theirs) <= LONGEST and ast.dump(ast.parse(ours)) == ast.dump(ast.parse(theirs))
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return False


def match_cells(given: Sequence[CodeCell], handed: Sequence[CodeCell]) -> tuple[list[int | None], list[int]]:
    """For each of the course's cells its place among those handed in, or None; and the places of the rest.

    They match by id, else by equal source, else by standing where the missing one should.
    """
    backwards = list(enumerate(handed))[::-1]  # so that the first of a kind counts
    by_id = {cell.id: place for place, cell in backwards if cell.id}
    by_source = {trimmed(cell.source): place for place, cell in backwards}
    usual = [place for place, cell in enumerate(handed) if INJECTED not in cell.tags]
    places, free = [None] * len(given), dict.fromkeys(range(len(handed)))

    def behind(k: int) -> int | None:
        last = max((place for place in places[:k] if place is not None), default=-1)
        return next((place for place in usual if place > last), None)

    for find in (lambda k: by_id.get(given[k].id), lambda k: by_source.get(trimmed(given[k].source)), behind):
        for k in [k for k, place in enumerate(places) if place is None]:
            if (found := find(k)) in free:
                places[k] = found
                del free[found]
    return places, list(free)


def read_literals(source: str) -> dict[str, Any] | None:
    """The values of `name = literal` lines, as JSON would hold them; None for any other code."""
    try:
        body = ast.parse(source if len(source) <= LONGEST else "?").body
        pairs = [(n.targets[0] if isinstance(n, ast.Assign) else n.target, n.value) for n in body]
        return json.loads(json.dumps({target.id: ast.literal_eval(value) for target, value in pairs}))
    except (AttributeError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError):
        return None


def strip_solutions(source: str, where: str) -> tuple[str, int]:
    """What stands between BEGIN and END SOLUTION becomes `...`, as far to the right as BEGIN was."""
    stripped, taken = SOLUTION.subn(rf"\1{ANSWER}", source)
    if len(MARKER.findall(source)) != 2 * taken:
        raise CourseError(
            f"{where}: each BEGIN SOLUTION needs one END SOLUTION, below it and before the next"
        )
    return stripped, taken

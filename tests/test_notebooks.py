"""What every notebook promises, checked without running it; each check is shown to fail on an offence."""

import ast
import copy
import json
import re

import pytest

from lib.paths import NOTEBOOKS

CELL_LINES, NOTEBOOK_LINES, PARAMETERS, FUNCTIONS, EXERCISES = 15, 220, 12, 2, 3
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"  # what otter-grader and nbgrader both take out
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FORBIDDEN = re.compile(
    r"sys\.path|^\s*[!%]|(?<![\w.])/(?:home|root|Users|work|tmp|content|mnt)/", re.MULTILINE
)


def load(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tagged(notebook: dict, tag: str) -> list[dict]:
    return [cell for cell in code_cells(notebook) if tag in cell.get("metadata", {}).get("tags", [])]


def lesson_cells(notebook: dict) -> list[dict]:
    """Code cells that are no exercise."""
    apart = [*tagged(notebook, "exercise"), *tagged(notebook, "check")]
    return [cell for cell in code_cells(notebook) if cell not in apart]


def lines(text: str) -> int:
    return sum(1 for line in text.splitlines() if line.strip())


def long_cells(name, notebook):
    ordinary = [c for c in lesson_cells(notebook) if c not in tagged(notebook, "parameters")]
    found = [f"a cell of {lines(source(c))} lines" for c in ordinary if lines(source(c)) > CELL_LINES]
    total = sum(lines(source(c)) for c in lesson_cells(notebook))
    return found + ([f"{total} lines of code"] if total > NOTEBOOK_LINES else [])


def own_definitions(name, notebook):
    nodes = [n for c in lesson_cells(notebook) for n in ast.walk(ast.parse(source(c)))]
    classes = [f"class {n.name}" for n in nodes if isinstance(n, ast.ClassDef)]
    functions = [n.name for n in nodes if isinstance(n, ast.FunctionDef)]
    return classes + (functions if len(functions) > FUNCTIONS else [])


def parameters_off(name, notebook):
    cells = tagged(notebook, "parameters")
    if len(cells) != 1:
        return [f"{len(cells)} parameter cells"]
    found, rest = [], "\n".join(source(c) for c in code_cells(notebook) if c is not cells[0])
    used = {n.id for n in ast.walk(ast.parse(rest)) if isinstance(n, ast.Name)}
    statements = ast.parse(source(cells[0])).body
    if len(statements) > PARAMETERS:
        found.append(f"{len(statements)} parameters")
    for statement in statements:
        target = getattr(statement, "targets", [None])[0]
        if not isinstance(statement, ast.Assign) or not isinstance(target, ast.Name):
            found.append(f"not an assignment: {ast.unparse(statement)}")
            continue
        try:
            ast.literal_eval(statement.value)
        except ValueError:
            found.append(f"{target.id} is not a literal")
        if target.id not in used:
            found.append(f"{target.id} is never used")
    return found


def title_off(name, notebook):
    first = notebook["cells"][0]
    fine = first["cell_type"] == "markdown" and source(first).startswith(f"# {name[:2]}")
    return [] if fine else [f"first cell is not an H1 beginning with {name[:2]}"]


def outputs_left(name, notebook):
    return [c["id"] for c in code_cells(notebook) if c["outputs"] or c["execution_count"] is not None]


def ids_missing(name, notebook):
    ids = [cell.get("id") for cell in notebook["cells"]]
    return [] if None not in ids and len(set(ids)) == len(ids) else [f"ids {ids}"]


def forbidden_text(name, notebook):
    return [match[0] for c in code_cells(notebook) for match in FORBIDDEN.finditer(source(c))]


def control_characters(name, notebook):
    """What is left of a backslash that somebody's editor took: `\\frac` reads as a form feed and `rac`."""
    return [c["id"] for c in notebook["cells"] if re.search(r"[\x00-\x09\x0b-\x1f]", source(c))]


def silent_neighbours(name, notebook):
    """More than two code cells in a row without a word between them."""
    kinds = "".join("c" if c["cell_type"] == "code" else "m" for c in notebook["cells"])
    return ["three code cells in a row"] if "ccc" in kinds else []


def crowded_statements(name, notebook):
    """Statements with more than one comprehension, those in the body of a loop or function aside."""
    nodes = [node for c in lesson_cells(notebook) for node in ast.walk(ast.parse(source(c)))]
    simple = [n for n in nodes if isinstance(n, ast.stmt) and not getattr(n, "body", None)]
    return [
        ast.unparse(statement)
        for statement in simple
        if sum(isinstance(part, COMPREHENSIONS) for part in ast.walk(statement)) > 1
    ]


def texts_in_place_of_pictures(name, notebook):
    """A cell that shows one thing `if` there is something and a bare text `else`: a Note says that better."""
    last = [(ast.parse(source(c)).body or [None])[-1] for c in code_cells(notebook)]
    shown = [node.value for node in last if isinstance(node, ast.Expr) and isinstance(node.value, ast.IfExp)]
    return [ast.unparse(node) for node in shown if isinstance(node.orelse, ast.Constant | ast.JoinedStr)]


def exercises_off(name, notebook):
    """Each exercise is a question, a cell with one solution that can be cut out, and a check; one is code."""
    asked = [c for c in notebook["cells"] if c["cell_type"] == "markdown" and "**Exercise " in source(c)]
    solved, checked = tagged(notebook, "exercise"), tagged(notebook, "check")
    found = [] if len(asked) == len(solved) == len(checked) >= EXERCISES else [f"{len(solved)} exercises"]
    for number, (question, solution, check) in enumerate(zip(asked, solved, checked, strict=False), 1):
        places = [notebook["cells"].index(cell) for cell in (question, solution, check)]
        fine = places == list(range(places[0], places[0] + 3))
        fine = fine and source(solution).count(BEGIN) == source(solution).count(END) == 1
        fine = fine and source(check).splitlines()[-1].startswith(f"check({number}, ")
        found += [] if fine and f"**Exercise {number}.**" in source(question) else [f"exercise {number}"]
    functions = [n for c in solved for n in ast.walk(ast.parse(source(c))) if isinstance(n, ast.FunctionDef)]
    return found + ([] if functions else ["no exercise asks for code"])


CHECKS = (
    long_cells, own_definitions, parameters_off, title_off, outputs_left, ids_missing, forbidden_text,
    control_characters, silent_neighbours, crowded_statements, texts_in_place_of_pictures, exercises_off,
)  # fmt: skip


def cell(text: str, *tags: str, kind: str = "code", id: str = "x") -> dict:
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": id, "metadata": {"tags": list(tags)}, "source": text, **extra}


def exercise(number: int, solution: str) -> list[dict]:
    question = cell(f"**Exercise {number}.** How many?", kind="markdown", id=f"q{number}")
    answer = cell(f"x = {number}\ncheck({number}, x, {number})", "check", id=f"c{number}")
    return [question, cell(solution, "exercise", id=f"e{number}"), answer]


GOOD = {
    "cells": [
        cell("# 01 A title", kind="markdown", id="a"),
        cell("seed = 0", "parameters", id="b"),
        cell("print(seed)", id="c"),
        *exercise(1, "def one():\n    # BEGIN SOLUTION\n    return 1\n    # END SOLUTION"),
        *exercise(2, "two = ...\n# BEGIN SOLUTION\ntwo = 2\n# END SOLUTION"),
        *exercise(3, "three = ...\n# BEGIN SOLUTION\nthree = 3\n# END SOLUTION"),
    ]
}


def spoil(change) -> dict:
    notebook = copy.deepcopy(GOOD)
    change(notebook["cells"])
    return notebook


OFFENCES = {
    "long_cells": lambda cells: cells.append(cell("x = 1\n" * 16)),
    "own_definitions": lambda cells: cells.append(cell("class A:\n    pass")),
    "parameters_off": lambda cells: cells[1].update(source="seed = int(0)"),
    "title_off": lambda cells: cells[0].update(source="# Something"),
    "outputs_left": lambda cells: cells[2].update(execution_count=3),
    "ids_missing": lambda cells: cells[2].update(id="a"),
    "forbidden_text": lambda cells: cells[2].update(source="import sys\nsys.path.append('..')"),
    "control_characters": lambda cells: cells[0].update(source="# 01 $\frac{1}{2}$"),
    "silent_neighbours": lambda cells: cells.extend([cell("1", id="d"), cell("2", id="e")]),
    "crowded_statements": lambda cells: cells[2].update(source="x = [[y for y in z] for z in seed]"),
    "texts_in_place_of_pictures": lambda cells: cells[2].update(source="seed if seed else 'no seed'"),
    "exercises_off": lambda cells: cells[4].update(source="one = 1"),
}
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def test_there_are_notebooks():
    assert "00_dataset" in NAMES


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_notebook_keeps(check, name):
    assert check(name, load(NOTEBOOKS / f"{name}.ipynb")) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_a_planted_offence(check):
    assert check("01_a", GOOD) == []
    assert check("01_a", spoil(OFFENCES[check.__name__])) != []


@pytest.mark.parametrize("text", ["!pip install x", "%matplotlib inline", "open('/home/me/x')"])
def test_forbidden_text_of_each_kind_is_found(text):
    assert forbidden_text("01_a", {"cells": [cell(text)]})


def equal_cells(notebooks: dict[str, dict]) -> list[str]:
    seen, found = {}, []
    for name, notebook in notebooks.items():
        for text in {source(c).strip() for c in code_cells(notebook) if lines(source(c)) >= 5}:
            if text in seen:
                found.append(f"{name} repeats a cell of {seen[text]}: {text[:60]}")
            seen[text] = name
    return found


def test_no_cell_stands_in_two_notebooks():
    assert equal_cells({name: load(NOTEBOOKS / f"{name}.ipynb") for name in NAMES}) == []
    twice = {"cells": [cell("a = 1\n" * 5)]}
    assert equal_cells({"01_a": twice, "02_b": twice}) != []

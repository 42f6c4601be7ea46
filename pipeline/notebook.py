"""Notebooks as plain JSON: reading, writing, the title, the code cells and the parameters cell."""

import ast
import json
import types
from pathlib import Path
from typing import Any

from lib.paths import shorten
from pipeline.stage import PipelineError

TYPES = {kind.__name__: kind for kind in (bool, int, float, str, list, tuple, dict)}


def read(path: Path) -> dict[str, Any]:
    """A notebook (format 4) with every cell's source as one string."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
    except FileNotFoundError:
        raise PipelineError(f"{shorten(path)} does not exist") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PipelineError(f"{shorten(path)} is no notebook of format 4: {error!r}") from None
    return notebook


def title(notebook: dict[str, Any]) -> str:
    """The first H1."""
    prose = (cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    lines = (line for text in prose for line in text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "(no title)")


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells that run: code that is not blank."""
    return [c for c in notebook["cells"] if c["cell_type"] == "code" and c["source"].strip()]


def has_tag(cell: dict[str, Any], tag: str) -> bool:
    return tag in cell.get("metadata", {}).get("tags", ())


def parse_cell(cell: dict[str, Any], where: str) -> ast.Module:
    """A code cell's syntax tree. Magics are refused: they are no Python, which `--inline` needs."""
    try:
        return ast.parse(cell["source"])
    except SyntaxError as error:
        place = f"{error.msg}, line {error.lineno}: {(error.text or '').strip()}"
        raise PipelineError(f"{where} is not plain Python: {place}") from None


def parse_code(notebook: dict[str, Any], where: str) -> list[ast.Module]:
    return [parse_cell(cell, f"{where}, code cell {k}") for k, cell in enumerate(code_cells(notebook), 1)]


def read_parameters(notebook: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The literals of the parameters cell, and the types of those that carry an annotation."""
    where = f"{where}, parameters cell"
    values: dict[str, Any] = {}
    hints: dict[str, Any] = {}
    cells = [cell for cell in code_cells(notebook) if has_tag(cell, "parameters")]
    if len(cells) != 1:
        raise PipelineError(f"{where} has {len(cells)} cells tagged `parameters`; one is needed")
    for node in parse_cell(cells[0], where).body:
        line = f"{where}, line {node.lineno}"
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                hints[name] = read_type(annotation, line)
            case _:
                raise PipelineError(f"{line}: expected `name = literal`")
        try:
            values[name] = ast.literal_eval(value)
            json.dumps(values[name])  # run.json records it
        except (ValueError, TypeError):
            raise PipelineError(f"{line}: {name} is no literal that JSON can hold") from None
    return values, hints


def read_type(node: ast.expr, where: str) -> Any:
    """An annotation made of built-in types and None: `int`, `list[str]` (read as list), `str | None`."""
    match node:
        case ast.Name(id=name) if name in TYPES:
            return TYPES[name]
        case ast.Constant(value=None):
            return types.NoneType
        case ast.Subscript(value=outer):
            return read_type(outer, where)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return read_type(left, where) | read_type(right, where)
    raise PipelineError(f"{where}: the type {ast.unparse(node)} is not built of {', '.join(TYPES)}, None")

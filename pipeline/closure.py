"""The closure: which files of the houses a notebook's imports reach, found without importing anything.

A package's `__init__` is a front door: who asks it for a name is led to the one module that has it.
"""

import ast
import functools
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name
from pathlib import Path

from lib.files import hash_file

HOUSES = ("lib", "atelier", "rebuild", "originals")  # what notebooks compute depends on these

Asked = tuple[str, str | None]  # `from dotted import name`, or `import dotted`
Reached = tuple[Path, bool]  # a file, and whether what it imports counts: not so of a door passed through


def hashes(cells: Iterable[ast.Module], root: Path) -> dict[str, str]:
    """Every file reached, by its path below `root`, with the hash of its content."""
    found: set[Path] = set()
    followed: set[Path] = set()
    done: set[Asked] = set()
    waiting = [ask for cell in cells for ask in read_asks(cell, "")[0]]
    while waiting:
        ask = waiting.pop()
        if ask in done:
            continue
        done.add(ask)
        for file, counts in reach(ask, root):
            found.add(file)
            if counts and file not in followed:
                followed.add(file)
                package = ".".join(file.relative_to(root).parent.parts)
                asked, beside = read_asks(parse_module(file.read_bytes()), package)
                waiting += asked
                found |= {data for text in beside if (data := file.parent / text).is_file()}
    own = sorted(path for path in found if root in path.parents)
    return {path.relative_to(root).as_posix(): hash_file(path) for path in own}


@functools.lru_cache(maxsize=1024)
def parse_module(source: bytes) -> ast.Module:
    """A module's tree; an empty one for what the notebook that imports it will complain of better."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


@functools.lru_cache(maxsize=1024)  # the same source has the same tree
def read_asks(tree: ast.Module, package: str) -> tuple[list[Asked], list[str]]:
    """What of the houses is imported, inside functions too, or named in a text; texts that may name files."""
    asked: list[Asked] = []
    texts: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            asked += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            asked += [(absolute(node, package), alias.name) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 100:
            texts.add(node.value)
    dotted = [text for text in texts if "." in text and text.isprintable()]
    asked += [(text, None) for text in dotted]
    return [ask for ask in asked if ask[0].partition(".")[0] in HOUSES], dotted


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that a `from` import names; "" for one that leads out of the package."""
    fits = node.level <= package.count(".") + bool(package)
    return resolve_name("." * node.level + (node.module or ""), package) if fits else ""


def reach(asked: Asked, root: Path) -> Iterator[Reached]:
    """The doors on the way to what is asked for, then the module."""
    dotted, name = asked
    parts = dotted.split(".")
    for depth in range(1, len(parts)):
        if door := file_of(".".join(parts[:depth]), root):
            yield door, names_of(door, root) is None
    file = file_of(dotted, root)
    names = names_of(file, root) if file and name else None
    further = names.get(name) if names is not None else None
    if name and not further and file_of(f"{dotted}.{name}", root):
        further = f"{dotted}.{name}", None
    if file:
        yield file, further is None or names is None
    if further:
        yield from reach(further, root)


def file_of(dotted: str, root: Path) -> Path | None:
    """The file of a module, a package's `__init__`, or None where there is neither."""
    place = root.joinpath(*dotted.split("."))
    files = place.with_name(f"{place.name}.py"), place / "__init__.py"
    return next((file for file in files if file.is_file()), None)


def names_of(file: Path, root: Path) -> dict[str, Asked] | None:
    """Where a door has its names from; None for a module, and for a door that does more than that."""
    if file.name != "__init__.py":
        return None
    names: dict[str, Asked] = {}
    package = ".".join(file.relative_to(root).parent.parts)
    for node in parse_module(file.read_bytes()).body:
        if isinstance(node, ast.ImportFrom):
            given = {a.asname or a.name: (absolute(node, package), a.name) for a in node.names}
            if "*" in given or names.keys() & given:
                return None
            names |= given
        elif not isinstance(node, ast.Expr) and not ast.unparse(node).startswith("__all__ = "):
            return None
    return names

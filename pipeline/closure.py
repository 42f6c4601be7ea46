"""The closure: which files of the houses a notebook's imports reach, found without importing anything.

A package's `__init__` is a front door: who asks it for a name is led to the one module that has it.
"""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name
from pathlib import Path

HOUSES = ("lib", "atelier", "rebuild")  # what notebooks compute depends on these, and not on the pipeline

Reached = tuple[
    Path, bool
]  # a file, and whether what it imports counts: not so of an `__init__` passed through


def hashes(cells: Iterable[ast.Module], root: Path) -> dict[str, str]:
    """Every file reached, by its path below `root`, with the hash of its content."""
    found: dict[Path, str] = {}
    followed: set[Path] = set()
    waiting = [reached for cell in cells for reached in imports(cell, "", root)]
    while waiting:
        file, counts = waiting.pop()
        if file not in found:
            found[file] = hashlib.sha256(file.read_bytes()).hexdigest()
        if counts and file not in followed:
            followed.add(file)
            waiting += references(file, root, found[file])
    return {path.relative_to(root).as_posix(): found[path] for path in sorted(found)}


@functools.lru_cache(maxsize=1024)
def references(file: Path, root: Path, _content: str) -> tuple[Reached, ...]:
    """The files that a file leads to; its content's hash is part of the cache's key."""
    tree = parse_module(file)
    if tree is None:
        return ()
    found = set(imports(tree, ".".join(file.relative_to(root).parent.parts), root))
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for text in (s for s in strings if isinstance(s, str) and 0 < len(s) < 100 and s.isprintable()):
        if text.startswith(tuple(f"{house}." for house in HOUSES)):
            found |= set(asked_for(text, None, root))
        elif "." in text and (beside := file.parent / text).is_file() and beside.is_relative_to(root):
            found.add((beside, True))
    return tuple(found)


def parse_module(file: Path) -> ast.Module | None:
    """A module's tree; None for data, and for what the notebook that imports it will complain of better."""
    try:
        return ast.parse(file.read_bytes()) if file.suffix == ".py" else None
    except (SyntaxError, ValueError):
        return None


def imports(tree: ast.Module, package: str, root: Path) -> Iterator[Reached]:
    """What a file's imports reach, those inside functions too; `package` is where the file lies."""
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            whole = isinstance(node, ast.Import)
            asked = (alias.name, None) if whole else (module_of(node, package), alias.name)
            yield from asked_for(*asked, root)


def module_of(node: ast.ImportFrom, package: str) -> str:
    """The dotted name that a `from` import asks, made absolute."""
    return resolve_name("." * node.level + (node.module or ""), package)


def asked_for(dotted: str, name: str | None, root: Path) -> Iterator[Reached]:
    """What `from dotted import name` reaches, or `import dotted`: the doors on the way, then the module."""
    parts = dotted.split(".")
    if parts[0] not in HOUSES:
        return
    doors = (file_of(".".join(parts[:depth]), root) for depth in range(1, len(parts)))
    yield from ((door, False) for door in doors if door)
    file = file_of(dotted, root)
    source = source_of(name, file, dotted) if name and file and file.stem == "__init__" else None
    if name and not source and file_of(f"{dotted}.{name}", root):
        source = f"{dotted}.{name}", None
    if file:
        yield file, source is None
    if source:
        yield from asked_for(*source, root)


def file_of(dotted: str, root: Path) -> Path | None:
    """The file of a module, a package's `__init__`, or None where there is neither."""
    place = root.joinpath(*dotted.split("."))
    files = place.with_name(f"{place.name}.py"), place / "__init__.py"
    return next((file for file in files if file.is_file()), None)


def source_of(name: str, door: Path, package: str) -> tuple[str, str] | None:
    """The module from which a package's `__init__` has a name, and the name there; None for its own."""
    tree = parse_module(door)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return module_of(node, package), alias.name
    return None

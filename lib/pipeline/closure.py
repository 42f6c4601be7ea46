"""The closure: which files of `lib` a notebook's imports reach, found without importing anything."""

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

LIBRARY = "lib"
MACHINERY = "lib.pipeline"  # runs the notebooks; what they compute does not depend on it


def hashes(cells: Iterable[ast.Module], root: Path) -> dict[str, str]:
    """Every file reached, by its path below `root`, with the hash of its content."""
    found: dict[str, str] = {}
    waiting = [file for cell in cells for name in imported(cell, "") for file in module_files(name, root)]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(root).as_posix()
        if name not in found:
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
            waiting += references(file, root, found[name])
    return dict(sorted(found.items()))


@functools.lru_cache(maxsize=1024)
def references(file: Path, root: Path, _content: str) -> tuple[Path, ...]:
    """The files that a file leads to; its content's hash is part of the cache's key."""
    if file.suffix != ".py":
        return ()
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # the notebook that imports it will say so better
        return ()
    package = ".".join(file.relative_to(root).parent.parts)
    modules = {m for name in imported(tree, package) for m in module_files(name, root)}
    if file.name == "__init__.py" and any(getattr(node, "name", "") == "__getattr__" for node in tree.body):
        modules |= set(file.parent.glob("*.py"))  # hands its names on lazily, so any module may be meant
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    texts = {s for s in strings if isinstance(s, str) and 0 < len(s) < 100 and s.isprintable()}
    modules |= {m for text in texts if text.startswith(f"{LIBRARY}.") for m in module_files(text, root)}
    data = {file.parent / text for text in texts if "." in text and (file.parent / text).is_file()}
    return tuple(modules | {path for path in data if path.is_relative_to(root)})


def imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The dotted names a file imports, those inside functions too; `package` is where the file lies."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def module_files(dotted: str, root: Path) -> Iterator[Path]:
    """The files that importing a dotted name of `lib` runs: each package's `__init__`, then the module."""
    parts = dotted.split(".")
    if parts[0] != LIBRARY or dotted == MACHINERY or dotted.startswith(f"{MACHINERY}."):
        return
    for depth in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:depth])
        candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
        yield from (file for file in candidates if file.is_file())

"""The rubric: rules in TOML, each of a kind and worth points. What a rule cannot mean is refused by name."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from course.handed import CourseError
from lib.config import fits, unknown
from lib.paths import shorten

DEFAULT = Path(__file__).with_name("rubric.toml")
PLAIN_NAME = re.compile(r"(?!\.\.?(/|$))[\w.-]+(/(?!\.\.?(/|$))[\w.-]+)*")
# kind -> what a rule of it must have, and may have
KINDS = {
    "ran": ((), ()),
    "outputs": ((), ("full_at",)),
    "files": (("files",), ()),
    "exercises": ((), ()),
    "metric": (("key",), ("row", "floor", "ceiling", "full_at")),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the rubric; rubric.toml tells what the kinds mean."""

    kind: str
    stage: str
    points: float
    name: str = ""
    files: list = field(default_factory=list)  # full names below the output folder
    key: str = ""
    row: str = ""  # the best of kind model
    floor: str = ""  # the best whose name begins with `blind`
    ceiling: str = ""  # the best of kind ceiling
    full_at: float = 1.0  # the share that earns all points


@dataclass(frozen=True)
class Rubric:
    title: str
    rules: tuple[Rule, ...]


def read_rubric(path: Path, stages: Collection[str]) -> Rubric:
    """Read and check a rubric; `stages` are those of the course."""
    where = shorten(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"{where}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{where}: not TOML: {error}") from None
    refuse_unknown(where, content, ("title", "rule"))
    tables, title = content.get("rule"), content.get("title", "Lookbook")
    if not isinstance(title, str) or not isinstance(tables, list) or not tables:
        raise CourseError(f"{where}: expected a title (text) and rules, each under [[rule]]")
    rules = tuple(read_rule(f"{where}, rule {k}", table, stages) for k, table in enumerate(tables, 1))
    names = [rule.name for rule in rules]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CourseError(f"{where}: two rules are called {twice!r}; give one of them a name")
    return Rubric(title, rules)


def read_rule(where: str, table: Any, stages: Collection[str]) -> Rule:
    if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
        raise CourseError(f"{where}: a rule needs a kind, one of {', '.join(KINDS)}")
    refuse_unknown(where, [table["kind"]], KINDS, "kind")
    must, may = KINDS[table["kind"]]
    must, hints = ("kind", "stage", "points", *must), get_type_hints(Rule)
    refuse_unknown(where, table, (*must, *may, "name"))
    for key in must:
        if key not in table:
            raise CourseError(f"{where}: {key} is missing")
    for key, value in table.items():
        if not fits(value, hints[key]):
            raise CourseError(f"{where}: {key} must be of type {hints[key].__name__}, not {value!r}")
    refuse_unknown(where, [table["stage"]], stages, "stage")
    words = table["stage"].partition("_")[0], table["kind"], table.get("row"), table.get("key")
    rule = Rule(**{"name": " ".join(filter(None, words)), **table})
    if not 0 <= rule.points <= 1e6 or not 0 < rule.full_at <= 1:
        raise CourseError(f"{where}: points are from 0 on, and full_at is above 0 and at most 1")
    if odd := [n for n in rule.files if not isinstance(n, str) or not PLAIN_NAME.fullmatch(n)]:
        raise CourseError(f"{where}: {odd[0]!r} is no plain name of a file below the output folder")
    return rule


def refuse_unknown(where: str, names: Any, known: Collection[str], what: str = "key") -> None:
    for name in names:
        if name not in known:
            message = unknown(repr(name), name, known).replace("parameter", what)
            raise CourseError(f"{where}: {message}")

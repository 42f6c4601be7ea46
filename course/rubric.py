"""The rubric: rules in TOML, each of a kind and worth points. What a rule cannot mean is refused by name."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from course.handed import CourseError
from lib.config import read_settings, unknown
from lib.paths import shorten

DEFAULT = Path(__file__).with_name("rubric.toml")
PLAIN_NAME = re.compile(r"(?!\.\.?(/|$))[\w.-]+(/(?!\.\.?(/|$))[\w.-]+)*")
# kind -> what a rule of it says beside kind, stage, points and name
KINDS = {
    "ran": (),
    "outputs": ("full_at",),
    "files": ("files",),
    "exercises": (),
    "metric": ("key", "row", "floor", "ceiling", "full_at"),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the rubric; rubric.toml tells what the kinds mean."""

    kind: Literal["ran", "outputs", "files", "exercises", "metric"]
    stage: str
    points: float
    name: str = ""
    files: list = field(default_factory=list)  # full names below the output folder
    key: str = ""
    row: str = ""  # the best of kind model
    floor: str = ""  # the best whose name begins with `blind`
    ceiling: str = ""  # the best of kind ceiling
    full_at: float = 1.0  # the share that earns all points


def read_rubric(path: Path, stages: Collection[str]) -> tuple[str, list[Rule]]:
    """The title and the rules of a rubric, checked; `stages` are those of the course."""
    where, rules = shorten(path), []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        tables, title = content.pop("rule", None), content.pop("title", "Lookbook")
        whole = isinstance(title, str) and isinstance(tables, list) and tables and not content
        if not whole or not all(isinstance(table, dict) for table in tables):
            raise CourseError("expected a title (text) and rules, each under [[rule]], and nothing else")
        for number, table in enumerate(tables, 1):
            where = f"{shorten(path)}, rule {number}"
            rules.append(read_rule(table, stages))
            if rules[-1].name in [rule.name for rule in rules[:-1]]:
                raise CourseError(f"another rule is called {rules[-1].name!r} too; give one of them a name")
    except (OSError, ValueError) as error:  # of the file, of TOML, of a setting, of ours
        raise CourseError(f"{where}: {error}") from None
    return title, rules


def read_rule(table: dict[str, Any], stages: Collection[str]) -> Rule:
    rule = read_settings(Rule, dict.fromkeys(("kind", "stage", "points")) | table)
    own = KINDS[rule.kind]
    if odd := table.keys() - {"kind", "stage", "points", "name", *own}:
        raise CourseError(f"{min(odd)} says nothing to a rule of kind {rule.kind}")
    if lacking := [key for key in ("files", "key") if key in own and not table.get(key)]:
        raise CourseError(f"{lacking[0]} is missing")
    if rule.stage not in stages:
        raise CourseError(unknown(repr(rule.stage), rule.stage, stages).replace("parameter", "stage"))
    if not 0 <= rule.points <= 1e6 or not 0 < rule.full_at <= 1:
        raise CourseError("points are from 0 on, and full_at is above 0 and at most 1")
    if odd := [n for n in rule.files if not isinstance(n, str) or not PLAIN_NAME.fullmatch(n)]:
        raise CourseError(f"{odd[0]!r} is no plain name of a file below the output folder")
    words = rule.stage.partition("_")[0], rule.kind, rule.row, rule.key
    return replace(rule, name=rule.name or " ".join(filter(None, words)))

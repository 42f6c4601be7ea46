"""The page of a submission. From what was handed in only text reaches it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template

from course.handed import in_a_line, printable_text
from course.rules import StageWork, is_number, read_exercises
from lib.publish.show import label

FOLDER = Path(__file__).parent  # the style is the report's, and some of its own


def render(result: Mapping[str, Any], works: Mapping[str, StageWork]) -> str:
    """The page as HTML, whole in itself."""
    return open_template().render(result=result, works=works).lstrip() + "\n"


@cache  # a class has many pages, and reading the template takes longer than filling it
def open_template() -> Template:
    loader = FileSystemLoader(FOLDER)
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"line": in_a_line, "text": printable_text, "label": label}
    templates.filters |= {"answers": read_exercises, "points": "{:g}".format}
    templates.tests["amount"] = is_number
    return templates.get_template("page.html.j2")

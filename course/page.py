"""The page of a submission. From what was handed in only text reaches it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from course.handed import in_a_line, printable_text
from course.rules import StageWork, is_number, read_exercises
from lib.paths import ROOT
from lib.publish.show import label

FOLDERS = Path(__file__).parent, ROOT / "lib" / "publish"  # the style is the report's, and some of its own


def render(result: Mapping[str, Any], works: Mapping[str, StageWork]) -> str:
    """The page as HTML, whole in itself."""
    loader = FileSystemLoader(FOLDERS)
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"line": in_a_line, "text": printable_text, "label": label}
    templates.filters |= {"answers": read_exercises, "points": "{:g}".format}
    templates.tests["amount"] = is_number
    page = templates.get_template("page.html.j2").render(result=result, works=works)
    return page.lstrip() + "\n"

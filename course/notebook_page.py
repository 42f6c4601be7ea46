"""Executed notebooks as pages to read, and the pictures in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from lib.files import write_text

LOOK = Path(__file__).with_name("notebook_page.css")
FORMULA = re.compile(r"`[^`]*`|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)
NOT_FETCHED = dict.fromkeys(("require_js_url", "mermaid_js_url", "jquery_url", "mathjax_url"), "")


def write_page(notebook: Path) -> Path:
    """Turn an executed notebook into HTML beside it, unless that is newer already."""
    page = notebook.with_suffix(".html")
    if page.exists() and page.stat().st_mtime_ns >= notebook.stat().st_mtime_ns:
        return page
    import nbformat
    from nbconvert import HTMLExporter

    book = nbformat.read(notebook, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(as_mathml, cell.source)
    body, _ = HTMLExporter(**NOT_FETCHED, theme="light").from_notebook_node(book)
    style = f"<style>\n{LOOK.read_text(encoding='utf-8')}</style>\n</head>"
    return write_text(page, body.replace("</head>", style, 1))


def as_mathml(found: re.Match) -> str:
    """A formula as any browser draws it without a script; code is left as it is."""
    from latex2mathml.converter import convert

    kind = found.lastgroup
    return convert(found[kind], display=kind) if kind else found[0]


def heading_of(notebook: Path) -> str:
    """The first title in a notebook."""
    return next((title for cell in cells(notebook) if (title := title_in(cell))), notebook.stem)


def figures_of(notebook: Path) -> Iterator[tuple[str, str]]:
    """Each picture that the notebook shows, as base64, under the last heading above it."""
    heading = notebook.stem
    for cell in cells(notebook):
        heading = title_in(cell) or heading
        for output in cell.get("outputs", []):
            png = output.get("data", {}).get("image/png")
            if png:
                yield heading, "".join(png).replace("\n", "")


def cells(notebook: Path) -> list[dict]:
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def title_in(cell: dict) -> str | None:
    """The last heading of a markdown cell."""
    if cell["cell_type"] != "markdown":
        return None
    lines = "".join(cell["source"]).splitlines()
    return next((line.lstrip("# ") for line in reversed(lines) if line.startswith("#")), None)

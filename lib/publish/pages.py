"""Executed notebooks as pages to read, and the pictures in them."""

import json
from collections.abc import Iterator
from pathlib import Path

from lib.files import write_text


def write_page(notebook: Path) -> Path:
    """Turn an executed notebook into HTML beside it, unless that is newer already."""
    page = notebook.with_suffix(".html")
    if page.exists() and page.stat().st_mtime_ns >= notebook.stat().st_mtime_ns:
        return page
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(require_js_url="", mermaid_js_url="", jquery_url="", theme="light")
    body, _ = exporter.from_filename(str(notebook))
    return write_text(page, body)


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

"""`python -m course site`: the executed notebooks as a book of pages that needs no network and no server."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course.handed import CourseError
from course.pins import need_pins
from lib.files import FileError, read_json, whole, write_text
from lib.paths import NOTEBOOKS, Output, resolve, shorten

MADE = ".buildinfo"  # Sphinx leaves it in a folder of pages
WIDGET = "application/vnd.jupyter.widget-view+json"  # drawn by scripts from a network
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\[]*)\]\((?P<target>[^()\s:]+)\)")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BOOK = "lookbook.pdf"
STYLES = Path(__file__).with_name("site.css")
ABOUT = "# Lookbook\n\nThe course as it ran: every notebook with what it printed and drew.\n"
PLAIN = {"use_download_button": False, "use_fullscreen_button": False, "navbar_persistent": []}
HTML = {"theme": "sphinx_book_theme", "theme_options": PLAIN, "title": "Lookbook"}
HTML |= {"static_path": ["_static"], "css_files": [STYLES.name], "context": {"default_mode": "auto"}}
HTML |= {"math_renderer": "mathml", "copy_source": False, "use_index": False, "show_sphinx": False}
HTML |= {"show_search_summary": False}  # a page without a server may not read another one
SETTINGS = {"project": "Lookbook", "extensions": ["myst_nb", "course.site"]}
SETTINGS |= {"nb_execution_mode": "off", "nb_merge_streams": True, "myst_enable_extensions": ["dollarmath"]}
SETTINGS |= {f"html_{name}": value for name, value in HTML.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="DIR", help="where the pages go")
    about = "the folder of the run whose notebooks are shown (%(default)s)"
    parser.add_argument("--output", default="output", metavar="DIR", help=about)
    about = f"also print the book into DIR/{BOOK}; needs Chromium"
    parser.add_argument("--pdf", action="store_true", help=about)


def run(arguments: argparse.Namespace) -> int:
    """Build the pages, and put them in the place of older ones when they are whole."""
    began = time.perf_counter()
    need_pins("site")
    browser = find_browser() if arguments.pdf else None
    notebooks, out = find_executed(Output(arguments.output).notebooks), resolve(arguments.out)
    if out.exists() and not (out / MADE).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise CourseError(f"{shorten(out)}: exists and is no book; give another name")
    with tempfile.TemporaryDirectory() as scratch, whole(out) as draft:
        source = Path(scratch) / "source"
        write_source(notebooks, source)
        build_pages(source, draft, "html")
        if browser:
            build_pages(source, Path(scratch) / "one", "singlehtml")
            print_pages(browser, Path(scratch) / "one" / "index.html", draft / BOOK)
    pages = sum(1 for _ in out.glob("*.html"))
    print(f"site: {shorten(out / 'index.html')}, {pages} pages in {time.perf_counter() - began:.1f} s")
    return 0


def find_executed(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> the notebook as it ran: all that the course has, and what else lies there."""
    here = {path.stem: path for path in folder.glob("*.ipynb") if not path.stem.endswith(".partial")}
    wanted = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    if missing := sorted(wanted - here.keys()):
        path, wish = folder / f"{missing[0]}.ipynb", f"python run_all.py --only {missing[0][:2]}"
        raise CourseError(f"{shorten(path)}: not executed yet; run: {wish}")
    found = {name: read_json(path) for name, path in sorted(here.items())}
    for name, content in found.items():
        if not isinstance(content, dict) or not content.get("cells"):
            raise FileError(f"{shorten(here[name])}: not a notebook with cells")
    return found


def write_source(notebooks: Mapping[str, dict[str, Any]], source: Path) -> None:
    """The notebooks as Sphinx takes them, and a title page made of their first cells."""
    titles = [ABOUT]
    for name, content in notebooks.items():
        for cell in content["cells"]:
            cell["source"] = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                cell["source"] = LINK.sub(lambda link: keep_link(link, notebooks), cell["source"])
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(WIDGET, None)
        content["metadata"].pop("widgets", None)
        write_text(source / f"{name}.ipynb", json.dumps(content))
        heading, _, rest = content["cells"][0]["source"].partition("\n")
        summary = rest.strip().split("\n\n")[0]
        titles.append(f"## [{heading.lstrip('# ')}]({name}.ipynb)\n\n{summary}\n")
    write_text(source / "_static" / STYLES.name, STYLES.read_text(encoding="utf-8"))
    listed = "\n".join(notebooks)
    contents = f"```{{toctree}}\n:hidden:\n:caption: Notebooks\n\n{listed}\n```\n"
    write_text(source / "index.md", "\n".join([*titles, contents]))


def keep_link(link: re.Match[str], notebooks: Mapping[str, Any]) -> str:
    """A link to another page of the book; of all else in the project its words are left."""
    target = link["target"].partition("#")[0]
    kept = not target or (Path(target).stem in notebooks and target.endswith(".ipynb"))
    return link[0] if kept else link["text"]


def build_pages(source: Path, out: Path, builder: str) -> None:
    """Run Sphinx; what it warns of is handed on."""
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.console import nocolor
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    nocolor()
    trees = source.with_name("trees")
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(source, None, out, trees, builder, SETTINGS, status=None, warning=sys.stderr)
            app.build()
    except SphinxError as error:
        raise CourseError(f"Sphinx: {' '.join(str(error).split())}") from None


def setup(app: Any) -> dict[str, bool]:
    """What this module adds to Sphinx, as an extension of it: formulas that any browser draws unaided."""
    app.add_html_math_renderer("mathml", (draw_formula, None), (draw_formula, None))
    return {"parallel_read_safe": True}


def draw_formula(writer: Any, node: Any) -> None:
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    block = type(node).__name__ == "math_block"
    formula = convert(node.astext(), display="block" if block else "inline")
    writer.body.append(f'<div class="formula">{formula}</div>' if block else formula)
    raise SkipNode


def find_browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise CourseError(f"--pdf: no browser to print with; expected one of {', '.join(BROWSERS)}")
    return found


def print_pages(browser: str, page: Path, book: Path) -> None:
    """One page as a PDF; the pages are our own, so that the browser needs no sandbox."""
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer")
    command = [browser, *quiet, f"--user-data-dir={page.parent / 'profile'}", f"--print-to-pdf={book}"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=300)
    if not book.is_file():
        raise CourseError(f"--pdf: {browser} printed nothing: {(done.stderr.splitlines() or ['?'])[-1]}")

"""README and RESULTS.md say what files say: each table stands in a file that a command wrote."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import results
from lib.paths import NOTEBOOKS, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLES = re.findall(r"<!-- (benchmarks/results/\w+\.json) -->\n((?:\|.*\n)+)", README)


def test_readme_has_a_measured_table():
    assert TABLES


@pytest.mark.parametrize("file, shown", TABLES, ids=[file for file, _ in TABLES])
def test_a_table_in_readme_is_the_one_that_was_written(file, shown):
    tables = json.loads((ROOT / file).read_text(encoding="utf-8"))["tables"]
    assert any(results.markdown(table) == shown.splitlines() for table in tables)


def test_results_page_is_rendered_from_its_files():
    assert results.PAGE.read_text(encoding="utf-8") == results.render()


PAGES = ("README.md", "lib/README.md", "docs/origins.md", "docs/grading.md", "dataset/README.md")
WITH_LINKS = [*PAGES, *(path.relative_to(ROOT).as_posix() for path in sorted(NOTEBOOKS.glob("*.ipynb")))]


def prose(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("page", WITH_LINKS)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)\)", prose(ROOT / page))
    here = (ROOT / page).parent
    assert [link for link in links if "://" not in link and not (here / link).exists()] == []
    assert links or page == "dataset/README.md"


def test_every_notebook_is_listed():
    assert [path.stem for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in README] == []


def test_every_benchmark_named_exists():
    named = re.findall(r"python -m benchmarks\.(\w+)", README)
    assert named and all((ROOT / "benchmarks" / f"{name}.py").exists() for name in named)

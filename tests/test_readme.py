"""README, docs/ and RESULTS.md say what files say: each table stands in a file that a command wrote."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import results
from lib.paths import NOTEBOOKS, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITTEN = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))}
TABLE = re.compile(r"<!-- (benchmarks/results/\w+\.json) -->\n((?:\|.*\n)+)")
TABLES = [(*found, text) for text in WRITTEN.values() for found in TABLE.findall(text)]


def test_every_marked_place_has_a_measured_table():
    marked = sum(text.count("<!-- benchmarks/results/") for text in WRITTEN.values())
    assert len(TABLES) == marked > 0


@pytest.mark.parametrize("file, shown, page", TABLES, ids=[file for file, *_ in TABLES])
def test_a_table_is_the_one_that_was_written_and_names_its_command(file, shown, page):
    result = json.loads((ROOT / file).read_text(encoding="utf-8"))
    assert any(results.markdown(table) == shown.splitlines() for table in result["tables"])
    assert f"`{result['command']}`" in page


def test_results_page_is_rendered_from_its_files():
    assert results.PAGE.read_text(encoding="utf-8") == results.render()


PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "lib/README.md", "dataset/README.md")
TEXTS = [*(ROOT / page for page in PAGES), *WRITTEN, *NOTEBOOKS.glob("*.ipynb")]
WITH_LINKS = sorted(path.relative_to(ROOT).as_posix() for path in TEXTS)


def prose(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("page", WITH_LINKS)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", prose(ROOT / page))
    here = (ROOT / page).parent
    assert [link for link in links if "://" not in link and not (here / link).exists()] == []
    assert links or page == "dataset/README.md"


def test_every_notebook_is_listed():
    assert [path.stem for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in README] == []


def test_readme_is_short_and_sets_up_in_two_commands():
    assert len(README.splitlines()) < 200
    for command in ("bash prepare.sh python run_all.py ", "bash prepare.sh pytest "):
        assert f"\n{command}" in README


def test_every_benchmark_named_exists():
    named = re.findall(r"python -m benchmarks\.(\w+)", "".join(WRITTEN.values()))
    assert named and all((ROOT / "benchmarks" / f"{name}.py").exists() for name in named)

"""README and RESULTS.md say what files say: each table stands in a file that a command wrote."""

import json
import re

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


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links and [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_every_notebook_is_listed():
    assert [path.stem for path in NOTEBOOKS.glob("*.ipynb") if path.stem not in README] == []


def test_every_benchmark_named_exists():
    named = re.findall(r"python -m benchmarks\.(\w+)", README)
    assert named and all((ROOT / "benchmarks" / f"{name}.py").exists() for name in named)

"""A static page stands alone: nothing is fetched, formulas are drawn, no line or table runs off it."""

import re

import nbformat
import pytest

from course.notebook_page import write_page


@pytest.fixture
def page(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell(
            "# Loss\n\nIt is $-\\log p_w$; `$HOME` and `a$b$c` are no formulas, $5 is not."
        ),
        nbformat.v4.new_markdown_cell("$$\\sum_w\np(w)=1$$"),
        nbformat.v4.new_code_cell("cost = '$x$'"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "01.ipynb")
    return write_page(tmp_path / "01.ipynb").read_text(encoding="utf-8")


def test_nothing_is_fetched(page):
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page) == []


def test_formulas_are_drawn_and_code_is_left_alone(page):
    assert re.findall(r'<math [^>]*display="(\w+)"', page) == ["inline", "block"]
    assert "$HOME" in page and "a$b$c" in page and "$5 is not" in page and "$x$" in page


def test_the_page_is_not_made_anew_while_it_is_newer(tmp_path, page):
    made = (tmp_path / "01.html").stat().st_mtime_ns
    assert write_page(tmp_path / "01.ipynb").stat().st_mtime_ns == made


def test_long_lines_wrap_between_words(page):
    assert re.search(r"pre \{[^}]*white-space: pre-wrap;[^}]*word-break: normal", page)

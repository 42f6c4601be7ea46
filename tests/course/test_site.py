"""The course as a book: built from executed notebooks, with links that lead somewhere and nothing fetched."""

import re
import shutil

import pytest
from browsing import complaints, look_at, needs_chromium, open_browser

from course.__main__ import main
from lib.paths import NOTEBOOKS

SITE = "no maker of the book: bash prepare.sh --site"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The notebooks as they stand, where executed ones lie."""
    pytest.importorskip("myst_nb", reason=SITE)
    pytest.importorskip("sphinx_book_theme", reason=SITE)
    output = tmp_path_factory.mktemp("output")
    (output / "notebooks").mkdir()
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, output / "notebooks")
    assert main(["site", "--output", str(output), "--out", str(output / "book")]) == 0
    return output / "book"


def test_every_link_of_a_page_leads_somewhere_and_nothing_is_fetched(book):
    pages = list(book.glob("*.html"))
    assert {"index.html", "07_video_captioning.html", "08_style_captioning.html"} <= {p.name for p in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#?]+)', text):
            if "://" not in target and not target.startswith(("mailto:", "data:")):
                assert (page.parent / target).exists(), (page.name, target)
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', text), page.name


def test_formulas_are_drawn_without_a_script(book):
    assert "<math" in (book / "08_style_captioning.html").read_text(encoding="utf-8")


@needs_chromium
def test_no_page_is_wider_than_a_phone_or_complains(book, tmp_path):
    with open_browser(tmp_path / "profile") as browser:
        for width in (360, 1440):
            look_at(browser, width, 900)
            for page in sorted(book.glob("*.html")):
                browser.get(page.as_uri())
                wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
                assert (page.name, wide, complaints(browser)) == (page.name, min(wide, 0), [])


@needs_chromium
def test_the_book_is_printed(book, tmp_path):
    """Into a book that is there already: it takes its place when it is whole."""
    output, out = book.parent, tmp_path / "book"
    shutil.copytree(book, out)
    assert main(["site", "--output", str(output), "--out", str(out), "--pdf"]) == 0
    printed = (out / "lookbook.pdf").read_bytes()
    assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page") > 2 * len(
        list(NOTEBOOKS.glob("*.ipynb"))
    )


def test_where_nothing_was_executed_a_line_says_so(tmp_path, capsys):
    pytest.importorskip("myst_nb", reason=SITE)
    code = main(["site", "--output", str(tmp_path), "--out", str(tmp_path / "book")])
    assert code and capsys.readouterr().err.count("\n") == 1

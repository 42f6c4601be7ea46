"""The report in a real browser: sorted and filtered by keyboard, readable on a phone and in the dark."""

import base64
import json

import numpy as np
import pytest
from absent import CHROMIUM as NO_CHROMIUM
from browsing import CHROMIUM, DRIVER, look_at, open_browser
from PIL import Image

from course.report import write_report
from lib.data.record import Record
from lib.paths import Output
from lib.publish import Picture, plots, write_metrics, write_predictions

pytest.importorskip("selenium.webdriver", reason="no selenium: pip install -r requirements.txt")
MODELS = {
    "blind": ("baseline", 0.2),
    "gru": ("model", 0.9),
    "fresh": ("ceiling", 1.7),
    "attn": ("model", 1.2),
}
FIGURES, LONG = 45, "a_name_of_a_row_that_is_longer_than_a_phone_is_wide_and_has_no_place_to_break"

# asked of the page
WIDE = """
const beyond = (e) => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll > *, .unseen");
return [...document.querySelectorAll("body *")].filter(beyond).map((e) => e.outerHTML.slice(0, 80));
"""
COLOURS = """
const words = "h1, a, p, li, td, th, small, code, mark, .badge, .kind, .error, dd, summary";
const paper = (e) => {
  const colour = getComputedStyle(e).backgroundColor;
  return colour.endsWith(", 0)") ? paper(e.parentElement) : colour;
};
const told = (e) => [e.outerHTML.slice(0, 60), getComputedStyle(e).color, paper(e)];
return [...document.querySelectorAll(words)].map(told);
"""
LACKING = """
const lacks = (q, has) => [...document.querySelectorAll(q)].filter((e) => !has(e)).map((e) => e.outerHTML);
const there = (id) => document.getElementById(id);
return [
  ...lacks("img", (e) => e.alt), ...lacks("table", (e) => e.caption), ...lacks("th", (e) => e.scope),
  ...lacks("section", (e) => there(e.getAttribute("aria-labelledby"))),
  ...lacks("a[href^='#']", (e) => there(e.hash.slice(1))),
  ...lacks(".scroll", (e) => e.tabIndex === 0 && e.ariaLabel),
];
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report as large as the demo's: two kinds of scores, figures and pictures; yields its path."""
    folder = tmp_path_factory.mktemp("out")
    about = {"profile": "demo", "dataset": "dataset/atelier", "split": "test"}
    rows = [
        {"name": name, "kind": kind, "cider_d": score, "cider_d_ci": [score - 0.1, score + 0.1]}
        for name, (kind, score) in MODELS.items()
    ]
    write_metrics(folder, "01_x", rows=rows, **about)
    found = {"name": LONG, "kind": "model", "t2i_recall1": 0.5}
    write_metrics(folder, "06_y", rows=[found], **about)
    records = []
    noise = np.random.default_rng(0)
    for number in range(24):
        path = folder / f"{number}.png"
        Image.fromarray(noise.integers(0, 255, (256, 256, 3), dtype=np.uint8)).save(path)
        records.append(Record(path.name, str(path), (f"{LONG} a woman in a hat . " * 3,), "test"))
    write_predictions(folder, "01_x", records, {name: ["a hat " * 9] * 24 for name in MODELS})
    run = {
        "profile": "demo",
        "state": "ok",
        "seconds": 9,
        "arguments": ["--output", LONG],
        "commit": "a" * 12,
    }
    failure = {"kind": "ValueError", "message": LONG, "cell": 4, "traceback": LONG}
    stage = {
        "state": "failed",
        "seconds": 1,
        "parameters": {"x": LONG},
        "literals": {"x": 0},
        "commit": "a" * 12,
    }
    stage |= {"failure": failure, "reasons": [LONG], "inputs": {LONG: {"content": "b" * 64}}}
    (folder / "run.json").write_text(json.dumps({"run": run, "stages": {"01_x": stage}}))
    add_figures(Output(folder).notebooks / "01_x.ipynb")
    return write_report(folder)


def add_figures(path) -> None:
    scores = [
        {"name": f"{name}_{k}", "kind": kind, "cider_d": value}
        for k in range(3)
        for name, (kind, value) in MODELS.items()
    ]
    picture: Picture = plots.scores(scores, ["cider_d"] * 5)
    shown = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": base64.b64encode(picture.png).decode()},
    }
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "source": "x", "execution_count": 1}
    path.parent.mkdir()
    book = {
        "cells": [cell | {"outputs": [shown] * FIGURES}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(book))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        pytest.skip(NO_CHROMIUM)
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def opened(browser, page):
    """Opens the report so many pixels wide, in the light or in the dark."""

    def open_page(width: int = 1440, scheme: str = "light"):
        look_at(browser, width, 900, dark=scheme == "dark")
        browser.get("about:blank")
        browser.get(page.as_uri())
        return browser

    return open_page


def names(browser) -> list[str]:
    return [e.text for e in browser.find_elements("css selector", ".models tbody tr:not([hidden]) > th")]


def test_a_report_of_the_size_of_the_demo_is_small(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure ") == FIGURES and text.count('<details class="picture"') == 12
    assert len(text.encode()) < 5_000_000


def test_a_heading_sorts_by_click_and_by_keyboard(opened):
    browser = opened()
    heads = browser.find_elements("css selector", ".models thead th")
    score = next(head for head in heads if head.text.startswith("CIDEr-D"))
    assert (
        names(browser)[:4] == ["blind", "gru", "fresh", "attn"] and score.get_attribute("aria-sort") == "none"
    )
    button = score.find_element("css selector", "button")
    button.click()
    long = LONG.replace("_", " ")
    assert names(browser) == ["fresh", "attn", "gru", "blind", long], (
        "the highest first, without a score last"
    )
    assert score.get_attribute("aria-sort") == "descending"
    button.send_keys("\n")
    assert names(browser) == ["blind", "gru", "attn", "fresh", long]
    assert score.get_attribute("aria-sort") == "ascending"
    heads[0].find_element("css selector", "button").send_keys(" ")
    assert names(browser) == [long, "attn", "blind", "fresh", "gru"]
    assert [head.get_attribute("aria-sort") for head in (heads[0], score)] == ["ascending", "none"]


def test_rows_are_filtered_by_kind_and_notebook_and_captions_with_them(opened):
    browser = opened()
    for kind in ("baseline", "ceiling", "control"):
        browser.find_element("css selector", f".filter [value={kind}]").click()
    assert names(browser) == ["gru", "attn", LONG.replace("_", " ")]
    assert browser.find_element("css selector", ".filter output").text == "3 of 5 rows"
    assert len(browser.find_elements("css selector", ".picture[open] .told > li:not([hidden])")) == 2
    browser.find_element("css selector", "[data-only='06_y']").click()
    assert names(browser) == [LONG.replace("_", " ")]
    heads = [e.text for e in browser.find_elements("css selector", ".models thead th:not([hidden])")]
    assert any("R@1" in head for head in heads) and not any("CIDEr" in head for head in heads)
    assert not browser.find_elements("css selector", ".picture:not([hidden])"), "none was told there"


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_is_wider_than_the_screen(opened, width):
    browser = opened(width)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    wide = browser.execute_script(WIDE)
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_nothing_is_fetched_and_nothing_complains(opened):
    browser = opened()
    fetched = browser.execute_script("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []


def luminance(colour: str) -> float:
    """How bright a colour is, as WCAG has it."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_the_light_and_in_the_dark(opened, scheme):
    browser = opened(scheme=scheme)
    colours = browser.execute_script(COLOURS)
    assert len(colours) > 100
    for element, ink, paper in colours:
        darker, brighter = sorted((luminance(ink), luminance(paper)))
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, f"{element}: {ink} on {paper}"
    body = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (luminance(body) < 0.1) == (scheme == "dark")


def test_landmarks_names_and_keyboard(opened):
    browser = opened()
    lacking = browser.execute_script(LACKING)
    assert lacking == []
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert len(browser.find_elements("css selector", landmark)) == 1, landmark
    body = browser.find_element("css selector", "body")
    body.send_keys("\t")
    assert browser.switch_to.active_element.get_attribute("class") == "skip", (
        "the first stop skips to the results"
    )
    assert browser.switch_to.active_element.value_of_css_property("outline-style") == "solid"
    browser.switch_to.active_element.send_keys("\n")
    assert browser.switch_to.active_element.get_attribute("id") == "main"
    browser.find_element("css selector", "figure a").send_keys("\n")
    assert browser.find_elements("css selector", "figure:target .close")
    browser.switch_to.active_element.send_keys("\ue00c")  # escape
    assert not browser.find_elements("css selector", "figure:target")

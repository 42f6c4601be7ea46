"""Notebook 00 in a real JupyterLab and a real browser: opened, run by the menu, saved, without an error."""

import ast
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browsing import needs_chromium, open_browser

from lib.paths import NOTEBOOKS

pytest.importorskip("selenium.webdriver", reason="no selenium: pip install -r requirements.txt")
pytestmark = needs_chromium

SMALL = {"pictures": {"train": 40, "val": 8, "test": 14, "eye": 40}, "training": {"epochs": 1}}


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab on loopback that serves a small copy of notebook 00; yields its address and folder."""
    small_copy(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}",
    ]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path, start_new_session=True)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/api?token={token}"), 60, "the server's answer")
        yield f"http://127.0.0.1:{port}/lab/tree/00_dataset.ipynb?token={token}", tmp_path
    finally:
        server.terminate()
        server.wait(20)


def small_copy(folder) -> None:
    """The notebook with fewer pictures, everything written below the test's own folder."""
    notebook = json.loads((NOTEBOOKS / "00_dataset.ipynb").read_text())
    cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    changed = {"output": str(folder / "out"), "dataset": str(folder / "atelier")} | SMALL
    values = {node.targets[0].id: node.value for node in ast.parse("".join(cell["source"])).body}
    assert changed.keys() <= values.keys()
    lines = [f"{name} = {changed.get(name, ast.literal_eval(value))!r}" for name, value in values.items()]
    cell["source"] = "\n".join(lines)
    (folder / "00_dataset.ipynb").write_text(json.dumps(notebook))


def answers(address: str) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(address, timeout=2).status == 200
    return False


def wait_for(condition, seconds: float, what: str):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path / "profile") as driver:
        driver.set_window_size(1400, 1000)
        yield driver


def menu(browser, *words: str) -> None:
    """Click through the menus by the words on them."""
    for word in words:
        path = f"//*[contains(@class, 'lm-Menu') and contains(@class, '-itemLabel')][text()='{word}']"
        wait_for(lambda path=path: browser.find_elements("xpath", path), 30, word)[0].click()
        time.sleep(0.5)


def code_cells(path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def run_through(browser, path) -> list[dict]:
    """Save until every code cell has run; a cell with an error ends the wait at once."""

    def ended():
        menu(browser, "File", "Save Notebook")
        cells = code_cells(path)
        failed = any(o["output_type"] == "error" for c in cells for o in c["outputs"])
        return cells if failed or all(c["execution_count"] for c in cells) else None

    return wait_for(ended, 240, "the last cell")


def test_run_all_cells_by_the_menu(lab, browser):
    address, folder = lab
    browser.get(address)
    wait_for(lambda: browser.find_elements("css selector", ".jp-Notebook .jp-Cell"), 60, "the notebook")
    time.sleep(3)  # whatever wants to pop up has done so by now
    assert not browser.find_elements("css selector", ".jp-Dialog"), "a dialog stands in the way"
    assert not browser.find_elements("css selector", ".Toastify__toast"), "a notification pops up"
    menu(browser, "Run", "Run All Cells")
    cells = run_through(browser, folder / "00_dataset.ipynb")
    errors = [o for c in cells for o in c["outputs"] if o["output_type"] == "error"]
    assert errors == []
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c["outputs"]) >= 4
    assert json.loads((folder / "out" / "metrics" / "00_dataset.json").read_text())["rows"]
    if picture := os.environ.get("LOOKBOOK_SCREENSHOT"):
        browser.save_screenshot(picture)

"""A headless Chromium that tests click with, and what it met."""

import contextlib
import shutil
import time

import pytest
from absent import CHROMIUM as NO_CHROMIUM

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=NO_CHROMIUM)
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
ELSEWHERE = """return performance.getEntriesByType('resource').map(entry => entry.name)
    .filter(name => !['data:', 'blob:', arguments[0]].some(own => name.startsWith(own)))"""


@contextlib.contextmanager
def open_browser(profile):
    """A browser with a profile of its own that keeps what the pages' scripts complain of."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (*QUIET, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def look_at(browser, width: int, height: int, *, dark: bool = False) -> None:
    """The size of the window, and what the user's system prefers."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [wish]})


def fetched_elsewhere(browser, origin: str) -> list[str]:
    return browser.execute_script(ELSEWHERE, origin)


def complaints(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def wait_until(condition, what: str, seconds: float = 20):
    from selenium.common import WebDriverException

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(
            WebDriverException, IndexError, StopIteration
        ):  # not there yet, or just drawn anew
            if value := condition():
                return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")

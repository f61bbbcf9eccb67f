"""The report in a real browser, where there is one: headless Chromium by selenium."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from fit_folder import write_fit
from replicafit_report.comparison import write_comparison
from replicafit_report.page import write_report

from replicafit.data import stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(tmp_path_factory, toy_datasets, toy_data, registry):
    root = tmp_path_factory.mktemp("browser")
    one = write_fit(root / "one", toy_data, registry, range(1, 21))
    two = write_fit(root / "two", toy_data, registry, range(21, 41), spread=0.08)
    compared = write_comparison([one, two], root / "comparison.html")
    height = [
        replace(d, flavours=("height",), tables=(d.tables[0][:, :1],)) for d in toy_datasets[:1]
    ]
    plain = write_fit(root / "plain", stack(height), registry, range(1, 11))
    return [write_report(one, reference=two), write_report(plain), compared]


@pytest.fixture(scope="module")
def browser():
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no Chromium: apt-get install chromium chromium-driver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield running
    running.quit()


def open_page(browser, page, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize("width", [400, 1280])
def test_pages_stand_alone_and_fit_the_screen(browser, pages, width):
    for page in pages:
        open_page(browser, page, width)
        assert not [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"]
        assert outside_requests(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert unseen(browser) == []
        assert small_print(browser) >= 7


def outside_requests(browser) -> list[str]:
    """Addresses asked for that are neither the file nor inside it."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    urls = [message["params"]["request"]["url"] for message in sent]
    return [url for url in urls if not url.startswith(("file:", "data:"))]


def unseen(browser) -> list[str]:
    """Sections that take no room, or that the menu does not lead to."""
    return browser.execute_script(
        "return [...document.querySelectorAll('section')].filter(s => s.offsetHeight < 40 ||"
        " !document.querySelector(`nav a[href='#${s.id}']`)).map(s => s.id)"
    )


def small_print(browser) -> float:
    """The height in pixels of the smallest letters in any figure that is shown."""
    return browser.execute_script(
        "return Math.min(...[...document.querySelectorAll('figure svg')].filter(s =>"
        " s.clientWidth > 0).map(s => 8.5 * s.clientWidth / s.viewBox.baseVal.width))"
    )

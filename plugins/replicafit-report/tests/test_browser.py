"""The report in a real browser, where there is one: headless Chromium by selenium."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

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
    running.set_script_timeout(300)  # axe-core looks at every element
    yield running
    running.quit()


def open_page(browser, page, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_pages_stand_alone_and_fit_the_screen(browser, pages, width):
    for page in pages:
        open_page(browser, page, width)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert not [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"]
        assert outside_requests(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert unseen(browser) == []
        assert small_print(browser) >= 9


def test_tables_sort_and_filter(browser, pages):
    open_page(browser, pages[0], 1280)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    table = "[...document.querySelectorAll('table.explore')].find(t => t.rows.length > 15)"
    read = f"return [...{table}.tBodies[0].rows].map(r => parseFloat(r.cells[5].textContent))"
    click = f"{table}.querySelectorAll('thead th button')[5].click()"
    given = browser.execute_script(read)
    browser.execute_script(click)
    assert browser.execute_script(read) == sorted(given)
    assert browser.execute_script(f"return {table}.querySelectorAll('th')[5].ariaSort") == (
        "ascending"
    )
    browser.execute_script(click)
    assert browser.execute_script(read) == sorted(given, reverse=True)
    browser.execute_script(click)
    assert browser.execute_script(read) == given
    browser.execute_script(
        f"const i = {table}.closest('.scroll').previousElementSibling.querySelector('input');"
        "i.value = 'no such words'; i.dispatchEvent(new Event('input'))"
    )
    assert (
        browser.execute_script(f"return {table}.querySelectorAll('tbody tr:not([hidden])').length")
        == 0
    )


def test_a_replica_pointed_at_is_told_and_found_everywhere(browser, pages):
    open_page(browser, pages[0], 1280)
    found = browser.execute_script(
        "const dot = document.querySelector('#replicas svg g[data-r] use');"
        "dot.scrollIntoView({block: 'center'}); const box = dot.getBoundingClientRect();"
        "const at = {bubbles: true, clientX: box.x + box.width / 2,"
        " clientY: box.y + box.height / 2};"
        "document.elementFromPoint(at.clientX, at.clientY)"
        ".dispatchEvent(new PointerEvent('pointermove', at));"
        "const hot = [...document.querySelectorAll('.hot')];"
        "const note = document.getElementById('note');"
        "return {note: note.hidden ? '' : note.textContent,"
        " numbers: [...new Set(hot.map(e => e.dataset.r))],"
        " sections: [...new Set(hot.map(e => e.closest('section').id))]}"
    )
    [number] = found["numbers"]
    assert found["note"].startswith(f"replica {number}: chi2 per datum ")
    assert {"functions", "training", "replicas"} <= set(found["sections"])


def test_figures_zoom_from_the_keyboard(browser, pages):
    open_page(browser, pages[0], 400)
    browser.execute_script(
        "const svg = document.querySelector('#chi2 figure svg'); svg.focus();"
        "svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))"
    )
    assert browser.execute_script("return document.querySelector('dialog').open")
    browser.execute_script("document.querySelector('dialog button').click()")
    assert not browser.execute_script("return document.querySelector('dialog').open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, pages, scheme):
    axe = pytest.importorskip("axe_playwright_python", reason="it carries axe-core")
    script = (Path(axe.__path__[0]) / "axe.min.js").read_text(encoding="utf-8")
    wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    try:
        for page in pages:
            open_page(browser, page, 1280)
            browser.execute_script(
                "document.querySelectorAll('details').forEach(d => d.open = true)"
            )
            paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
            browser.execute_script(script)
            found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
            told = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]]
            assert (told, bool(found["passes"])) == ([], True)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_pages_print_whole(browser, pages):
    """Everything behind a line to click on is printed, on white, and the menu is not."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        open_page(browser, pages[0], 794)
        assert browser.execute_script("return document.querySelector('nav').offsetHeight") == 0
        hidden = browser.execute_script(
            "return [...document.querySelectorAll('details table, details figure:not(.narrow)')]"
            ".filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length"
        )
        assert hidden == 0
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 794
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


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
        "return Math.min(...[...document.querySelectorAll('figure svg text')].map(e =>"
        " [e, e.ownerSVGElement]).filter(([e, svg]) => svg.clientWidth > 0).map(([e, svg]) =>"
        " parseFloat(getComputedStyle(e).fontSize) * svg.clientWidth / svg.viewBox.baseVal.width))"
    )

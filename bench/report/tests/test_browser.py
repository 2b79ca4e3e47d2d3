"""The page in Chromium: charts draw, tables sort, the filter filters, nothing complains. Skipped where there is no
Chromium with its driver (Debian: apt-get install chromium chromium-driver) or no Selenium."""
import base64
import os
import pathlib
import shutil

import pytest

import sample
from mylos_report.cli import main
from mylos_report.load import load

pytestmark = pytest.mark.browser
webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

WIDE, NARROW = 1400, 500
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Per chart: its box, and how many of its marks (points, bars, lines) have a box of their own.
CHARTS = """
return [...document.querySelectorAll("svg.chart")].map((svg) => {
  const box = svg.getBoundingClientRect();
  const marks = [...svg.querySelectorAll(".point, rect.bar, .line")];
  const drawn = marks.filter((mark) => {
    const b = mark.getBoundingClientRect();
    return b.width + b.height > 1 && b.left >= box.left - 2 && b.right <= box.right + 2
      && b.top >= box.top - 2 && b.bottom <= box.bottom + 2;
  });
  const texts = [...svg.querySelectorAll("text")].filter((text) => text.getBoundingClientRect().width > 0);
  return {name: svg.getAttribute("aria-label"), section: svg.closest("section").id, width: box.width,
          height: box.height, marks: marks.length, drawn: drawn.length, texts: texts.length};
});
"""
# Contrast (WCAG) of a colour with the surface behind the charts.
CONTRAST = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => {
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const figure = document.querySelector("figure");
const back = luminance(getComputedStyle(figure).backgroundColor);
const against = (colour) => {
  const front = luminance(colour);
  return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
};
const fill = (selector) => against(getComputedStyle(document.querySelector(selector)).fill);
return {back, name: fill("svg.chart .name"), tick: fill("svg.chart .tick"), first: fill("svg.chart rect.bar.c1"),
        second: fill("svg.chart rect.bar.c2"), third: fill("svg.chart rect.bar.c3")};
"""


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no Chromium with chromedriver here (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    os.environ["SE_OFFLINE"] = "true"
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """{machine: file} with a third of the operators: what a browser shows does not depend on how many there are."""
    folder = tmp_path_factory.mktemp("few")
    chosen = {"relu", "gelu", "hardswish", "softmax", "log_softmax", "layer_norm", "sum", "cumsum", "gemm", "mlp", "gemv"}
    make = lambda name, machine, **options: sample.write(folder, name, sample.document(machine, operators=chosen, **options))
    found = {machine: make(f"{machine}.json", machine) for machine in sample.MACHINES}
    return {**found, "before": make("before.json", "h200", seed=1, date="2026-11-20T01:00:00Z")}


@pytest.fixture(scope="module")
def page(few, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    main([few["h200"], few["mi300x"], few["host"], "--out", str(out), "--baseline", few["before"]])
    return out


def show(browser, page, width=WIDE, scheme="light"):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(pathlib.Path(page).as_uri())


def column(browser, table, label):
    """Texts, or numbers where the cells carry them, of the visible rows, from top to bottom."""
    return browser.execute_script(
        """const table = document.getElementById(arguments[0]);
        const heads = [...table.tHead.rows[0].cells];
        const at = heads.findIndex((cell) => cell.textContent.trim() === arguments[1]);
        return [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => {
          const cell = row.cells[at];
          return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.textContent.trim();
        });""",
        table, label,
    )  # fmt: skip


def heading(browser, table, label):
    return browser.find_element(By.XPATH, f"//table[@id='{table}']/thead//button[normalize-space()='{label}']")


def press(browser, element):
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", element)
    element.click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_chart_draws(browser, page, width, scheme):
    show(browser, page, width, scheme)
    charts = browser.execute_script(CHARTS)
    found = {chart["section"] for chart in charts}
    assert found == {"regression", "operators", "rooflines", "sweeps", "rivals", "errors"}
    for chart in charts:
        assert chart["width"] > 250 and chart["height"] > 60, chart
        assert chart["marks"] > 0 and chart["drawn"] == chart["marks"], chart
        assert chart["texts"] > 3, chart
    # One for each of four dtypes on three machines, with bandwidth and arithmetic.
    assert sum(chart["section"] == "rooflines" for chart in charts) == 24


def test_the_heatmap_has_colours(browser, page):
    show(browser, page)
    colours = browser.execute_script(
        "return [...document.querySelectorAll('#heatmap-automatic td.heat')].map((c) => "
        "[getComputedStyle(c).getPropertyValue('--s').trim(), getComputedStyle(c).backgroundColor])"
    )
    assert len(colours) > 80
    by_step = dict(colours)
    assert len(by_step) > 2 and len(set(by_step.values())) == len(by_step)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_follow_the_theme(browser, page, scheme):
    show(browser, page, scheme=scheme)
    contrast = browser.execute_script(CONTRAST)
    assert (contrast["back"] > 0.5) == (scheme == "light")
    # WCAG: 4.5 for text, 3 for graphics.
    assert min(contrast["name"], contrast["tick"]) > 4.5, contrast
    assert min(contrast["first"], contrast["second"], contrast["third"]) > 3, contrast


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, 960, NARROW])
def test_the_page_does_not_scroll_sideways(browser, page, width, scheme):
    show(browser, page, width, scheme)
    for folded in browser.find_elements(By.CSS_SELECTOR, "details:not([open])"):
        browser.execute_script("arguments[0].open = true", folded)
    # Asked of the page, and tried.
    browser.execute_script("window.scrollTo(400, 0)")
    root = "document.documentElement"
    wanted, there, moved = browser.execute_script(f"return [{root}.scrollWidth, {root}.clientWidth, window.scrollX]")
    assert wanted <= there <= width and moved == 0


def test_no_console_message(browser, page):
    show(browser, page)
    browser.get_log("browser")
    show(browser, page)
    press(browser, heading(browser, "table-cases", "median ms"))
    press(browser, heading(browser, "table-ceilings", "GB/s"))
    browser.find_element(By.ID, "filter-text").send_keys("gelu")
    assert browser.get_log("browser") == []


def test_numbers_sort_both_ways_and_missing_ones_come_last(browser, page):
    show(browser, page)
    before = column(browser, "table-cases", "median ms")
    press(browser, heading(browser, "table-cases", "median ms"))
    falling = column(browser, "table-cases", "median ms")
    assert falling == sorted(before, reverse=True) != before
    press(browser, heading(browser, "table-cases", "median ms"))
    assert column(browser, "table-cases", "median ms") == sorted(before)
    press(browser, heading(browser, "table-cases", "TFLOP/s"))
    values = column(browser, "table-cases", "TFLOP/s")
    numbers = [value for value in values if value != "–"]
    assert numbers == sorted(numbers, reverse=True)
    assert "–" in values and values[len(numbers) :] == ["–"] * (len(values) - len(numbers))


def test_text_sorts_and_says_so(browser, page):
    show(browser, page)
    press(browser, heading(browser, "table-portability", "operator"))
    names = column(browser, "table-portability", "operator")
    assert names == sorted(names) and len(set(names)) > 5
    cell = heading(browser, "table-portability", "operator").find_element(By.XPATH, "..")
    assert cell.get_attribute("aria-sort") == "ascending"


def test_every_table_sorts(browser, page):
    show(browser, page)
    for folded in browser.find_elements(By.CSS_SELECTOR, "details:not([open])"):
        browser.execute_script("arguments[0].open = true", folded)
    tables = browser.find_elements(By.CSS_SELECTOR, "table.sortable")
    assert len(tables) >= 11
    for table in tables:
        button = table.find_elements(By.CSS_SELECTOR, "thead button")[1]
        press(browser, button)
        assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") in ("ascending", "descending")


def test_the_filter_shows_what_fits(browser, page, few):
    show(browser, page)
    cases = [(machine, case) for machine in ("h200", "mi300x", "host") for case in load(few[machine]).cases.values()]
    search = browser.find_element(By.ID, "filter-text")
    search.send_keys("log_softmax F16")
    expected = [case for _, case in cases if case.operator == "log_softmax" and "f16" in case.dtype]
    operators = column(browser, "table-cases", "operator")
    assert len(operators) == len(expected) > 0 and set(operators) == {"log_softmax"}
    assert browser.find_element(By.ID, "filter-count").text == f"{len(expected)} of {len(cases)} cases"
    # A choice narrows it further: bf16 fits "f16" too.
    browser.find_element(By.XPATH, "//form[@id='filters']//label[contains(., 'dtype')]/select/option[.='bf16']").click()
    assert set(column(browser, "table-cases", "dtype")) == {"bf16"}
    search.clear()
    search.send_keys("nothing is called that")
    assert column(browser, "table-cases", "operator") == []


def test_the_command_of_a_case_can_be_copied(browser, page):
    show(browser, page)
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    button = browser.find_element(By.CSS_SELECTOR, "#table-cases button.copy")
    command = button.find_element(By.XPATH, "following-sibling::code").get_attribute("textContent")
    press(browser, button)
    copied = browser.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, done)")
    assert command.startswith("mylos-bench --suite ") and copied == command


def test_the_keyboard_is_enough(browser, page):
    show(browser, page)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    button = heading(browser, "table-ceilings", "GB/s")
    browser.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    values = [value for value in column(browser, "table-ceilings", "GB/s") if value != "–"]
    assert values == sorted(values, reverse=True)
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_it_prints(browser, tmp_path):
    small = sample.write(tmp_path, "small.json", sample.document("host", suites=["seeds"]))
    main([small, "--out", str(tmp_path / "small.html")])
    show(browser, tmp_path / "small.html")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    cut = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].filter((e) => getComputedStyle(e).overflowY !== 'visible').length"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert cut == 0  # on paper nothing scrolls

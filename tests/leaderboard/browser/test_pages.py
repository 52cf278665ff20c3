"""The pages in a real browser, opened from disk: layout, accessibility and requests."""

import json
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser


def pages_of(site):
    """Return one page of each kind."""
    return (
        "index.html",
        any_run(site),
        "models/mamba.html",
        "tasks/math.html",
        "compare.html#models=mamba,mlp",
        "reading.html",
    )


def any_run(site):
    """Return a run page with slices, which contains everything a run page can contain."""
    return next(f"runs/{path.name}" for path in (site / "runs").iterdir() if "by <bdi>level" in path.read_text())


def test_opens_from_disk_and_asks_the_network_for_nothing(open_page, site):
    for name in pages_of(site):
        page = open_page(name)
        assert {urlsplit(url).scheme for url in page.requests} == {"file"}
        assert any(url.endswith("board.css") for url in page.requests)
    assert open_page().evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "auto"


def test_hostile_names_do_not_run(open_page):
    page = open_page()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_audit_finds_no_fault(open_page, site, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    for name in pages_of(site):
        page = open_page(name, color_scheme=scheme, bypass_csp=True)
        faults = axe.Axe().run(page).response["violations"]
        assert not faults, json.dumps(faults, indent=1)[:3000]


def test_dark_and_light_differ(open_page):
    colors = [
        open_page(color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colors[0] != colors[1]


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("svg.lines, .tree svg")].flatMap((svg) => {
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.checkVisibility() && text.textContent.trim());
    return [texts.map((text) => [text.textContent, text.getBoundingClientRect()])];
  });
  const meet = (a, b) => a.left + 1 < b.right && b.left + 1 < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;
  return boxes.flatMap((own) =>
    own.flatMap(([name, box], i) =>
      own.slice(i + 1).filter((other) => meet(box, other[1])).map((other) => [name, other[0]])));
}"""


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_no_page_is_wider_than_the_screen_has_overlapping_labels_or_prints_errors(open_page, site, width):
    for name in pages_of(site):
        page = open_page(name, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(OVERLAPS) == [], name
        assert page.problems == [], name


def test_first_column_stays_while_the_table_scrolls(open_page):
    page = open_page(viewport={"width": 390, "height": 800})
    name = page.locator(".scores tbody .name").first
    before = name.bounding_box()
    page.locator(".scroll").first.focus()
    page.evaluate("document.querySelector('.scroll').scrollLeft = 200")
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 200
    assert name.bounding_box()["x"] == before["x"]


def test_findings_and_the_table_are_on_the_first_screen_below_a_low_header(open_page):
    page = open_page(viewport={"width": 1440, "height": 800})
    assert page.locator(".findings li").count() >= 3
    assert page.locator(".models tr").first.bounding_box()["y"] < 520
    assert page.locator(".scores thead").bounding_box()["height"] <= 70


def test_a_cell_leads_to_its_seeds_their_runs_and_back(open_page):
    page = open_page()
    row = page.locator(".scores tr").filter(has_text="transformer").first
    row.locator("td a.value").last.click()
    assert page.get_by_role("heading", level=1).inner_text() == "recall-mqar"
    page.locator("tr:target").get_by_role("link", name="seed 1").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("transformer on ")
    assert page.locator("polyline.chosen").count() == 2
    page.get_by_role("link", name="archarena").click()
    assert page.url.endswith("index.html")


def test_compared_models_are_chosen_on_the_page_and_kept_in_the_address(open_page):
    page = open_page("compare.html#models=mamba,mlp")
    heads = page.locator("table").first.locator("thead bdi")
    assert heads.all_inner_texts() == ["mamba", "mlp"]
    page.get_by_role("checkbox", name="transformer").check()
    assert heads.all_inner_texts() == ["mamba", "mlp", "transformer"]
    assert page.evaluate("location.hash") == "#models=mamba,mlp,transformer"
    page.get_by_role("checkbox", name="mamba", exact=True).uncheck()
    assert heads.all_inner_texts() == ["mlp", "transformer"]
    assert page.locator(".findings li").inner_text().startswith("mlp wins ")
    assert page.get_by_role("checkbox", name="mlp").is_disabled(), "two models are the fewest"


def test_a_chart_shows_another_axis(open_page):
    page = open_page("tasks/recall-mqar.html")
    figure = page.locator("figure.choice").first
    assert figure.locator("svg:visible").get_attribute("aria-label") == "Learning curves by optimizer steps"
    figure.get_by_text("seconds", exact=True).click()
    assert figure.locator("svg:visible").get_attribute("aria-label") == "Learning curves by training seconds"


def test_a_run_shows_its_errors_only(open_page, site):
    name = next(f"runs/{path.name}" for path in (site / "runs").iterdir() if "errors-only" in path.read_text())
    page = open_page(name)
    rows = page.locator(".predicted tbody tr:visible")
    assert rows.count() == 2
    page.get_by_label("Errors only").check()
    assert rows.count() == 1
    assert "wrong" in rows.inner_text()

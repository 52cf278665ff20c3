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
        "compare/mamba--mlp.html",
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
def test_accessibility_audit_finds_no_serious_fault(open_page, site, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    for name in pages_of(site):
        page = open_page(name, color_scheme=scheme, bypass_csp=True)
        faults = axe.Axe().run(page).response["violations"]
        serious = [fault for fault in faults if fault["impact"] in ("serious", "critical")]
        assert not serious, json.dumps(serious, indent=1)[:3000]


def test_dark_and_light_differ(open_page):
    colors = [
        open_page(color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colors[0] != colors[1]


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_no_page_is_wider_than_the_screen(open_page, site, width):
    for name in pages_of(site):
        page = open_page(name, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_first_column_stays_while_the_table_scrolls(open_page):
    page = open_page(viewport={"width": 390, "height": 800})
    name = page.locator(".scores tbody .name").first
    before = name.bounding_box()
    page.locator(".scroll").first.focus()
    page.evaluate("document.querySelector('.scroll').scrollLeft = 200")
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 200
    assert name.bounding_box()["x"] == before["x"]


def test_the_table_comes_first(open_page):
    page = open_page(viewport={"width": 1280, "height": 800})
    assert page.locator(".scores tbody tr").first.bounding_box()["y"] < 400


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

"""What a reader can do with the index page: sort, filter, compare, link, download, explore."""

import csv
import json

import pytest
from archarena.leaderboard.formats import ScoreFormat
from archarena.leaderboard.pages.site import make_site
from archarena.leaderboard.read.results import read_results
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def variants(page):
    return page.locator(".models tr:visible .name a bdi").all_inner_texts()


def columns(page):
    return page.locator(".scores thead tr:nth-child(2) th:visible bdi").all_inner_texts()


def row(page, variant):
    return page.locator(".models tr").filter(has=page.locator(f".name a bdi:text-is('{variant}')"))


def uncheck(page, menu, value):
    page.locator(".menu summary", has_text=menu).click()
    page.locator(f".menu[open] input[value='{value}']").uncheck()
    page.keyboard.press("Escape")


def test_a_column_sorts_best_first_then_the_other_way_then_not_at_all(open_page):
    page = open_page()
    plain = variants(page)
    button = page.get_by_role("button", name="Sort by lra-listops")
    button.click()
    best_first = variants(page)
    assert best_first.index("mlp") < best_first.index("transformer") < best_first.index("mamba")
    assert page.locator("[aria-sort=descending]").count() == 1
    button.click()
    assert variants(page) == best_first[::-1]
    button.click()
    assert variants(page) == plain
    assert page.locator("[aria-sort]").count() == 0


def test_where_lower_is_better_the_lowest_comes_first(open_page):
    page = open_page()
    page.get_by_role("button", name="Sort by math-lm").click()
    assert variants(page)[0] == "mamba"
    assert page.locator("[aria-sort=ascending]").count() == 1


def test_filters_hide_and_say_how_many_are_left(open_page):
    page = open_page()
    uncheck(page, "Suites", "math")
    assert columns(page) == ["lra-listops", "recall-mqar"]
    uncheck(page, "Families", "state space")
    assert variants(page) == [name for name in variants(page) if name not in ("mamba", "mlp", "transformer")]
    assert page.locator(".shown").inner_text() == "1 of 5 rows, 2 of 4 columns"
    page.get_by_role("button", name="Show all").click()
    assert (len(variants(page)), len(columns(page))) == (5, 4)


def test_a_status_can_be_left_out(open_page):
    page = open_page()
    uncheck(page, "Status", "ok")
    assert variants(page) == ["mamba"], "the only row with a cell that did not finish"


def test_a_part_of_a_name_finds_models(open_page):
    page = open_page()
    page.get_by_label("Find models").fill("MAMB")
    assert {name.split("[")[0] for name in variants(page)} == {"mamba"}
    assert page.evaluate("location.hash") == "#find=MAMB"


def test_filters_move_no_mark(open_page):
    page = open_page()
    before = page.locator(".models td.best").count()
    uncheck(page, "Families", "state space")
    assert page.locator(".models td.best").count() == before, "hidden rows keep theirs, and no other row gets one"


def test_comparing_shows_the_differences_that_python_works_out(open_page, site):
    page = open_page()
    page.get_by_label("Compare with").select_option("mlp")
    sections = make_site(read_results([site.parent / "results"])).sections
    (column,) = [column for column in sections[0].columns if column.name == "lra-listops"]
    found = column.comparisons.difference("mamba", "mlp")
    write = ScoreFormat("accuracy", "fraction")
    cell = row(page, "mamba").locator("td:nth-child(5)")
    shown = cell.locator(".difference").inner_text().split(" ±\u00a0")
    assert shown[0] == write.signed(found.mean)
    assert shown[1].startswith(write(found.half_width))
    expect(cell).to_have_attribute("data-verdict", "worse")
    assert row(page, "mlp").locator(".difference").count() == 0, "the reference keeps its scores"


def test_what_cannot_be_told_apart_fades(open_page):
    page = open_page()
    page.get_by_label("Compare with").select_option("mamba")
    faded = row(page, "mlp").locator("td:nth-child(8)")
    expect(faded).to_have_attribute("data-verdict", "unknown")
    assert float(faded.evaluate("cell => getComputedStyle(cell).opacity")) < 1
    row(page, "mamba").get_by_role("button", name="compare").click()
    assert page.locator("[data-verdict]").count() == 0, "the row's own button ends the comparison"


def test_the_address_brings_back_what_was_chosen(open_page):
    page = open_page()
    uncheck(page, "Suites", "math")
    page.get_by_role("button", name="Sort by recall-mqar").click()
    page.get_by_label("Compare with").select_option("transformer")
    page.get_by_label("Published values").check()
    hash = page.evaluate("location.hash")
    assert hash == "#suite=!math&sort=recall-mqar&with=transformer&published"
    again = open_page(hash=hash)
    for look in (variants, columns, lambda p: p.locator(".published tr:visible").count(),
                 lambda p: p.locator("[data-verdict]").count()):  # fmt: skip
        assert look(again) == look(page)
    assert again.locator(".published tr:visible").count() > 0


@pytest.mark.parametrize("hash", ["#with=nobody&sort=nothing&suite=%", "#suite=!none&column=", "#<script>"])
def test_an_address_that_names_what_is_not_there_shows_the_plain_page(open_page, hash):
    page = open_page(hash=hash)
    assert len(variants(page)) == 5
    assert page.problems == []


def test_what_is_shown_can_be_downloaded(open_page, site):
    page = open_page()
    uncheck(page, "Suites", "math")
    page.locator(".menu summary", has_text="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Visible rows as CSV").click()
    with open(download.value.path(), newline="", encoding="utf-8") as file:  # noqa: PTH123
        shown = list(csv.DictReader(file))
    table = json.loads((site / "table.json").read_text())
    values = {(r["variant"], r["column"], r["seed"]): r["value"] for r in table if r["kind"] == "score"}
    assert {r["column"] for r in shown} == {"lra-listops", "recall-mqar"}
    assert len(shown) == 5 * 2 * 3
    for line in shown:
        expected = values[line["variant"], line["column"], int(line["seed"])] if "\\u" not in line["variant"] else None
        assert expected is None or float(line["value"]) == expected


def test_a_table_is_copied_as_a_table(open_page):
    page = open_page()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('table.scores'))")
    lines = page.evaluate("getSelection().toString()").splitlines()
    (line,) = [line for line in lines if line.startswith("transformer")] or [""]
    assert "transformer" in " ".join(lines)
    assert any("\t" in line and "±" in line for line in lines), line


def test_pointing_at_a_cell_shows_its_seeds(open_page):
    page = open_page()
    row(page, "mlp").locator("td:nth-child(5)").hover()
    tip = page.get_by_role("tooltip")
    assert "seed 0: 30.0 · seed 1: 31.0 · seed 2: 32.0" in tip.inner_text()
    assert tip.locator("circle.own").count() == 3
    page.evaluate("dispatchEvent(new Event('scroll'))")
    assert tip.is_visible()
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_the_keyboard_is_enough(open_page):
    page = open_page()
    page.locator(".menu summary", has_text="Suites").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert len(columns(page)) < 4
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent.includes('Suites')")
    page.get_by_role("button", name="Sort by cells").focus()
    page.keyboard.press("Enter")
    assert page.locator("[aria-sort]").count() == 1


def test_the_theme_can_be_chosen(open_page):
    page = open_page(color_scheme="light")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    assert page.evaluate(colour) != light


def test_a_chart_comes_alive_on_demand_and_asks_the_network_for_nothing(open_page):
    page = open_page()
    assert not any("vega" in url for url in page.requests), "the library is not loaded before a chart is explored"
    page.locator("summary", has_text="Score against cost by task").click()
    figure = page.locator("figure.chart").first
    assert figure.locator("svg").count() == 1
    figure.get_by_role("button", name="Explore").click()
    expect(figure.locator(".vega-bindings select")).to_be_visible(timeout=20_000)
    assert len(figure.locator(".vega-bindings select option").all()) > 1
    figure.locator(".vega-bindings select").select_option(index=1)
    assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests)
    figure.locator("svg").first.hover()
    assert page.problems == []


def test_a_chart_is_saved_as_svg_and_png(open_page):
    page = open_page()
    figure = page.locator("figure:has(.save)").filter(visible=True).first
    saved = {}
    for name in ("SVG", "PNG"):
        with page.expect_download() as download:
            figure.get_by_role("button", name=name, exact=True).click()
        saved[name] = download.value.path().read_bytes()
        assert download.value.suggested_filename.endswith(f".{name.lower()}")
    assert saved["SVG"].startswith(b"<svg")
    assert b"var(" not in saved["SVG"]
    assert saved["PNG"].startswith(b"\x89PNG")
    assert len(saved["PNG"]) > 2_000
    assert page.problems == []


def test_without_scripts_the_page_reads(open_page):
    page = open_page(java_script_enabled=False)
    assert len(variants(page)) == 5
    assert not page.locator("#controls").is_visible()
    assert page.locator("figure.choice svg").first.is_visible()


def test_on_paper_there_are_tables_and_no_controls(open_page):
    page = open_page()
    page.emulate_media(media="print")
    assert not page.locator("#controls").is_visible()
    assert page.locator("table.scores").first.is_visible()

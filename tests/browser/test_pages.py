"""Every page of the site, opened once: complete, quiet, usable by keyboard, readable in both themes and on a phone."""

from __future__ import annotations

import csv
import io
import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

from browser import book_copy
from browser.visit import CHART, FIELDS, press_once, spoken

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600, func_only=True),  # the first test also waits for the book to be built
    pytest.mark.parametrize("visit", book_copy.pages(), indirect=True, scope="module"),
]

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
AXE = Axe().axe_script


def violations(visit, *more):
    """What axe-core has against the page as it is now: one line for each rule and element."""
    options = {
        "runOnly": {"type": "tag", "values": [*RULES, *more]},
        "resultTypes": ["violations"],
        "preload": False,  # it would fetch the style sheets' imports again, from addresses that are wrong
    }
    if not visit.page.evaluate("'axe' in window"):
        visit.page.evaluate(AXE)
    found = visit.page.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{rule['id']}: {node['target']} {rule['help']}" for rule in found for node in rule["nodes"]]


def test_every_chart_is_drawn_and_says_what_it_shows(visit):
    specs = [json.loads(chart.locator("script").first.text_content()) for chart in visit.charts()]
    assert visit.page.locator(f"{CHART}.is-drawn").count() == len(specs)
    assert visit.page.locator(f"{CHART}.is-broken").count() == 0
    for chart, spec in zip(visit.charts(), specs, strict=True):
        assert chart.locator("svg.marks").count() == 1
        assert visit.drawing(chart).strip()
        assert spec["description"] in (chart.get_attribute("aria-label"), chart.text_content())
        bound = [
            p for p in spec.get("params", []) if isinstance(p.get("bind"), dict) and "input" in p["bind"]
        ]
        assert chart.locator(FIELDS).count() >= len(bound)
        kept = chart.locator(".ovbook-chart-words").evaluate("words => parseFloat(words.style.minHeight)")
        taken = chart.locator(".ovbook-chart-drawn").evaluate("drawn => drawn.offsetHeight")
        assert abs(kept - taken) < 60, "the text below would jump when the chart is drawn"
    assert visit.page.locator('[aria-label="Vega visualization"]').count() == 0


def test_axe_finds_nothing_in_the_light_theme(visit):
    visit.switch_to("light")
    assert violations(visit, "wcag22aa") == []  # the size of what a thumb has to hit is the same in the dark


def test_every_slider_and_menu_moves_its_chart_by_keyboard(visit):
    for chart in visit.charts():
        for field in chart.locator(FIELDS).all():
            before, said = visit.drawing(chart), spoken(chart)
            undo, presses = press_once(visit, field), 1
            visit.wait_until(lambda said=said, chart=chart: spoken(chart) != said)
            assert spoken(chart).strip()
            # Two stops may look alike: at the smallest scale a first update is one by a rate of zero.
            while presses < 3 and not visit.draws_anew(chart, before):
                press_once(visit, field)
                presses += 1
            visit.wait_for_another_drawing(chart, before)
            for _ in range(presses):
                visit.page.keyboard.press(undo)
            visit.wait_until(lambda before=before, chart=chart: visit.drawing(chart) == before)


def test_folds_open_and_close_by_keyboard_and_show_where_the_focus_is(visit):
    def focused():
        style = "e => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"
        return visit.page.locator(":focus").evaluate(style)

    for summary in visit.page.locator("main details > summary").all():
        if not summary.is_visible():
            continue  # inside a fold that is still closed, or behind a button
        opened = "summary => summary.parentElement.open"
        was = summary.evaluate(opened)
        visit.page.keyboard.press("Shift")  # from now on the page takes the reader for one with a keyboard
        summary.focus()
        assert focused(), summary.evaluate("e => e.outerHTML")
        visit.page.keyboard.press("Enter")
        assert summary.evaluate(opened) is not was
        if was:
            visit.page.keyboard.press("Enter")
    for button in visit.page.locator("main button.toggle-button").all():
        content = button.locator("xpath=ancestor::div[contains(@class, 'admonition')][1]/*[2]")
        assert not content.is_visible()
        button.focus()
        assert focused(), button.evaluate("e => e.outerHTML")
        visit.page.keyboard.press("Enter")
        assert button.get_attribute("aria-expanded") == "true"
        content.wait_for(state="visible")
        visit.page.keyboard.press("Enter")


def test_the_numbers_and_the_picture_of_a_chart_can_be_taken_away(visit):
    def pressed(control):
        with visit.page.expect_download(timeout=30_000) as downloading:
            control.click()
        return downloading.value.path().read_bytes()

    def taken(control):
        try:
            return pressed(control)
        except TimeoutError:  # on a busy machine Chromium has swallowed one of some hundred downloads
            assert control.get_attribute("aria-busy") is None, "the picture is still being made"
            return pressed(control)

    for chart in visit.charts():
        fold = chart.locator("details.ovbook-numbers")
        fold.evaluate("fold => { fold.open = true; }")
        visit.settle()  # a chart that is drawn again moves what is below it
        for link in fold.locator("a[download$='.csv']").all():
            table = list(csv.reader(io.StringIO(taken(link).decode("utf-8-sig"))))
            shown = fold.locator("thead th").all_text_contents()
            assert table[0] == shown
            assert len(table) - 1 >= fold.locator("tbody tr").count() > 0
            assert {len(row) for row in table} == {len(shown)}
        assert fold.locator("a[download]").count() == fold.locator("table").count()
        assert b"<svg" in taken(fold.get_by_role("button", name="SVG"))[:500]
        assert taken(fold.get_by_role("button", name="PNG")).startswith(b"\x89PNG")


def test_the_theme_button_redraws_the_charts_and_keeps_what_was_chosen(visit):
    visit.switch_to("light")
    fields = visit.page.locator(f"{CHART} :is({FIELDS})")
    for field in fields.all():
        press_once(visit, field)
    chosen, inks = [field.input_value() for field in fields.all()], visit.inks()
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    visit.switch_to("dark")
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") != ground
    assert visit.charts() == [] or visit.inks() != inks
    assert [field.input_value() for field in fields.all()] == chosen


def test_axe_finds_nothing_in_the_dark_theme(visit):
    visit.switch_to("dark")
    assert violations(visit) == []


@pytest.mark.parametrize("width", [360, 320])
def test_a_phone_shows_the_page_without_sideways_scrolling(visit, width):
    visit.resize(width)
    try:
        visit.wait_until(lambda: visit.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"))
        visit.settle()
        for chart in visit.charts():
            assert visit.drawing(chart).strip()
    finally:
        visit.resize(1280, 900)


def test_on_paper_the_sidebars_are_gone_and_the_solutions_there(visit):
    visit.page.emulate_media(media="print")
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    try:
        for bar in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".bd-header-article"):
            for found in visit.page.locator(bar).all():
                assert not found.is_visible(), bar
        for solution in visit.page.locator("div.solution > section").all():
            assert solution.is_visible()
            assert solution.evaluate("e => e.getBoundingClientRect().height") > 10
    finally:
        visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
        visit.page.emulate_media(media="screen")


def test_no_complaint_and_no_request_to_another_host(visit):
    assert visit.asked == []
    assert visit.complaints == []

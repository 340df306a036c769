"""The Scoreboard's filter: by keyboard, by part and verdict; and every row without a script."""

from __future__ import annotations

import pytest

from browser.visit import offline

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]

PAGE = "_generated/scoreboard.html"
ROWS = "table.ovbook-claims tbody tr"


def visible(page):
    return [row for row in page.locator(ROWS).all() if row.is_visible()]


def verdict_of(row):
    return row.locator("[data-verdict]").get_attribute("data-verdict")


def test_the_filter_is_worked_by_keyboard(browser, address):
    with offline(browser, address) as (context, asked):
        page = context.new_page()
        page.goto(address + PAGE)
        everything = len(visible(page))
        assert (
            page.locator(".ovbook-filter output").inner_text() == f"{everything} of {everything} rows shown"
        )
        page.locator(".ovbook-filter select").first.focus()
        page.keyboard.press("ArrowDown")
        part = page.locator(".ovbook-filter select").first.input_value()
        in_part = visible(page)
        assert 0 < len(in_part) < everything
        assert page.locator("article h2:visible").all_inner_texts()[0].startswith(part)
        assert page.locator("article h2:visible").count() == 1
        verdict = verdict_of(in_part[-1])
        page.keyboard.press("Tab")
        page.keyboard.type(verdict)
        assert page.locator(".ovbook-filter select").nth(1).input_value() == verdict
        chosen = visible(page)
        assert 0 < len(chosen) <= len(in_part)
        assert {verdict_of(row) for row in chosen} == {verdict}
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert len(visible(page)) == everything
        assert asked == []


def test_without_a_script_every_row_is_there(browser, address):
    with offline(browser, address, java_script_enabled=False) as (context, _):
        page = context.new_page()
        page.goto(address + PAGE)
        assert page.locator(".ovbook-filter").count() == 0
        assert len(visible(page)) == page.locator(ROWS).count() >= 48


def test_a_phone_shows_cards_and_no_page_pushed_sideways(browser, address):
    with offline(browser, address, viewport={"width": 360, "height": 740}) as (context, _):
        page = context.new_page()
        page.goto(address + PAGE)
        row = page.locator(ROWS).first
        boxes = [cell.bounding_box() for cell in row.locator("td").all() if cell.is_visible()]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)
        labels = row.locator("td").evaluate_all(
            "cells => cells.map(c => getComputedStyle(c, '::before').content)"
        )
        assert '"verdict"' in labels
        assert page.evaluate("document.documentElement.scrollWidth") == 360

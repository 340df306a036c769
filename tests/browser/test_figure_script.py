"""The charts' script on a page of its own, opened from the disk: sliders in words, live region, saving, paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from browser.visit import offline
from ovbook.charts import reading_slider, tokens_label, with_gamma_slider
from ovbook.press import mime
from ovbook.press.extension import BUNDLE, bundle

STATIC = Path(mime.__file__).parent / "static"
BUDGETS = (250_000, 500_000, 1_000_000)
CURVE = pd.DataFrame(
    [
        {"tokens": t, "gamma": g / 10, "mean": 3 - i + g * i, "low": 2.9 - i, "high": 3.1 - i + g * i, "n": 5}
        for i, t in enumerate(BUDGETS)
        for g in range(5)
    ]
)
PAGE = """<!doctype html><html lang="en" data-theme="light" data-content_root="./"><head><title>t</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="ovbook-charts.css"><style>
html {{ --pst-color-text-base: #222832; --pst-color-text-muted: #48566b; --pst-color-primary: #0a7d91; }}
html[data-theme="dark"] {{ --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af; }}
body {{ margin: 16px; font: 16px sans-serif; }}</style></head><body>{charts}
<script src="ovbook-charts.js"></script></body></html>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("page")
    title = "A title that is long enough to need a second line on the screen of a phone"
    texts = pd.DataFrame({"tokens": BUDGETS, "text": [f"text of {tokens_label(t)}" for t in BUDGETS]})
    charts = [
        with_gamma_slider(
            CURVE, y="loss (nats)", title=title, description="Two curves", start=0.2, parameters=1000
        ),
        reading_slider(texts, title="What it writes", description="Texts"),
    ]
    html = "".join(mime.container(chart.to_dict(), "02-page") for chart in charts)
    (where / "index.html").write_text(PAGE.format(charts=html), encoding="utf-8")
    for name in ("ovbook-charts.js", "ovbook-charts.css"):
        shutil.copy(STATIC / name, where)
    (where / BUNDLE).parent.mkdir()
    (where / BUNDLE).write_text(bundle(), encoding="utf-8")
    return where


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    with offline(browser, folder.as_uri(), viewport={"width": 1000, "height": 900}) as (context, asked):
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
        page.goto((folder / "index.html").as_uri())
        settled(page)
        yield page
        assert wrong == []
        assert asked == []


def settled(page: Page) -> None:
    page.wait_for_function(
        "() => Array.from(document.querySelectorAll('.ovbook-chart')).every(c => c.classList.contains('is-drawn'))"
    )


def says(page: Page, index: int, text: str) -> None:
    page.wait_for_function(
        "([i, text]) => document.querySelectorAll('[aria-live]')[i].textContent === text", arg=[index, text]
    )


def test_a_slider_has_a_name_a_value_in_words_and_room_to_be_hit(page):
    slider = page.locator("input").first
    assert (slider.get_attribute("aria-label"), slider.get_attribute("aria-valuetext")) == (
        "noise",
        "γ = 0.2",
    )
    assert slider.bounding_box()["height"] >= 24
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "γ = 0.3"
    assert page.locator(".ovbook-now").first.text_content() == "γ = 0.3"
    assert page.locator(".vega-bind").first.text_content().split() == ["noise", "γ", "=", "0.3"]
    assert slider.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_the_live_region_speaks_once_when_the_slider_rests(page):
    page.evaluate(
        """() => { window.said = []; const region = document.querySelector('[aria-live]');
        new MutationObserver(() => window.said.push(region.textContent)).observe(region, {childList: true}); }"""
    )
    page.locator("input").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    says(page, 0, "γ = 0.3: lowest loss 3.00 at 250k tokens; 7.00 at 1M.")
    assert page.evaluate("window.said.length") == 1


def test_a_narrower_window_keeps_value_focus_and_words(page):
    slider = page.locator("input").first
    slider.focus()
    page.keyboard.press("End")
    says(page, 0, "γ = 0.4: lowest loss 3.00 at 250k tokens; 9.00 at 1M.")
    wide = page.locator("svg.marks").first.bounding_box()["width"]
    page.set_viewport_size({"width": 360, "height": 700})
    page.wait_for_function(
        "wide => document.querySelector('svg.marks').getBoundingClientRect().width < wide", arg=wide
    )
    settled(page)
    page.wait_for_function("() => document.activeElement.name === 'gamma_slider'")
    assert slider.get_attribute("aria-valuetext") == "γ = 0.4"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawn = page.locator("svg.marks").first.bounding_box()
    assert drawn["x"] + drawn["width"] <= 360
    for text in page.locator("svg.marks").first.locator("text").all():
        box = text.bounding_box()
        assert box is None or (
            box["x"] >= drawn["x"] - 1 and box["x"] + box["width"] <= drawn["x"] + drawn["width"] + 1
        )
    page.keyboard.press("Home")
    says(page, 0, "γ = 0: lowest loss 1.00, at the last budget, 1M tokens.")


def test_ink_follows_the_page_into_the_dark_and_onto_paper(page):
    ink = "getComputedStyle(document.querySelector('svg.marks text')).fill"
    light = page.evaluate(ink)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate(ink) != light
    page.emulate_media(media="print")
    assert page.evaluate(ink) == "rgb(31, 35, 40)"
    assert page.locator("input:visible, summary:visible").count() == 0


def test_pictures_and_numbers_are_saved_from_the_keyboard(page):
    page.locator("input").first.focus()
    page.keyboard.press("Home")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    first = page.locator(".ovbook-chart").first
    for what, name, begins in (
        ("a[download]", "02-page-chart.csv", b"\xef\xbb\xbfnoise"),
        ("[data-kind=svg]", "02-page-chart.svg", b"<svg"),
        ("[data-kind=png]", "02-page-chart.png", b"\x89PNG"),
    ):
        first.locator(what).focus()
        with page.expect_download() as saving:
            page.keyboard.press("Enter")
        assert saving.value.suggested_filename == name
        content = Path(saving.value.path()).read_bytes()
        assert content.startswith(begins)
        if what == "[data-kind=svg]":
            assert b"var(--" not in content  # a saved picture has no page to take its colours from
            assert b"after noise" not in content  # it stands where the reader's slider stands


def test_a_text_to_read_is_text_and_not_a_drawing(page):
    page.locator("input").nth(1).focus()
    page.keyboard.press("End")
    says(page, 1, "after 1M tokenstext of 1M")
    assert not page.locator(".ovbook-reading svg").is_visible()
    assert page.locator(".ovbook-title").is_visible()

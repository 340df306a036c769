"""One page, opened: what it asked of other hosts, what it complained about, and how to use it as a reader does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request

CHART = ".ovbook-chart"
FIELDS = ".vega-bind input, .vega-bind select"

# What a chart shows: the outlines and the words of its drawing, in order; but those of its axes and lines sorted, since
# ticks and lines that come and go with a slider stand in the order in which they came.
_DRAWING = """chart => {
    const marks = Array.from(chart.querySelectorAll("svg.marks path, svg.marks text"));
    const shown = mark => (mark.getAttribute("d") || mark.textContent) + (mark.getAttribute("transform") || "");
    const comesAndGoes = mark => mark.closest(".role-axis, [class*=pathgroup]") !== null;
    const kept = marks.filter(mark => !comesAndGoes(mark));
    return [...marks.filter(comesAndGoes).map(shown).sort(), ...kept.map(shown)].join("\\n");
}"""
_INKS = """() => Array.from(new Set(Array.from(document.querySelectorAll(".ovbook-chart svg.marks text"),
    text => getComputedStyle(text).fill))).sort().join(" ")"""
_SETTLED = """() => Array.from(document.querySelectorAll(".ovbook-chart"),
    chart => (chart.classList.contains("is-drawn") || chart.classList.contains("is-broken"))
        && !chart.hasAttribute("aria-busy")).every(done => done)"""


@contextmanager
def offline(browser: Browser, own: str, **options: Any) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A fresh browser context that reaches nothing but `own`, and the list of what it asked of others."""
    context = browser.new_context(service_workers="block", accept_downloads=True, **options)
    context.set_default_timeout(15_000)
    asked: list[str] = []
    # The pattern is matched inside the browser's driver, so requests to `own` cost no detour through Python.
    elsewhere = re.compile(rf"^(?!{re.escape(own)}|data:|blob:|about:)")
    context.route(elsewhere, lambda route: route.abort())

    def record(request: Request) -> None:
        if elsewhere.match(request.url):
            asked.append(request.url)

    context.on("request", record)
    try:
        yield context, asked
    finally:
        context.close()


@dataclass
class Visit:
    """A page that is open, its charts drawn."""

    page: Page
    name: str
    base: str
    asked: list[str]
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, context: BrowserContext, base: str, name: str, asked: list[str]) -> Visit:
        """Open `name` of the site at `base` and wait until it has settled."""
        page = context.new_page()
        visit = cls(page=page, name=name, base=base, asked=asked)
        page.on("console", visit._hear)
        page.on("pageerror", lambda error: visit.complaints.append(f"page error: {error}"))
        page.goto(base + name, wait_until="load")
        visit.settle()
        return visit

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def settle(self) -> None:
        """Wait until every chart is drawn, or has said that it cannot be."""
        self.page.wait_for_function(_SETTLED)

    def charts(self) -> list[Locator]:
        return self.page.locator(CHART).all()

    def drawing(self, chart: Locator) -> str:
        return chart.evaluate(_DRAWING)

    def draws_anew(self, chart: Locator, before: str, seconds: float = 3.0) -> bool:
        """Whether `chart` shows something else than `before` within some seconds."""
        end = time.monotonic() + seconds
        while self.drawing(chart) == before and time.monotonic() < end:
            self.page.wait_for_timeout(50)
        return self.drawing(chart) != before

    def wait_for_another_drawing(self, chart: Locator, before: str) -> str:
        """What `chart` shows once that is no longer `before`."""
        self.page.wait_for_function(
            f"([chart, before]) => ({_DRAWING})(chart) !== before", arg=[chart.element_handle(), before]
        )
        return self.drawing(chart)

    def inks(self) -> str:
        """The colours of all words in all charts."""
        return self.page.evaluate(_INKS)

    def theme(self) -> str:
        return self.page.evaluate("document.documentElement.dataset.theme")

    def switch_to(self, theme: str) -> None:
        """Press the theme's own button until the page is `theme`, then wait for the charts to follow."""
        before, inks = self.theme(), self.inks()
        for _ in range(3):  # light, dark, as the system has it
            if self.theme() == theme:
                break
            self.page.locator(".theme-switch-button:visible").first.click()
        assert self.theme() == theme
        # Its words float outside every landmark as long as the button is under the mouse or in focus.
        self.page.mouse.move(640, 450)
        self.page.evaluate("document.activeElement.blur()")
        self.page.wait_for_function("!document.querySelector('[role=tooltip]')")
        if before != theme and inks:
            self.page.wait_for_function(f"before => ({_INKS})() !== before", arg=inks)
        self.settle()

    def wait_until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until `holds()`; fail after `seconds`."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{self.name}: still not so after {seconds:g} s"
            self.page.wait_for_timeout(50)

    def resize(self, width: int, height: int = 740) -> None:
        self.page.set_viewport_size({"width": width, "height": height})


def press_once(visit: Visit, field: Locator) -> str:
    """Move one slider or menu by one step with the keyboard; return the key that undoes it."""
    forth, back = ("ArrowDown", "ArrowUp") if _is(field, "select") else ("ArrowRight", "ArrowLeft")
    at_end = field.evaluate(
        """field => field.matches("select") ? field.selectedIndex === field.options.length - 1
                                         : Number(field.value) >= Number(field.max)"""
    )
    key, undo = (back, forth) if at_end else (forth, back)
    field.focus()
    visit.page.keyboard.press(key)
    return undo


def spoken(chart: Locator) -> str:
    """What a screen reader is told when a control of `chart` moves."""
    return chart.evaluate(
        """chart => Array.from(chart.querySelectorAll("[aria-live]"),
               region => region.textContent).join("\\n")"""
    )


def _is(element: Locator, selector: str) -> bool:
    return element.evaluate("(element, selector) => element.matches(selector)", selector)

"""The site as a whole: its pages, its links, its search, formulas and widgets."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from browser import book_copy
from browser.visit import Visit, offline
from smoke_chapters import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600, func_only=True)]


@pytest.fixture(scope="module")
def opened(browser, address):
    """Open a page of the site; the context is shared, nothing is chosen in it."""
    with offline(browser, address, reduced_motion="reduce") as (context, asked):
        yield lambda name: Visit.open(context, address, name, asked)


def files(site):
    """The pages of the site by their address; the theme's own snippets are none."""
    found = {path.relative_to(site).as_posix(): path for path in site.rglob("*.html")}
    return {name: path for name, path in found.items() if not name.startswith(("_static/", "_vendor/"))}


@pytest.fixture(scope="module")
def soups(site):
    return {name: BeautifulSoup(path.read_bytes(), "html.parser") for name, path in files(site).items()}


def test_every_page_that_was_built_is_a_page_that_is_tested(site):
    assert set(files(site)) == {*book_copy.pages(), "index.html"}


def test_the_entrance_leads_to_the_first_page(opened, address):
    visit = opened("index.html")
    visit.page.wait_for_url(f"{address}intro.html")
    assert visit.complaints == []
    assert visit.asked == []
    visit.page.close()


def test_every_link_into_the_site_leads_somewhere(site, soups):
    anchors = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    broken, seen = [], 0
    for name, soup in soups.items():
        here = site / name
        for tag, attribute in [
            ("a", "href"),
            ("link", "href"),
            ("script", "src"),
            ("img", "src"),
            ("form", "action"),
        ]:
            for element in soup.find_all(tag, {attribute: True}):
                target = urlsplit(element[attribute])
                if target.scheme or target.netloc:
                    continue
                seen += 1
                file = (here.parent / unquote(target.path)).resolve() if target.path else here
                file = file / "index.html" if file.is_dir() else file
                if not file.is_file():
                    broken.append(f"{name}: {element[attribute]} is not there")
                    continue
                page = file.relative_to(site.resolve()).as_posix() if target.path else name
                fragment = unquote(target.fragment)
                if fragment and page in anchors and fragment not in anchors[page]:
                    broken.append(f"{name}: {element[attribute]} names no place on {page}")
    assert broken == []
    assert seen > 100


def test_no_page_names_another_host_for_anything_it_loads(soups):
    loading = [("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")]
    foreign = [
        f"{name}: {element[attribute]}"
        for name, soup in soups.items()
        for tag, attribute in loading
        for element in soup.find_all(tag, {attribute: re.compile(r"^(https?:)?//")})
        if element.get("rel") not in (["canonical"], ["next"], ["prev"])
    ]
    assert foreign == []


@pytest.mark.parametrize("chapter", sorted(path.stem for path in (ROOT / "chapters").glob("*.py")))
def test_the_search_finds_a_word_of_a_chapter(chapter, opened, soups):
    page = f"chapters/{chapter}.html"
    words = re.findall(r"[a-z]{9,}", soups[page].find("article").get_text().lower())
    visit = opened(f"search.html?q={max(words, key=len)}")
    hits = visit.page.locator("#search-results a")
    hits.first.wait_for()
    assert any(page in (link.get_attribute("href") or "") for link in hits.all())
    assert visit.complaints == []
    assert visit.asked == []
    visit.page.close()


def test_formulas_are_set_without_a_network(opened):
    visit = opened(f"{book_copy.FORMULA}.html")
    visit.wait_until(lambda: visit.page.locator("main mjx-container").count() == 2)
    drawn = visit.page.locator("main mjx-container")
    assert all(
        box["width"] > 5 and box["height"] > 5 for box in (formula.bounding_box() for formula in drawn.all())
    )
    assert "\\gamma" not in visit.page.locator("main").inner_text()
    assert visit.complaints == []
    assert visit.asked == []
    visit.page.close()


def test_widgets_are_drawn_and_linked_without_a_kernel_or_a_network(opened):
    visit = opened(f"{book_copy.WIDGET}.html")
    handle = visit.page.locator("main .noUi-handle")
    handle.wait_for()
    copy = visit.page.locator("main .widget-text input, main .widget-inline-hbox input[type=number]").last
    assert copy.input_value() == "3"
    handle.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.wait_until(lambda: copy.input_value() == "4")
    assert visit.complaints == []
    assert visit.asked == []
    visit.page.close()

"""The site, built once, and the browser that reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

from browser import book_copy, chromium
from browser.visit import Visit, offline
from ovbook.press.serve import server
from shared_folder import shared_folder
from smoke_chapters import SmokeChapters

_UNBUILT = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, smoke_chapters: SmokeChapters
) -> Path:
    """The folder of the built pages."""
    place = shared_folder(tmp_path_factory, "book")
    request.session.stash[_UNBUILT] = True
    with FileLock(place / "lock"), pytest.MonkeyPatch.context() as patched:
        if not (place / "built").exists():
            if (place / "book").exists():
                pytest.fail("another process could not build the site: see its error", pytrace=False)
            patched.setenv("PYTHONPATH", str(book_copy.ROOT / "src"))
            site = book_copy.build(place / "book", smoke_chapters).site
            (place / "built").write_text(str(site))
    request.session.stash[_UNBUILT] = False
    return Path((place / "built").read_text())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A site that cannot be built is one error, not one for each page."""
    if item.session.stash.get(_UNBUILT, False) and "site" in getattr(item, "fixturenames", ()):
        pytest.skip("the site could not be built: see the first error")


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the pages are served, with a slash at the end."""
    with server(site, port=0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


# Not for the whole session: while it is open, Playwright keeps an event loop running in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium.executable(), args=list(chromium.ARGUMENTS)
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def visit(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visit]:
    """One page of the site, opened once for all tests of a module (parametrise it indirectly)."""
    options = {
        "viewport": {"width": 1280, "height": 900},
        "color_scheme": "light",
        "reduced_motion": "reduce",
    }
    with offline(browser, address, **options) as (context, asked):
        yield Visit.open(context, address, request.param, asked)

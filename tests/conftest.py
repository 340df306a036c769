"""What several test files share: chapters executed once at scale smoke, and the place of the browser tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import chromium
from shared_folder import shared_folder
from smoke_chapters import SmokeChapters

HERE = Path(__file__).parent

# Where tests run in the background of a shell, Ctrl-C is ignored, and processes started here would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def smoke_chapters(tmp_path_factory: pytest.TempPathFactory) -> SmokeChapters:
    """The real chapters at scale smoke: each is executed when it is first asked for, once a session."""
    return SmokeChapters(shared_folder(tmp_path_factory, "smoke"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pages come last: they need every chapter executed.

    Where tests run in several processes, a file's stay together, and so do those of one page of the site.
    """
    items.sort(key=lambda item: HERE / "browser" in item.path.parents)
    for item in items:
        call = getattr(item, "callspec", None)
        page = call.params.get("visit", "") if call else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {page}"))


class _NoPage(pytest.Item):
    """Stands for all browser tests where no browser starts: one skip, or one failure where it is required."""

    why = ""

    def runtest(self) -> None:
        if chromium.required():
            pytest.fail(f"{self.why}; {chromium.REQUIRED} is set, so this is a failure", pytrace=False)
        pytest.skip(self.why)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, "all browser tests"


class _NoBrowser(pytest.Directory):
    def collect(self) -> Iterator[pytest.Item]:
        item = _NoPage.from_parent(self, name="all-browser-tests")
        item.why = chromium.missing() or ""
        yield item


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if path == HERE / "browser" and chromium.missing():
        return _NoBrowser.from_parent(parent, path=path)
    return None

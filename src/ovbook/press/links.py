"""Links that lead nowhere: inside a built site, and from its prose to other hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ovbook.errors import OvbookError
from ovbook.files import atomic_write
from ovbook.project import Project

__all__ = ["dead_links", "outside_links"]

_ADDRESSES = {"href", "src"}


class _Links(HTMLParser):
    """Collects addresses and the ids that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in _ADDRESSES and value is not None:
                self.addresses.append(value)
            elif value and (name == "id" or (name == "name" and tag == "a")):
                self.ids.add(value)


def _read(page: Path) -> _Links:
    found = _Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def dead_links(site: Path) -> list[str]:
    """One sentence for each address in the pages of `site` that names a file or a place that is not there."""
    # Themes keep templates beside their scripts; they are no pages.
    found = [page for page in sorted(site.rglob("*.html")) if page.relative_to(site).parts[0] != "_static"]
    pages = {page: _read(page) for page in found}
    return [
        f"{page.relative_to(site).as_posix()} links to {address}, which is not there"
        for page, links in pages.items()
        for address in dict.fromkeys(links.addresses)
        if not _leads_somewhere(address, page, site, pages)
    ]


def _leads_somewhere(address: str, page: Path, site: Path, pages: dict[Path, _Links]) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    path = unquote(parts.path)
    if path.startswith("/"):
        return True  # depends on where the site is served
    target = page if not path else Path(os.path.normpath(page.parent / path))
    if target.is_dir():
        target /= "index.html"
    if not target.is_file() or not target.is_relative_to(site):
        return False
    place = unquote(parts.fragment)
    return not place or target not in pages or place in pages[target].ids


def outside_links(project: Project) -> list[str]:
    """Ask every other host that the pages link to; return one sentence for each link that does not work.

    Sphinx's link checker does the asking. Chapters that were not executed count as their stubs.
    """
    target = project.work / "links"
    command = [
        sys.executable, "-c", "from jupyter_book.cli.main import main; main()",
        "build", "book", "--config", "_config.yml", "--toc", str(project.root / "_toc.yml"),
        "--path-output", str(target), "--builder", "linkcheck", "-q",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    report = target / "_build" / "html" / "output.json"  # where Jupyter Book has every builder write
    report.unlink(missing_ok=True)
    # Its exit status says no more than the report does: it fails when a link is broken.
    done = subprocess.run(
        command, cwd=project.root, env=environment, capture_output=True, text=True, check=False
    )
    log = project.work / "links.log"
    atomic_write(log, done.stdout + done.stderr)
    if not report.is_file():
        raise OvbookError(
            f"the links could not be checked; the log is in {log.relative_to(project.root).as_posix()}"
        )
    return list(_broken(report.read_text(encoding="utf-8").splitlines()))


def _broken(lines: list[str]) -> Iterator[str]:
    for line in lines:
        link = json.loads(line)
        # Pages of our own are not drawn by this builder; `dead_links` looks after them.
        if link["status"] in ("broken", "timeout") and link["uri"].startswith(("http:", "https:")):
            yield f"{link['filename']}: {link['uri']} ({' '.join(link['info'].split())[:120]})"

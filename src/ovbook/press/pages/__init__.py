"""The pages that nobody writes: made from the executed chapters, the claims, the bibliography and the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ovbook.files import atomic_write
from ovbook.press.pages import api, changes, colophon, gallery, papers, scoreboard, status
from ovbook.press.pages.book import Book, gather
from ovbook.press.toc import check_toc
from ovbook.project import Project

__all__ = ["PAGES", "write_pages"]

PAGES: list[tuple[str, Callable[[Book], str]]] = [
    ("scoreboard", scoreboard.scoreboard),
    ("status", status.status),
    ("gallery", gallery.gallery),
    ("papers", papers.paper_index),
    ("changes", changes.changes_and_errata),
    ("api", api.api_index),
    ("colophon", lambda _: colophon.colophon()),
]
"""Each page's name in ``book/_generated/`` and what returns its Markdown."""


def write_pages(project: Project, executed: Mapping[str, Any]) -> None:
    """Write the generated pages that ``_toc.yml`` lists, drop those of another day, and check the contents.

    `executed` holds the executed notebooks by the chapter's name; the stubs of the others have been written.
    """
    book = gather(project, executed)
    wanted = {name for name, _ in PAGES if f"_generated/{name}" in book.toc.pages}
    files = {f"{name}.md": function(book).encode() for name, function in PAGES if name in wanted}
    if "gallery" in wanted:
        files |= {f"{gallery.FOLDER}/{name}": picture for name, picture in gallery.pictures(book).items()}
    if "api" in wanted:
        files |= {name: text.encode() for name, text in api.api_pages(book).items()}
    folder = project.book / "_generated"
    for file in folder.rglob("*") if folder.is_dir() else ():
        if file.is_file() and file.relative_to(folder).as_posix() not in files:
            file.unlink()
    for name, content in files.items():
        _write_if_changed(folder / name, content)
    check_toc(project, book.toc)


def _write_if_changed(path: Path, content: bytes) -> None:
    # Sphinx reads a page again when its time stamp moves.
    if not path.is_file() or path.read_bytes() != content:
        atomic_write(path, content)

"""Where a copy of the book lies on disk, and which chapters it has."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import sha256_file

__all__ = ["Chapter", "Project", "find_chapter", "find_project"]

_CHAPTER_FILE = re.compile(r"(\d\d)-([a-z0-9-]+)\.py")


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One chapter: a Jupytext py:percent file ``NN-name.py``."""

    path: Path

    @property
    def name(self) -> str:
        """``02-sensitivity-grows``: the file's name without its ending."""
        return self.path.stem

    @property
    def number(self) -> str:
        """``02``."""
        return self.name[:2]

    @property
    def source_hash(self) -> str:
        """SHA-256 of the source file."""
        return sha256_file(self.path)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The folders of one copy of the book."""

    root: Path

    @property
    def store(self) -> Path:
        """Where results are kept: ``OVBOOK_STORE``, else ``.ovbook`` in the project."""
        return Path(os.environ.get("OVBOOK_STORE") or self.root / ".ovbook").expanduser().absolute()

    @property
    def work(self) -> Path:
        """The press's own scratch folder (locks, logs, doctrees). Nothing in it is worth keeping."""
        return self.root / ".ovbook" / "press"

    @property
    def book(self) -> Path:
        """Source folder of the site: pages without code, and the executed chapters."""
        return self.root / "book"

    @property
    def site(self) -> Path:
        """The built site."""
        return self.book / "_build" / "html"

    @property
    def results(self) -> Path:
        """Committed tables of reference runs."""
        return self.root / "results"

    @property
    def notebooks(self) -> Path:
        """Chapters that the reader executed with values of their own."""
        return self.root / ".ovbook" / "notebooks"

    @property
    def lab(self) -> Path:
        """The reader's own copies of the chapters."""
        return self.root / ".ovbook" / "lab"

    def executed(self, chapter: Chapter) -> Path:
        """Where the executed notebook of `chapter` lies (or would lie)."""
        return self.book / "chapters" / f"{chapter.name}.ipynb"

    def own_runs(self, chapter: Chapter) -> list[Path]:
        """Executed notebooks of `chapter` that are there: the book's own copy, then those with other values."""
        own = sorted(self.notebooks.glob(f"{chapter.name}*.ipynb"))
        return [path for path in (self.executed(chapter), *own) if path.is_file()]

    def chapters(self) -> list[Chapter]:
        """All chapters, in the order of their numbers."""
        return _chapters(self.root)

    def chapter(self, name: str) -> Chapter:
        """Find a chapter by number (``2`` or ``02``), name, beginning of a name, or path; see `find_chapter`."""
        return _named(name, self.chapters())


def find_project(start: Path | None = None) -> Project:
    """Return the project that holds `start` (default: the current folder), looking upwards.

    A project is a folder with ``chapters/`` and ``_toc.yml``; outside one, raise `OvbookError`.
    """
    root = _upwards(start, lambda folder: (folder / "chapters").is_dir() and (folder / "_toc.yml").is_file())
    if root is None:
        raise OvbookError(
            f"'{(start or Path.cwd()).absolute()}' is not inside the book: change to the folder that holds "
            f"chapters/ and _toc.yml, or one below it"
        )
    return Project(root=root)


def find_chapter(name: str, start: Path | None = None) -> Chapter:
    """Find a chapter by number, name, beginning of a name, or the path of a py:percent file (anywhere).

    Names are looked up in the nearest ``chapters/`` at or above `start` (default: the current folder), which need
    not be a whole copy of the book: a machine that only computes may hold the chapters alone. Raises `OvbookError`
    when there is no such chapter, or more than one.
    """
    root = _upwards(start, lambda folder: (folder / "chapters").is_dir())
    return _named(name, _chapters(root) if root else [])


def _upwards(start: Path | None, holds: Callable[[Path], bool]) -> Path | None:
    here = (start or Path.cwd()).absolute()
    return next((folder for folder in (here, *here.parents) if holds(folder)), None)


def _chapters(root: Path) -> list[Chapter]:
    files = sorted((root / "chapters").glob("*.py"))
    return [Chapter(path=file) for file in files if _CHAPTER_FILE.fullmatch(file.name)]


def _named(name: str, chapters: Sequence[Chapter]) -> Chapter:
    for chapter in chapters:
        if name in (chapter.name, chapter.name[3:], chapter.number) or (
            name.isdigit() and int(name) == int(chapter.number)
        ):
            return chapter
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return Chapter(path=path.absolute())
    known = ", ".join(chapter.name for chapter in chapters) or "none here"
    begin = [chapter for chapter in chapters if name and chapter.name.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise OvbookError(
            f"'{name}' names more than one chapter ({', '.join(chapter.name for chapter in begin)}): give more "
            f"of the name, or the number"
        )
    hint = did_you_mean(name, [c.name for c in chapters] + [c.name[3:] for c in chapters])
    raise OvbookError(
        f"there is no chapter '{name}'{hint}: give a number, a name or the path of a .py file; chapters: {known}"
    )

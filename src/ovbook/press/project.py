"""Where the book lies on disk, and which chapters it has."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import sha256_file

__all__ = ["Chapter", "Project", "find_project"]

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
    def lab(self) -> Path:
        """The reader's own copies of the chapters."""
        return self.root / ".ovbook" / "lab"

    def executed(self, chapter: Chapter) -> Path:
        """Where the executed notebook of `chapter` lies (or would lie)."""
        return self.book / "chapters" / f"{chapter.name}.ipynb"

    def chapters(self) -> list[Chapter]:
        """All chapters, in the order of their numbers."""
        files = sorted((self.root / "chapters").glob("*.py"))
        return [Chapter(path=file) for file in files if _CHAPTER_FILE.fullmatch(file.name)]

    def chapter(self, name: str) -> Chapter:
        """Find a chapter by number (``2`` or ``02``), name, or path; raise `OvbookError` when there is none.

        A path may also point at a py:percent file outside ``chapters/``.
        """
        everything = self.chapters()
        for chapter in everything:
            short = chapter.name[3:]
            if name in (chapter.name, short, chapter.number) or (
                name.isdigit() and int(name) == int(chapter.number)
            ):
                return chapter
        path = Path(name)
        if path.suffix == ".py" and path.is_file():
            return Chapter(path=path.absolute())
        known = ", ".join(chapter.name for chapter in everything) or "none yet"
        hint = did_you_mean(name, [c.name for c in everything] + [c.name[3:] for c in everything])
        raise OvbookError(
            f"there is no chapter '{name}'{hint}: give a number, a name or the path of a .py file; chapters: "
            f"{known}"
        )


def find_project(start: Path | None = None) -> Project:
    """Return the project that holds `start` (default: the current folder), looking upwards.

    A project is a folder with ``chapters/`` and ``_toc.yml``; outside one, raise `OvbookError`.
    """
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "chapters").is_dir() and (folder / "_toc.yml").is_file():
            return Project(root=folder)
    raise OvbookError(
        f"'{here}' is not inside the book: change to the folder that holds chapters/ and _toc.yml, or one "
        f"below it"
    )

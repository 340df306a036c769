"""`ovbook check`: what should hold before a commit, found without computing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ovbook.press.checks.claims import claim_problems
from ovbook.press.checks.pages import page_problems, toc_problems
from ovbook.press.checks.results import executed_problems, results_problems
from ovbook.press.checks.source import read_source
from ovbook.project import Chapter, Project

__all__ = ["check"]


def check(project: Project, chapters: Sequence[Chapter] | None = None) -> list[str]:
    """Return one line ``file: what is wrong, what to do`` for each problem; an empty list is a clean book.

    With `chapters` only those, their executed copies and their entries elsewhere are looked at; without, the whole
    book.
    """
    whole = chapters is None
    chosen = project.chapters() if chapters is None else list(chapters)
    found: list[str] = []
    for chapter in chosen:
        found += [f"{_short(project, chapter.path)}: {text}" for text in _of_chapter(project, chapter)]
        executed = project.executed(chapter)
        found += [f"{_short(project, executed)}: {text}" for text in executed_problems(project, chapter)]
    found += [f"_toc.yml: {text}" for text in toc_problems(project, chosen, whole=whole)]
    if whole:
        for page in sorted(project.book.glob("*.md")):
            found += [f"{_short(project, page)}: {text}" for text in page_problems(project, page.read_text())]
    found += results_problems(project, chosen, whole=whole)
    return found


def _of_chapter(project: Project, chapter: Chapter) -> Iterator[str]:
    source, problems = read_source(project, chapter)
    yield from problems
    if source is not None:
        yield from claim_problems(project, source)
        yield from page_problems(project, source.prose)


def _short(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.name

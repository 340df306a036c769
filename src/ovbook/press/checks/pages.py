"""Prose: headings in order, citations that exist, and a table of contents that lists every chapter."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ovbook.errors import OvbookError
from ovbook.press.toc import read_toc
from ovbook.project import Chapter, Project

__all__ = ["page_problems", "toc_problems"]

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1`*\s*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(\S.*)$", re.MULTILINE)
_CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
_ENTRY = re.compile(r"^@\w+\{([^,\s]+)\s*,", re.MULTILINE)


def page_problems(project: Project, prose: str) -> Iterator[str]:
    """What is wrong with the Markdown of one page."""
    yield from _heading_problems(_FENCE.sub("", prose))
    bibliography = project.book / "references.bib"
    known = set(_ENTRY.findall(bibliography.read_text(encoding="utf-8"))) if bibliography.is_file() else set()
    cited = [key.strip() for keys in _CITE.findall(prose) for key in keys.split(",")]
    for key in dict.fromkeys(cited):
        if key not in known:
            yield f"it cites '{key}', which book/references.bib lacks: add the entry, or mend the key"


def _heading_problems(prose: str) -> Iterator[str]:
    headings = [(len(marks), text.strip()) for marks, text in _HEADING.findall(prose)]
    if not headings or headings[0][0] != 1:
        first = f"'{headings[0][1]}'" if headings else "nothing"
        yield f"its first heading is {first}, and not one title of level 1 ('# ...'): begin with it"
    titles = [text for level, text in headings if level == 1]
    if len(titles) > 1:
        yield f"it has {len(titles)} titles of level 1, the second '{titles[1]}': a page has one"
    for (above, _), (level, text) in itertools.pairwise(headings):
        if level > above + 1:
            yield f"heading '{text}' of level {level} follows one of level {above}: do not skip a level"


def toc_problems(project: Project, chapters: Sequence[Chapter], *, whole: bool) -> Iterator[str]:
    """Chapters that the table of contents lacks and, when `whole`, entries with nothing behind them."""
    try:
        toc = read_toc(project)
    except OvbookError as error:
        yield str(error)
        return
    ours = {f"chapters/{chapter.name}" for chapter in project.chapters()}
    for chapter in chapters:
        page = f"chapters/{chapter.name}"
        if page in ours - toc.pages and not any(PurePosixPath(page).match(glob) for glob in toc.globs):
            yield f"it does not list chapter {chapter.name}: add the line '- file: {page}'"
    for page in sorted(toc.pages - ours) if whole else ():
        written = any((project.book / f"{page}{ending}").is_file() for ending in (".md", ".ipynb"))
        if not page.startswith("_generated/") and not written:
            yield f"it lists '{page}', and there is no such page in book/ or chapter: add it, or take the line out"

"""The book's contents: which pages ``_toc.yml`` lists, under which caption, and whether they agree with the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ovbook.errors import OvbookError, did_you_mean
from ovbook.project import Project

__all__ = ["Toc", "check_toc", "read_toc"]

_PAGE_ENDINGS = (".md", ".ipynb", ".rst")


@dataclass(frozen=True, kw_only=True)
class Toc:
    """pages: names as Sphinx knows them (``chapters/01-x``), root included; globs: patterns; part_of: page -> caption."""

    pages: frozenset[str]
    globs: tuple[str, ...] = ()
    part_of: Mapping[str, str] = field(default_factory=dict)


def read_toc(project: Project) -> Toc:
    """Read ``_toc.yml``; raise `OvbookError` when it cannot be read as a table of contents."""
    import yaml
    from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

    file = project.root / "_toc.yml"
    try:
        site = parse_toc_yaml(file, encoding="utf-8")
    except (OSError, MalformedError, yaml.YAMLError) as error:
        raise OvbookError(
            f"_toc.yml cannot be read as a table of contents ({' '.join(str(error).split())}): mend it"
        ) from error
    globs = []
    part_of: dict[str, str] = {}
    for document in site.values():
        for part in document.subtrees:
            globs += [str(item) for item in part.globs()]
            for name in part.files():
                part_of[_bare(name)] = part.caption or part_of.get(_bare(document.docname), "")
    return Toc(pages=frozenset(map(_bare, site)), globs=tuple(globs), part_of=part_of)


def check_toc(project: Project, toc: Toc) -> None:
    """Raise `OvbookError` for a chapter that the contents lack, or for an entry of theirs without a file.

    To be called when the stubs and the generated pages have been written.
    """
    chapters = {f"chapters/{chapter.name}" for chapter in project.chapters()}
    for page in sorted(chapters - toc.pages):
        if not any(PurePosixPath(page).match(glob) for glob in toc.globs):
            raise OvbookError(
                f"the chapter {page}.py is not in _toc.yml, so no page would show it: add the line '- file: {page}' "
                f"to the part it belongs to"
            )
    there = {_bare(file.relative_to(project.book).as_posix()) for file in _pages(project.book)}
    for page in sorted(toc.pages - there):
        raise OvbookError(
            f"_toc.yml lists '{page}', and there is no such page{did_you_mean(page, there)}: "
            + (
                f"add {page}.py, or take the line out"
                if page.startswith("chapters/")
                else f"add book/{page}.md, or take the line out"
            )
        )


def _pages(book: Path) -> list[Path]:
    return [file for file in book.rglob("*") if file.suffix in _PAGE_ENDINGS and "_build" not in file.parts]


def _bare(name: str) -> str:
    return next((name.removesuffix(end) for end in _PAGE_ENDINGS if name.endswith(end)), name)

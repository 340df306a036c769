"""What the generated pages are made of: the chapters with their records, the verdicts, the papers, the pages there are."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovbook.press.convert import title, to_notebook
from ovbook.press.pages.bibliography import Paper, papers
from ovbook.press.toc import Toc, read_toc
from ovbook.project import Chapter, Project

__all__ = ["Book", "ChapterPage", "gather", "judged_in"]


@dataclass(frozen=True, kw_only=True)
class ChapterPage:
    """One chapter and, where it was executed, its notebook.

    judged: ids of the claims that its source asks a verdict on; part: the caption it stands under in the contents.
    """

    name: str
    title: str
    part: str = ""
    judged: tuple[str, ...] = ()
    cites: frozenset[str] = frozenset()
    notebook: Any | None = None

    @property
    def doc(self) -> str:
        """The page's name in the site: ``chapters/02-sensitivity-grows``."""
        return f"chapters/{self.name}"

    @property
    def number(self) -> int:
        """The chapter's number, as in the contents."""
        return int(self.name[:2])

    @property
    def record(self) -> Mapping[str, Any]:
        """What `ovbook.press.provenance` wrote into the executed notebook; empty for a stub."""
        return {} if self.notebook is None else self.notebook.metadata.get("ovbook", {})

    @property
    def scale(self) -> str:
        """The scale it was executed at, or nothing."""
        return str(self.record.get("parameters", {}).get("scale", ""))


@dataclass(frozen=True, kw_only=True)
class Book:
    """Everything a generated page may use. `rows` are verdicts as `ovbook.claims.collect` gives them."""

    chapters: tuple[ChapterPage, ...]
    rows: Sequence[dict[str, Any]]
    papers: Mapping[str, Paper]
    toc: Toc
    root: Path

    def chapter_of(self, claim: str) -> ChapterPage | None:
        """The chapter that judges `claim` (its source says so), or None."""
        return next((chapter for chapter in self.chapters if claim in chapter.judged), None)

    def link(self, page: str, text: str) -> str:
        """A link to another generated page, or only `text` where the contents leave that page out."""
        return f"[{text}]({page}.md)" if f"_generated/{page}" in self.toc.pages else text


def gather(project: Project, executed: Mapping[str, Any]) -> Book:
    """Read everything once; `executed` holds the notebooks that were executed, by the chapter's name."""
    from ovbook.claims import collect

    toc = read_toc(project)
    chapters = tuple(
        _chapter(chapter, executed.get(chapter.name), toc.part_of.get(f"chapters/{chapter.name}", ""))
        for chapter in project.chapters()
    )
    files = [project.executed(chapter) for chapter in project.chapters() if chapter.name in executed]
    return Book(
        chapters=chapters,
        rows=collect(files, project.results),
        papers=papers(project.book / "references.bib"),
        toc=toc,
        root=project.root,
    )


def _chapter(chapter: Chapter, notebook: Any | None, part: str) -> ChapterPage:
    from ovbook.press.pages.bibliography import cited

    source = chapter.path.read_text(encoding="utf-8")
    heading = title(notebook if notebook is not None else to_notebook(chapter.path), chapter.name)
    return ChapterPage(
        name=chapter.name,
        title=heading,
        part=part,
        judged=tuple(judged_in(source)),
        cites=cited(source),
        notebook=notebook,
    )


def judged_in(source: str) -> list[str]:
    """Ids of the claims that a chapter's source gives to ``judge``, in order, each once.

    They may stand in the call itself or in a loop around it, as in ``(judge(name, ...) for name in ("A1", "A2"))``.
    """
    from ovbook.claims.registry import IDS

    try:
        tree = ast.parse(source)
    except SyntaxError:  # executing it will say more
        return []
    found: list[str] = []
    for statement in tree.body:
        inside = list(ast.walk(statement))
        if any(isinstance(node, ast.Call) and _name(node.func) == "judge" for node in inside):
            texts = [node for node in inside if isinstance(node, ast.Constant) and node.value in IDS]
            found += [
                str(node.value) for node in sorted(texts, key=lambda node: (node.lineno, node.col_offset))
            ]
    return list(dict.fromkeys(found))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")

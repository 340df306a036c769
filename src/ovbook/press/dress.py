"""Generated cells of an executed chapter: its head under the title, its foot at the end.

They are made from the record in the notebook's metadata and from settings of the project, so that drawing the pages
can renew them (an address was set, a citation mended) without running anything.
"""

from __future__ import annotations

import re
from typing import Any

from ovbook.errors import OvbookError
from ovbook.press.about import About, about
from ovbook.press.citation import cite_chapter, cite_papers
from ovbook.press.convert import cell_ids, declared_parameters, tagged, title, to_notebook
from ovbook.press.foot import foot
from ovbook.press.head import Page, head
from ovbook.press.judge import filled
from ovbook.press.reading import reading_minutes
from ovbook.press.repository import repository_of
from ovbook.project import Project

__all__ = ["FOOT_TAG", "HEAD_TAG", "check_header", "dress", "undress"]

HEAD_TAG = "ovbook-head"
FOOT_TAG = "ovbook-foot"
_HEADING = re.compile(r"\A((?:\([\w-]+\)=\n)?# +[^\n]+)(?:\n+|\Z)")


def check_header(notebook: Any, project: Project, chapter: str) -> None:
    """Raise `OvbookError` for a header that could not be printed, before anything runs."""
    said = about(notebook, chapter) or About()
    cite_papers(project.root, said.papers, chapter)
    _titles(project, said.after, chapter)
    repository_of(project.root)


def undress(notebook: Any) -> None:
    """Take the generated cells out of `notebook`, in place."""
    notebook.cells = [
        cell for cell in notebook.cells if not {HEAD_TAG, FOOT_TAG} & {*cell.metadata.get("tags", [])}
    ]


def dress(notebook: Any, project: Project | None = None, *, buttons: bool = False) -> None:
    """Put head and foot into an executed `notebook`, in place; those that are there are made anew.

    Without a `project` they say only what the notebook itself knows. `buttons` are for the site, where the downloads
    lie beside the page.
    """
    import nbformat

    undress(notebook)
    page = _page(notebook, project, buttons=buttons)
    at = _below_title(notebook)
    for place, text, tag in ((at, head(page), HEAD_TAG), (len(notebook.cells) + 1, foot(page), FOOT_TAG)):
        notebook.cells.insert(place, nbformat.v4.new_markdown_cell(text, metadata={"tags": [tag]}))
    cell_ids(notebook)


def _below_title(notebook: Any) -> int:
    """Split the title from the prose below it; return the place between them (0 without a title)."""
    import nbformat

    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown" or not (found := _HEADING.match(cell.source)):
            continue
        rest = cell.source[found.end() :]
        if rest:
            notebook.cells.insert(index + 1, nbformat.v4.new_markdown_cell(rest, metadata=cell.metadata))
            cell.source = found[1]
        return index + 1
    return 0


def _page(notebook: Any, project: Project | None, *, buttons: bool) -> Page:
    record = notebook.metadata["ovbook"]
    name = str(record.get("chapter", ""))
    said = about(notebook, name) or About()
    knobs = declared_parameters(notebook, name) if tagged(notebook, "parameters") else {}
    heading = title(notebook, name)
    known = {
        "record": record,
        "title": heading,
        "about": said,
        "minutes": reading_minutes(notebook),
        "knobs": knobs,
        "values": filled(
            {knob.name: knob.default for knob in knobs.values()} | dict(record.get("parameters") or {})
        ),
    }
    if project is None:
        return Page(**known)
    where = repository_of(project.root)
    return Page(
        **known,
        titles=_titles(project, said.after, name),
        repository=where,
        bibtex=cite_chapter(project.root, name, heading, where, record.get("commit")),
        papers=cite_papers(project.root, said.papers, name),
        buttons=buttons,
    )


def _titles(project: Project, names: tuple[str, ...], chapter: str) -> dict[str, str]:
    known = {c.name: c for c in project.chapters()}
    for name in names:
        if name not in known:
            raise OvbookError(
                f"the header of chapter {chapter} says after: {name}, but chapters/ has {', '.join(known)}"
            )
    return {name: title(to_notebook(known[name].path), name) for name in names}

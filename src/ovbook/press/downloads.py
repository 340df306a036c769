"""Chapters as notebooks for people to take away: as executed, and clean."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

from ovbook.files import atomic_write
from ovbook.press.convert import tagged, to_notebook
from ovbook.press.dress import dress
from ovbook.press.head import DOWNLOADS
from ovbook.project import Chapter, Project

__all__ = ["clean_notebook", "executed_notebook", "write_downloads"]

_GLUED = "application/papermill.record/text/plain"
_ROLE = re.compile(r"\{glue:text\}`([\w-]+)(?::[^`]*)?`")
_TERM = re.compile(r"\{term\}`([^`<]+?)(?: *<[^`>]+>)?`")


def executed_notebook(project: Project, chapter: Chapter) -> Any:
    """The executed chapter as it reads outside the book: numbers in its prose, no buttons of the page.

    Raises `FileNotFoundError` when the chapter was not executed.
    """
    import nbformat

    notebook = nbformat.read(project.executed(chapter), as_version=4)
    dress(notebook, project)
    numbers = _glued(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            numbered = _ROLE.sub(lambda role: numbers.get(role[1], role[0]), cell.source)
            cell.source = _TERM.sub(r"\1", numbered)  # the glossary is a page of the book
    return notebook


def _glued(notebook: Any) -> dict[str, str]:
    """What the chapter gave to its prose, by name."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            text = output.get("data", {}).get(_GLUED)
            if name and text:
                try:
                    found[name] = str(ast.literal_eval(text))
                except (ValueError, SyntaxError):
                    found[name] = text
    return found


def clean_notebook(chapter: Chapter, **parameters: Any) -> Any:
    """The chapter without outputs, its parameters cell with the values of `parameters` as defaults.

    >>> clean_notebook(chapter, scale="smoke")  # doctest: +SKIP
    """
    notebook = to_notebook(chapter.path)
    for cell in tagged(notebook, "parameters"):
        cell.source = _with_defaults(cell.source, parameters)
    return notebook


def _with_defaults(source: str, values: dict[str, Any]) -> str:
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        if node.target.id in values and node.value is not None and node.value.lineno == node.value.end_lineno:
            at, start, end = node.value.lineno - 1, node.value.col_offset, node.value.end_col_offset
            line = lines[at].encode()  # offsets count bytes
            lines[at] = (line[:start] + repr(values[node.target.id]).encode() + line[end:]).decode()
    return "\n".join(lines)


def write_downloads(project: Project, site: Path) -> None:
    """Put the notebooks of all executed chapters into the folder of pages `site`."""
    import nbformat

    folder = site / DOWNLOADS
    shutil.rmtree(folder, ignore_errors=True)
    for chapter in project.chapters():
        if not project.executed(chapter).is_file():
            continue
        for place, notebook in (
            (folder, executed_notebook(project, chapter)),
            (folder / "clean", clean_notebook(chapter)),
        ):
            atomic_write(place / f"{chapter.name}.ipynb", nbformat.writes(notebook) + "\n")

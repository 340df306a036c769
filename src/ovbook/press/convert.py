"""A chapter's py:percent source as a notebook in memory, and what its cells declare."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["Parameter", "cell_ids", "declared_parameters", "tagged", "title", "to_notebook"]


def to_notebook(path: Path) -> Any:
    """Read a py:percent file into an nbformat notebook without outputs.

    Cell ids are given by position, so the same source always gives the same file.
    """
    import jupytext

    try:
        notebook = jupytext.read(path, fmt="py:percent")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise OvbookError(
            f"the chapter '{path}' cannot be read as Jupytext py:percent text ({error}): compare it with "
            f"another chapter's file"
        ) from error
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.pop("jupytext", None)
    cell_ids(notebook)
    return notebook


def cell_ids(notebook: Any) -> None:
    """Give every cell the id of its position (conversion draws random ones)."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:03d}"


def tagged(notebook: Any, tag: str) -> list[Any]:
    """Return the cells that carry `tag`."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def title(notebook: Any, otherwise: str) -> str:
    """Return the first level-one heading of the prose."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^# +(.+)$", cell.source, re.MULTILINE)):
            return found.group(1).strip()
    return otherwise


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One knob of a chapter, as its parameters cell declares it."""

    name: str
    annotation: str
    default: Any
    help: str


def declared_parameters(notebook: Any, chapter: str) -> dict[str, Parameter]:
    """Read the cell tagged ``parameters`` without running it: names, types, defaults and comments.

    Only assignments of literals may stand there: papermill re-assigns overridden names only, so a value
    derived from another parameter would keep its old value. Raises `OvbookError` for anything else.
    """
    cells = tagged(notebook, "parameters")
    if len(cells) != 1:
        raise OvbookError(
            f"chapter {chapter} has {len(cells)} cells tagged 'parameters': it needs exactly one, even if "
            f"empty"
        )
    source = cells[0].source
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            name, annotation, value = node.target.id, ast.unparse(node.annotation), node.value
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            name, annotation, value = node.targets[0].id, "", node.value
        else:
            raise OvbookError(
                f"the parameters cell of chapter {chapter} holds '{ast.unparse(node)}': only lines of the "
                f"form 'name: type = literal  # help' may stand there"
            )
        try:
            default = ast.literal_eval(value)
        except ValueError as error:
            raise OvbookError(
                f"parameter '{name}' of chapter {chapter} is computed ('{ast.unparse(value)}'): give it a "
                f"literal value and derive in a later cell, or a changed parameter would not reach it"
            ) from error
        comment = comments.get(node.end_lineno or node.lineno, "")
        found[name] = Parameter(name=name, annotation=annotation, default=default, help=comment)
    return found


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}

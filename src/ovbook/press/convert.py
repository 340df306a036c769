"""A chapter's py:percent source as a notebook in memory, and what its cells declare."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.runs.knobs import Parameter, declared

__all__ = ["cell_ids", "declared_parameters", "tagged", "title", "to_notebook"]


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


def declared_parameters(notebook: Any, chapter: str) -> dict[str, Parameter]:
    """What the one cell tagged ``parameters`` declares (see `ovbook.runs.knobs.declared`)."""
    cells = tagged(notebook, "parameters")
    if len(cells) != 1:
        raise OvbookError(
            f"chapter {chapter} has {len(cells)} cells tagged 'parameters': it needs exactly one, even if "
            f"empty"
        )
    return declared(cells[0].source, chapter)

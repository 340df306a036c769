"""An executed notebook made reproducible: the same run gives the same file, without machine noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovbook.press.convert import cell_ids

__all__ = ["normalise"]

_NOISE = ("papermill", "execution")


def normalise(notebook: Any, record: Mapping[str, Any]) -> None:
    """Change `notebook` in place and write `record` (see `ovbook.press.provenance`) into its metadata.

    Ids come from the cell's position, per-cell times and absolute paths of the executor go, and the cell that papermill
    injects is kept but not shown (the record and the page's head say which values were used).
    """
    for cell in notebook.cells:
        for key in _NOISE:
            cell.metadata.pop(key, None)
        tags = list(cell.metadata.get("tags", []))
        if "injected-parameters" in tags and "remove-cell" not in tags:
            tags.append("remove-cell")
        if tags:
            cell.metadata["tags"] = tags
        else:
            cell.metadata.pop("tags", None)
    ran = notebook.metadata.pop("papermill", {})
    notebook.metadata["papermill"] = {
        "parameters": dict(ran.get("parameters", {})),
        "exception": ran.get("exception"),
    }
    # What the chapter says of itself stays beside what happened to it.
    notebook.metadata["ovbook"] = {**notebook.metadata.get("ovbook", {}), **record}
    cell_ids(notebook)

"""An executed notebook made reproducible: the same run gives the same file, without machine noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovbook.press.convert import cell_ids

__all__ = ["FOOT_TAG", "normalise"]

FOOT_TAG = "ovbook-foot"
_NOISE = ("papermill", "execution")


def normalise(notebook: Any, record: Mapping[str, Any]) -> None:
    """Change `notebook` in place and write `record` (see `ovbook.press.provenance`) into its metadata.

    Ids come from the cell's position, per-cell times and absolute paths of the executor go, the cell that
    papermill injects is kept but not shown (the record and the page's foot say which values were used), and a
    last line says where the page came from.
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
    notebook.metadata["ovbook"] = dict(record)
    notebook.cells = [cell for cell in notebook.cells if FOOT_TAG not in cell.metadata.get("tags", [])]
    notebook.cells.append(_foot(record))
    cell_ids(notebook)


def _foot(record: Mapping[str, Any]) -> Any:
    import nbformat

    given = record.get("parameters") or {}
    values = ", ".join(f"`{name} = {value!r}`" for name, value in given.items()) or "its default parameters"
    came = f"source `{record['source_sha256'][:10]}`"
    if record.get("commit"):
        came += f", commit `{record['commit'][:10]}`" + (" with local changes" if record.get("dirty") else "")
    text = (
        f"---\n*Computed with {values} in {_duration(record['seconds'])} on {record['cores']} cores, using "
        f"at most {record['peak_mib'] / 1024:.1f} GiB; finished results are reused, so a first run takes "
        f"longer; {came}.*"
    )
    return nbformat.v4.new_markdown_cell(text, metadata={"tags": [FOOT_TAG]})


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60:02d} s"

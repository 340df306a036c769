"""The tables behind the figures of an executed chapter, as they travel inside its charts."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

__all__ = ["tables"]

_CHART = re.compile(r"(?:application/papermill\.record/)?application/vnd\.vegalite\.v\d+[+.]json")
_DIGITS = 7


def tables(notebook: Any) -> dict[str, str]:
    """Name -> CSV text for every named figure of an executed notebook, in the order of the page.

    ``ovbook.charts.figure`` puts both into the specification's ``usermeta``. Numbers are written to seven
    significant digits; an absent one is an empty field.
    """
    found: dict[str, str] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for mime, value in output.get("data", {}).items():
                if _CHART.fullmatch(mime):
                    spec = json.loads("".join(value)) if isinstance(value, str | list) else value
                    notes = spec.get("usermeta", {}).get("ovbook", {})
                    if notes.get("name") and notes.get("table"):
                        found[str(notes["name"])] = _csv(notes["table"])
    return found


def _csv(table: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column["name"] for column in table["columns"]])
    writer.writerows([_cell(value) for value in row] for row in table["rows"])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else value

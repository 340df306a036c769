"""How long a chapter takes to read."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["reading_minutes", "words"]

_PROSE, _CODE = 220, 80
"""Words a minute, in prose and in code."""
_CHART = 0.5
"""Minutes with a chart."""
_FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell", "injected-parameters"}

_SOLUTION = re.compile(r"^```\{solution\}.*?^```$", re.MULTILINE | re.DOTALL)
_NOT_READ = re.compile(
    r"^(?:```|:::).*$|^:[\w-]+:.*$|^\([\w-]+\)=$|^\|[\s:|-]+\|$|\{cite[^}]*\}`[^`]*`|\{\w[^}]*\}|<[^>]+>|\]\([^)]*\)|https?://\S+",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")


def words(text: str) -> int:
    """Words of Markdown that a reader reads: no markup, no addresses, no citations, no folded solutions."""
    return len(_WORD.findall(_NOT_READ.sub(" ", _SOLUTION.sub(" ", text))))


def reading_minutes(notebook: Any) -> int:
    """Minutes for the prose at 220 words a minute, code that is not folded at 80, and half a minute a chart."""
    minutes = 0.0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            minutes += words(cell.source) / _PROSE
        elif cell.cell_type == "code":
            tags = set(cell.metadata.get("tags", []))
            if not tags & _FOLDED:
                minutes += len(_WORD.findall(cell.source)) / _CODE
            if "remove-cell" not in tags:
                minutes += _CHART * sum(map(_is_chart, cell.get("outputs", [])))
    return max(1, round(minutes))


def _is_chart(output: Any) -> bool:
    return any(mime.startswith("application/vnd.vegalite") for mime in output.get("data", {}))

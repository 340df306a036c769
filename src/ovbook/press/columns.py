"""Text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["columns"]


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """One line a row of `table`, every column as wide as its widest cell, two spaces between them."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in table]

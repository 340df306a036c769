"""Pieces of MyST Markdown that the generated pages share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

__all__ = ["cards", "day", "plain", "say"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$|#~])")


def plain(text: str) -> str:
    """Text that shows as it is: every character that Markdown would read is escaped, lines are joined."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def say(text: str) -> str:
    """Our own prose, where backticks mean code: all else that Markdown would read is escaped."""
    pieces = re.split(r"(``.+?``|`[^`]+`)", " ".join(str(text).split()))
    return "".join(piece.replace("|", r"\|") if i % 2 else plain(piece) for i, piece in enumerate(pieces))


def cards(header: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """A table that a narrow page shows as one card a row; the cells are Markdown, in one line each.

    `ovbook.press.pages.extension` puts the column's name into each cell, where the style sheet finds it.
    """
    lines = [_line(header), "|" + "---|" * len(header), *map(_line, rows)]
    classes = " ".join(["ovbook-cards", *([f"ovbook-{kind}"] if kind else [])])
    return "\n".join([":::{table}", f":class: {classes}", "", *lines, ":::"])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(str(cell).replace("\n", " ") for cell in cells) + " |"


def day(moment: str) -> str:
    """``2026-11-21T09:46:52Z`` as ``2026-11-21 09:46 UTC``; anything else as it is."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return plain(moment)
    return found.strftime("%Y-%m-%d %H:%M UTC")

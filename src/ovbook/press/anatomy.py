"""What a chapter must hold for its reader: exercises with folded solutions, the paper's setting beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["EXERCISES", "missing"]

EXERCISES = 3
"""Fewest exercises of a chapter."""

_EXERCISE = re.compile(r"^[`:]{3,}\{exercise(?:-start)?\}[^\n]*\n(?P<options>(?::[^\n]*\n)*)", re.MULTILINE)
_SOLUTION = re.compile(
    r"^[`:]{3,}\{solution(?:-start)?\}[ \t]+(?P<of>[\w-]+)[ \t]*\n(?P<options>(?::[^\n]*\n)*)", re.MULTILINE
)
_LABEL = re.compile(r"^:label:[ \t]*(\S+)", re.MULTILINE)
_FOLDED = re.compile(r"^:class:[^\n]*\bdropdown\b", re.MULTILINE)
_COLUMNS = ("the paper", "this chapter", "source")


def missing(notebook: Any) -> Iterator[str]:
    """Yield a sentence for each thing that a chapter with a header (see `ovbook.press.about`) lacks.

    At least three exercises, each with a folded solution; and, where it tests a paper, a table with the columns "the
    paper", "this chapter" and "source" in which no value is without its source.
    """
    header = notebook.metadata.get("ovbook", {})
    if "learn" not in header:
        return
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown") + "\n"
    yield from _exercises(prose)
    if header.get("papers"):
        yield from _settings(prose)


def _exercises(prose: str) -> Iterator[str]:
    labels = [_LABEL.search(found["options"]) for found in _EXERCISE.finditer(prose)]
    solved = {found["of"]: bool(_FOLDED.search(found["options"])) for found in _SOLUTION.finditer(prose)}
    if len(labels) < EXERCISES:
        yield f"it has {len(labels)} exercises, but a chapter has at least {EXERCISES}"
    for label in labels:
        if label is None:
            yield "one of its exercises has no :label:, so no solution can name it"
        elif label[1] not in solved:
            yield f"the exercise {label[1]} has no solution"
        elif not solved[label[1]]:
            yield f"the solution of {label[1]} lies open: write :class: dropdown below its first line"


def _settings(prose: str) -> Iterator[str]:
    for table in re.findall(r"(?:^\|[^\n]*\n){3,}", prose, re.MULTILINE):
        head, _, *rows = [_cells(line) for line in table.strip().splitlines()]
        at = [next((i for i, cell in enumerate(head) if name in cell), None) for name in _COLUMNS]
        if at[0] is None or at[1] is None:
            continue
        if at[2] is None:
            yield "its table of the paper's setting beside ours has no column 'source'"
            return
        for row in rows:
            if len(row) <= at[2] or not row[at[2]]:
                yield f"its table of the paper's setting beside ours gives no source for '{row[0]}'"
        return
    yield "it has no table with the columns 'the paper', 'this chapter' and 'source'"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]

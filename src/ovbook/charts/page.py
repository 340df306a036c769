"""What a chapter hands to its page: numbered figures, and numbers for the prose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ovbook.charts.notes import noted, notes_of
from ovbook.charts.table import tidy
from ovbook.errors import OvbookError

__all__ = ["figure", "say"]


def figure(
    name: str, chart: Any, table: pd.DataFrame | None = None, *, columns: Mapping[str, str] | None = None
) -> None:
    """Show `chart` in a live notebook and hand it to the page as the numbered figure `name`.

    The page shows it where the prose that follows has, with the caption in its body, ::

        ```{glue:figure} fig_damage
        :name: fig-damage

        How to read it, with {glue:text}`numbers`.
        ```

    and ``{numref}`fig-damage``` refers to it. The cell that calls `figure` is tagged ``remove-output``, or the
    page would show the chart twice. Under the figure stands the table it draws, folded, with a CSV of full
    precision: the chart functions of this room bring it along; for a chart of your own give `table` (tidy, one
    row a mark) and, to choose, order and name its columns, `columns`. `name` is ``fig_`` and small letters.
    """
    if not re.fullmatch(r"fig_[a-z0-9_]+", name):
        raise OvbookError(
            f"a figure cannot be called '{name}': write fig_ and small letters, as in fig_damage"
        )
    if table is not None:
        chart = noted(chart, table=tidy(table, columns))
    if "table" not in notes_of(chart):
        raise OvbookError(
            f"the figure '{name}' has no table: give figure() the table that the chart draws, for those who "
            f"read numbers rather than pictures"
        )
    from myst_nb import glue

    glue(name, noted(chart, name=name.removeprefix("fig_")))


_EMPHASIS = re.compile(r"(?<!\w)(\*{1,2})(\S(?:[^*]*\S)?)\1(?!\w)")


def say(**numbers: object) -> None:
    """Give numbers (or words) to the prose, where ``{glue:text}`name``` stands for them.

    They are plain text there: Markdown's asterisks around a word would be seen, so they are left out.
    """
    from myst_nb import glue

    for name, value in numbers.items():
        glue(name, _EMPHASIS.sub(r"\2", str(value)), display=False)

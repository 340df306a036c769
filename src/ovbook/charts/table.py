"""The table behind a figure: readable names, sensible digits, small enough to travel with the chart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ovbook.errors import OvbookError

__all__ = ["ROWS", "tidy"]

ROWS = 1000
"""The longest table that travels with a chart."""

_NAMES = {
    "tokens": "pre-training tokens",
    "gamma": "noise γ",
    "low": "95% from",
    "high": "95% to",
    "n": "seeds",
}
_DIGITS = 4
"""Digits shown of a column's largest number; the CSV has all."""


def tidy(frame: pd.DataFrame, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return `frame` as plain JSON: ``columns`` (name, decimals to show or None for words) and ``rows``.

    `names` says which columns to keep, in which order and under which names; without it all are kept. Numbers
    keep their full precision, not-a-number becomes null. Raises `OvbookError` when a column is missing or the
    table is too long to travel.
    """
    names = dict(names or {str(column): _NAMES.get(str(column), str(column)) for column in frame.columns})
    if missing := [name for name in names if name not in frame]:
        raise OvbookError(
            f"the figure's table has no column {', '.join(missing)}: it has {', '.join(map(str, frame.columns))}"
        )
    if not 0 < len(frame) <= ROWS:
        raise OvbookError(
            f"the figure's table has {len(frame):,} rows: it needs 1 to {ROWS:,}; summarise it, or thin it with "
            f"ovbook.charts.thin"
        )
    columns, cells = [], []
    for column, name in names.items():
        values = [_plain(value) for value in frame[column].tolist()]
        columns.append({"name": name, "decimals": _decimals(values)})
        cells.append(values)
    return {"columns": columns, "rows": [list(row) for row in zip(*cells, strict=True)]}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
        return None if value != value or math.isinf(value) else int(value) if whole else value
    return str(value)


def _decimals(values: list[Any]) -> int | None:
    """How many decimals to show: enough for `_DIGITS` digits of the largest, no more than the values have."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if not numbers or any(isinstance(v, str) for v in values):
        return None
    largest = max(abs(v) for v in numbers)
    most = max(0, _DIGITS - 1 - math.floor(math.log10(largest))) if largest else 0
    for decimals in range(min(most, 6)):
        if all(math.isclose(v, round(v, decimals), rel_tol=0, abs_tol=10.0 ** -(most + 3)) for v in numbers):
            return decimals
    return min(most, 6)

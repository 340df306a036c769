"""What a table was measured with: the columns that every seed shares, so that two runs can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["changed", "setting"]

_MOST = 16
"""More levels than this are summed up in words."""
_NOT_CHOSEN = {"world", "corpus", "seed", "diverged", "at_border", "misalignment"}
"""Factors that are compared by themselves, and what is measured although every seed shares it."""
_FOLLOWS = {"parameters": "model", "draw": "draws"}
"""Columns that change only when another does, which then speaks for both."""


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def setting(frame: pd.DataFrame, *, measured: tuple[str, ...] = ()) -> dict[str, Any]:
    """The levels of every column that holds the same ones in each world and seed, as JSON values.

    Such a column was chosen (a budget, a model, a size of noise); one that was measured differs from seed to
    seed. `measured` names columns to leave out even so. `frame` has world and seed.
    """
    cells = frame.groupby(["world", "seed"], sort=False).ngroup().to_numpy()
    count = int(cells.max()) + 1
    found: dict[str, Any] = {}
    for name in frame.columns:
        if name in _NOT_CHOSEN or name in measured:
            continue
        codes, levels = pd.factorize(frame[name])
        if codes.min() < 0 or len(levels) * count > len(frame):
            continue
        if np.unique(cells * len(levels) + codes).size == count * len(levels):
            found[str(name)] = _summed_up(levels)
    if found.get("budget") == found.get("tokens"):
        found.pop("budget", None)
    return {name: value for name, value in found.items() if _FOLLOWS.get(name) not in found}


def _summed_up(levels: Any) -> Any:
    values = [_plain(value) for value in levels]
    try:
        values.sort()
    except TypeError:
        values.sort(key=str)
    if not all(isinstance(value, str | int | float | bool) for value in values):
        values = [str(value) for value in values]
    return (
        values if len(values) <= _MOST else [f"{len(values)} values from {values[0]:.6g} to {values[-1]:.6g}"]
    )


def changed(own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Columns that both settings name and that differ: name -> (own levels, other levels), in the order of `own`."""
    return {name: (own[name], other[name]) for name in own if name in other and own[name] != other[name]}

"""Fewer points of a long curve, chosen so that what is drawn looks the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovbook.errors import OvbookError

__all__ = ["POINTS", "thin", "thinned"]

POINTS = 1000
"""How many rows a chart of curves may hold in all; with the table beside it that is about 200 kB."""


def thin(
    frame: pd.DataFrame,
    x: str,
    *,
    y: Sequence[str] = ("mean",),
    series: Sequence[str] = (),
    most: int = 200,
    log: bool = True,
) -> pd.DataFrame:
    """Return at most `most` rows of each series: evenly spread in log `x` (or in `x`), no value changed.

    Kept always are the first and the last `x` of a series and the rows where a column of `y` is lowest and
    highest. A series that is short enough stays whole. Order and index of the rows are kept.
    """
    forced = 2 + 2 * len(y)
    if most < forced + 2:
        raise OvbookError(
            f"a curve cannot be thinned to {most} points: at least {forced + 2} are needed for its ends, its "
            f"extremes and something between"
        )
    groups = frame.groupby(list(series), sort=False).indices.values() if series else [np.arange(len(frame))]
    kept: list[int] = []
    for rows in groups:
        kept += [int(rows[i]) for i in _positions(frame.iloc[rows], x, y, most, log)]
    return frame.iloc[sorted(kept)]


def _positions(part: pd.DataFrame, x: str, y: Sequence[str], most: int, log: bool) -> list[int]:
    if len(part) <= most:
        return list(range(len(part)))
    values = part[x].to_numpy(dtype=float)
    order = np.argsort(values, kind="stable")
    chosen = {int(order[0]), int(order[-1])}
    for column in y:
        numbers = part[column].to_numpy(dtype=float)
        if np.isfinite(numbers).any():
            chosen |= {int(np.nanargmin(numbers)), int(np.nanargmax(numbers))}
    axis = values[order]
    if log and axis[-1] > 0:
        positive = axis[axis > 0]
        axis, ends = np.log(np.maximum(axis, positive[0])), (np.log(positive[0]), np.log(axis[-1]))
    else:
        ends = (axis[0], axis[-1])
    # Log-spaced targets share their nearest point at the left; ask for more until the room is used.
    wanted = most
    for _ in range(12):
        near = np.searchsorted(axis, np.linspace(*ends, wanted)).clip(0, len(axis) - 1)
        found = chosen | {int(i) for i in order[np.unique(near)]}
        if len(found) > most:
            break
        best, wanted = found, int(wanted * 1.4)
    else:
        return sorted(best)
    if wanted == most:  # even the first try was too many: leave out evenly
        free = sorted(found - chosen, key=lambda i: values[i])
        room = most - len(chosen)
        best = chosen | {free[round(i)] for i in np.linspace(0, len(free) - 1, room)}
    return sorted(best)


def thinned(
    frame: pd.DataFrame, x: str, *, y: Sequence[str] = ("mean",), series: Sequence[str] = (), log: bool = True
) -> pd.DataFrame:
    """The rows of `frame` that a chart of curves draws: all, or `POINTS` shared among its series."""
    if len(frame) <= POINTS:
        return frame
    count = len(frame[list(series)].drop_duplicates()) if series else 1
    return thin(frame, x, y=y, series=series, most=max(6 + 2 * len(y), POINTS // count), log=log)

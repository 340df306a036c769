"""Parts of a run side by side: means over windows of its time, and how examples' numbers go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from ovbook.errors import OvbookError
from ovbook.stats.seeds import with_world

__all__ = ["rank_correlations", "slopes_together", "window_means"]


def _need(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    frame = with_world(frame)
    if missing := [name for name in columns if name not in frame]:
        raise OvbookError(
            f"the table has no column {', '.join(missing)}: it has {', '.join(map(str, frame.columns))}"
        )
    return frame


def window_means(
    frame: pd.DataFrame,
    value: str,
    windows: Mapping[str, tuple[float, float]],
    *,
    by: Sequence[str] = (),
    time: str = "progress",
) -> pd.DataFrame:
    """The mean of `value` over windows of `time`: one row for each (`by`, world, seed), one column a window.

    A window holds both its ends (give or take 1e-9), so that (1.0, 1.0) is the boundary alone. A run that diverged, or a value in a
    window that is not finite, gives not-a-number there.

    Raises:
        OvbookError: a window of some run holds no row.
    """
    keys = [*dict.fromkeys([*by, "world", "seed"])]
    frame = _need(frame, [*keys, value, time])
    lost = frame["diverged_at"] >= 0 if "diverged_at" in frame else pd.Series(False, index=frame.index)
    table = frame[keys].drop_duplicates().sort_values(keys).set_index(keys)
    for name, (start, end) in windows.items():
        inside = frame[time].between(start - 1e-9, end + 1e-9)
        numbers = frame[value].astype(float).where(~lost)[inside]
        means = numbers.groupby([frame.loc[inside, key] for key in keys]).agg(lambda v: v.mean(skipna=False))
        if absent := table.index.difference(means.index).tolist():
            raise OvbookError(
                f"the window '{name}', {start:g} to {end:g}, holds no row of the run "
                f"{', '.join(f'{k} {v}' for k, v in zip(keys, absent[0], strict=True))}: make it wider, or run more steps"
            )
        table[name] = means
    return table.reset_index()


def rank_correlations(frame: pd.DataFrame, x: str, y: str, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """Spearman's rank correlation of two columns over the rows of each (`by`, world, seed), as `correlation`.

    Fewer than three rows, a column that does not vary or a value that is not finite gives not-a-number.
    """
    keys = [*dict.fromkeys([*by, "world", "seed"])]
    frame = _need(frame, [*keys, x, y])
    records = []
    for place, rows in frame.groupby(keys, sort=True):
        pair = rows[[x, y]].to_numpy(dtype=float)
        usable = len(pair) > 2 and np.isfinite(pair).all() and (np.ptp(pair, axis=0) > 0).all()
        found = float(spearmanr(pair[:, 0], pair[:, 1]).statistic) if usable else np.nan
        records.append(dict(zip(keys, place, strict=True)) | {"correlation": found, "examples": len(pair)})
    return pd.DataFrame(records)


def slopes_together(
    frame: pd.DataFrame, y: str, on: Sequence[str], *, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Least squares of `y` on all columns `on` at once, with a constant, over the rows of each (`by`, world, seed).

    One column a slope, in units of `y` per unit of that column: what it goes with while the others are held. Where the columns
    cannot be told apart (one follows from the others) all slopes are not-a-number, rather than one of the many answers.
    """
    keys = [*dict.fromkeys([*by, "world", "seed"])]
    frame = _need(frame, [*keys, y, *on])
    records = []
    for place, rows in frame.groupby(keys, sort=True):
        features = np.column_stack([np.ones(len(rows)), rows[list(on)].to_numpy(dtype=float)])
        values = rows[y].to_numpy(dtype=float)
        slopes = np.full(len(on), np.nan)
        finite = np.isfinite(features).all() and np.isfinite(values).all()
        if finite and np.linalg.matrix_rank(features, tol=1e-8 * len(rows)) == features.shape[1]:
            slopes = np.linalg.lstsq(features, values, rcond=None)[0][1:]
        records.append(dict(zip(keys, place, strict=True)) | dict(zip(on, slopes.tolist(), strict=True)))
    return pd.DataFrame(records)

"""What ``curves`` reads off arrays, as tables for a page: turning points, and which budgets may be judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovbook.stats.curves import first_rise, inflection, unsaturated
from ovbook.stats.seeds import cube, with_world

__all__ = ["inflections", "unsaturated_budgets"]


def inflections(
    frame: pd.DataFrame, value: str, *, by: str, x: str = "tokens", within: Sequence[str] = ()
) -> pd.DataFrame:
    """One row per (`by`, world, seed): where the curve of `value` against `x` turns.

    Columns: `by`, world, seed, `x` and sign (see ``inflection``), first_rise (the popular reading's place;
    where nothing rises it is the last budget, a lower bound).
    """
    records = []
    for level, part in frame.groupby(by, sort=True):
        table = cube(part, value, x=x, within=within)
        for w, world in enumerate(table.worlds):
            for s, seed in enumerate(table.seeds):
                found = inflection(table.levels, table.values[w, s])
                rise = first_rise(table.levels, table.values[w, s])
                records.append(
                    {
                        by: level,
                        "world": world,
                        "seed": seed,
                        x: found.x,
                        "sign": found.sign,
                        "first_rise": rise.x,
                    }
                )
    return pd.DataFrame(records)


def unsaturated_budgets(frame: pd.DataFrame, *, by: str = "gamma", x: str = "tokens") -> pd.DataFrame:
    """Whether sensitivity may be judged at each `by` (rows) and `x` (columns): see ``unsaturated``.

    `frame` has world (or corpus), seed, `by`, `x`, loss, base and untrained; draws are averaged.
    """
    frame = with_world(frame)
    rows = {}
    for level, part in frame.groupby(by, sort=True):
        within = ["draw"] if "draw" in part else []
        modified, base, untrained = (
            cube(part, name, x=x, within=within) for name in ("loss", "base", "untrained")
        )
        rows[level] = dict(
            zip(
                modified.levels,
                unsaturated(modified.values, base.values, untrained.values[:, :, :1]),
                strict=True,
            )
        )
    return pd.DataFrame(rows).T.rename_axis(index=by, columns=x).astype(np.bool_)

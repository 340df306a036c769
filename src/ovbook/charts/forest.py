"""Estimates side by side: a row each, a mark and a whisker, the smallest effect as a band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.table import tidy
from ovbook.charts.theme import NEUTRAL, SHAPES, budget_ramp, cycled
from ovbook.errors import OvbookError

__all__ = ["contrasts", "forest"]

_BAND = 30
"""Pixels that one mark has, with its whisker."""


def forest(
    frame: pd.DataFrame,
    *,
    row: str,
    x: str,
    title: str,
    description: str,
    series: str | None = None,
    series_title: str | None = None,
    band: tuple[float, float] | None = None,
    zero: float | None = 0.0,
    percent: bool = False,
    near: float | None = None,
    ticks: Sequence[float] = (),
    names: Sequence[str] = (),
    width: int = 440,
) -> alt.TopLevelMixin:
    """A mark at `mean` with a whisker from `low` to `high` for every value of `row`, one for each value of `series`.

    `frame` has `row`, mean, low, high and n, in the order to be drawn; `names` are more of its columns for the table. `x`
    is the axis title with its unit. `band` shades effects too small to matter and `zero` draws the line of none.
    Where a mean has no interval (one seed) the mark stands alone. `percent` writes shares as percentages. `near` makes
    the axis logarithmic on both sides of zero and linear within it, so that a narrow `band` shows beside large
    estimates; `ticks` are then its labels.
    """
    missing = [c for c in (row, "mean", "low", "high", "n", *([series] if series else [])) if c not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of estimates lacks {', '.join(missing) or 'rows'}: a row needs a name, mean, low, high, n"
        )
    data = frame.replace([np.inf, -np.inf], np.nan).copy()
    for end in ("low", "high"):
        data[end] = data[end].fillna(data["mean"])
    rows = list(dict.fromkeys(frame[row]))
    of = list(dict.fromkeys(frame[series])) if series else []
    up = alt.Y(
        f"{row}:N",
        sort=rows,
        title=None,
        scale=alt.Scale(paddingInner=0.25),
        axis=alt.Axis(labelLimit=220, ticks=False, domain=False, grid=False),
    )
    scale = alt.Scale(type="symlog", constant=near) if near else alt.Scale(zero=False, nice=True)
    shown: dict[str, Any] = {"values": list(ticks)} if ticks else {}
    # Of few ticks "~g" writes 10 as 1e+1; and a title at the end has the labels' width to reach into on a narrow screen.
    written = "%" if percent else "~g" if near else "~f"
    axis = alt.Axis(format=written, titleAnchor="end", **shown)
    across = alt.X("mean:Q", title=x, scale=scale, axis=axis)
    number = ".1%" if percent else ".3f"
    tooltip = [
        alt.Tooltip(f"{row}:N", title=" "),
        *([alt.Tooltip(f"{series}:N", title=series_title or series)] if series else []),
        alt.Tooltip("mean:Q", format=number),
        alt.Tooltip("low:Q", format=number, title="95% from"),
        alt.Tooltip("high:Q", format=number, title="to"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    shared: dict[str, object] = {"y": up}
    if series:
        shared["yOffset"] = alt.YOffset(f"{series}:N", sort=of)
        legend = alt.Legend(orient="bottom", columns=3, title=series_title or series)
        shared["color"] = alt.Color(
            f"{series}:N", scale=alt.Scale(domain=of, range=budget_ramp(of)), legend=legend
        )
    shape = (
        alt.Shape(f"{series}:N", scale=alt.Scale(domain=of, range=cycled(SHAPES, of)), legend=legend)
        if series
        else alt.value(SHAPES[0])
    )
    base = alt.Chart(data)
    layers: list[alt.Chart] = []
    if band:
        edges = pd.DataFrame({"from": [band[0]], "to": [band[1]]})
        layers.append(
            alt.Chart(edges)
            .mark_rect(color=NEUTRAL, opacity=0.22)
            .encode(x=alt.X("from:Q", title=x), x2="to:Q")
        )
    if zero is not None:
        line = alt.Chart(pd.DataFrame({"at": [zero]}))
        layers.append(line.mark_rule(strokeDash=[5, 4], color=NEUTRAL).encode(x=alt.X("at:Q", title=x)))
    layers += [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=x), x2="high:Q", **shared),
        base.mark_point(opacity=1, size=36).encode(x=across, shape=shape, tooltip=tooltip, **shared),
    ]
    chart = alt.layer(*layers).properties(
        title=heading(title, evidence(frame, "whisker")),
        description=described(description),
        width=width,
        height=_BAND * len(rows) * max(1, len(of)),
    )
    columns = {row: row, **({series: series_title or series} if series else {}), "mean": x}
    columns |= {"low": "95% from", "high": "95% to", "n": "seeds"} | {name: name for name in names}
    return noted(chart, table=tidy(frame, columns))


def contrasts(frame: pd.DataFrame, *, title: str, description: str) -> alt.TopLevelMixin:
    """The contrasts that a chapter declared (`ovbook.stats.declared`), each in units of its own smallest effect.

    The band holds effects too small to count; numbers as measured, each world's mean and the reading are in the table.
    """
    return forest(
        frame,
        row="contrast",
        x="effect ÷ smallest that counts",
        band=(-1.0, 1.0),
        names=["smallest effect", "as measured", "worlds", "reading"],
        title=title,
        description=description,
    )

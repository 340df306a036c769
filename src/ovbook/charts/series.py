"""What charts of several lines share: how lines are told apart, and what a point of theirs says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.theme import DASHES, NEUTRAL, SHAPES, budget_ramp, cycled
from ovbook.errors import OvbookError

__all__ = ["need", "point_says", "shaded_rate", "told_apart"]

_RATE_ROOM = 2.5
"""The shaded rate reaches this part of the height, so that the lines keep the rest."""


def need(frame: pd.DataFrame, columns: Iterable[str], *, what: str) -> None:
    """Raise `OvbookError` where the table of `what` is empty or lacks a column."""
    wanted = list(columns)
    missing = [name for name in wanted if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of {what} lacks {', '.join(missing) or 'rows'}: it needs {', '.join(wanted)} "
            f"(ovbook.stats.summarise makes mean, low, high and n)"
        )


def point_says(*first: alt.Tooltip, mean: str = "mean", form: str = ".3f") -> list[alt.Tooltip]:
    """Tooltips of a point: `first`, then its mean, its interval and how many seeds stand behind it."""
    return [
        *first,
        alt.Tooltip("mean:Q", format=form, title=mean),
        alt.Tooltip("low:Q", format=form, title="95% from"),
        alt.Tooltip("high:Q", format=form, title="to"),
        alt.Tooltip("n:Q", title="seeds"),
    ]


def told_apart(
    frame: pd.DataFrame,
    series: str,
    *,
    title: str | None = None,
    colours: Sequence[str] | None = None,
    columns: int = 2,
) -> dict[str, Any]:
    """Colour, shape and dash by the values of `series`, in their order in `frame`: told apart without colour as well.

    `colours`, one a value, where they have a meaning; by default the book's ramp. The legend below has `columns` columns.
    """
    values = list(dict.fromkeys(frame[series]))
    legend = alt.Legend(orient="bottom", columns=columns, title=title, symbolOpacity=1)
    ranges = {
        "color": (alt.Color, list(colours or budget_ramp(values))),
        "shape": (alt.Shape, cycled(SHAPES, values)),
        "strokeDash": (alt.StrokeDash, [list(dash) for dash in cycled(DASHES, values)]),
    }
    return {
        channel: make(f"{series}:N", sort=values, scale=alt.Scale(domain=values, range=chosen), legend=legend)
        for channel, (make, chosen) in ranges.items()
    }


def shaded_rate(lines: alt.LayerChart, rates: alt.Chart, x: alt.X, *, most: float) -> alt.LayerChart:
    """`lines` with the learning rate shaded behind them, on an axis of its own at the right.

    `rates` is a chart of a table with a column rate, whose largest value is `most`; `x` is the lines' own axis.
    """
    behind = alt.Y(
        "rate:Q",
        title="learning rate (shaded)",
        scale=alt.Scale(domain=[0, _RATE_ROOM * most], nice=False),
        axis=alt.Axis(orient="right", grid=False, format="~g", values=[0, most]),
    )
    hills = rates.mark_area(color=NEUTRAL, opacity=0.2, interpolate="step-after").encode(x=x, y=behind)
    return alt.layer(hills, lines).resolve_scale(y="independent")

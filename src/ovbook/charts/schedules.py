"""Curves through the epochs of a fine-tuning: losses and shares over time, the learning rate behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import DASHES, NEUTRAL, SHAPES, budget_ramp, cycled
from ovbook.errors import OvbookError

__all__ = ["epoch_layers", "over_places", "under_rates"]

_WIDTH, _HEIGHT = 530, 320


def _check(frame: pd.DataFrame, *columns: str) -> None:
    missing = [name for name in (*columns, "mean", "low", "high", "n") if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of curves lacks {', '.join(missing) or 'rows'}: it needs {', '.join(columns)}, mean, low, high and n "
            f"(ovbook.stats.summarise makes the last four)"
        )


def _series(frame: pd.DataFrame, series: str) -> tuple[Any, Any, Any, list[Any]]:
    """Colour, dash and shape by `series`, told apart without colour as well, and its values in their order."""
    values = list(dict.fromkeys(frame[series]))
    legend = alt.Legend(orient="bottom", columns=2, title=None, symbolOpacity=1)
    colour = alt.Color(
        f"{series}:N", sort=values, scale=alt.Scale(domain=values, range=budget_ramp(values)), legend=legend
    )
    dash = alt.StrokeDash(
        f"{series}:N",
        sort=values,
        scale=alt.Scale(domain=values, range=[list(d) for d in cycled(DASHES, values)]),
        legend=legend,
    )
    shape = alt.Shape(
        f"{series}:N",
        sort=values,
        scale=alt.Scale(domain=values, range=cycled(SHAPES, values)),
        legend=legend,
    )
    return colour, dash, shape, values


def epoch_layers(
    frame: pd.DataFrame,
    *,
    y: str,
    series: str,
    rates: pd.DataFrame | None = None,
    percent: bool = False,
    zero: bool = False,
) -> alt.LayerChart:
    """The layers of `under_rates`, without title; interval bands only where `frame` has low and high."""
    colour, dash, shape, _ = _series(frame, series)
    first, last = float(frame["progress"].min()), float(frame["progress"].max())
    if rates is not None:
        first, last = min(first, float(rates["progress"].min())), max(last, float(rates["progress"].max()))
    x = alt.X(
        "progress:Q",
        title="epochs",
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=alt.Axis(
            grid=False, format="~g", values=[n / 2 for n in range(round(2 * first), round(2 * last) + 1)]
        ),
    )
    up = alt.Y(
        "mean:Q",
        title=y,
        scale=alt.Scale(zero=zero),
        axis=alt.Axis(orient="left", format="%" if percent else "~g"),
    )
    tooltip = [
        alt.Tooltip(f"{series}:N", title=" "),
        alt.Tooltip("progress:Q", format=".2f", title="epochs"),
        alt.Tooltip("mean:Q", format=".1%" if percent else ".3f", title=y),
    ]
    base = alt.Chart(frame)
    lines: list[Any] = []
    if {"low", "high"} <= set(frame):
        lines.append(
            base.mark_area().encode(x=x, y=alt.Y("low:Q", title=y), y2="high:Q", color=colour.copy())
        )
    lines += [
        base.mark_line().encode(x=x, y=up, color=colour, strokeDash=dash),
        base.mark_point(opacity=1, size=26).encode(x=x, y=up, color=colour, shape=shape, tooltip=tooltip),
    ]
    between = [n for n in range(int(first) + 1, int(last + 1e-9) + 1) if first < n < last]
    if between:
        edges = alt.Chart(pd.DataFrame({"progress": between}))
        lines.append(edges.mark_rule(strokeDash=[5, 4], color=NEUTRAL).encode(x=x))
    drawn = alt.LayerChart(layer=lines)
    if rates is None:
        return drawn
    most = float(rates["rate"].max()) or 1.0
    behind = (
        alt.Chart(rates)
        .mark_area(color=NEUTRAL, opacity=0.2, interpolate="step-after")
        .encode(
            x=x,
            y=alt.Y(
                "rate:Q",
                title="learning rate (shaded)",
                scale=alt.Scale(domain=[0, 2.5 * most], nice=False),
                axis=alt.Axis(orient="right", grid=False, format="~g", values=[0, most]),
            ),
        )
    )
    return alt.layer(behind, drawn).resolve_scale(y="independent")


def under_rates(
    frame: pd.DataFrame,
    *,
    y: str,
    title: str,
    description: str,
    series: str,
    rates: pd.DataFrame | None = None,
    percent: bool = False,
    zero: bool = False,
    width: int = _WIDTH,
    height: int = _HEIGHT,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against `progress` (epochs), one a value of `series`, in its order.

    `rates` (columns progress, rate) shades the learning rate behind the lines, on an axis of its own at the right, low
    enough to leave room for them. Dashed rules stand where an epoch ends. `percent` writes shares as percentages.
    """
    _check(frame, "progress", series)
    chart = epoch_layers(frame, y=y, series=series, rates=rates, percent=percent, zero=zero).properties(
        title=heading(title, evidence(frame)),
        description=described(description),
        width=width,
        height=height,
    )
    names = {series: series, "progress": "epochs", "mean": y, "low": "95% from", "high": "95% to"}
    return noted(chart, table=tidy(frame, names | {"n": "seeds"}))


def over_places(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str,
    title: str,
    description: str,
    slider: Slider,
    sentence: Callable[[Any], str],
    x_title: str | None = None,
    ticks: Sequence[float] | None = None,
    width: int = _WIDTH,
    height: int = _HEIGHT,
) -> alt.TopLevelMixin:
    """Lines of `mean` against `x` at one value of the slider's column at a time, on axes that stay.

    `frame` has `x`, `series`, the column that the slider is named after, mean, low, high and n. `sentence` says what is
    then to be seen (see ``ovbook.charts.with_sliders``).
    """
    _check(frame, x, series, slider.name)
    colour, dash, shape, _ = _series(frame, series)
    domain = [
        float(frame["low"].fillna(frame["mean"]).min()),
        float(frame["high"].fillna(frame["mean"]).max()),
    ]
    scale = alt.Scale(zero=False, domain=domain, nice=True)
    across = alt.X(
        f"{x}:Q",
        title=x_title or x,
        scale=alt.Scale(nice=False, padding=12),
        axis=alt.Axis(grid=False, format="~g", values=list(ticks) if ticks else alt.Undefined),
    )
    up = alt.Y("mean:Q", title=y, scale=scale)
    tooltip = [
        alt.Tooltip(f"{series}:N", title=" "),
        alt.Tooltip(f"{x}:Q", format=".2f", title=x_title or x),
        alt.Tooltip("mean:Q", format=".3f", title=y),
    ]
    base = alt.Chart(frame).transform_filter(slider.at(slider.name))
    chart: Any = alt.layer(
        base.mark_area().encode(x=across, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=colour),
        base.mark_line().encode(x=across, y=up, color=colour, strokeDash=dash),
        base.mark_point(opacity=1).encode(x=across, y=up, color=colour, shape=shape, tooltip=tooltip),
    ).properties(
        title=heading(title, evidence(frame)),
        description=described(description),
        width=width,
        height=height,
    )
    chart = with_sliders(chart, slider, sentence=sentence)
    names = {slider.name: slider.label, series: series, x: x_title or x, "mean": y}
    return noted(chart, table=tidy(frame, names | {"low": "95% from", "high": "95% to", "n": "seeds"}))

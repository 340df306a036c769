"""Curves through a training run: losses against tokens, the learning rate behind them, an arm at a time by a slider."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import TOKEN_LABELS, described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.series import need, shaded_rate, told_apart
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import NEUTRAL, budget_ramp

__all__ = ["through_run"]


def through_run(
    frame: pd.DataFrame,
    *,
    y: str,
    series: str,
    title: str,
    description: str,
    x: str = "seen",
    x_title: str = "tokens of the continuation",
    rates: pd.DataFrame | None = None,
    colours: Mapping[str, str] | None = None,
    held: str | None = None,
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    points: bool = True,
    zero: bool = False,
    log: bool = False,
    level: tuple[float, str] | None = None,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against `x`, one a value of `series`, in the order of the table.

    `frame` has `x`, `series`, mean, low, high and n. `rates` (columns `x`, rate) shades the learning rate behind the
    lines, on an axis of its own at the right. The series `held` is thick and grey: what the others are held against.
    `level` draws a dashed line at a height, with a label. `log` makes the x axis a log axis; tokens are written as people say them.
    `colours` gives a series another colour than its turn's. `points` marks the places that were measured.

    With a `slider` the chart shows one value of the slider's column at a time, of `frame` and of `rates` if they have it, on
    axes that stay; rows where that column is missing are shown always. `sentence` says what is then to be seen (see
    ``ovbook.charts.with_sliders``).
    """
    need(frame, [x, series, *([slider.name] if slider else []), "mean", "low", "high", "n"], what="curves")
    values = list(dict.fromkeys(frame[series]))
    others = [value for value in values if value != held]
    ramp = dict(zip(others, budget_ramp(others), strict=True)) | {held: NEUTRAL} | dict(colours or {})
    look = told_apart(frame, series, colours=[ramp[value] for value in values])
    colour, dash, shape = look["color"], look["strokeDash"], look["shape"]
    ends = [float(frame[x].min()), float(frame[x].max())]
    across = alt.X(
        f"{x}:Q",
        title=x_title,
        scale=alt.Scale(type="log" if log else "linear", domain=ends, nice=False),
        axis=alt.Axis(grid=False, labelExpr=TOKEN_LABELS, labelOverlap=True, tickCount=6),
    )
    heights = [
        float(frame["low"].fillna(frame["mean"]).min()),
        float(frame["high"].fillna(frame["mean"]).max()),
    ]
    if level:
        heights = [min(heights[0], level[0]), max(heights[1], level[0])]
    if zero:
        heights = [min(0.0, heights[0]), max(0.0, heights[1])]
    scale = alt.Scale(domain=heights, nice=True, zero=zero)
    up = alt.Y("mean:Q", title=y, scale=scale, axis=alt.Axis(orient="left", format="~r"))
    tooltip = [
        alt.Tooltip(f"{series}:N", title=" "),
        alt.Tooltip(f"{x}:Q", format=",.0f", title=x_title),
        alt.Tooltip("mean:Q", format=".3f", title=y),
        alt.Tooltip("n:Q", title="seeds"),
    ]

    def drawn(data: pd.DataFrame) -> alt.Chart:
        chart = alt.Chart(data)
        if slider is None or slider.name not in data:
            return chart
        return chart.transform_filter(f"!isValid(datum['{slider.name}']) || {slider.at(slider.name)}")

    base = drawn(frame)
    layers: list[Any] = [
        base.mark_area().encode(x=across, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=colour),
        base.mark_line().encode(x=across, y=up, color=colour, strokeDash=dash),
    ]
    if held in values:
        thick = base.transform_filter(
            f"datum[{json.dumps(series)}] === {json.dumps(held, ensure_ascii=False)}"
        )
        layers.insert(1, thick.mark_line(strokeWidth=6, opacity=0.6).encode(x=across, y=up, color=colour))
    if points:
        layers.append(
            base.mark_point(opacity=1, size=30).encode(
                x=across, y=up, color=colour, shape=shape, tooltip=tooltip
            )
        )
    if level:
        edge = alt.Chart(pd.DataFrame({"level": [level[0]], "name": [level[1]]}))
        height_at = alt.Y("level:Q", title=y, scale=scale)
        layers += [
            edge.mark_rule(strokeDash=[5, 4], color=NEUTRAL).encode(y=height_at),
            edge.mark_text(align="left", dx=4, dy=-8).encode(x=alt.value(0), y=height_at, text="name:N"),
        ]
    chart: Any = alt.LayerChart(layer=layers)
    if rates is not None:
        chart = shaded_rate(chart, drawn(rates), across, most=float(rates["rate"].max()) or 1.0)
    chart = chart.properties(
        title=heading(title, evidence(frame)), description=described(description), width=width, height=height
    )
    names = ({slider.name: slider.label} if slider else {}) | {series: series, x: x_title, "mean": y}
    if slider:
        chart = with_sliders(chart, slider, sentence=sentence or slider.write)
    return noted(chart, table=tidy(frame, names | {"low": "95% from", "high": "95% to", "n": "seeds"}))

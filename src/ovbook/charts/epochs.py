"""Curves through the epochs of a fine-tuning: lines with bands, a rule where each epoch ends, the rate behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.series import need, point_says, shaded_rate, told_apart
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import NEUTRAL
from ovbook.charts.thin import thinned

__all__ = ["epoch_layers", "through_epochs"]


def through_epochs(
    frame: pd.DataFrame,
    *,
    y: str,
    series: str,
    title: str,
    description: str,
    series_title: str | None = None,
    colours: Sequence[str] | None = None,
    floor: float | None = None,
    floor_label: str = "floor",
    rates: pd.DataFrame | None = None,
    percent: bool = False,
    zero: bool = False,
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against progress in epochs, one line a value of `series`.

    `frame` has progress, mean, low, high, n (``ovbook.stats.summarise`` of ``in_bins``, or of looks) and `series`. A line
    breaks at every boundary, where a rule stands, so that no slope is drawn across a step. `colours`, one a value of
    `series` in order, where they have a meaning. `floor` draws a level, named by `floor_label`, where it lies within the chart. `rates` (columns
    progress, rate) shades the learning rate behind the lines, on an axis of its own at the right. `percent` writes shares as
    percentages. With a `slider` the chart shows one value of the column of the slider's name at a time, on axes that stay.
    """
    keys = [*([slider.name] if slider else []), series]
    need(frame, ["progress", *keys, "mean", "low", "high", "n"], what="epochs")
    statement = evidence(frame)
    order = {value: n for n, value in enumerate(dict.fromkeys(frame[series]))}
    frame = frame.sort_values("progress", kind="stable").sort_values(
        series, key=lambda column: column.map(order), kind="stable"
    )
    frame = thinned(frame, "progress", y=("mean", "low", "high"), series=keys, log=False)
    chart: Any = epoch_layers(
        frame,
        y=y,
        series=series,
        series_title=series_title,
        colours=colours,
        floor=floor,
        floor_label=floor_label,
        rates=rates,
        percent=percent,
        zero=zero,
        slider=slider,
    ).properties(
        title=heading(title, statement), description=described(description), width=width, height=height
    )
    names = {series: series_title or series, "progress": "epochs", "mean": y}
    names |= {"low": "95% from", "high": "95% to", "n": "seeds"}
    if slider:
        chart = with_sliders(chart, slider, sentence=sentence or slider.write)
        names = {slider.name: slider.label} | names
    return noted(chart, table=tidy(frame, names))


def epoch_layers(
    frame: pd.DataFrame,
    *,
    y: str,
    series: str,
    series_title: str | None = None,
    colours: Sequence[str] | None = None,
    floor: float | None = None,
    floor_label: str = "floor",
    rates: pd.DataFrame | None = None,
    percent: bool = False,
    zero: bool = False,
    slider: Slider | None = None,
) -> alt.LayerChart:
    """The layers of `through_epochs`, without title; interval bands only where `frame` has low and high."""
    # A look at a boundary ends the epoch before it; the middle of a stretch never lies on one.
    frame = frame.assign(part=np.maximum(np.ceil(frame["progress"].round(6)), 1).astype(int))
    banded = {"low", "high"} <= set(frame)
    lowest, highest = (
        frame[end].fillna(frame["mean"]) if banded else frame["mean"] for end in ("low", "high")
    )
    bottom = min(0.0, float(lowest.min())) if zero else float(lowest.min())
    last = int(frame["part"].max())
    x = alt.X(
        "progress:Q",
        title="epochs",
        scale=alt.Scale(domain=[0, last], nice=False),
        axis=alt.Axis(values=[n / 2 for n in range(2 * last + 1)], format="~g", grid=False),
    )
    scale = alt.Scale(zero=zero, domain=[bottom, float(highest.max())], nice=True)
    axis = alt.Axis(orient="left", format="%" if percent else "~g")
    up = alt.Y("mean:Q", title=y, scale=scale, axis=axis)
    look = told_apart(frame, series, title=series_title, colours=colours)
    form = ".1%" if percent else ".3f"
    place = [
        alt.Tooltip(f"{series}:N", title=series_title or " "),
        alt.Tooltip("progress:Q", format=".2f", title="epochs"),
    ]
    says = (
        point_says(*place, mean=y, form=form)
        if banded
        else [*place, alt.Tooltip("mean:Q", format=form, title=y)]
    )
    base = alt.Chart(frame)
    if slider:
        base = base.transform_filter(slider.at(slider.name))
    lines: list[Any] = []
    if last > 1:
        ends = alt.Chart(pd.DataFrame({"progress": range(1, last)}))
        lines.append(ends.mark_rule(color=NEUTRAL, strokeDash=[5, 4]).encode(x=x))
    if banded:
        band = base.mark_area().encode(
            x=x, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=look["color"], detail="part:N"
        )
        lines.append(band)
    lines += [
        base.mark_line().encode(x=x, y=up, color=look["color"], detail="part:N"),
        base.mark_point(opacity=1, size=24).encode(
            x=x, y=up, color=look["color"], shape=look["shape"], tooltip=says
        ),
    ]
    if floor is not None:
        level = alt.Chart(pd.DataFrame({"floor": [floor], "progress": [0.0], "label": [floor_label]}))
        at = alt.Y("floor:Q", title=y, scale=scale)
        lines.append(level.mark_rule(color=NEUTRAL, clip=True).encode(y=at))
        lines.append(level.mark_text(align="left", dy=-8, dx=4, clip=True).encode(x=x, y=at, text="label:N"))
    drawn = alt.LayerChart(layer=lines)
    if rates is None:
        return drawn
    return shaded_rate(drawn, alt.Chart(rates), x, most=float(rates["rate"].max()) or 1.0)

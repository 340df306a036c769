"""Curves over places, one moment of a run at a time behind a slider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.series import need, point_says, told_apart
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy

__all__ = ["over_places"]


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
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` against `x` at one value of the slider's column at a time, on axes that stay.

    `frame` has `x`, `series`, the column that the slider is named after, mean, low, high and n. `sentence` says what is
    then to be seen (see ``ovbook.charts.with_sliders``).
    """
    need(frame, [x, series, slider.name, "mean", "low", "high", "n"], what="places")
    look = told_apart(frame, series)
    domain = [
        float(frame["low"].fillna(frame["mean"]).min()),
        float(frame["high"].fillna(frame["mean"]).max()),
    ]
    scale = alt.Scale(zero=False, domain=domain, nice=True)
    across = alt.X(
        f"{x}:Q",
        title=x_title or x,
        scale=alt.Scale(nice=False, padding=12),
        axis=alt.Axis(grid=False, format=".2~f", values=list(ticks) if ticks else alt.Undefined),
    )
    up = alt.Y("mean:Q", title=y, scale=scale)
    says = point_says(
        alt.Tooltip(f"{series}:N", title=" "), alt.Tooltip(f"{x}:Q", format=".2f", title=x_title or x), mean=y
    )
    base = alt.Chart(frame).transform_filter(slider.at(slider.name))
    chart: Any = alt.layer(
        base.mark_area().encode(
            x=across, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=look["color"]
        ),
        base.mark_line().encode(x=across, y=up, color=look["color"]),
        base.mark_point(opacity=1).encode(
            x=across, y=up, color=look["color"], shape=look["shape"], tooltip=says
        ),
    ).properties(
        title=heading(title, evidence(frame)),
        description=described(description),
        width=width,
        height=height,
    )
    chart = with_sliders(chart, slider, sentence=sentence)
    names = {slider.name: slider.label, series: series, x: x_title or x, "mean": y}
    return noted(chart, table=tidy(frame, names | {"low": "95% from", "high": "95% to", "n": "seeds"}))

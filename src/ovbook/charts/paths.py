"""One measure against another: a path a series, with its points in the order of what was turned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import SHAPES, budget_ramp, cycled
from ovbook.errors import OvbookError

__all__ = ["paths"]


def paths(
    frame: pd.DataFrame,
    *,
    series: str,
    along: str,
    x: str,
    y: str,
    title: str,
    description: str,
    series_title: str | None = None,
    along_title: str | None = None,
    write: Callable[[Any], str] = str,
    log: bool = False,
    zero: bool = True,
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` against `at`, one line a value of `series`, from the smallest value of `along` to the largest.

    `frame` has `series`, `along`, at (the measure on the x axis), mean, low, high and n (``ovbook.stats.summarise``
    makes the last four). `x` and `y` are the axes' titles with their units; `write` puts a value of `series` into the
    words of its label; `log` makes the x axis a log axis, `zero` starts the y axis there. Whiskers are the intervals of `mean`.

    With a `slider` the chart shows one value of the column of the slider's name at a time, on axes that stay, and
    `sentence` says in words what is then to be seen (see ``ovbook.charts.with_sliders``).
    """
    keys = [slider.name] if slider else []
    missing = [name for name in (*keys, series, along, "at", "mean", "low", "high", "n") if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of paths lacks {', '.join(missing) or 'rows'}: summarise the runs first"
        )
    values = sorted(frame[series].unique())
    frame = frame.sort_values([*keys, series, along]).assign(label=frame[series].map(write))
    labels = [write(value) for value in values]
    across = alt.X("at:Q", title=x, scale=alt.Scale(type="log" if log else "linear", zero=False, nice=True))
    up = alt.Y("mean:Q", title=y, scale=alt.Scale(zero=zero, nice=True))
    legend = alt.Legend(orient="bottom", columns=3, title=series_title or series, symbolOpacity=1)
    colour = alt.Color("label:N", scale=alt.Scale(domain=labels, range=budget_ramp(values)), legend=legend)
    shape = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=cycled(SHAPES, values)), legend=legend)
    tooltip = [
        alt.Tooltip("label:N", title=series_title or series),
        alt.Tooltip(f"{along}:Q", title=along_title or along),
        alt.Tooltip("at:Q", format=".3f", title=x),
        alt.Tooltip("mean:Q", format=".3f", title=y),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    drawn = alt.Chart(frame)
    base = drawn.transform_filter(slider.at(slider.name)) if slider else drawn
    layers = [
        base.mark_rule(opacity=0.5, strokeWidth=1.5).encode(
            x=across, y=alt.Y("low:Q", title=y), y2="high:Q", color=colour
        ),
        base.mark_line().encode(x=across, y=up, color=colour, order=alt.Order(f"{along}:Q")),
        base.mark_point(opacity=1).encode(x=across, y=up, color=colour, shape=shape, tooltip=tooltip),
    ]
    if slider:  # the points of all stops, unseen, hold the axes where they are
        layers += [
            drawn.mark_point(opacity=0).encode(x=across, y=alt.Y(f"{end}:Q", title=y))
            for end in ("low", "high")
        ]
    chart = alt.layer(*layers).properties(
        title=heading(title, evidence(frame, "whisker")),
        description=described(description),
        width=width,
        height=height,
    )
    if slider:
        chart = with_sliders(chart, slider, sentence=sentence or slider.write)
    names = ({slider.name: slider.label} if slider else {}) | {
        series: series_title or series,
        along: along_title or along,
        "at": x,
        "mean": y,
    }
    return noted(chart, table=tidy(frame, names | {"low": "95% from", "high": "95% to", "n": "seeds"}))

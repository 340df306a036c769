"""A loss through the epochs of a fine-tuning: lines with bands, and a rule where each epoch ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import NEUTRAL, SHAPES, budget_ramp, cycled
from ovbook.charts.thin import thinned
from ovbook.errors import OvbookError

__all__ = ["through_epochs"]


def through_epochs(
    frame: pd.DataFrame,
    *,
    y: str,
    title: str,
    description: str,
    series: str | None = None,
    series_title: str | None = None,
    colours: Sequence[str] | None = None,
    floor: float | None = None,
    floor_label: str = "floor",
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    x: str = "progress",
    x_title: str = "epochs of training",
    width: int = 530,
    height: int = 300,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against progress in epochs, one line a value of `series`.

    `frame` has `x`, mean, low, high, n (``ovbook.stats.summarise`` of ``in_bins``, or of looks) and `series`. A line breaks at
    every boundary, where a rule stands, so that no slope is drawn across a step. `colours`, one a value of `series` in
    order, where they have a meaning; by default the book's ramp. `floor` draws a level, named by `floor_label`.
    With a `slider` the chart shows one value of the column of the slider's name at a time, on axes that stay.
    """
    keys = [*([slider.name] if slider else []), *([series] if series else [])]
    missing = [name for name in (x, "mean", "low", "high", "n", *keys) if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of epochs lacks {', '.join(missing) or 'rows'}: summarise the rows of in_bins first"
        )
    statement = evidence(frame)
    frame = thinned(frame.sort_values([*keys, x]), x, y=("mean", "low", "high"), series=keys, log=False)
    # A look at a boundary ends the epoch before it; the middle of a stretch never lies on one.
    frame = frame.assign(part=np.maximum(np.ceil(frame[x].round(6)), 1).astype(int))
    last = float(np.ceil(frame[x].max()))
    scale = alt.Scale(zero=False, domain=[float(frame["low"].min()), float(frame["high"].max())], nice=True)
    across = alt.X(
        f"{x}:Q",
        title=x_title,
        scale=alt.Scale(domain=[0, last], nice=False),
        axis=alt.Axis(values=list(range(int(last) + 1)), grid=False),
    )
    up = alt.Y("mean:Q", title=y, scale=scale)
    values = list(dict.fromkeys(frame[series])) if series else []
    colour: Any = alt.value((colours or budget_ramp([0]))[0])
    shape: Any = alt.value(SHAPES[0])
    if series:
        legend = alt.Legend(orient="bottom", columns=3, title=series_title or series, symbolOpacity=1)
        range_ = list(colours) if colours else budget_ramp(values)
        colour = alt.Color(f"{series}:N", scale=alt.Scale(domain=values, range=range_), legend=legend)
        shape = alt.Shape(
            f"{series}:N", scale=alt.Scale(domain=values, range=cycled(SHAPES, values)), legend=legend
        )
    tooltip = [
        *([alt.Tooltip(f"{series}:N", title=series_title or series)] if series else []),
        alt.Tooltip(f"{x}:Q", format=".3f", title=x_title),
        alt.Tooltip("mean:Q", format=".3f", title=y),
        alt.Tooltip("low:Q", format=".3f", title="95% from"),
        alt.Tooltip("high:Q", format=".3f", title="to"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    base = alt.Chart(frame)
    if slider:
        base = base.transform_filter(slider.at(slider.name))
    ends = pd.DataFrame({x: [float(n) for n in range(1, int(last))] or [last]})
    layers: list[alt.Chart] = [
        alt.Chart(ends).mark_rule(color=NEUTRAL, strokeDash=[4, 4]).encode(x=across),
        base.mark_area().encode(
            x=across, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=colour, detail="part:N"
        ),
        base.mark_line().encode(x=across, y=up, color=colour, detail="part:N"),
        base.mark_point(opacity=1, size=22).encode(
            x=across, y=up, color=colour, shape=shape, tooltip=tooltip
        ),
    ]
    if floor is not None:
        level = pd.DataFrame({"floor": [floor], x: [0.0], "label": [floor_label]})
        layers.append(alt.Chart(level).mark_rule(color=NEUTRAL).encode(y=alt.Y("floor:Q", title=y)))
        layers.append(
            alt.Chart(level)
            .mark_text(align="left", dy=-8, dx=4)
            .encode(x=across, y=alt.Y("floor:Q", title=y), text="label:N")
        )
    chart: Any = alt.layer(*layers).properties(
        title=heading(title, statement), description=described(description), width=width, height=height
    )
    names = {series: series_title or series} if series else {}
    names |= {x: x_title, "mean": y, "low": "95% from", "high": "95% to", "n": "seeds"}
    if slider:
        chart = with_sliders(chart, slider, sentence=sentence or slider.write)
        names = {slider.name: slider.label} | names
    return noted(chart, table=tidy(frame, names))

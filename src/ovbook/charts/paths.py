"""One measure against another: a path a series, with its points in the order of what was turned."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import NEUTRAL, SHAPES, budget_ramp, cycled
from ovbook.errors import OvbookError

__all__ = ["paths"]

_FEW = 8
"""Up to so many values on a log axis are written there, each."""


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
    log_y: bool = False,
    loose: bool = False,
    named: bool = False,
    reference: Any = None,
    level: tuple[str, str] | None = None,
    columns: int = 3,
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` against `at`, one line a value of `series`, from the smallest value of `along` to the largest.

    `frame` has `series`, `along`, at (the measure on the x axis), mean, low, high and n (``ovbook.stats.summarise``
    makes the last four). `x` and `y` are the axes' titles with their units; `write` puts a value of `series` into the
    words of its label; `log` makes the x axis a log axis, `zero` starts the y axis there. Whiskers are the intervals of `mean`.

    `log_y` makes the y axis a log axis. `named` writes each path's label at its end. The path of the series `reference` is thick and
    grey: what the others are held against. `level` names a column with a height to draw as a dashed line, and its label.
    The legend has `columns` columns.

    With a `slider` the chart shows one value of the column of the slider's name at a time, and `sentence` says in words
    what is then to be seen (see ``ovbook.charts.with_sliders``). The axes stay, unless they are `loose` and fit each stop.
    The legend says which series are missing at a stop.
    """
    keys = [slider.name] if slider else []
    needed = [*keys, series, along, "at", "mean", "low", "high", "n", *(level[:1] if level else ())]
    missing = [name for name in needed if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of paths lacks {', '.join(missing) or 'rows'}: summarise the runs first"
        )
    values = sorted(frame[series].unique())
    frame = frame.sort_values([*keys, series, along]).assign(label=frame[series].map(write))
    labels = [write(value) for value in values]
    across = _across(frame["at"], x, log)
    scale = alt.Scale(type="log", nice=False) if log_y else alt.Scale(zero=zero, nice=True)
    up = alt.Y("mean:Q", title=y, scale=scale)
    colours = budget_ramp(values)
    if reference in values:
        others = [value for value in values if value != reference]
        ramp = dict(zip(others, budget_ramp(others), strict=True)) | {reference: NEUTRAL}
        colours = [ramp[value] for value in values]
    present: dict[str, Any] = {"labelExpr": _here(frame, slider)} if slider else {}
    legend = alt.Legend(
        orient="bottom", columns=columns, title=series_title or series, symbolOpacity=1, **present
    )
    colour = alt.Color("label:N", scale=alt.Scale(domain=labels, range=colours), legend=legend)
    shape = alt.Shape("label:N", scale=alt.Scale(domain=labels, range=cycled(SHAPES, values)), legend=legend)
    tooltip = [
        alt.Tooltip("label:N", title=series_title or series),
        alt.Tooltip(f"{along}:Q", title=along_title or along),
        alt.Tooltip("at:Q", format=".3f", title=x),
        alt.Tooltip("mean:Q", format=".3f", title=y),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    drawn = alt.Chart(frame)
    if log_y:  # a log axis has no place for an interval's end below zero
        drawn = alt.Chart(frame.assign(low=frame["low"].clip(lower=frame["mean"].min() / 2)))
    base = drawn.transform_filter(slider.at(slider.name)) if slider else drawn
    layers = [
        base.mark_rule(opacity=0.5, strokeWidth=1.5).encode(
            x=across, y=alt.Y("low:Q", title=y), y2="high:Q", color=colour
        ),
        base.mark_line().encode(x=across, y=up, color=colour, order=alt.Order(f"{along}:Q")),
        base.mark_point(opacity=1).encode(x=across, y=up, color=colour, shape=shape, tooltip=tooltip),
    ]
    if reference in values:
        held = base.transform_filter(f"datum.label === {json.dumps(write(reference))}")
        layers.insert(
            0,
            held.mark_line(strokeWidth=6, opacity=0.6).encode(
                x=across, y=up, color=colour, order=alt.Order(f"{along}:Q")
            ),
        )
    if named:
        ends = alt.Chart(_ends(frame, keys, series, along, log_y))
        ends = ends.transform_filter(slider.at(slider.name)) if slider else ends
        layers.append(
            ends.mark_text(align="left", baseline="middle", dx=9).encode(
                x=across, y=alt.Y("place:Q", title=y), text="label:N"
            )
        )
    if level:
        one = frame.groupby(keys, as_index=False).first() if keys else frame.head(1)
        edge = alt.Chart(one.assign(level=level[1]))
        edge = edge.transform_filter(slider.at(slider.name)) if slider else edge
        height_at = alt.Y(f"{level[0]}:Q", title=y)
        layers += [
            edge.mark_rule(strokeDash=[5, 4], color=NEUTRAL).encode(y=height_at),
            edge.mark_text(align="left", dx=4, dy=-8).encode(x=alt.value(0), y=height_at, text="level:N"),
        ]
    if slider and not loose:  # the points of all stops, unseen, hold the axes where they are
        layers += [
            drawn.mark_point(opacity=0).encode(x=across, y=alt.Y(f"{end}:Q", title=y))
            for end in ("low", "mean", "high")
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


def _here(frame: pd.DataFrame, slider: Slider) -> str:
    """The legend's labels, with a word where a series has no points at the slider's stop."""
    present = [sorted(set(frame.loc[frame[slider.name] == stop, "label"])) for stop in slider.values]
    found = f"indexof({json.dumps(present, ensure_ascii=False)}[{slider.index}], datum.label)"
    return f"{found} < 0 ? datum.label + ' (not here)' : datum.label"


def _across(at: pd.Series, title: str, log: bool) -> alt.X:
    """The x axis; a log axis of few values has its ticks at them, and at no others."""
    if not log:
        return alt.X("at:Q", title=title, scale=alt.Scale(zero=False, nice=True))
    values = sorted(float(value) for value in at.dropna().unique())
    if len(values) > _FEW:
        return alt.X("at:Q", title=title, scale=alt.Scale(type="log", nice=True))
    axis = alt.Axis(values=values, labelOverlap=True)
    return alt.X("at:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=10), axis=axis)


def _ends(frame: pd.DataFrame, keys: Sequence[str], series: str, along: str, log: bool) -> pd.DataFrame:
    """The last point of each path, with a place for its label that no label near it covers."""
    ends = frame.sort_values(along).groupby([*keys, series], as_index=False).last()
    parts = [part for _, part in ends.groupby(list(keys))] if keys else [ends]
    placed = []
    for part in parts:
        whole = frame.merge(part[list(keys)].drop_duplicates()) if keys else frame
        height = (lambda v: math.log(v)) if log else float
        spread = 1.2 * (height(whole["mean"].max()) - height(whole["mean"].min()))  # whiskers need room, too
        wide = (whole["at"].max() - whole["at"].min()) or 1.0
        done: list[tuple[float, float]] = []
        places = {}
        upwards = part.sort_values("mean")
        for index, here, mean in zip(upwards.index, upwards["at"], upwards["mean"], strict=True):
            place = height(mean)
            for at, other in sorted(done, key=lambda pair: pair[1]):
                if abs(at - here) < 0.25 * wide and abs(place - other) < 0.05 * spread:
                    place = other + 0.05 * spread
            done.append((here, place))
            places[index] = math.exp(place) if log else place
        placed.append(part.assign(place=pd.Series(places)))
    return pd.concat(placed, ignore_index=True)

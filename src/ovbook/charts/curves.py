"""Curves against tokens: a line and an interval per series, labelled at its end, tokens per parameter on top."""

from __future__ import annotations

import itertools
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.theme import BASE, FLOOR, PERTURBED, budget_ramp
from ovbook.errors import OvbookError

__all__ = ["TOKEN_LABELS", "against_tokens", "with_gamma_slider"]

TOKEN_LABELS = (
    "datum.value >= 1e12 ? format(datum.value / 1e12, '~g') + 'T' : datum.value >= 1e9 ? "
    "format(datum.value / 1e9, '~g') + 'B' : datum.value >= 1e6 ? format(datum.value / 1e6, '~g') + 'M' : "
    "datum.value >= 1e3 ? format(datum.value / 1e3, '~g') + 'k' : format(datum.value, '~r')"
)
_NEEDED = ("tokens", "mean", "low", "high", "n")


def _check(frame: pd.DataFrame, *extra: str) -> None:
    missing = [name for name in (*_NEEDED, *extra) if name not in frame]
    if missing:
        raise OvbookError(
            f"the table has no column {', '.join(missing)}: a chart needs {', '.join((*_NEEDED, *extra))} "
            f"(ovbook.stats.summarise makes them)"
        )
    if frame.empty:
        raise OvbookError("the table is empty: a chart needs at least one row; check the filters before it")


def _tokens_axis(frame: pd.DataFrame) -> alt.X:
    ticks = sorted(float(t) for t in frame["tokens"].unique())
    return alt.X(
        "tokens:Q",
        scale=alt.Scale(type="log", base=2, domain=[ticks[0], ticks[-1]], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=TOKEN_LABELS, grid=False, labelOverlap=True),
        title="pre-training tokens (log scale)",
    )


def _per_parameter_axis(frame: pd.DataFrame, parameters: int) -> alt.Chart:
    """An invisible layer whose only visible part is its axis at the top."""
    ticks = sorted(float(t) / parameters for t in frame["tokens"].unique())
    return (
        alt.Chart(pd.DataFrame({"per_parameter": ticks}))
        .mark_rule(opacity=0)
        .encode(
            alt.X(
                "per_parameter:Q",
                scale=alt.Scale(type="log", base=2, domain=[ticks[0], ticks[-1]], nice=False),
                axis=alt.Axis(values=ticks, format=",.2~r", orient="top", grid=False, labelOverlap=True),
                title="tokens per parameter",
            )
        )
    )


def _apart(values: list[float], gap: float) -> list[float]:
    """Places for labels: each at its value where there is room, else pushed up so that none covers another."""
    places = dict.fromkeys(range(len(values)), 0.0)
    below = -float("inf")
    for index in sorted(range(len(values)), key=values.__getitem__):
        below = places[index] = max(values[index], below + gap)
    return list(places.values())


def against_tokens(
    frame: pd.DataFrame,
    *,
    y: str,
    title: str,
    description: str,
    series: str | None = None,
    series_title: str | None = None,
    parameters: int | None = None,
    floor: float | None = None,
    colour: str = BASE,
    zero: bool = False,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against `tokens`, one line a value of `series`.

    `frame` has the columns tokens, mean, low, high, n (see ``ovbook.stats.summarise``). `y` is the axis title
    with its unit; `parameters` adds the axis of tokens per parameter; `floor` draws what no model can beat.
    `description` is the sentence for those who cannot see the chart, and may not be empty.
    """
    _check(frame, *([series] if series else []))
    if not description.strip():
        raise OvbookError("the chart has no description: give one sentence for those who cannot see it")
    x = _tokens_axis(frame)
    mean = alt.Y("mean:Q", title=y, scale=alt.Scale(zero=zero))
    if series:
        values = sorted(frame[series].unique())
        colours: Any = alt.Color(
            f"{series}:O", scale=alt.Scale(domain=values, range=budget_ramp(values)), legend=None
        )
    else:
        colours = alt.value(colour)
    tooltip = [
        *([alt.Tooltip(f"{series}:O", title=series_title or series)] if series else []),
        alt.Tooltip("tokens:Q", format=",.0f"),
        alt.Tooltip("mean:Q", format=".3f", title="mean"),
        alt.Tooltip("low:Q", format=".3f", title="95% from"),
        alt.Tooltip("high:Q", format=".3f", title="to"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    base = alt.Chart(frame)
    layers: list[alt.Chart] = [
        base.mark_area().encode(
            x=x, y=alt.Y("low:Q", title=y, scale=alt.Scale(zero=zero)), y2="high:Q", color=colours
        ),
        base.mark_line(point=True).encode(x=x, y=mean, color=colours, tooltip=tooltip),
    ]
    if series:
        name = series_title or series
        ends = frame[frame["tokens"] == frame["tokens"].max()].copy()
        ends["label"] = [
            f"{name} {value:g}" if isinstance(value, float) else str(value) for value in ends[series]
        ]
        ends["place"] = _apart(ends["mean"].tolist(), 0.05 * float(frame["high"].max() - frame["low"].min()))
        layers.append(
            alt.Chart(ends)
            .mark_text(align="left", dx=8, clip=False)
            .encode(
                x=x, y=alt.Y("place:Q", title=y, scale=alt.Scale(zero=zero)), text="label:N", color=colours
            )
        )
    if floor is not None:
        edge = pd.DataFrame({"floor": [floor], "tokens": [frame["tokens"].min()], "label": ["entropy floor"]})
        layers.append(alt.Chart(edge).mark_rule(strokeDash=[5, 4], color=FLOOR).encode(y="floor:Q"))
        layers.append(
            alt.Chart(edge)
            .mark_text(align="left", dy=-7, dx=4, color=FLOOR)
            .encode(x=x, y="floor:Q", text="label:N")
        )
    chart = alt.layer(*layers)
    if parameters:
        chart = alt.layer(chart, _per_parameter_axis(frame, parameters)).resolve_scale(x="independent")
    return chart.properties(title=title, description=description, width=width, height=height)


def with_gamma_slider(
    frame: pd.DataFrame, *, y: str, title: str, description: str, start: float, parameters: int | None = None
) -> alt.TopLevelMixin:
    """The base model's curve and, behind a slider over gamma, the perturbed model's: no kernel needed.

    `frame` has the columns of `against_tokens` and gamma, evenly spaced from 0; the slider steps through the
    values that were run and shows nothing between them. The table is drawn as it is: nothing is interpolated.
    """
    _check(frame, "gamma")
    gammas = sorted(float(g) for g in frame["gamma"].unique())
    steps = {round(b - a, 6) for a, b in itertools.pairwise(gammas)}
    if len(gammas) < 2 or len(steps) != 1:
        raise OvbookError(
            f"the slider needs evenly spaced values of gamma, not {gammas}: add the missing ones"
        )
    slider = alt.param(
        name="gamma",
        value=start,
        bind=alt.binding_range(min=gammas[0], max=gammas[-1], step=steps.pop(), name="noise γ "),
    )
    chosen = frame.assign(which="after noise")
    base = frame[frame["gamma"] == gammas[0]].assign(which="base model")
    x = _tokens_axis(frame)
    scale = alt.Scale(zero=False, domain=[float(frame["low"].min()), float(frame["high"].max())], nice=True)
    mean = alt.Y("mean:Q", title=y, scale=scale)
    near = f"abs(datum.gamma - gamma) < {1e-3}"
    moving = alt.Chart(chosen).transform_filter(near)
    last = float(frame["tokens"].max())
    tooltip = [
        alt.Tooltip("gamma:Q", title="noise γ"),
        alt.Tooltip("tokens:Q", format=",.0f"),
        alt.Tooltip("mean:Q", format=".3f"),
        alt.Tooltip("low:Q", format=".3f", title="95% from"),
        alt.Tooltip("high:Q", format=".3f", title="to"),
        alt.Tooltip("n:Q", title="seeds"),
    ]
    lowest = (
        moving.transform_joinaggregate(best="min(mean)")
        .transform_filter("datum.mean == datum.best")
        .mark_point(shape="diamond", size=220, filled=False, strokeWidth=2.5, color=PERTURBED)
        .encode(x=x, y=mean, tooltip=tooltip)
    )
    chart = alt.layer(
        alt.Chart(base)
        .mark_line(color=BASE, point=alt.OverlayMarkDef(color=BASE))
        .encode(x=x, y=mean, tooltip=tooltip),
        alt.Chart(base[base["tokens"] == last])
        .mark_text(align="left", dx=8, color=BASE)
        .encode(x=x, y=mean, text="which:N"),
        moving.mark_area(color=PERTURBED).encode(x=x, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q"),
        moving.mark_line(color=PERTURBED, point=alt.OverlayMarkDef(color=PERTURBED)).encode(
            x=x, y=mean, tooltip=tooltip
        ),
        moving.transform_filter(f"datum.tokens == {last:.0f}")
        .mark_text(align="left", dx=8, color=PERTURBED)
        .encode(x=x, y=mean, text="which:N"),
        lowest,
    ).add_params(slider)
    if parameters:
        chart = alt.layer(chart, _per_parameter_axis(frame, parameters)).resolve_scale(x="independent")
    return chart.properties(title=title, description=description, width=530, height=340)

"""Curves against tokens: a line and an interval per series, labelled at its end, tokens per parameter on top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.series import point_says
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import BASE, FLOOR, PERTURBED, SHAPES, budget_ramp, cycled, tokens_label
from ovbook.charts.thin import thinned
from ovbook.errors import OvbookError

__all__ = ["TOKEN_LABELS", "against_tokens", "described", "with_gamma_slider"]

TOKEN_LABELS = (
    "datum.value >= 1e12 ? format(datum.value / 1e12, '~g') + 'T' : datum.value >= 1e9 ? "
    "format(datum.value / 1e9, '~g') + 'B' : datum.value >= 1e6 ? format(datum.value / 1e6, '~g') + 'M' : "
    "datum.value >= 1e3 ? format(datum.value / 1e3, '~g') + 'k' : format(datum.value, '~r')"
)
_NEEDED = ("tokens", "mean", "low", "high", "n")
_WIDTH, _HEIGHT = 530, 320
_LETTERS = 16
"""Labels at the ends of lines are cut to this length, so that a phone keeps room for the lines."""


def described(description: str) -> str:
    """Return `description`; raise `OvbookError` when it says nothing."""
    if not description.strip():
        raise OvbookError("the chart has no description: give one sentence for those who cannot see it")
    return description


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
    """Places for labels, at least `gap` apart, as near to their values as that allows."""
    order = sorted(range(len(values)), key=values.__getitem__)
    groups: list[tuple[float, int]] = []  # middle and size of labels that touch
    for index in order:
        middle, size = values[index], 1
        while groups and middle - (size - 1) * gap / 2 - groups[-1][0] - (groups[-1][1] - 1) * gap / 2 < gap:
            other, count = groups.pop()
            middle, size = (middle * size + other * count) / (size + count), size + count
        groups.append((middle, size))
    places = [middle + (k - (size - 1) / 2) * gap for middle, size in groups for k in range(size)]
    return [places[order.index(i)] for i in range(len(values))]


def _said(value: Any, name: str) -> str:
    text = f"{name} {value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"


def _ends(frame: pd.DataFrame, label: Callable[[pd.Series], str], spread: float) -> pd.DataFrame:
    """One row for the end of each line: its label, and a place for it that no other label covers."""
    ends = frame[frame["tokens"] == frame["tokens"].max()].dropna(subset=["mean"]).copy()
    ends["label"] = [label(row) for _, row in ends.iterrows()]
    ends["place"] = _apart(ends["mean"].tolist(), 0.052 * spread)
    return ends


def _says(*first: alt.Tooltip) -> list[alt.Tooltip]:
    return point_says(*first, alt.Tooltip("tokens:Q", format=",.0f"))


def _columns(y: str, series: str | None, series_title: str | None) -> dict[str, str]:
    first = {series: series_title or series} if series else {}
    return first | {
        "tokens": "pre-training tokens",
        "mean": y,
        "low": "95% from",
        "high": "95% to",
        "n": "seeds",
    }


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
    slider: Slider | None = None,
    sentence: Callable[[Any], str] | None = None,
    width: int = _WIDTH,
    height: int = _HEIGHT,
) -> alt.TopLevelMixin:
    """Lines of `mean` with bands from `low` to `high` against `tokens`, one line a value of `series`.

    `frame` has the columns tokens, mean, low, high, n (see ``ovbook.stats.summarise``); long curves are thinned
    (see ``ovbook.charts.thin``). `y` is the axis title with its unit; `parameters` adds the axis of tokens per
    parameter; `floor` draws what no model can beat. `description` is the sentence for those who cannot see the
    chart, and may not be empty. Series differ in colour and in the shape of their points, and are labelled at
    their ends; n and the meaning of the bands stand under the title; the table travels with the chart.

    With a `slider` the chart shows one value of the column of the slider's name at a time, on axes that stay, and
    `sentence` says in words what is then to be seen (see ``ovbook.charts.with_sliders``).
    """
    keys = [*([slider.name] if slider else []), *([series] if series else [])]
    _check(frame, *keys)
    statement = evidence(frame)
    frame = thinned(frame, "tokens", y=("mean", "low", "high"), series=keys)
    x = _tokens_axis(frame)
    scale = alt.Scale(zero=zero)
    if slider:
        lowest = min(0.0, float(frame["low"].min())) if zero else float(frame["low"].min())
        scale = alt.Scale(zero=zero, domain=[lowest, float(frame["high"].max())], nice=True)
    mean = alt.Y("mean:Q", title=y, scale=scale)
    colours: Any = alt.value(colour)
    shapes: Any = alt.value(SHAPES[0])
    name = series_title or series or ""
    if series:
        values = sorted(frame[series].unique())
        colours = alt.Color(
            f"{series}:O", scale=alt.Scale(domain=values, range=budget_ramp(values)), legend=None
        )
        shapes = alt.Shape(
            f"{series}:N", scale=alt.Scale(domain=values, range=cycled(SHAPES, values)), legend=None
        )
    tooltip = _says(*([alt.Tooltip(f"{series}:O", title=name)] if series else []))

    def drawn(data: pd.DataFrame) -> alt.Chart:
        chart = alt.Chart(data)
        return chart.transform_filter(slider.at(slider.name)) if slider else chart

    base = drawn(frame)
    layers: list[alt.Chart] = [
        base.mark_area().encode(x=x, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q", color=colours),
        base.mark_line().encode(x=x, y=mean, color=colours),
        base.mark_point(opacity=1).encode(x=x, y=mean, color=colours, shape=shapes, tooltip=tooltip),
    ]
    if series:
        lowest = min(0.0, frame["low"].min()) if zero else frame["low"].min()
        spread = float(frame["high"].max() - lowest)
        shown = [part for _, part in frame.groupby(slider.name, sort=False)] if slider else [frame]
        ends = pd.concat([_ends(part, lambda row: _said(row[series], name), spread) for part in shown])
        place = alt.Y("place:Q", title=y, scale=scale)
        keyed = drawn(ends)
        layers += [
            keyed.mark_point(xOffset=12, size=40, opacity=1).encode(
                x=x, y=place, color=colours, shape=shapes
            ),
            keyed.mark_text(align="left", baseline="middle", dx=20).encode(x=x, y=place, text="label:N"),
        ]
    if floor is not None:
        edge = pd.DataFrame({"floor": [floor], "tokens": [frame["tokens"].min()], "label": ["entropy floor"]})
        layers.append(alt.Chart(edge).mark_rule(strokeDash=[5, 4], color=FLOOR).encode(y="floor:Q"))
        layers.append(
            alt.Chart(edge).mark_text(align="left", dy=-8, dx=4).encode(x=x, y="floor:Q", text="label:N")
        )
    chart = alt.layer(*layers)
    if parameters:
        chart = alt.layer(chart, _per_parameter_axis(frame, parameters)).resolve_scale(x="independent")
    chart = chart.properties(
        title=heading(title, statement), description=described(description), width=width, height=height
    )
    names = _columns(y, series, series_title)
    if slider:
        chart = with_sliders(chart, slider, sentence=sentence or slider.write)
        names = {slider.name: slider.label} | names
    return noted(chart, table=tidy(frame, names))


def with_gamma_slider(
    frame: pd.DataFrame, *, y: str, title: str, description: str, start: float, parameters: int | None = None
) -> alt.TopLevelMixin:
    """The base model's curve and, behind a slider over gamma, the perturbed model's: no kernel needed.

    `frame` has the columns of `against_tokens` and gamma, from the base model's (the smallest) upwards; the
    slider stops at the values that were run and shows nothing between them. The table is drawn as it is:
    nothing is interpolated. The two curves differ in colour, dash and shape, and say which they are.
    """
    _check(frame, "gamma")
    statement = evidence(frame)
    frame = thinned(frame, "tokens", y=("mean", "low", "high"), series=["gamma"])
    gamma = Slider("gamma", frame["gamma"], label="noise", write=lambda value: f"γ = {value:g}", start=start)
    base = frame[frame["gamma"] == gamma.values[0]].assign(which="base model")
    x = _tokens_axis(frame)
    scale = alt.Scale(zero=False, domain=[float(frame["low"].min()), float(frame["high"].max())], nice=True)
    mean = alt.Y("mean:Q", title=y, scale=scale)
    moving = alt.Chart(frame).transform_filter(gamma.at("gamma"))
    last = frame["tokens"].max()
    tooltip = _says(alt.Tooltip("gamma:Q", title="noise γ"))
    spread = float(frame["high"].max() - frame["low"].min())
    # Where the curves end close together, the moving label steps aside upwards.
    bottom = float(base.loc[base["tokens"] == last, "mean"].iloc[0])
    lowest = (
        moving.transform_joinaggregate(best="min(mean)")
        .transform_filter("datum.mean == datum.best")
        .mark_point(shape="circle", size=260, filled=False, strokeWidth=2.5, color=PERTURBED)
        .encode(x=x, y=mean, tooltip=tooltip)
    )
    chart = alt.layer(
        alt.Chart(base).mark_line(color=BASE).encode(x=x, y=mean),
        alt.Chart(base).mark_point(color=BASE, opacity=1).encode(x=x, y=mean, tooltip=tooltip),
        alt.Chart(base[base["tokens"] == last])
        .mark_text(align="left", baseline="middle", dx=10)
        .encode(x=x, y=mean, text="which:N"),
        moving.mark_area(color=PERTURBED).encode(x=x, y=alt.Y("low:Q", title=y, scale=scale), y2="high:Q"),
        moving.mark_line(color=PERTURBED, strokeDash=[7, 3]).encode(x=x, y=mean),
        moving.mark_point(color=PERTURBED, shape="diamond", size=80, opacity=1).encode(
            x=x, y=mean, tooltip=tooltip
        ),
        moving.transform_filter(f"datum.tokens == {last:.0f}")
        .transform_calculate(
            place=f"max(datum.mean, {bottom + 0.055 * spread!r})",
            which=f"datum.gamma === {gamma.values[0]!r} ? '' : 'after noise'",
        )
        .mark_text(align="left", baseline="middle", dx=10)
        .encode(x=x, y=alt.Y("place:Q", title=y, scale=scale), text="which:N"),
        lowest,
    )
    if parameters:
        chart = alt.layer(chart, _per_parameter_axis(frame, parameters)).resolve_scale(x="independent")
    chart = chart.properties(
        title=heading(title, statement), description=described(description), width=_WIDTH, height=_HEIGHT
    )

    def sentence(value: float) -> str:
        curve = frame[frame["gamma"] == value].set_index("tokens")["mean"].dropna()
        if curve.empty:
            return f"γ = {value:g}: every seed diverged."
        best, at = float(curve.min()), float(curve.index[int(curve.argmin())])
        if at == last:
            return f"γ = {value:g}: lowest loss {best:.2f}, at the last budget, {tokens_label(at)} tokens."
        end = f"; {curve[last]:.2f} at {tokens_label(float(last))}" if last in curve else ""
        return f"γ = {value:g}: lowest loss {best:.2f} at {tokens_label(at)} tokens{end}."

    chart = with_sliders(chart, gamma, sentence=sentence)
    return noted(chart, table=tidy(frame, _columns(y, "gamma", "noise γ")))

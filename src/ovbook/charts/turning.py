"""Where curves turn: one mark a seed, arrows where only a bound is known."""

from __future__ import annotations

import json
from collections.abc import Sequence

import altair as alt
import pandas as pd

from ovbook.charts.curves import TOKEN_LABELS, described
from ovbook.charts.notes import heading, noted
from ovbook.charts.table import tidy
from ovbook.charts.theme import BASE, BUDGETS, NEUTRAL, PERTURBED, TUNED, cycled
from ovbook.errors import OvbookError

__all__ = ["turning_points"]

_SHAPES = {"turns here": "circle", "no later than": "triangle-down", "no earlier than": "triangle-up"}
_SIGNS = {"=": "turns here", "<=": "no later than", ">=": "no earlier than"}


def turning_points(
    frame: pd.DataFrame,
    *,
    x: str,
    x_title: str,
    budgets: Sequence[float],
    title: str,
    description: str,
    width: int = 530,
    height: int = 320,
) -> alt.TopLevelMixin:
    """Inflection budgets against `x` on two log axes: a mark per row, the geometric mean where all are known.

    `frame` has `x`, seed, world, tokens and sign ("=", "<=" or ">=", see ``ovbook.stats.inflection``); `budgets`
    were run, and label the axis. Bounds are triangles; worlds have colours and places of their own, side by side.
    """
    missing = [name for name in (x, "seed", "world", "tokens", "sign") if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of turning points lacks {', '.join(missing) or 'rows'}: run the curves first"
        )
    data = frame.assign(kind=frame["sign"].map(_SIGNS), world=frame["world"].map(str)).dropna(subset=["kind"])
    whole = data.groupby(x).filter(lambda group: (group["sign"] == "=").all())
    levels = sorted(float(value) for value in data[x].unique())
    across = alt.X(
        f"{x}:Q",
        scale=alt.Scale(type="log", base=2, domain=[levels[0] * 0.93, levels[-1] * 1.08], nice=False),
        axis=alt.Axis(values=levels, format="~g", grid=False, labelOverlap=True),
        title=x_title,
    )
    up = alt.Y(
        "tokens:Q",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(values=list(budgets), labelExpr=TOKEN_LABELS),
        title="budget with the lowest loss (tokens, log scale)",
    )
    worlds = sorted(data["world"].unique())
    # Worlds stand side by side, left and right of their place, so that colour is not all that parts them.
    apart = {world: 9.0 * (i - (len(worlds) - 1) / 2) for i, world in enumerate(worlds)}
    bounds = bool((data["sign"] != "=").any())
    shape = alt.Shape(
        "kind:N",
        title="one mark a seed",
        scale=alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values())),
        legend=alt.Legend(orient="bottom", symbolFillColor=NEUTRAL, symbolStrokeColor=NEUTRAL)
        if bounds
        else None,
    )
    sides = {2: ("left", "right"), 3: ("left", "middle", "right")}.get(len(worlds), ("",) * len(worlds))
    named = {world: f"{world} ({side})" if side else world for world, side in zip(worlds, sides, strict=True)}
    colour = alt.Color(
        "world:N",
        scale=alt.Scale(domain=worlds, range=cycled((BASE, PERTURBED, TUNED, BUDGETS[-1]), worlds)),
        legend=alt.Legend(orient="bottom", title="world", labelExpr=f"{json.dumps(named)}[datum.label]")
        if len(worlds) > 1
        else None,
    )
    tooltip = [x, "world", "seed", alt.Tooltip("tokens:Q", format=",.0f"), alt.Tooltip("kind:N", title="")]
    layers: list[alt.Chart] = [
        alt.Chart(data[data["world"] == world])
        .mark_point(size=55, opacity=0.8, xOffset=apart[world])
        .encode(x=across, y=up, shape=shape, color=colour, tooltip=tooltip)
        for world in worlds
    ]
    if len(whole):
        line = alt.Chart(whole)
        layers.insert(
            0,
            line.transform_calculate(log="log(datum.tokens) / log(2)")
            .transform_aggregate(mean="mean(log)", groupby=[x])
            .transform_calculate(tokens="pow(2, datum.mean)")
            .mark_line(color=NEUTRAL, strokeDash=[7, 3])
            .encode(x=across, y=up),
        )
    seeds = data["seed"].nunique()
    statement = (
        f"n = {seeds} seed{'' if seeds == 1 else 's'}"
        + (f" in each of {len(worlds)} worlds" if len(worlds) > 1 else "")
        + "; one mark each, no interval"
        + ("; dashed: geometric mean" if len(whole) else "")
    )
    chart = alt.layer(*layers).properties(
        title=heading(title, statement), description=described(description), width=width, height=height
    )
    columns = {
        x: x_title.removesuffix(" (log scale)"),
        "world": "world",
        "seed": "seed",
        "kind": "the curve",
        "tokens": "budget (tokens)",
    }
    return noted(chart, table=tidy(data, columns))

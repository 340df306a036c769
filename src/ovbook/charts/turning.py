"""Where curves turn: one mark a seed, arrows where only a bound is known."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from ovbook.charts.curves import TOKEN_LABELS
from ovbook.charts.theme import BASE, PERTURBED
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

    `frame` has `x`, seed, world, tokens and sign ("=", "<=" or ">=", see ``ovbook.stats.inflection``); `budgets` were run, and label
    the axis. Worlds have
    hues of their own.
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
        scale=alt.Scale(type="log", base=2, zero=False),
        axis=alt.Axis(values=list(budgets), labelExpr=TOKEN_LABELS),
        title="budget with the lowest loss (tokens, log scale)",
    )
    worlds = sorted(data["world"].unique())
    marks = (
        alt.Chart(data)
        .mark_point(size=55, opacity=0.75)
        .encode(
            x=across,
            y=up,
            shape=alt.Shape(
                "kind:N",
                title="one mark a seed",
                scale=alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values())),
                legend=alt.Legend(orient="bottom", symbolFillColor="#888888", symbolStrokeColor="#888888"),
            ),
            color=alt.Color(
                "world:N",
                title="world",
                scale=alt.Scale(domain=worlds, range=[BASE, PERTURBED, "#009E73", "#CC79A7"]),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=[
                x,
                "world",
                "seed",
                alt.Tooltip("tokens:Q", format=",.0f"),
                alt.Tooltip("kind:N", title=""),
            ],
        )
    )
    layers: list[alt.Chart] = [marks]
    if len(whole):
        line = alt.Chart(whole.assign(log=whole["tokens"].map(float)))
        layers.insert(
            0,
            line.transform_calculate(log="log(datum.tokens) / log(2)")
            .transform_aggregate(mean="mean(log)", groupby=[x])
            .transform_calculate(tokens="pow(2, datum.mean)")
            .mark_line(color="#888888")
            .encode(x=across, y=up),
        )
    return alt.layer(*layers).properties(title=title, description=description, width=width, height=height)

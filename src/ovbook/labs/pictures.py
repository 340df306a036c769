"""What the labs draw: one model's loss against the size of the noise, or through epochs under a drawn schedule."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from ovbook.charts.curves import described
from ovbook.charts.epochs import epoch_layers
from ovbook.charts.notes import heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import BASE, PERTURBED, tokens_label

__all__ = ["STATEMENT", "inline", "noise_picture", "noise_twin", "schedule_picture"]

STATEMENT = "n = 1 model, 1 draw of noise of each size; no interval"
_COLUMNS = {
    "tokens": "pre-training tokens",
    "gamma": "noise γ",
    "loss": "loss (nats per token)",
    "text": "text",
}


def inline(chart: alt.TopLevelMixin) -> str:
    """`chart` as an <img> of SVG on white, with its description: what a widget can hold without a script."""
    import vl_convert

    drawn = chart.to_dict() | {"background": "white"}
    picture = base64.b64encode(vl_convert.vegalite_to_svg(drawn).encode()).decode()
    return (
        f"<img alt='{html.escape(drawn['description'], quote=True)}' style='max-width: 100%' "
        f"src='data:image/svg+xml;base64,{picture}'>"
    )


def _layers(curve: alt.Chart, here: alt.Chart, frame: pd.DataFrame) -> Any:
    stops = sorted({float(gamma) for gamma in frame["gamma"]})
    x = alt.X(
        "gamma:Q", title="size of the noise γ", axis=alt.Axis(values=stops, format="~g", labelOverlap=True)
    )
    domain = [float(frame["loss"].min()), float(frame["loss"].max())]
    y = alt.Y("loss:Q", title="loss (nats per token)", scale=alt.Scale(zero=False, domain=domain, nice=True))
    tip = [alt.Tooltip("gamma:Q", title="noise γ"), alt.Tooltip("loss:Q", format=".2f", title="loss")]
    return alt.layer(
        curve.mark_line(color=BASE).encode(x=x, y=y),
        curve.mark_point(color=BASE, opacity=1).encode(x=x, y=y, tooltip=tip),
        here.mark_point(shape="diamond", size=170, color=PERTURBED, opacity=1).encode(x=x, y=y, tooltip=tip),
        here.transform_calculate(said="format(datum.loss, '.2f')")
        .mark_text(align="right", dx=-11, dy=-9)
        .encode(x=x, y=y, text="said:N"),
    )


def noise_picture(frame: pd.DataFrame, *, gamma: float, title: str, width: int = 420) -> alt.TopLevelMixin:
    """The curve of one model (columns gamma, loss) with a diamond at `gamma`, which is one of its rows."""
    here = frame[frame["gamma"] == gamma]
    said = f"{float(here['loss'].iloc[0]):.2f}"
    return _layers(alt.Chart(frame), alt.Chart(here), frame).properties(
        title=heading(title, STATEMENT, width=width + 60),
        description=described(
            f"Loss of one model against the size of the noise; at γ = {gamma:g} it is {said}."
        ),
        width=width,
        height=220,
    )


def noise_twin(
    frame: pd.DataFrame, *, start: tuple[int, float], title: str, description: str
) -> alt.TopLevelMixin:
    """The lab without a kernel: sliders over budget and noise, the loss as a curve, the text in words.

    `frame` has one row for each budget and size of noise: tokens, gamma, loss, text.
    """
    budget = Slider(
        "tokens",
        frame["tokens"],
        label="pre-trained on",
        write=lambda t: f"{tokens_label(t)} tokens",
        start=start[0],
    )
    gamma = Slider("gamma", frame["gamma"], label="noise", write=lambda g: f"γ = {g:g}", start=start[1])
    drawn = alt.Chart(frame[["tokens", "gamma", "loss"]]).transform_filter(budget.at("tokens"))
    chart = _layers(drawn, drawn.transform_filter(gamma.at("gamma")), frame).properties(
        title=heading(title, STATEMENT), description=described(description), width=530, height=260
    )
    chart = with_sliders(chart, budget, gamma, sentence=_sentence(frame))
    return noted(chart, table=tidy(frame, _COLUMNS))


def _sentence(frame: pd.DataFrame) -> Callable[[int, float], str]:
    rows = {(row["tokens"], row["gamma"]): row for row in frame.to_dict("records")}

    def sentence(tokens: int, gamma: float) -> str:
        row = rows[tokens, gamma]
        return f"{tokens_label(tokens)} tokens, γ = {gamma:g}: loss {row['loss']:.2f}. The model writes:\n{row['text']}"

    return sentence


def schedule_picture(
    curves: pd.DataFrame, rates: pd.DataFrame, *, title: str, description: str, width: int = 460
) -> alt.TopLevelMixin:
    """Curves (columns series, progress, mean) of one run through its epochs, its rate (progress, rate) behind them."""
    return epoch_layers(curves, y="loss (nats per answer)", series="series", rates=rates).properties(
        title=heading(title, "n = 1 model, 1 run; no interval", width=width + 60),
        description=described(description),
        width=width,
        height=240,
    )

"""Text behind a slider: what a model writes after each budget, with no kernel."""

from __future__ import annotations

import textwrap

import altair as alt
import pandas as pd

from ovbook.charts.theme import tokens_label
from ovbook.errors import OvbookError

__all__ = ["reading_slider"]


def reading_slider(
    frame: pd.DataFrame, *, title: str, description: str, width: int = 60
) -> alt.TopLevelMixin:
    """Show the `text` of one row of `frame` (columns tokens, text) at a time, chosen by a slider over the rows."""
    missing = [name for name in ("tokens", "text") if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of texts lacks {', '.join(missing) or 'rows'}: sample from the models first"
        )
    data = frame.sort_values("tokens").reset_index(drop=True)
    data = pd.DataFrame(
        {
            "step": data.index + 1,
            "heading": [f"after {tokens_label(tokens)} tokens" for tokens in data["tokens"]],
            "lines": [textwrap.wrap(text, width) for text in data["text"]],
        }
    )
    slider = alt.param(
        name="budget",
        value=1,
        bind=alt.binding_range(min=1, max=len(data), step=1, name="training, from shortest to longest "),
    )
    chosen = alt.Chart(data).transform_filter("datum.step == budget")
    heading = chosen.mark_text(fontWeight=600, fontSize=14, align="left", baseline="top").encode(
        x=alt.value(0), y=alt.value(0), text="heading:N"
    )
    body = chosen.mark_text(fontSize=14, lineHeight=20, align="left", baseline="top").encode(
        x=alt.value(0), y=alt.value(26), text="lines:N"
    )
    most = int(data["lines"].map(len).max())
    return (
        alt.layer(heading, body)
        .add_params(slider)
        .properties(title=title, description=description, width=460, height=30 + 20 * most)
    )

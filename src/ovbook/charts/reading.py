"""Text behind a slider: what a model writes after each budget, with no kernel."""

from __future__ import annotations

import textwrap

import altair as alt
import pandas as pd

from ovbook.charts.notes import heading, noted
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.table import tidy
from ovbook.charts.theme import tokens_label
from ovbook.errors import OvbookError

__all__ = ["reading_slider"]


def reading_slider(
    frame: pd.DataFrame, *, title: str, description: str, width: int = 60
) -> alt.TopLevelMixin:
    """Show the `text` of one row of `frame` (columns tokens, text) at a time, chosen by a slider over the rows.

    A live notebook draws the text; on a page it is text, to be selected and heard, under the same slider.
    """
    missing = [name for name in ("tokens", "text") if name not in frame]
    if missing or frame.empty:
        raise OvbookError(
            f"the table of texts lacks {', '.join(missing) or 'rows'}: sample from the models first"
        )
    data = frame.sort_values("tokens").drop_duplicates("tokens")
    texts = dict(zip(data["tokens"], data["text"], strict=True))
    heads = {tokens: f"after {tokens_label(tokens)} tokens" for tokens in texts}
    budget = Slider(
        "tokens", texts, label="trained on", write=lambda t: f"{tokens_label(t)} tokens", start=min(texts)
    )
    drawn = pd.DataFrame(
        {
            "tokens": list(texts),
            "heading": list(heads.values()),
            "lines": [textwrap.wrap(text, width) for text in texts.values()],
        }
    )
    chosen = alt.Chart(drawn).transform_filter(budget.at("tokens"))
    first = chosen.mark_text(fontWeight=600, fontSize=14, align="left", baseline="top").encode(
        x=alt.value(0), y=alt.value(0), text="heading:N"
    )
    body = chosen.mark_text(fontSize=14, lineHeight=20, align="left", baseline="top").encode(
        x=alt.value(0), y=alt.value(26), text="lines:N"
    )
    most = int(drawn["lines"].map(len).max())
    statement = f"n = 1 model a budget, {len(texts)} budgets, one sample each; no interval"
    chart = alt.layer(first, body).properties(
        title=heading(title, statement), description=description, width=460, height=30 + 20 * most
    )
    chart = with_sliders(chart, budget, sentence=lambda t: f"{heads[t]}\n{texts[t]}", instead=True)
    return noted(chart, table=tidy(data, {"tokens": "pre-training tokens", "text": "text"}))

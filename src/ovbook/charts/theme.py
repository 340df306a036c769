"""The palette and the Altair theme of the whole book.

Colours are Okabe and Ito's, which readers with the common colour-vision deficiencies can tell apart, at
lightnesses that keep a 3:1 contrast on white and on the dark page. Axis and text colours are left to the page,
which knows whether it is dark; charts have no background of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

__all__ = ["BASE", "BUDGETS", "FLOOR", "PERTURBED", "TUNED", "budget_ramp", "tokens_label"]

BASE = "#0072B2"
"""The base model, and old data."""
PERTURBED = "#D55E00"
"""The same model after noise."""
TUNED = "#009E73"
"""The same model after fine-tuning, and new data."""
FLOOR = "#7F7F7F"
"""What no model can beat: the entropy of the process."""
BUDGETS = ("#5B8FD6", "#3E9BA8", "#3FA66B", "#94A13B", "#CC8F2C", "#D6673B", "#C64A6B", "#A04E9E")
"""From few tokens (or little noise) to many: eight steps, distinguishable in order on light and dark pages."""


def budget_ramp(values: Sequence[Any]) -> list[str]:
    """Return one colour per value, spread over the ordered ramp (first = least, last = most)."""
    if len(values) <= 1:
        return [BUDGETS[0]][: len(values)]
    last = len(BUDGETS) - 1
    return [BUDGETS[round(i * last / (len(values) - 1))] for i in range(len(values))]


def tokens_label(tokens: float) -> str:
    """Write a token count the way people say it.

    >>> [tokens_label(n) for n in (800, 250_000, 1_000_000, 2_500_000, 3e12)]
    ['800', '250k', '1M', '2.5M', '3T']
    """
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if tokens >= size:
            return f"{tokens / size:.3g}{letter}"
    return f"{tokens:.3g}"


@alt.theme.register("ovbook", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return {
        "config": {
            "background": "transparent",
            "font": "inherit, system-ui, sans-serif",
            "view": {"stroke": None, "continuousWidth": 560, "continuousHeight": 320},
            "title": {
                "anchor": "start",
                "fontSize": 15,
                "fontWeight": 600,
                "subtitleFontSize": 12,
                "offset": 12,
            },
            "axis": {
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "gridOpacity": 0.25,
                "domainOpacity": 0.6,
                "tickOpacity": 0.6,
                "titlePadding": 8,
            },
            "legend": {
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "symbolStrokeWidth": 3,
            },
            "line": {"strokeWidth": 2.2},
            "point": {"size": 48, "filled": True},
            "area": {"opacity": 0.18},
            "text": {"fontSize": 12},
        }
    }

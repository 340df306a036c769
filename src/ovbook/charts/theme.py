"""The palette and the Altair theme of the whole book.

The three colours with a meaning are Okabe and Ito's, which readers with the common colour-vision deficiencies
can tell apart; every mark keeps a 3:1 contrast on the white page and on the dark one. No colour does that for
text (4.5:1) on both, so words in a chart take the page's own text colour. Nothing is told by colour alone:
series differ in shape or dash as well, and are labelled where they end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

__all__ = [
    "BASE",
    "BUDGETS",
    "DASHES",
    "FLOOR",
    "NEUTRAL",
    "PERTURBED",
    "SHAPES",
    "TUNED",
    "budget_ramp",
    "cycled",
    "tokens_label",
]

BASE = "#0072B2"
"""The base model, and old data."""
PERTURBED = "#D55E00"
"""The same model after noise."""
TUNED = "#009E73"
"""The same model after fine-tuning, and new data."""
FLOOR = "#7F7F7F"
"""What no model can beat: the entropy of the process."""
NEUTRAL = "#888888"
"""What belongs to no side: means over everything, reference lines, keys of shapes."""
BUDGETS = ("#418AD1", "#2695AC", "#1F9971", "#6C9539", "#9E840A", "#BE6B0B", "#CB4838", "#BF2F77")
"""From few tokens (or little noise) to many: eight steps, each at least 3.3:1 against both pages."""
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "triangle-right",
    "triangle-left",
)
"""Marks of series, in the order of their values."""
DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (12, 4), (4, 4), (2, 5), (9, 3, 2, 3, 2, 3))
"""Dashes of series that have no marks, in the order of their values; the first is a whole line."""


def cycled(choices: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Return one of `choices` per value, from the first again when they run out."""
    return [choices[i % len(choices)] for i in range(len(values))]


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
            "font": "system-ui, sans-serif",
            "view": {"stroke": None, "continuousWidth": 560, "continuousHeight": 320},
            "title": {
                "anchor": "start",
                "frame": "bounds",
                "fontSize": 15,
                "fontWeight": 600,
                "lineHeight": 19,
                "subtitleFontSize": 12,
                "subtitleLineHeight": 16,
                "subtitlePadding": 5,
                "offset": 14,
            },
            "axis": {
                "labelFontSize": 12,
                "labelPadding": 4,
                "labelSeparation": 7,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "gridOpacity": 0.22,
                "domainOpacity": 0.6,
                "tickOpacity": 0.6,
                "tickSize": 4,
                "titlePadding": 8,
            },
            "axisY": {"domain": False, "ticks": False, "tickCount": 6, "labelPadding": 9},
            "legend": {
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "symbolStrokeWidth": 2,
                "symbolSize": 80,
                "labelLimit": 260,
            },
            "header": {"labelFontSize": 12, "titleFontSize": 12},
            "line": {"strokeWidth": 2},
            "point": {"size": 48, "filled": True},
            "area": {"opacity": 0.18},
            "text": {"fontSize": 12},
        }
    }

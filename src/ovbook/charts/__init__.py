"""Charts of the book: tables in, Altair charts out; one theme, one palette, intervals as bands.

Importing this room sets Altair up: its theme, and a renderer that works on a page, in JupyterLab and offline.
"""

from __future__ import annotations

from ovbook.charts import renderer
from ovbook.charts.curves import against_tokens, with_gamma_slider
from ovbook.charts.reading import reading_slider
from ovbook.charts.theme import BASE, BUDGETS, FLOOR, PERTURBED, TUNED, budget_ramp, tokens_label
from ovbook.charts.turning import turning_points

__all__ = [
    "BASE",
    "BUDGETS",
    "FLOOR",
    "PERTURBED",
    "TUNED",
    "against_tokens",
    "budget_ramp",
    "reading_slider",
    "tokens_label",
    "turning_points",
    "with_gamma_slider",
]

renderer.enable()

"""Charts of the book: tables in, Altair charts out; one theme, one palette, intervals as bands.

A chart function takes a table (``ovbook.stats.summarise`` makes it) and returns a chart that states its n and
its interval and brings its table along; ``figure`` hands it to the page as a numbered figure. For a chart of
your own: ``heading(title, evidence(table))`` as its title, a ``description``, ``thin`` for long curves,
``Slider`` and ``with_sliders`` for what moves, then ``figure(name, chart, table)``.

Importing this room sets Altair up: its theme, and a renderer that works on a page, in JupyterLab and offline.
"""

from __future__ import annotations

from ovbook.charts import renderer
from ovbook.charts.curves import against_tokens, with_gamma_slider
from ovbook.charts.epochs import through_epochs
from ovbook.charts.forest import contrasts, forest
from ovbook.charts.notes import evidence, heading, noted
from ovbook.charts.page import figure, say
from ovbook.charts.paths import paths
from ovbook.charts.places import over_places
from ovbook.charts.reading import reading_slider
from ovbook.charts.running import through_run
from ovbook.charts.slider import Slider, with_sliders
from ovbook.charts.theme import (
    BASE,
    BUDGETS,
    DASHES,
    FLOOR,
    PERTURBED,
    SHAPES,
    TUNED,
    budget_ramp,
    tokens_label,
)
from ovbook.charts.thin import thin
from ovbook.charts.turning import turning_points

__all__ = [
    "BASE",
    "BUDGETS",
    "DASHES",
    "FLOOR",
    "PERTURBED",
    "SHAPES",
    "TUNED",
    "Slider",
    "against_tokens",
    "budget_ramp",
    "contrasts",
    "evidence",
    "figure",
    "forest",
    "heading",
    "noted",
    "over_places",
    "paths",
    "reading_slider",
    "say",
    "thin",
    "through_epochs",
    "through_run",
    "tokens_label",
    "turning_points",
    "with_gamma_slider",
    "with_sliders",
]

renderer.enable()

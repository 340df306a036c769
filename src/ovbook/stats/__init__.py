"""How results are judged: one number per seed, paired, with intervals that have been tested by simulation.

Three small files: ``seeds`` turns a table of measurements into one number per seed, ``intervals`` turns such
numbers into estimates, ``curves`` reads trends, U-shapes and inflection points off curves against tokens.
"""

from __future__ import annotations

from ovbook.stats.crossing import last_fall
from ovbook.stats.curves import (
    Inflection,
    Reversal,
    UShape,
    first_rise,
    inflection,
    inflection_grid,
    log2_slopes,
    reversals,
    slope_per_seed,
    u_shape,
    unsaturated,
)
from ovbook.stats.declared import declared, estimate, grouped, reading, readings, written
from ovbook.stats.enough import enough, seeds_to_decide, spread_to_decide
from ovbook.stats.factors import SHARES, above_curve, at_equal, variance_shares
from ovbook.stats.intervals import (
    Interval,
    Test,
    bootstrap_interval,
    equivalence,
    holm,
    mean_interval,
    one_sided,
    paired_interval,
    welch_interval,
)
from ovbook.stats.seeds import Cube, cube, increase_over_base, per_seed, summaries, summarise, with_world
from ovbook.stats.slices import roughness
from ovbook.stats.staircase import WINDOW, gaps, in_bins, jumps, meetings, memory, probe_steps
from ovbook.stats.tables import inflections, unsaturated_budgets
from ovbook.stats.tuning import before_after, tuned_on_others
from ovbook.stats.windows import rank_correlations, slopes_together, window_means

__all__ = [
    "SHARES",
    "WINDOW",
    "Cube",
    "Inflection",
    "Interval",
    "Reversal",
    "Test",
    "UShape",
    "above_curve",
    "at_equal",
    "before_after",
    "bootstrap_interval",
    "cube",
    "declared",
    "enough",
    "equivalence",
    "estimate",
    "first_rise",
    "gaps",
    "grouped",
    "holm",
    "in_bins",
    "increase_over_base",
    "inflection",
    "inflection_grid",
    "inflections",
    "jumps",
    "last_fall",
    "log2_slopes",
    "mean_interval",
    "meetings",
    "memory",
    "one_sided",
    "paired_interval",
    "per_seed",
    "probe_steps",
    "rank_correlations",
    "reading",
    "readings",
    "reversals",
    "roughness",
    "seeds_to_decide",
    "slope_per_seed",
    "slopes_together",
    "spread_to_decide",
    "summaries",
    "summarise",
    "tuned_on_others",
    "u_shape",
    "unsaturated",
    "unsaturated_budgets",
    "variance_shares",
    "welch_interval",
    "window_means",
    "with_world",
    "written",
]

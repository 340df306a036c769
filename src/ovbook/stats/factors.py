"""Two crossed factors: how the spread of a measure divides among them, and arms compared where a second measure agrees.

Arrays hold one number per seed and setting; the seed is the unit, and intervals are over seeds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ovbook.errors import OvbookError
from ovbook.stats.intervals import Interval, mean_interval

__all__ = ["SHARES", "above_curve", "at_equal", "variance_shares"]

Floats = NDArray[np.float64]

SHARES = ("first", "second", "together", "rest")
"""Parts into which a measure's spread divides: each factor, both together, and where seeds differ in all that."""


def variance_shares(values: Floats) -> dict[str, Interval]:
    """Shares of the spread of `values` [seeds, levels of the first factor, of the second]; they sum to 1.

    The sum of squares about each seed's own mean (a seed's level cancels, as in every paired contrast), divided as in
    a two-way layout: "first" and "second" are the factors, "together" their interaction, "rest" what differs
    between seeds in how they respond. Means and intervals are the jackknife's over seeds (Tukey's pseudo-values and
    Student's t), which takes away the bias by which chance alone gives every factor something; a factor without
    effect can so come out a little below 0. With one seed "rest" is 0 and the intervals have no ends. Seeds with
    a hole are left out and counted. A share belongs to the levels compared: the wider apart they lie, the more.

    Simulated at five seeds, the 95% intervals of "first", "second" and "together" cover 93 to 97%, those of
    "rest" 87%, and where one factor explains nearly everything 86 to 90%.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 3 or min(values.shape[1:]) < 2:
        raise OvbookError(
            f"the values have shape {values.shape}: a split needs [seeds, at least 2 levels, at least 2 levels]"
        )
    whole = np.isfinite(values).all(axis=(1, 2))
    kept, lost = values[whole], int((~whole).sum())
    n = len(kept)
    if n == 0:
        raise OvbookError(f"none of the {lost} seeds has a value at every setting: run the missing ones")
    shares = _shares(kept)
    if n > 1:
        without = np.stack([_shares(np.delete(kept, i, axis=0)) for i in range(n)])
        parts = n * shares - (n - 1) * without
    else:
        parts = shares[None]
    parts = np.concatenate([parts, np.full((lost, len(SHARES)), np.nan)])
    return {name: mean_interval(parts[:, i]) for i, name in enumerate(SHARES)}


def _shares(values: Floats) -> Floats:
    """The four sums of squares of [seeds, a, b] as shares of their sum."""
    n, a, b = values.shape
    values = values - values.mean(axis=(1, 2), keepdims=True)
    table = values.mean(axis=0)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    together = table - rows[:, None] - columns[None, :]
    rest = values - table
    squares = np.array(
        [
            n * b * (rows @ rows),
            n * a * (columns @ columns),
            n * (together**2).sum(),
            (rest**2).sum(),
        ]
    )
    total = squares.sum()
    return squares / total if total > 0 else np.full(len(SHARES), np.nan)


def at_equal(x: Floats, y: Floats, *, count: int = 5) -> tuple[Floats, Floats]:
    """Read arms off where their `x` agrees: x and y [..., arms, places] give levels [..., count], y [..., count, arms].

    `x` falls along its last axis, more or less (a loss against tokens). The levels lie evenly from the highest to the
    lowest value that every arm passes, for each leading index by itself; `y` is taken where an arm *first* gets
    down to a level, on the straight line between the two places beside it. Nothing is extrapolated: where the arms
    have no stretch in common, or a value is not finite, there is not-a-number.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or x.ndim < 2 or x.shape[-1] < 2 or count < 1:
        raise OvbookError(
            f"x has the shape {x.shape} and y {y.shape}: both need [..., arms, at least 2 places], and at least "
            f"one level (got {count})"
        )
    top = x[..., 0].min(axis=-1)
    bottom = x.min(axis=-1).max(axis=-1)
    share = np.linspace(0, 1, count) if count > 1 else np.array([0.5])
    levels = top[..., None] + (bottom - top)[..., None] * share
    levels = np.where((bottom < top)[..., None], levels, np.nan)
    values = np.full((*x.shape[:-2], count, x.shape[-2]), np.nan)
    for place in np.ndindex(*x.shape[:-1]):
        *lead, arm = place
        if np.isfinite(x[place]).all() and np.isfinite(y[place]).all():
            for k in range(count):
                values[(*lead, k, arm)] = _first(x[place], y[place], levels[(*lead, k)])
    return levels, values


def above_curve(x: Floats, y: Floats, at: Floats, value: Floats) -> Floats:
    """How far points lie above a curve at their own place: curves x and y [..., places], points [...], result [...].

    `x` falls along its last axis, more or less (a task's loss against the rate of its tuning); the curve is read where it
    *first* gets down to `at`, on the straight line between the two places beside it. Negative is below the curve. A
    point beyond either end of its curve gives not-a-number: nothing is extrapolated.
    """
    x, y, at, value = (np.asarray(a, dtype=np.float64) for a in (x, y, at, value))
    if (
        x.shape != y.shape
        or x.ndim < 1
        or x.shape[-1] < 2
        or x.shape[:-1] != at.shape
        or at.shape != value.shape
    ):
        raise OvbookError(
            f"the curves have the shapes {x.shape} and {y.shape} and the points {at.shape} and {value.shape}: curves need "
            f"[..., at least 2 places], and points the same without the last axis"
        )
    found = np.full(at.shape, np.nan)
    for place in np.ndindex(*at.shape):
        if np.isfinite(x[place]).all() and np.isfinite(y[place]).all():
            found[place] = value[place] - _first(x[place], y[place], float(at[place]))
    return found


def _first(x: Floats, y: Floats, level: float) -> float:
    """`y` where `x` first gets down to `level`."""
    close = 1e-12 * max(1.0, abs(level))  # the ends of the common stretch are values of x themselves
    under = np.flatnonzero(x <= level + close)
    if not np.isfinite(level) or under.size == 0:
        return float("nan")
    i = int(under[0])
    if i == 0:
        return float(y[0]) if x[0] >= level - close else float("nan")
    share = (x[i - 1] - level) / (x[i - 1] - x[i])
    return float(y[i - 1] + share * (y[i] - y[i - 1]))

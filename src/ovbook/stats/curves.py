"""Reading curves against tokens (or any positive x, on a log axis): trends, U-shapes, inflection points.

Arrays are [worlds, seeds, levels of x] as ``ovbook.stats.cube`` arranges them, x ascending. A curve with a
point that is not finite gives not-a-number: a member that diverged is reported, not repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovbook.errors import OvbookError
from ovbook.stats.intervals import mean_interval
from ovbook.stats.seeds import cube

__all__ = [
    "Inflection",
    "Reversal",
    "UShape",
    "first_rise",
    "inflection",
    "inflection_grid",
    "log2_slopes",
    "reversals",
    "slope_per_seed",
    "u_shape",
    "unsaturated",
]

Floats = NDArray[np.float64]


def _log2(x: ArrayLike, *, least: int) -> Floats:
    positions = np.asarray(x, dtype=np.float64)
    if positions.size < least:
        raise OvbookError(
            f"{positions.size} points are too few here: at least {least} are needed on the x axis"
        )
    if not (np.isfinite(positions).all() and (positions > 0).all() and bool((np.diff(positions) > 0).all())):
        raise OvbookError(
            f"x is {list(positions)}: it must be positive and ascending, since its axis is a log axis"
        )
    return np.log2(positions)


def log2_slopes(values: ArrayLike, x: Sequence[float]) -> Floats:
    """Least-squares slope per doubling of x along the last axis; [..., X] gives [...]."""
    position = _log2(x, least=2)
    centred = position - position.mean()
    return np.asarray(values, dtype=np.float64) @ centred / float(centred @ centred)


def slope_per_seed(
    frame: pd.DataFrame, value: str, *, x: str = "tokens", within: Sequence[str] = ()
) -> pd.DataFrame:
    """One slope per (world, seed): columns world, seed, slope, in units of `value` per doubling of `x`."""
    table = cube(frame, value, x=x, within=within)
    slopes = log2_slopes(table.values, table.levels)
    return pd.DataFrame(
        {
            "world": np.repeat(table.worlds, len(table.seeds)),
            "seed": np.tile(table.seeds, len(table.worlds)),
            "slope": slopes.ravel(),
        }
    )


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """A step of the mean curve against the claimed direction, from x = `start` to `end`.

    `size` is how far it goes the wrong way (positive). `clear` means that the paired interval of the step,
    at a level of 99% shared among all steps (Bonferroni), lies wholly beyond the tolerance.
    """

    start: float
    end: float
    size: float
    clear: bool


def reversals(
    values: Floats, x: Sequence[float], *, direction: int, tolerance: float, per_doubling: bool = True
) -> list[Reversal]:
    """Adjacent steps of the mean curve that go against `direction` by more than the tolerance.

    `values` is [seeds, X]. The tolerance is per doubling of x, or per step if `per_doubling` is False.
    """
    position = _log2(x, least=2)
    steps = direction * np.diff(values, axis=-1)
    kept = steps[np.logical_and.reduce(np.isfinite(steps), axis=1)]
    found = []
    for index, width in enumerate(np.diff(position)):
        allowed = tolerance * float(width) if per_doubling else tolerance
        size = -float(kept[:, index].mean()) if len(kept) else 0.0
        if size > allowed:
            interval = mean_interval(kept[:, index], level=1 - 0.01 / steps.shape[1])
            found.append(
                Reversal(
                    start=float(x[index]), end=float(x[index + 1]), size=size, clear=interval.high < -allowed
                )
            )
    return found


@dataclass(frozen=True, kw_only=True)
class UShape:
    """rise [worlds, seeds]: last − minimum; fall: first − minimum; lowest [worlds]: index of the mean's
    minimum."""

    rise: Floats
    rise_at_most: Floats
    fall: Floats
    lowest: NDArray[np.int64]


def u_shape(values: Floats) -> UShape:
    """How far each seed's curve stands above its minimum at the last and at the first budget.

    The smallest of several noisy numbers lies below their true minimum, so (last − own minimum) is positive
    even for flat curves. Here the minimum's place is chosen, for each seed, on the mean of the *other*
    seeds of the same world, and only read off on the seed itself: for a flat curve the expectation is then
    exactly zero, and for a true U it is at most the true rise. `rise_at_most` takes the lowest point of the
    world's own mean curve instead, whose bias goes the other way: it can refute a U where `rise`, being too
    small, could not fairly. `values` is [worlds, seeds, X], at least two seeds that did not diverge in each
    world, and three points.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] < 3:
        raise OvbookError(
            f"the curves have shape {values.shape}: a U needs [worlds, seeds, at least 3 budgets]"
        )
    whole = np.logical_and.reduce(np.isfinite(values), axis=2)
    if (whole.sum(axis=1) < 2).any():
        raise OvbookError("fewer than two seeds have whole curves: a minimum is chosen on the other seeds")
    kept = np.where(whole[:, :, None], values, 0.0)
    total, count = kept.sum(axis=1), whole.sum(axis=1)
    others = (total[:, None, :] - kept) / np.maximum(count[:, None, None] - whole[:, :, None], 1)
    chosen = np.take_along_axis(values, others.argmin(axis=2)[:, :, None], axis=2)[:, :, 0]
    missing = np.where(whole, 0.0, np.nan)
    lowest = (total / count[:, None]).argmin(axis=1)
    at_lowest = np.take_along_axis(values, lowest[:, None, None], axis=2)[:, :, 0]
    return UShape(
        rise=values[:, :, -1] - chosen + missing,
        rise_at_most=values[:, :, -1] - at_lowest + missing,
        fall=values[:, :, 0] - chosen + missing,
        lowest=lowest,
    )


@dataclass(frozen=True, kw_only=True)
class Inflection:
    """Where a curve turns from falling to rising.

    sign: "=" for an interpolated place; "<=" or ">=" where the lowest point is the first or the last of the
    grid, so that only a bound is known; "diverged" where the curve has a hole. `log2` is of x, in doublings.
    """

    x: float
    sign: str

    @property
    def log2(self) -> float:
        return float(np.log2(self.x))

    def __str__(self) -> str:
        return f"{'' if self.sign == '=' else self.sign + ' '}{self.x:.3g}"


def inflection_grid(values: ArrayLike, x: Sequence[float]) -> tuple[Floats, NDArray[np.int64]]:
    """Inflection points of many curves [..., X] at once: log2 of their place, and a censoring mark.

    The mark is 0 (interpolated: vertex of the parabola in log x through the lowest point and its two
    neighbours), −1 (at or before the first x), 1 (at or after the last), 9 (diverged; the place is
    not-a-number). Censored places are put at the border.
    """
    position = _log2(x, least=3)
    curves = np.asarray(values, dtype=np.float64)
    flat = curves.reshape(-1, position.size)
    whole = np.logical_and.reduce(np.isfinite(flat), axis=1)
    lowest = np.where(whole[:, None], flat, 0.0).argmin(axis=1)
    mark = np.where(lowest == 0, -1, np.where(lowest == position.size - 1, 1, 0))
    middle = np.clip(lowest, 1, position.size - 2)
    row = np.arange(len(flat))
    x0, x1, x2 = position[middle - 1], position[middle], position[middle + 1]
    left = (flat[row, middle - 1] - flat[row, middle]) / (x1 - x0)
    right = (flat[row, middle + 1] - flat[row, middle]) / (x2 - x1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Newton's form; both differences are >= 0 at a minimum, so the vertex lies within the half steps.
        share = (left * (x2 - x1) + right * (x0 - x1)) / (2 * (left + right))
    vertex = x1 + np.where(np.isfinite(share), share, 0.0)
    place = np.where(mark == 0, vertex, position[lowest])
    place = np.where(whole, place, np.nan)
    mark = np.where(whole, mark, 9)
    return place.reshape(curves.shape[:-1]), mark.reshape(curves.shape[:-1])


def inflection(tokens: Sequence[float], loss: ArrayLike) -> Inflection:
    """The budget at which `loss` is lowest, interpolated in log tokens, or a bound at the grid's border."""
    place, mark = inflection_grid(np.asarray(loss, dtype=np.float64)[None], tokens)
    sign = {0: "=", -1: "<=", 1: ">=", 9: "diverged"}[int(mark[0])]
    return Inflection(x=float(2.0 ** place[0]), sign=sign)


def first_rise(tokens: Sequence[float], loss: ArrayLike) -> Inflection:
    """The popular account's inflection: the first budget whose loss is above that of the budget before it.

    It reacts to the first bump of a noisy curve, so it is reported beside ``inflection`` and never judged.
    With no rise at all the mark is ">=": later than the last budget, if ever.
    """
    _log2(tokens, least=2)
    curve = np.asarray(loss, dtype=np.float64)
    if not np.isfinite(curve).all():
        return Inflection(x=float("nan"), sign="diverged")
    rises = np.flatnonzero(np.diff(curve) > 0)
    if rises.size == 0:
        return Inflection(x=float(tokens[-1]), sign=">=")
    return Inflection(x=float(tokens[int(rises[0]) + 1]), sign="=")


def unsaturated(modified: Floats, base: Floats, untrained: ArrayLike) -> NDArray[np.bool_]:
    """Which budgets may be judged for sensitivity: [worlds, seeds, X] arrays give [X].

    A model whose modified loss is near that of an untrained one has lost nearly all it had; then "increase
    over base" grows only because the base improves. A budget counts where, in every world, the mean
    modified loss is below halfway from the mean base loss to the untrained loss ([worlds, seeds, X],
    [worlds] or a number). It is decided on means and for all seeds alike, since dropping points seed by
    seed would select on their noise. Long budgets with large increases fall first, so the guard can only
    lower a rising slope.
    """
    whole = (np.isfinite(modified) & np.isfinite(base)).all(axis=2, keepdims=True)
    top = np.asarray(untrained, dtype=np.float64)
    if top.ndim == 1:
        top = top[:, None, None]
    weight = whole / np.maximum(whole.sum(axis=1, keepdims=True), 1)
    halfway = (base + top) / 2
    distance = (np.where(whole, halfway - modified, 0.0) * weight).sum(axis=1)
    return np.asarray((distance > 0).all(axis=0))

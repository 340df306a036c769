"""Contrasts that a chapter declares by itself: one number per world and seed, read by one rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ovbook.stats.intervals import Interval, mean_interval

__all__ = ["estimate", "in_words", "reading"]


def estimate(values: NDArray[np.float64]) -> Interval | None:
    """Interval over seeds of `values` [worlds, seeds], worlds averaged; None where no seed has one in every world."""
    of_seed = values.mean(axis=0)
    return mean_interval(of_seed) if np.isfinite(of_seed).any() else None


def reading(values: NDArray[np.float64], smallest: float) -> str:
    """What the interval of `values` [worlds, seeds] says, beside the smallest effect that counts.

    "an effect" (or "an effect the other way"): the interval lies wholly beyond `smallest`, and so does the mean of each
    world; "none worth the name": wholly within it; "undecided"; "not measured".
    """
    found = estimate(values)
    if found is None:
        return "not measured"
    for sign, word in ((1, "an effect"), (-1, "an effect the other way")):
        beyond = min(sign * found.low, sign * found.high) > smallest
        if beyond and bool((sign * values.mean(axis=1) > smallest).all()):
            return word
    return "none worth the name" if max(-found.low, found.high) < smallest else "undecided"


def in_words(found: Interval | None, digits: int = 3) -> str:
    """An interval as prose has it: ``0.041 [0.030, 0.052]``.

    >>> in_words(None), in_words(Interval(mean=-0.5, low=-0.75, high=-0.25, n=5), 2)
    ('–', '−0.50 [−0.75, −0.25]')
    """
    if found is None:
        return "–"
    ends = f"[{found.low:.{digits}f}, {found.high:.{digits}f}]" if found.n > 1 else "(one seed)"
    return f"{found.mean:.{digits}f} {ends}".replace("-", "−")

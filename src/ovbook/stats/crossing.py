"""Where a noisy falling curve passes a height for the last time, and what something else was there."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ovbook.errors import OvbookError

__all__ = ["last_fall"]


def last_fall(heights: ArrayLike, of: ArrayLike, target: float) -> float:
    """The value of `of` where `heights` falls past `target` and stays below it: between points, on the straight line.

    Both have one entry a look, in the order of time. Not-a-number where the curve ends above the target; the first value where
    it is below it throughout.

    >>> last_fall([3.0, 2.0, 1.0], [0.0, 10.0, 20.0], 1.5)
    15.0
    """
    curve, values = np.asarray(heights, dtype=np.float64), np.asarray(of, dtype=np.float64)
    if curve.ndim != 1 or curve.shape != values.shape or not len(curve):
        raise OvbookError(
            f"a curve of shape {curve.shape} and values of shape {values.shape} do not go together: give one value a look"
        )
    if not np.isfinite(curve).all() or not np.isfinite(target) or curve[-1] > target:
        return float("nan")
    above = np.flatnonzero(curve > target)
    if not len(above):
        return float(values[0])
    i = int(above[-1])
    share = (curve[i] - target) / (curve[i] - curve[i + 1])
    return float(values[i] + share * (values[i + 1] - values[i]))

"""How far from deciding an interval is: how many seeds, or how much less spread, would take it past a bound."""

from __future__ import annotations

import bisect
import math

from ovbook.stats.intervals import Interval, t_quantile

__all__ = ["enough", "seeds_to_decide", "spread_to_decide"]

MOST = 10_000


def seeds_to_decide(found: Interval, bound: float) -> int | None:
    """The least number of seeds whose interval would lie wholly on the mean's side of `bound`.

    Should mean and spread between seeds stay as found: a guess from few seeds, good for planning and for nothing else. None
    where one seed shows no spread, or more than `MOST` were needed.

    >>> seeds_to_decide(Interval(mean=0.1, low=-0.024, high=0.224, n=5), 0.0)
    7
    """
    if found.n < 2 or not math.isfinite(found.high):
        return None
    far = abs(found.mean - bound)
    spread = (found.high - found.mean) / _reach(found.n, found.level)
    counts = range(2, MOST + 1)
    place = bisect.bisect(counts, False, key=lambda n: far > spread * _reach(n, found.level))
    return counts[place] if place < len(counts) else None


def spread_to_decide(found: Interval, bound: float) -> float | None:
    """The share of the spread between seeds at which as many seeds would do; above 1: they do already. None of one seed."""
    if found.n < 2 or not math.isfinite(found.high) or found.high == found.mean:
        return None
    return abs(found.mean - bound) / (found.high - found.mean)


def enough(found: Interval, bound: float) -> str:
    """What would put the interval past `bound`, in words.

    >>> enough(Interval(mean=0.1, low=-0.024, high=0.224, n=5), 0.0)
    'about 7 seeds (or 5 with 81% of the spread)'
    """
    share = spread_to_decide(found, bound)
    if share is None:
        return "seeds enough to show a spread"
    if share > 1:
        return f"these {found.n} seeds"
    needed = seeds_to_decide(found, bound)
    count = f"about {needed:,}" if needed else f"more than {MOST:,}"
    return f"{count} seeds (or {found.n} with {share:.0%} of the spread)"


def _reach(n: int, level: float) -> float:
    """Half an interval's width in units of the spread between seeds."""
    return t_quantile(0.5 + level / 2, n - 1) / math.sqrt(n)

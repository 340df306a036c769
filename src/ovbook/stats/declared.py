"""Contrasts that a chapter declares for itself: their estimates, their reading by one rule, and both in words.

A contrast is one number for each world and seed, [worlds, seeds]; worlds are averaged inside the seed. The rule: an interval
wholly beyond the smallest effect, with the mean of each world beyond it, is an effect; one wholly within plus and minus the
smallest effect is none worth the name; anything else is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovbook.stats.intervals import Interval, holm, mean_interval, one_sided

__all__ = ["declared", "estimate", "grouped", "reading", "readings", "written"]

Floats = NDArray[np.float64]

EFFECT, OTHER_WAY = "an effect", "an effect the other way"
NONE, UNDECIDED, MISSING = "none worth the name", "undecided", "not measured"


def estimate(values: Floats) -> Interval | None:
    """Interval over seeds of numbers [worlds, seeds]; None where no seed has one in every world."""
    of_seed = np.asarray(values, dtype=np.float64).mean(axis=0)
    return mean_interval(of_seed) if np.isfinite(of_seed).any() else None


def reading(values: Floats, smallest: float) -> str:
    """What the rule makes of one contrast, by itself."""
    found = estimate(values)
    if found is None:
        return MISSING
    for sign, word in ((1, EFFECT), (-1, OTHER_WAY)):
        beyond = min(sign * found.low, sign * found.high) > smallest
        if beyond and (sign * values.mean(axis=1) > smallest).all():
            return word
    return NONE if max(-found.low, found.high) < smallest else UNDECIDED


def readings(contrasts: Mapping[str, Floats], smallest: Mapping[str, float]) -> dict[str, str]:
    """What the rule makes of a family of contrasts: an effect must also hold after Holm's correction over the family.

    The p value of each is that of lying beyond its smallest effect on the side where its mean is; it is adjusted for all
    contrasts that were measured with two seeds or more, and has to stay below the 2.5% of a 95% interval's one side.
    """
    alone = {name: reading(values, smallest[name]) for name, values in contrasts.items()}
    p = {}
    for name, values in contrasts.items():
        found = estimate(values)
        if found is not None and found.n > 1:
            side = 1 if found.mean >= 0 else -1
            p[name] = one_sided(np.asarray(values).mean(axis=0), beyond=smallest[name], direction=side).p
    adjusted = dict(zip(p, holm(list(p.values())), strict=True))
    lost = {n for n, word in alone.items() if word in (EFFECT, OTHER_WAY) and adjusted.get(n, 1.0) > 0.025}
    return {name: UNDECIDED if name in lost else word for name, word in alone.items()}


def declared(contrasts: Mapping[str, Floats], smallest: Mapping[str, float]) -> pd.DataFrame:
    """The family as a table, one row for each contrast that was measured, ready for `ovbook.charts.contrasts`.

    mean, low and high count in the contrast's own `smallest effect`; `as measured` has them in its own units, `worlds` each
    world's mean, `reading` what the rule says, corrected for the family.
    """
    read = readings(contrasts, smallest)
    rows = [
        {"contrast": name, "n": found.n, "smallest effect": smallest[name], "as measured": written(found)}
        | {end: getattr(found, end) / smallest[name] for end in ("mean", "low", "high")}
        | {"worlds": " ".join(_signed(mean) for mean in np.atleast_2d(values).mean(axis=1))}
        | {"reading": read[name]}
        for name, values in contrasts.items()
        if (found := estimate(values)) is not None
    ]
    table = pd.DataFrame(rows)
    table.attrs = {"worlds": max((len(values) for values in contrasts.values()), default=1)}
    return table


def grouped(contrasts: Mapping[str, Floats], smallest: Mapping[str, float]) -> str:
    """The readings of a family in words, contrasts of one reading together, and what the correction took back.

    >>> far, near = [[0.5, 0.52, 0.51]], [[0.01, -0.01, 0.02]]
    >>> grouped({"bound": np.array(far), "the example": np.array(far), "old text": np.array(near)},
    ...         {"bound": 0.1, "the example": 0.1, "old text": 0.1})
    'By the declared rule, “bound”, “the example”: an effect; “old text”: none worth the name.'
    """
    read = readings(contrasts, smallest)
    by = {word: [name for name in read if read[name] == word] for word in dict.fromkeys(read.values())}
    text = "; ".join(f"{_quoted(names)}: {word}" for word, names in by.items())
    back = [name for name in read if read[name] != reading(contrasts[name], smallest[name])]
    return f"By the declared rule, {text}." + (
        f" Read by itself, each of {_quoted(back)} would be an effect one way or the other; among {len(read)} that could be chance."
        if back
        else ""
    )


def _quoted(names: list[str]) -> str:
    return f"“{'”, “'.join(names)}”"


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def written(found: Interval | None, digits: int = 3) -> str:
    """An estimate in words: mean and ends, with a minus sign that is one.

    >>> written(mean_interval([1.0, 2.0, 3.0]), 1)
    '2.0 [−0.5, 4.5]'
    """
    if found is None:
        return "–"
    mean, low, high = (
        round(value, digits) + 0.0 for value in (found.mean, found.low, found.high)
    )  # no -0.00
    ends = f"[{low:.{digits}f}, {high:.{digits}f}]" if found.n > 1 else "(one seed)"
    return f"{mean:.{digits}f} {ends}".replace("-", "−")

"""One small function per kind of test, in one table: from a claim and a table to evidence.

Each takes the rows the claim is declared for and returns parts (one number per world and seed) that
``decide`` compares with the smallest effect. The arithmetic is in ``ovbook.stats``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovbook.claims.decide import Evidence, Part
from ovbook.claims.registry import Claim
from ovbook.claims.tables import arms, declared, read
from ovbook.errors import OvbookError
from ovbook.stats import (
    Cube,
    Inflection,
    first_rise,
    inflection_grid,
    log2_slopes,
    reversals,
    u_shape,
    unsaturated,
)

__all__ = ["RULES", "columns_needed", "inflection_evidence", "trend_evidence", "u_evidence"]

Floats = NDArray[np.float64]

POINTS_NEEDED = 3
"""Budgets for a trend, and interior minima for a trend of inflection points."""


def _place(x: float) -> str:
    """A budget or a rate as people write it: 2,000,000, 0.4, 3e-05."""
    return f"{x:,.0f}" if x >= 1000 else f"{x:g}"


def _bound(found: Inflection) -> str:
    return f"{'' if found.sign == '=' else found.sign + ' '}{_place(found.x)}"


def _sided(name: str, values: Floats, direction: str, effect: float) -> Part:
    if direction == "up":
        return Part(name=name, values=values, low=effect)
    return Part(name=name, values=values, high=-effect)


def _also(claim: Claim, of: Callable[[str, str], Floats]) -> list[Part]:
    """Secondary parts: `of(value, functional)` gives one number per world and seed of another column."""
    parts = []
    for entry in claim.settings.get("also", ()):
        values = of(entry["value"], entry.get("of", "mean"))
        name = entry["value"].replace("_", " ")
        if "margin" in entry:
            parts.append(Part(name=name, values=values, low=-entry["margin"], high=entry["margin"]))
        else:
            parts.append(_sided(name, values, entry["direction"], entry["effect"]))
    return parts


def _levels(claim: Claim, frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split by the column in `each`; one nameless piece without it."""
    column = claim.settings.get("each")
    if column is None:
        return [("", frame)]
    if column not in frame:
        raise OvbookError(
            f"the table has no column {column}: claim {claim.id} must hold for each of its values"
        )
    frame = declared(claim, column, frame)
    return [
        (f" at {column} {value}", rows.drop(columns=column))
        for value, rows in frame.groupby(column, sort=True)
    ]


def _same(*cubes: Cube) -> None:
    if len({(c.worlds, c.seeds) for c in cubes}) > 1:
        raise OvbookError(
            "the arms hold different seeds or worlds: a contrast is within the seed, so both need the same"
        )


def _mean(claim: Claim, frame: pd.DataFrame) -> Evidence:
    parts = [
        _sided(
            claim.statistic + place,
            read(claim, rows, claim.value).values[:, :, 0],
            claim.direction,
            claim.smallest_effect,
        )
        for place, rows in _levels(claim, frame)
    ]
    also = _also(claim, lambda value, _: read(claim, frame, value).values[:, :, 0])
    return Evidence(parts=[*parts, *also], rivals=len(parts))


def _difference(claim: Claim, frame: pd.DataFrame, pair: Sequence[Any], value: str) -> Floats:
    first, second = (read(claim, rows, value) for rows in arms(claim, frame, pair))
    _same(first, second)
    return np.asarray(first.values - second.values)[:, :, 0]


def _contrast(claim: Claim, frame: pd.DataFrame) -> Evidence:
    primary = _sided(
        claim.statistic,
        _difference(claim, frame, claim.arms, claim.value),
        claim.direction,
        claim.smallest_effect,
    )
    return Evidence(
        parts=[primary, *_also(claim, lambda value, _: _difference(claim, frame, claim.arms, value))]
    )


def _equivalence(claim: Claim, frame: pd.DataFrame) -> Evidence:
    parts, margin = [], claim.smallest_effect
    for place, rows in _levels(claim, frame):
        if "arm" in claim.settings:
            for arm in claim.arms:
                values = _difference(claim, rows, [arm, claim.reference], claim.value)
                name = f"{claim.statistic}, {claim.arm} {arm} against {claim.reference}{place}"
                parts.append(Part(name=name, values=values, low=-margin, high=margin))
        else:
            values = read(claim, rows, claim.value).values[:, :, 0]
            parts.append(Part(name=claim.statistic + place, values=values, low=-margin, high=margin))
    return Evidence(parts=parts, rivals=len(parts))


def _at_most(claim: Claim, frame: pd.DataFrame) -> Evidence:
    values = _difference(claim, frame, claim.arms, claim.value)
    return Evidence(parts=[Part(name=claim.statistic, values=values, high=claim.smallest_effect)])


def _reversal_words(
    claim: Claim, curves: Floats, x: Sequence[float], what: str
) -> tuple[list[str], list[str]]:
    """(blockers, refuters) from steps of the mean curve against the claimed direction; curves [seeds, X]."""
    found = reversals(
        curves,
        x,
        direction=1 if claim.direction == "up" else -1,
        tolerance=claim.settings.get("reversal", claim.smallest_effect),
        per_doubling=claim.settings.get("reversal_per_doubling", True),
    )
    words = [
        (r.clear, f"{what} goes the other way by {r.size:.3g} from {_place(r.start)} to {_place(r.end)}")
        for r in found
    ]
    return [text for clear, text in words if not clear], [text for clear, text in words if clear]


def trend_evidence(claim: Claim, values: Floats, x: Sequence[float], place: str = "") -> Evidence:
    """Slope per doubling of x for each world and seed, and what adjacent steps say; values [worlds, seeds,
    X]."""
    part = _sided(claim.statistic + place, log2_slopes(values, x), claim.direction, claim.smallest_effect)
    blockers, refuters = _reversal_words(claim, values.mean(axis=0), x, f"the mean curve{place}")
    return Evidence(parts=[part], blockers=blockers, refuters=refuters)


def _trend(claim: Claim, frame: pd.DataFrame) -> Evidence:
    frame = declared(claim, claim.x, frame)
    found: list[Evidence] = []
    undecidable: list[str] = []
    notes: list[str] = []
    for place, rows in _levels(claim, frame):
        table = read(claim, rows, claim.value, x=claim.x)
        values, x = table.values, [float(level) for level in table.levels]
        if claim.settings.get("guard"):
            modified, base, untrained = (
                read(claim, rows, name, x=claim.x) for name in ("loss", "base", "untrained")
            )
            top = untrained.values
            free = unsaturated(modified.values, base.values, np.broadcast_to(top, modified.values.shape))
            if not free.all():
                dropped = ", ".join(_place(level) for level, ok in zip(x, free, strict=True) if not ok)
                if free.sum() >= POINTS_NEEDED:
                    values, x = values[:, :, free], [level for level, ok in zip(x, free, strict=True) if ok]
                    notes.append(f"saturated and left out: {claim.x} {dropped}")
                else:
                    undecidable.append(
                        f"the modified loss is past halfway to an untrained model's at {claim.x} "
                        f"{dropped}, which leaves fewer than {POINTS_NEEDED} to judge; the slope shown "
                        f"includes them"
                    )
        if len(x) < 2:
            raise OvbookError(
                f"the table holds one value of {claim.x}: a trend needs at least {POINTS_NEEDED}"
            )
        if len(x) < POINTS_NEEDED:
            undecidable.append(
                f"{len(x)} values of {claim.x} are fewer than the {POINTS_NEEDED} a trend needs"
            )
        found.append(trend_evidence(claim, values, x, place))

    def other(value: str, functional: str) -> Floats:
        table = read(claim, frame, value, x=claim.x)
        if functional == "slope":
            return log2_slopes(table.values, [float(level) for level in table.levels])
        return np.asarray(table.values.mean(axis=2))

    return Evidence(
        parts=[*(part for e in found for part in e.parts), *_also(claim, other)],
        rivals=len(found),
        blockers=[text for e in found for text in e.blockers],
        refuters=[text for e in found for text in e.refuters],
        undecidable=undecidable,
        notes=notes,
    )


def u_evidence(claim: Claim, values: Floats, x: Sequence[float]) -> Evidence:
    """Rise after the minimum and fall before it, the minimum chosen on other seeds; values [worlds, seeds,
    X].

    A rise counts for the claim by an estimate that is never too large, and against it by one that is never
    too small (``ovbook.stats.u_shape``), since noise in the minimum's place biases the two in opposite
    directions. A minimum at the last budget for every seed gives a rise of exactly 0: no U within these
    budgets. A minimum at the first leaves the fall unseen, which refutes nothing: the grid started too
    late.
    """
    shape = u_shape(values)
    effect = claim.smallest_effect
    first = Part(name=claim.statistic, values=shape.rise, low=effect, refutes=False)
    most = Part(
        name="even the rise from the lowest mean", values=shape.rise_at_most, low=effect, supports=False
    )
    fall = Part(
        name="the fall from the first budget to the minimum", values=shape.fall, low=effect, refutes=False
    )
    whole = np.isfinite(values).all(axis=(0, 2))
    curve = values[:, whole].mean(axis=(0, 1)) if whole.any() else np.full(len(x), np.nan)
    notes = [
        "lowest mean at " + ", ".join(_place(x[i]) for i in shape.lowest) + " tokens (by world)",
        f"first budget worse than the one before it: {_bound(first_rise(x, curve))}",
    ]
    return Evidence(parts=[first, most, fall], notes=notes)


def _u_shape(claim: Claim, frame: pd.DataFrame) -> Evidence:
    table = read(claim, declared(claim, claim.x, frame), claim.value, x=claim.x)
    if len(table.levels) < 3:
        raise OvbookError(f"the table holds {len(table.levels)} values of {claim.x}: a U needs at least 3")
    enough = np.isfinite(table.values).all(axis=2).sum(axis=1) >= 2
    if not enough.all():
        nothing = np.full(table.values.shape[:2], np.nan)
        return Evidence(
            parts=[Part(name=claim.statistic, values=nothing, low=claim.smallest_effect)],
            notes=["the minimum's budget is chosen on other seeds, so two whole curves are needed"],
        )
    return u_evidence(claim, table.values, [float(level) for level in table.levels])


def inflection_evidence(
    claim: Claim, curves: Floats, tokens: Sequence[float], x: Sequence[float]
) -> Evidence:
    """Slope of log2 inflection on log2 x per world and seed; curves [worlds, seeds, X, tokens].

    A censored inflection is a bound, not a number, and leaving it out seed by seed would keep only the
    seeds that happened to stay inside the grid. So an x counts in a world if no seed is censored there, and
    the same set serves all its seeds. With fewer than three such x in a world nothing is judged; the slope
    then shown has censored points at the border, and is flatter than the truth.
    """
    place, mark = inflection_grid(curves, tokens)
    whole = (mark != 9).all(axis=(0, 2))  # seeds without a hole anywhere
    inside = (np.where(whole[None, :, None], mark, 0) == 0).all(axis=1)  # [worlds, X]
    undecidable, notes, slopes = [], [], np.full(place.shape[:2], np.nan)
    enough = bool((inside.sum(axis=1) >= POINTS_NEEDED).all())
    for world in range(len(place)):
        use = inside[world] if enough else np.ones(len(x), dtype=bool)
        slopes[world] = log2_slopes(place[world][:, use], [v for v, ok in zip(x, use, strict=True) if ok])
    left_out = sorted({float(v) for row in inside for v, ok in zip(x, row, strict=True) if not ok})
    if not enough:
        undecidable.append(
            f"fewer than {POINTS_NEEDED} values of {claim.x} have an interior minimum for every seed "
            f"in each world (not at {', '.join(f'{v:g}' for v in left_out)}); the slope shown "
            f"puts censored ones at the border"
        )
    elif left_out:
        notes.append(
            f"minimum at the border of the grid for some seed, left out: {claim.x} "
            + ", ".join(f"{v:g}" for v in left_out)
        )
    part = _sided(claim.statistic, slopes, claim.direction, claim.smallest_effect)
    blockers, refuters = _reversal_words(claim, place.mean(axis=0), x, "the mean inflection (log2 tokens)")
    return Evidence(parts=[part], blockers=blockers, refuters=refuters, undecidable=undecidable, notes=notes)


def _stack(claim: Claim, tables: Sequence[pd.DataFrame]) -> tuple[Floats, list[float]]:
    """Curves against tokens of several settings, [worlds, seeds, settings, tokens]."""
    cubes = [read(claim, rows, claim.value, x="tokens") for rows in tables]
    _same(*cubes)
    if len({c.levels for c in cubes}) > 1:
        raise OvbookError(
            "the settings were run at different budgets: an inflection is compared on the same grid"
        )
    if len(cubes[0].levels) < 3:
        raise OvbookError(f"the table holds {len(cubes[0].levels)} budgets: an inflection needs at least 3")
    return np.stack([c.values for c in cubes], axis=2), [float(level) for level in cubes[0].levels]


def _inflection_trend(claim: Claim, frame: pd.DataFrame) -> Evidence:
    frame = declared(claim, claim.x, frame)
    groups = [(float(value), rows) for value, rows in frame.groupby(claim.x, sort=True)]
    curves, tokens = _stack(claim, [rows for _, rows in groups])
    return inflection_evidence(claim, curves, tokens, [value for value, _ in groups])


def _inflection_shift(claim: Claim, frame: pd.DataFrame) -> Evidence:
    tables = arms(claim, frame, claim.arms)
    curves, tokens = _stack(claim, tables)
    place, mark = inflection_grid(curves, tokens)
    part = _sided(claim.statistic, place[:, :, 0] - place[:, :, 1], claim.direction, claim.smallest_effect)
    notes, refutes = [], True
    if (np.abs(mark) == 1).any():
        notes.append("some minima lie at the border of the grid: the shift shown is at least this large")
        refutes = False
    part = Part(name=part.name, values=part.values, low=part.low, high=part.high, refutes=refutes)

    def other(value: str, _: str) -> Floats:
        first, second = (read(claim, rows, value, x="tokens").values.mean(axis=2) for rows in tables)
        return np.asarray(first - second)

    return Evidence(parts=[part, *_also(claim, other)], notes=notes)


RULES: Mapping[str, Callable[[Claim, pd.DataFrame], Evidence]] = {
    "mean": _mean,
    "contrast": _contrast,
    "equivalence": _equivalence,
    "at most": _at_most,
    "trend": _trend,
    "u shape": _u_shape,
    "inflection trend": _inflection_trend,
    "inflection shift": _inflection_shift,
}


def columns_needed(claim: Claim) -> tuple[str, ...]:
    """Columns that `judge` reads for this claim, beside world (or corpus) and seed.

    Optional with every claim: draw, task, example (averaged inside the seed), diverged, epochs.
    """
    settings = claim.settings
    value = settings.get("value")
    columns: list[str] = ["loss", "base"] if value == "increase" else [value] if value else []
    columns += [settings[key] for key in ("x", "arm", "each") if key in settings]
    if claim.test.startswith("inflection"):
        columns.append("tokens")
    columns += [key for key in ("gamma", "rate", "task") if key in settings]
    columns += [entry["value"] for entry in settings.get("also", ())]
    columns += ["loss", "base", "untrained"] if settings.get("guard") else []
    return tuple(dict.fromkeys(columns))

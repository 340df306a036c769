"""From parts to a verdict word: the one place where an interval is compared with the smallest effect.

A rule yields *parts*, each one number per world and seed. Worlds are averaged inside the seed and n counts
seeds, so an interval speaks about other seeds of these worlds. Worlds are too few to be a sample; instead
every part must hold in each of them.

What a referee would ask:

*Multiplicity.* "Reproduced" needs every part to hold (an intersection of tests), so no correction is
needed: the chance of a false "reproduced" is at most 2.5%, that of the least certain part. "Not reproduced"
needs one part to be refuted, so with k parts that can be, each is refuted at 5%/k, two-sided: at most 2.5%
false. A trend is also refuted by a clear step the wrong way, tested at 1% shared among the steps: at most
3% in all. These bounds hold for normal values where the truth sits exactly on the smallest effect;
elsewhere the chances are smaller. Where the place of a minimum is uncertain they are approximate: no
simulation has gone above 4.5%.

*Selection.* Nothing is chosen by looking: gamma, rates, arms and the smallest effect stand in the claims
file; a minimum's budget is chosen on the other seeds; budgets and gammas are dropped for all seeds alike or
not at all.

*Missing results.* A seed that diverged in any part leaves all parts, and is reported. If more than one in
five did, or fewer than five are left, nothing is judged, since divergence may depend on what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ovbook.stats import Interval, mean_interval

__all__ = ["MOST_DIVERGED", "SEEDS_NEEDED", "WORLDS_NEEDED", "Decision", "Evidence", "Part", "decide"]

SEEDS_NEEDED = 5
WORLDS_NEEDED = 2
MOST_DIVERGED = 0.2


@dataclass(frozen=True, kw_only=True)
class Part:
    """One quantity of a rule: values [worlds, seeds], and the half-line or band where the claim puts its
    mean.

    The claim says low < mean < high; a directional claim has one infinite end. `refutes` is False where the
    other side would not count against the claim (a U whose fall lies before the first budget), `supports`
    where only the other side counts.
    """

    name: str
    values: NDArray[np.float64]
    low: float = -np.inf
    high: float = np.inf
    supports: bool = True
    refutes: bool = True

    def holds(self, lowest: float, highest: float) -> bool:
        return self.low < lowest and highest < self.high

    def fails(self, lowest: float, highest: float) -> bool:
        return highest < self.low or lowest > self.high


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a rule found. The first part, or of `rivals` the least favourable, is the claim's primary
    statistic.

    blockers: reasons against "reproduced"; refuters: reasons for "not reproduced" beside the parts;
    undecidable: reasons why neither word is possible; notes: said with any verdict.
    """

    parts: Sequence[Part]
    rivals: int = 1
    blockers: Sequence[str] = ()
    refuters: Sequence[str] = ()
    undecidable: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The word, the primary part with its interval, means by world, seeds used and lost, and the reasons."""

    verdict: str
    part: Part
    interval: Interval | None
    world_means: tuple[float, ...]
    used: tuple[int, ...]
    lost: tuple[int, ...]
    reasons: tuple[str, ...] = field(default=())


def _favour(part: Part, mean: float) -> float:
    """How far inside the claimed region the mean lies; negative outside."""
    return min(mean - part.low, part.high - mean)


def decide(evidence: Evidence, *, worlds_needed: int = WORLDS_NEEDED) -> Decision:
    """Compare every part with its region; see the head of this file for the reasons."""
    parts = list(evidence.parts)
    finite = np.all([np.isfinite(part.values).all(axis=0) for part in parts], axis=0)
    used = tuple(int(i) for i in np.flatnonzero(finite))
    lost = tuple(int(i) for i in np.flatnonzero(~finite))
    if not used:
        return Decision(
            verdict="not tested at this scale",
            part=parts[0],
            interval=None,
            world_means=(),
            used=used,
            lost=lost,
            reasons=("every seed diverged",),
        )
    per_seed = [part.values[:, finite].mean(axis=0) for part in parts]
    means = [part.values[:, finite].mean(axis=1) for part in parts]
    intervals = [mean_interval(values) for values in per_seed]
    refuting = sum(part.refutes for part in parts)
    shared = 1 - 0.05 / max(1, refuting)
    wider = intervals if refuting <= 1 else [mean_interval(values, level=shared) for values in per_seed]
    first = min(range(evidence.rivals), key=lambda i: _favour(parts[i], intervals[i].mean))

    against: list[str] = list(evidence.blockers)
    refuted: list[str] = list(evidence.refuters)
    for part, interval, wide, world in zip(parts, intervals, wider, means, strict=True):
        if not part.supports:
            pass
        elif not part.holds(interval.low, interval.high):
            against.append(f"the interval of {part.name} does not lie wholly where the claim puts it")
        elif not all(part.holds(m, m) for m in world):
            against.append(f"{part.name} is not where the claim puts it in every world")
        if part.refutes and part.fails(wide.low, wide.high):
            if all(part.fails(m, m) for m in world):
                refuted.append(f"the interval of {part.name} lies wholly outside where the claim puts it")
            else:
                against.append(f"the worlds disagree about {part.name}")

    limits: list[str] = list(evidence.undecidable)
    if len(used) < SEEDS_NEEDED:
        limits.append(f"{len(used)} seeds are fewer than the {SEEDS_NEEDED} that a verdict needs")
    if len(lost) > MOST_DIVERGED * (len(used) + len(lost)):
        limits.append(
            f"{len(lost)} of {len(used) + len(lost)} seeds diverged, and divergence may not be chance"
        )
    if len(means[0]) < worlds_needed:
        limits.append(f"{len(means[0])} world is fewer than the {worlds_needed} in which a claim must hold")
    if limits:
        word, reasons = "inconclusive", limits
    elif refuted:
        word, reasons = "not reproduced", refuted
    elif against:
        word, reasons = "inconclusive", against
    else:
        word, reasons = "reproduced", []
    return Decision(
        verdict=word,
        part=parts[first],
        interval=intervals[first] if len(used) > 1 else None,
        world_means=tuple(float(m) for m in means[first]),
        used=used,
        lost=lost,
        reasons=(*reasons, *evidence.notes),
    )

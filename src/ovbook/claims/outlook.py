"""What would decide a claim that was left undecided: more seeds, or less spread between them, in a sentence."""

from __future__ import annotations

import math

from ovbook.claims.registry import claim
from ovbook.claims.verdict import Verdict
from ovbook.stats import Interval, enough

__all__ = ["what_would_decide"]


def what_would_decide(*verdicts: Verdict) -> str:
    """How many seeds, or how much less spread, would take the main number of each undecided verdict past its bound.

    A plan and no prediction: it takes means and spreads as they were found. Empty where nothing is undecided, or where
    a verdict has no bound on one side (an equivalence).
    """
    parts, past = [], []
    for verdict in verdicts:
        rule = claim(verdict.id)
        direction = rule.settings.get("direction")
        if verdict.verdict != "inconclusive" or direction is None:
            continue
        if verdict.statistic is None or verdict.low is None or verdict.high is None or verdict.n < 2:
            continue
        bound = math.copysign(rule.smallest_effect, 1 if direction == "up" else -1)
        found = Interval(mean=verdict.statistic, low=verdict.low, high=verdict.high, n=verdict.n)
        if verdict.low <= bound <= verdict.high:
            way = "in favour of" if (found.mean > bound) == (direction == "up") else "against"
            parts.append(f"{enough(found, bound)} {way} {verdict.id}")
        else:
            past.append(verdict.id)
    said = []
    if parts:
        said.append(
            "Should means and spreads between seeds stay as they are, these numbers of seeds would decide the claims' main numbers (a rule's other parts "
            "may need more): "
            f"{'; '.join(parts)}."
        )
    if past:
        said.append(
            f"The main number of {' and '.join(past)} is past its bound; another part of the rule is not."
        )
    return " ".join(said)

"""How many seeds would decide: against the interval itself, and what cannot be said."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.stats import Interval, enough, mean_interval, seeds_to_decide, spread_to_decide

VALUES = np.array([0.0, 0.1, 0.2, 0.05, 0.15])


def scaled(count: int, mean: float, spread: float) -> np.ndarray:
    """`count` numbers with exactly this mean and spread."""
    values = np.linspace(-1, 1, count)
    return mean + spread * values / values.std(ddof=1)


@pytest.mark.parametrize("bound", [0.0, 0.05, 0.09, 0.14])
def test_that_many_seeds_decide_and_one_less_does_not(bound):
    found = mean_interval(VALUES)
    needed = seeds_to_decide(found, bound)
    assert needed is not None

    def decided(count: int) -> bool:
        interval = mean_interval(scaled(count, VALUES.mean(), VALUES.std(ddof=1)))
        return interval.low > bound or interval.high < bound

    assert decided(needed)
    assert needed == 2 or not decided(needed - 1)


def test_that_much_spread_decides_with_as_many_seeds():
    found, bound = mean_interval(VALUES), 0.05
    share = spread_to_decide(found, bound)
    assert share is not None
    narrower = mean_interval(VALUES.mean() + 0.999 * share * (VALUES - VALUES.mean()))
    assert narrower.low > bound > mean_interval(VALUES).low


def test_what_cannot_be_said_is_not_said():
    one = mean_interval([0.1])
    assert seeds_to_decide(one, 0.0) is None
    assert spread_to_decide(one, 0.0) is None
    assert enough(one, 0.0) == "seeds enough to show a spread"
    assert seeds_to_decide(mean_interval(VALUES), float(VALUES.mean())) is None


def test_in_words():
    found = Interval(mean=0.1, low=0.02, high=0.18, n=5)
    assert enough(found, 0.0) == "these 5 seeds"
    assert enough(found, 0.1) == "more than 10,000 seeds (or 5 with 0% of the spread)"
    assert enough(found, 0.05) == "about 9 seeds (or 5 with 63% of the spread)"

"""Reading a noisy falling curve at a height."""

from __future__ import annotations

import math

import pytest

from ovbook.errors import OvbookError
from ovbook.stats import last_fall


def test_the_last_fall_is_the_one_after_which_it_stays_below():
    heights, time = [3.0, 1.0, 2.0, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0, 4.0]
    assert last_fall(heights, time, 1.5) == pytest.approx(3.25)
    assert last_fall(heights, [7.0] * 5, 1.5) == 7.0


def test_at_the_target_itself_and_at_the_ends():
    assert last_fall([2.0, 1.0], [0.0, 4.0], 1.0) == 4.0
    assert last_fall([1.0, 0.5], [3.0, 4.0], 2.0) == 3.0  # below from the first look on
    assert math.isnan(last_fall([3.0, 2.0], [0.0, 1.0], 1.0))
    assert math.isnan(last_fall([3.0, math.nan], [0.0, 1.0], 4.0))


def test_shapes_that_do_not_fit():
    with pytest.raises(OvbookError, match="do not go together: give one value a look"):
        last_fall([1.0, 2.0], [1.0], 1.0)

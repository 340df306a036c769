"""Shares of variance against what made the numbers; curves compared at equal values of another measure."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.stats import SHARES, above_curve, at_equal, variance_shares


def made(generator, *, seeds=5, first=1.0, second=0.5, together=0.3, seed=2.0, rest=0.3):
    """[seeds, 6, 2] numbers, and the shares they were made with."""
    rows = np.linspace(-1, 1, 6) / np.linspace(-1, 1, 6).std()
    columns = np.array([-1.0, 1.0])
    fixed = (
        first * rows[:, None]
        + second * columns[None, :]
        + together * rows[::-1][:, None] * columns[None, :]  # of mean 0 along both, so a pure interaction
    )
    values = fixed + seed * generator.standard_normal((seeds, 1, 1))
    values = values + rest * generator.standard_normal((seeds, 6, 2))
    squares = np.square([first, second, together, rest])
    return values, dict(zip(SHARES, squares / squares.sum(), strict=True))


def test_shares_sum_to_one_and_find_what_was_put_in():
    values, truth = made(np.random.default_rng(0), seeds=400)
    found = variance_shares(values)
    assert sum(part.mean for part in found.values()) == pytest.approx(1)
    for name, share in truth.items():
        assert found[name].mean == pytest.approx(share, abs=0.03), name
        assert found[name].n == 400


def test_a_factor_alone_takes_everything():
    values = np.broadcast_to(np.arange(3.0)[None, :, None], (4, 3, 2))
    found = variance_shares(values)
    assert found["first"].mean == pytest.approx(1)
    assert found["second"].mean == pytest.approx(0)


def test_a_factor_without_effect_has_a_share_of_zero_on_average():
    generator = np.random.default_rng(1)
    found = [
        variance_shares(made(generator, second=0, together=0, rest=1.0)[0])["second"].mean for _ in range(400)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / 20


@pytest.mark.slow
def test_intervals_of_shares_cover_the_truth_at_five_seeds():
    generator = np.random.default_rng(2)
    hits = dict.fromkeys(SHARES, 0)
    for _ in range(1000):
        values, truth = made(generator)
        for name, part in variance_shares(values).items():
            hits[name] += part.low <= truth[name] <= part.high
    assert all(910 <= hits[name] <= 985 for name in ("first", "second", "together")), hits
    assert 830 <= hits["rest"] <= 985


def test_diverged_seeds_are_counted_and_one_seed_has_no_interval():
    values, _ = made(np.random.default_rng(0))
    values[1, 2, 0] = np.nan
    assert (variance_shares(values)["first"].n, variance_shares(values)["first"].diverged) == (4, 1)
    assert variance_shares(values[:1])["first"].high == np.inf
    with pytest.raises(OvbookError, match="none of the 1 seeds"):
        variance_shares(values[1:2])
    with pytest.raises(OvbookError, match="at least 2 levels"):
        variance_shares(values[:, :, :1])


def test_at_equal_reads_both_arms_at_the_same_level_and_extrapolates_nothing():
    x = np.array([[4.0, 3.0, 2.0, 1.0], [3.5, 2.5, 1.5, 0.5]])
    y = np.array([[0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 12.0, 13.0]])
    levels, values = at_equal(x, y, count=3)
    np.testing.assert_allclose(levels, [3.5, 2.25, 1.0])
    np.testing.assert_allclose(values, [[0.5, 10.0], [1.75, 11.25], [3.0, 12.5]])


def test_at_equal_takes_the_first_passage_of_a_bumpy_curve():
    x = np.array([[4.0, 2.0, 3.0, 1.0], [4.0, 3.0, 2.0, 1.0]])
    y = np.array([[0.0, 2.0, 9.0, 9.0], [0.0, 1.0, 2.0, 3.0]])
    _, values = at_equal(x, y, count=4)
    np.testing.assert_allclose(values[1], [1.0, 1.0])  # at level 3, before the bump
    np.testing.assert_allclose(values[2], [2.0, 2.0])


def test_at_equal_leaves_a_hole_where_arms_share_nothing():
    x = np.array([[[4.0, 3.0], [2.0, 1.0]], [[4.0, 3.0], [np.nan, 3.0]]])
    levels, values = at_equal(x, x, count=2)
    assert np.isnan(values[0]).all()
    assert np.isnan(levels[0]).all()
    assert np.isnan(values[1, :, 1]).all()
    with pytest.raises(OvbookError, match="at least 2 places"):
        at_equal(x[..., :1], x[..., :1])


def test_points_are_compared_with_the_curve_at_their_own_place():
    x = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [3.0, np.nan, 1.0]])
    y = np.array([[10.0, 20.0, 40.0]] * 4)
    found = above_curve(x, y, np.array([2.5, 1.0, 0.9, 2.5]), np.array([16.0, 39.0, 50.0, 16.0]))
    np.testing.assert_allclose(found, [1.0, -1.0, np.nan, np.nan])
    bumpy = above_curve(np.array([3.0, 1.0, 2.0]), np.array([0.0, 2.0, 9.0]), np.array(2.0), np.array(1.5))
    assert bumpy == pytest.approx(0.5), "where the curve first gets there"
    with pytest.raises(OvbookError, match="points the same without the last axis"):
        above_curve(x, y, np.zeros(3), np.zeros(3))

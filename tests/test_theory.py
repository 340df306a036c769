"""The closed forms of the two-layer linear network against simulation and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ovbook import theory
from ovbook.errors import OvbookError

OLD = theory.target(2 / np.arange(1, 13), 12, seed=3)
START = 1e-4


def old_loss(product: np.ndarray) -> float:
    return float(((product - OLD.matrix) ** 2).sum())


def at(time: float) -> theory.Weights:
    return theory.pair(OLD, theory.strengths(time, OLD.values, START), hidden=12)


def test_strengths_solve_their_equation():
    solved = solve_ivp(
        lambda _, a: 2 * a * (OLD.values - a), (0, 6), np.full(12, START), rtol=1e-10, atol=1e-13
    )
    assert theory.strengths(6.0, OLD.values, START) == pytest.approx(solved.y[:, -1], rel=1e-7)


def test_strengths_are_those_of_gradient_descent_from_small_balanced_weights():
    w1, w2 = theory.descend(
        theory.pair(OLD, np.full(12, START), hidden=12), OLD.matrix, rate=1e-3, steps=4000
    )
    found = np.linalg.svd(w1 @ w2, compute_uv=False)
    assert found == pytest.approx(theory.strengths(4.0, OLD.values, START), abs=5e-3)


def test_directions_are_learnt_one_after_another():
    times = theory.learning_times(OLD.values, START)
    assert (np.diff(times) > 0).all()
    halves = [theory.strengths(t, OLD.values, START)[i] for i, t in enumerate(times)]
    assert halves == pytest.approx(OLD.values / 2)


def test_late_times_do_not_overflow():
    assert theory.strengths(1e6, OLD.values, START) == pytest.approx(OLD.values)


def test_expected_increase_is_the_mean_over_draws():
    weights, learnt = at(8.0), theory.strengths(8.0, OLD.values, START)
    drawn = theory.increase_by_draws(weights, OLD.matrix, gamma=0.3, draws=20_000, seed=1)
    error = drawn.std(ddof=1) / np.sqrt(drawn.size)
    assert abs(drawn.mean() - theory.expected_increase(learnt, 0.3, size=12, hidden=12)) < 4 * error


def test_best_strength_is_the_minimum_of_the_shaken_loss():
    gamma, grid = 0.2, np.linspace(0, 2.5, 25_001)
    for s, best in zip(OLD.values, theory.best_strength(OLD.values, gamma, size=12), strict=True):
        shaken = (s - grid) ** 2 + gamma**2 * 24 * grid
        assert grid[shaken.argmin()] == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("degrees", [0, 35, 90])
def test_flow_is_the_limit_of_small_steps(degrees):
    new = theory.turned(OLD, np.full(4, 0.5), degrees, seed=7).matrix
    exact = theory.flow(at(10.0), new, time=2.0)
    errors = []
    for steps in (2_000, 4_000):
        w1, w2 = theory.descend(at(10.0), new, rate=2.0 / steps, steps=steps)
        errors.append(np.abs(w1 @ w2 - exact).max())
    assert errors[1] < 5e-4
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)  # the error of plain descent is its step size's


def test_a_long_flow_loses_no_digits():
    new = theory.turned(OLD, np.full(4, 0.5), 60, seed=7).matrix

    def slope(_, flat):
        w1, w2 = flat.reshape(2, 12, 12)
        off = w1 @ w2 - new
        return -np.concatenate([(off @ w2.T).ravel(), (w1.T @ off).ravel()])

    start = np.concatenate([w.ravel() for w in at(10.0)])
    solved = solve_ivp(slope, (0, 80), start, rtol=1e-10, atol=1e-13).y[:, -1].reshape(2, 12, 12)
    assert theory.flow(at(10.0), new, time=80.0) == pytest.approx(solved[0] @ solved[1], abs=1e-7)


def test_no_time_changes_nothing_and_stacked_weights_have_times_of_their_own():
    new = theory.turned(OLD, np.full(4, 0.5), 50, seed=7).matrix
    stacked = tuple(np.stack(sides) for sides in zip(at(2.0), at(9.0), strict=True))
    found = theory.flow(stacked, new, [0.0, 3.0])
    assert found[0] == pytest.approx(at(2.0)[0] @ at(2.0)[1], abs=1e-12)
    assert found[1] == pytest.approx(theory.flow(at(9.0), new, 3.0), abs=1e-12)


def test_reach_says_when_never_and_already():
    new = theory.turned(OLD, np.full(4, 0.5), 90, seed=7).matrix
    time = theory.reach(at(9.0), new, 0.5)
    assert ((theory.flow(at(9.0), new, time) - new) ** 2).sum() == pytest.approx(0.5, rel=1e-6)
    assert np.isnan(theory.reach(at(9.0), new, 1e-3, most=0.1))
    assert theory.reach(at(9.0), OLD.matrix, 10.0) == 0.0


def test_small_random_weights_learn_at_the_times_of_balanced_ones():
    found = [
        theory.along(OLD, w1 @ w2)
        for w1, w2 in (
            theory.descend(theory.small(12, 12, START, seed), OLD.matrix, rate=5e-3, steps=900)
            for seed in range(20)
        )
    ]
    # direction 2 (strength 1) is half learnt near t = 4.6; a random start makes it a little earlier or later
    assert np.mean(found, axis=0)[:2] == pytest.approx(theory.strengths(4.5, OLD.values, START)[:2], abs=0.15)


def test_flow_towards_the_same_task_is_more_pre_training():
    assert theory.flow(at(3.0), OLD.matrix, time=2.0) == pytest.approx(
        theory.pair(OLD, theory.strengths(5.0, OLD.values, START), 12)[0]
        @ theory.pair(OLD, theory.strengths(5.0, OLD.values, START), 12)[1],
        abs=1e-9,
    )


def test_angles_are_what_they_say():
    for degrees in (0, 20, 90):
        new = theory.turned(OLD, np.full(4, 0.5), degrees, seed=2)
        cosines = np.linalg.svd(OLD.left[:, :4].T @ new.left, compute_uv=False)
        assert cosines == pytest.approx(np.full(4, np.cos(np.deg2rad(degrees))), abs=1e-12)


def test_a_pull_keeps_the_weights_near_and_the_new_task_unlearnt():
    new = theory.turned(OLD, np.full(4, 0.5), 90, seed=2).matrix
    free = theory.descend(at(10.0), new, rate=0.03, steps=100)
    held = theory.descend(at(10.0), new, rate=0.03, steps=100, pull=1.0)
    assert old_loss(held[0] @ held[1]) < old_loss(free[0] @ free[1])
    assert ((held[0] @ held[1] - new) ** 2).sum() > ((free[0] @ free[1] - new) ** 2).sum()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: theory.target([1.0, -1.0], 4, 0), "above 0"),
        (lambda: theory.turned(OLD, np.full(7, 0.5), 30, 0), "half the size"),
        (lambda: theory.turned(OLD, np.full(2, 0.5), 100, 0), "between 0 and 90"),
        (lambda: theory.strengths(1.0, OLD.values, 0.0), "above 0"),
        (lambda: theory.pair(OLD, OLD.values, hidden=3), "at least 12"),
        (lambda: theory.flow(at(1.0), OLD.matrix, time=-1.0), "at least 0"),
        (lambda: theory.reach(at(1.0), OLD.matrix, 0.0), "above 0"),
        (lambda: theory.descend(at(9.0), OLD.matrix * 5, rate=10.0, steps=200), "diverged"),
    ],
)
def test_misuse_is_one_sentence(call, says):
    with pytest.raises(OvbookError, match=says), np.errstate(all="ignore"):
        call()

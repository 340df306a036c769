"""The statistics: against scipy, against closed forms, and over many simulated experiments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from ovbook import stats
from ovbook.errors import OvbookError

EXPERIMENTS = 2000


def rng(purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([20250321, purpose]))


# --- intervals ---


def test_mean_interval_is_scipys() -> None:
    values = rng(0).normal(3, 2, 7)
    found = stats.mean_interval(values, level=0.9)
    low, high = reference.t.interval(0.9, 6, loc=values.mean(), scale=reference.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.n == 7


def test_one_seed_has_no_interval() -> None:
    found = stats.mean_interval([1.5])
    assert found.mean == 1.5
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_diverged_seeds_are_counted_not_averaged() -> None:
    found = stats.mean_interval([1.0, np.nan, 3.0, np.inf])
    assert (found.mean, found.n, found.diverged) == (2.0, 2, 2)
    with pytest.raises(OvbookError, match="none of the 2 values"):
        stats.mean_interval([np.nan, np.inf])


def test_draws_cannot_pass_for_seeds() -> None:
    with pytest.raises(OvbookError, match="2 dimensions"):
        stats.mean_interval(np.ones((5, 4)))


def test_bootstrap_needs_ten_seeds_and_agrees_with_scipy() -> None:
    with pytest.raises(OvbookError, match="at least 10"):
        stats.bootstrap_interval(np.arange(9.0), generator=rng(1))
    values = rng(2).exponential(size=40)
    ours = stats.bootstrap_interval(values, generator=rng(3), resamples=20_000)
    theirs = reference.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        n_resamples=20_000,
        random_state=rng(4),
        confidence_level=2 * reference.norm.cdf(np.sqrt(40 / 39) * reference.t.ppf(0.975, 39)) - 1,
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_bootstrap_covers_at_ten_seeds() -> None:
    generator = rng(15)
    draws = generator.normal(size=(EXPERIMENTS // 4, 10))
    found = [stats.bootstrap_interval(row, generator=generator, resamples=1000) for row in draws]
    assert 0.92 < np.mean([i.low < 0 < i.high for i in found]) < 0.975


def test_paired_interval_is_scipys_and_needs_the_same_seeds() -> None:
    a, b = rng(5).normal(size=(2, 6))
    low, high = reference.ttest_rel(a, b).confidence_interval(0.95)
    found = stats.paired_interval(a, b)
    assert (found.low, found.high) == pytest.approx((low, high))
    with pytest.raises(OvbookError, match="same seeds"):
        stats.paired_interval(a, b[:5])
    assert stats.paired_interval([np.inf, 1.0, 2.0], [np.inf, 0.0, 0.0]).diverged == 1


@pytest.mark.parametrize("direction", [1, -1])
def test_one_sided_is_scipys_and_agrees_with_its_interval(direction: int) -> None:
    values = direction * rng(6).normal(0.5, 1, 8)
    found = stats.one_sided(values, beyond=0.1, direction=direction)
    side = "greater" if direction == 1 else "less"
    assert found.p == pytest.approx(reference.ttest_1samp(values, direction * 0.1, alternative=side).pvalue)
    assert found.passed == (found.p < 0.025)


def test_equivalence_is_two_one_sided_tests() -> None:
    values = rng(7).normal(0.02, 0.05, 10)
    found = stats.equivalence(values, margin=0.08)
    above = reference.ttest_1samp(values, -0.08, alternative="greater").pvalue
    below = reference.ttest_1samp(values, 0.08, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below))
    assert found.passed == (found.p < 0.025)
    with pytest.raises(OvbookError, match="margin is 0"):
        stats.equivalence(values, margin=0)


def test_holm_by_hand_and_in_order() -> None:
    assert stats.holm([0.04, 0.01, 0.03, 0.005]) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert stats.holm([]) == []
    with pytest.raises(OvbookError, match="0 to 1"):
        stats.holm([0.1, np.nan])


def test_holm_keeps_the_family_error() -> None:
    p = reference.t.sf(rng(8).standard_t(4, size=(EXPERIMENTS, 6)), 4)
    wrong = np.mean([min(stats.holm(list(row))) < 0.05 for row in p])
    assert 0.03 < wrong < 0.066  # 5% ± 3 standard errors, and Bonferroni's slack


@pytest.mark.parametrize(
    ("name", "low", "high"), [("normal", 0.936, 0.964), ("heavy", 0.93, 0.985), ("uniform", 0.92, 0.96)]
)
def test_t_interval_covers_at_five_seeds(name: str, low: float, high: float) -> None:
    generator = rng(9)
    draws = {
        "normal": generator.normal(size=(EXPERIMENTS, 5)),
        "heavy": generator.standard_t(3, size=(EXPERIMENTS, 5)),
        "uniform": generator.uniform(-1, 1, size=(EXPERIMENTS, 5)),
    }[name]
    found = [stats.mean_interval(row) for row in draws]
    covered = np.mean([i.low < 0 < i.high for i in found])
    assert low < covered < high


def test_equivalence_rarely_passes_at_its_margin_and_often_well_inside() -> None:
    noise = rng(10).normal(0, 0.01, size=(EXPERIMENTS, 5))
    at_margin = np.mean([stats.equivalence(0.02 + row, margin=0.02).passed for row in noise])
    inside = np.mean([stats.equivalence(row, margin=0.02).passed for row in noise])
    assert 0.015 < at_margin < 0.037  # 2.5%
    assert inside > 0.7  # five seeds reach a margin of two standard deviations


# --- one number per seed ---


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_draws_are_averaged_inside_the_seed() -> None:
    frame = table(world=1, seed=[0, 0, 1, 1], draw=[0, 1, 0, 1], loss=[1.0, 3.0, 5.0, 9.0])
    assert list(stats.per_seed(frame, "loss", within=["draw"])["loss"]) == [2.0, 7.0]


def test_copied_rows_are_refused() -> None:
    frame = table(world=1, seed=[0, 0], draw=[0, 0], loss=[1.0, 1.0])
    with pytest.raises(OvbookError, match="share their place"):
        stats.per_seed(frame, "loss", within=["draw"])


def test_a_forgotten_column_is_refused() -> None:
    frame = table(world=1, seed=0, draw=[0, 1], loss=[1.0, 2.0])
    with pytest.raises(OvbookError, match="2 rows that share"):
        stats.per_seed(frame, "loss")


def test_tasks_must_be_the_same_everywhere() -> None:
    frame = table(world=1, seed=[0, 0, 1], task=["topic", "mood", "topic"], loss=[1.0, 2.0, 3.0])
    with pytest.raises(OvbookError, match="tasks differ"):
        stats.per_seed(frame, "loss", within=["task"])


def test_a_task_with_more_draws_does_not_weigh_more() -> None:
    frame = table(world=1, seed=0, task=["a", "a", "a", "b"], draw=[0, 1, 2, 0], loss=[1.0, 1.0, 1.0, 3.0])
    assert stats.per_seed(frame, "loss", within=["task", "draw"])["loss"].item() == 2.0


def test_one_bad_draw_makes_the_seed_missing() -> None:
    frame = table(world=1, seed=[0, 0, 1, 1], draw=[0, 1, 0, 1], loss=[1.0, np.nan, 5.0, 9.0])
    found = stats.per_seed(frame, "loss", within=["draw"])["loss"]
    assert np.isnan(found[0])
    assert found[1] == 7.0


def test_a_run_marked_diverged_is_missing_even_if_its_loss_is_finite() -> None:
    frame = table(world=1, seed=[0, 1], loss=[1.0, 2.0], diverged=[True, False])
    assert list(stats.per_seed(frame, "loss")["loss"].isna()) == [True, False]


def test_the_cube_refuses_a_missing_run_by_name() -> None:
    frame = table(world=1, seed=[0, 0, 1], tokens=[1, 2, 1], loss=1.0)
    with pytest.raises(OvbookError, match="no row for world 1, seed 1, tokens 2"):
        stats.cube(frame, "loss", x="tokens")


def test_an_empty_place_is_refused() -> None:
    frame = table(world=1, seed=[0, 1], tokens=[1.0, np.nan], loss=1.0)
    with pytest.raises(OvbookError, match="tokens has empty places"):
        stats.cube(frame, "loss", x="tokens")


def test_world_is_read_from_the_corpus() -> None:
    frame = table(corpus=["world:3/almanac", "file:novels.txt"])
    assert list(stats.with_world(frame)["world"]) == ["3", "file:novels.txt"]
    assert list(stats.with_world(frame.assign(world=[3, None]))["world"]) == ["3", "file:novels.txt"]


def test_increase_is_paired_within_the_seed() -> None:
    frame = table(
        world=1, seed=[0, 0, 1, 1], tokens=8, gamma=[0.0, 0.4, 0.0, 0.4], draw=0, loss=[2.0, 2.5, 3.0, 3.1]
    )
    found = stats.increase_over_base(frame)
    assert list(found["increase"]) == pytest.approx([0, 0.5, 0, 0.1])
    with pytest.raises(OvbookError, match="add gamma 0"):
        stats.increase_over_base(frame[frame["gamma"] > 0])


def test_summarise_counts_seeds_not_worlds_or_draws() -> None:
    grid = pd.MultiIndex.from_product(
        [[1, 2], range(5), [0, 1], [8, 16]], names=["world", "seed", "draw", "tokens"]
    )
    frame = grid.to_frame(index=False)
    frame["loss"] = frame["seed"] + 10.0 * frame["world"] + frame["draw"]
    found = stats.summarise(frame, "loss", within=["draw"])
    assert list(found.columns) == ["tokens", "mean", "low", "high", "n", "diverged"]
    expected = stats.mean_interval(np.arange(5) + 15.5)
    assert list(found["n"]) == [5, 5]
    assert found.loc[0, ["mean", "low", "high"]].tolist() == pytest.approx(
        [17.5, expected.low, expected.high]
    )
    per_world = stats.summarise(frame, "loss", by=["world", "tokens"], within=["draw"])
    assert list(per_world["mean"]) == [12.5, 12.5, 22.5, 22.5]


def test_summarise_drops_a_seed_that_diverged_in_one_world() -> None:
    frame = table(world=[1, 1, 2, 2], seed=[0, 1, 0, 1], tokens=8, loss=[1.0, 2.0, np.nan, 4.0])
    found = stats.summarise(frame, "loss").loc[0]
    assert (found["mean"], found["low"], found["n"], found["diverged"]) == (3.0, 3.0, 1, 1)


def test_summaries_keep_the_order_of_their_labels_and_say_how_many_worlds() -> None:
    frame = table(world=[1, 1, 2, 2], seed=[0, 1, 0, 1], tokens=8, loss=[1.0, 2.0, 3.0, 4.0], gain=0.0)
    found = stats.summaries({"b": (frame, "loss"), "a": (frame, "gain")}, name="what")
    assert found["what"].tolist() == ["b", "a"]
    assert found["mean"].tolist() == [2.5, 0.0]
    assert found.attrs["worlds"] == 2


# --- curves ---

TOKENS = [2.0**k * 250_000 for k in range(6)]


def test_slope_per_seed_is_polyfits() -> None:
    values = rng(11).normal(size=(2, 3, 6))
    grid = pd.MultiIndex.from_product([["1", "2"], range(3), TOKENS], names=["world", "seed", "tokens"])
    frame = grid.to_frame(index=False).assign(loss=values.ravel())
    found = stats.slope_per_seed(frame, "loss")
    expected = [np.polyfit(np.log2(TOKENS), row, 1)[0] for row in values.reshape(6, 6)]
    assert list(found["slope"]) == pytest.approx(expected)


def test_x_must_ascend_and_be_positive() -> None:
    with pytest.raises(OvbookError, match="positive and ascending"):
        stats.log2_slopes([[1.0, 2.0]], [2.0, 1.0])
    with pytest.raises(OvbookError, match="too few"):
        stats.inflection([1.0, 2.0], [1.0, 2.0])


def test_a_reversal_needs_to_be_beyond_the_tolerance() -> None:
    seeds = np.array([0.0, 0.1, 0.2, 0.1, 0.4]) + rng(12).normal(0, 1e-3, (5, 1))
    assert stats.reversals(seeds, TOKENS[:5], direction=1, tolerance=0.11) == []
    (found,) = stats.reversals(seeds, TOKENS[:5], direction=1, tolerance=0.05)
    assert (found.start, found.end) == (TOKENS[2], TOKENS[3])
    assert found.size == pytest.approx(0.1)
    assert found.clear


def test_a_noisy_reversal_is_not_clear() -> None:
    seeds = np.array([0.0, 0.1, 0.0]) + rng(13).normal(0, 0.3, (5, 3))
    found = stats.reversals(
        seeds - seeds.mean(axis=0) + [0.0, 0.1, 0.0], TOKENS[:3], direction=1, tolerance=0.01
    )
    assert [r.clear for r in found] == [False]


def test_the_tolerance_grows_with_the_distance() -> None:
    seeds = np.tile([0.3, 0.2], (5, 1))
    assert stats.reversals(seeds, [1.0, 16.0], direction=1, tolerance=0.03) == []
    assert stats.reversals(seeds, [1.0, 16.0], direction=1, tolerance=0.03, per_doubling=False)


def test_inflection_finds_the_vertex_of_a_parabola_on_any_grid() -> None:
    tokens = [1.0, 3.0, 8.0, 9.5, 40.0]
    loss = (np.log2(tokens) - 3.1) ** 2
    assert stats.inflection(tokens, loss).log2 == pytest.approx(3.1)


@pytest.mark.parametrize(("loss", "text"), [([1, 2, 3], "<= 1"), ([3, 2, 1], ">= 4"), ([2, 1, 2], "2")])
def test_inflection_is_censored_at_the_border(loss: list[float], text: str) -> None:
    assert str(stats.inflection([1.0, 2.0, 4.0], loss)) == text


def test_inflection_of_a_diverged_curve() -> None:
    assert stats.inflection([1.0, 2.0, 4.0], [3, np.nan, 4]).sign == "diverged"
    assert stats.first_rise([1.0, 2.0, 4.0], [3, np.nan, 4]).sign == "diverged"


def test_a_flat_bottom_keeps_to_the_grid() -> None:
    assert stats.inflection([1.0, 2.0, 4.0, 8.0], [2, 1, 1, 2]).log2 == pytest.approx(1.5)


def test_first_rise_is_the_popular_definition() -> None:
    assert str(stats.first_rise(TOKENS, [5, 4, 4.1, 3, 2, 2.5])) == f"{TOKENS[2]:.3g}"
    assert stats.first_rise(TOKENS, [6, 5, 4, 3, 2, 1]).sign == ">="


def test_u_shape_chooses_the_minimum_on_the_other_seeds() -> None:
    """Two seeds see their lowest point at different budgets: each is read where the other has it."""
    values = np.array([[[3.0, 1.0, 2.0, 4.0], [3.0, 2.0, 1.0, 4.0]]])
    found = stats.u_shape(values)
    assert found.rise.tolist() == [[2.0, 2.0]]  # and not 3, as with each seed's own minimum
    assert found.fall.tolist() == [[1.0, 1.0]]


def test_u_shape_has_no_bias_on_flat_curves_where_the_own_minimum_has() -> None:
    values = rng(14).normal(0, 1, size=(EXPERIMENTS, 5, 6))
    rise = stats.u_shape(values).rise.mean(axis=1)
    own = (values[:, :, -1] - values.min(axis=2)).mean()
    assert abs(rise.mean()) < 4 * rise.std() / np.sqrt(EXPERIMENTS)
    assert own > 1
    assert stats.u_shape(values).rise_at_most.mean() > 0.3  # the bound that may refute errs the other way


def test_a_diverged_seed_is_left_out_of_the_choice_and_stays_missing() -> None:
    values = np.array([[[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [np.nan, -9.0, 2.0], [3.0, 1.0, 2.5]]])
    found = stats.u_shape(values).rise[0]
    assert np.isnan(found[2])
    assert found[[0, 1, 3]].tolist() == [1.0, 1.0, 1.5]
    with pytest.raises(OvbookError, match="fewer than two"):
        stats.u_shape(values[:, 2:])


def test_saturated_budgets_are_dropped_for_all_seeds_together() -> None:
    base = np.full((2, 5, 3), 2.0)
    modified = np.broadcast_to([2.5, 3.9, 4.1], (2, 5, 3)).copy()
    assert stats.unsaturated(modified, base, 6.0).tolist() == [True, True, False]
    modified[1, :, 1] = 4.05  # one world is enough
    assert stats.unsaturated(modified, base, 6.0).tolist() == [True, False, False]
    modified[1, :, 1] = [3.0, 3.0, 3.0, 3.0, 5.0]  # one seed is not
    assert stats.unsaturated(modified, base, np.array([6.0, 6.0])).tolist() == [True, True, False]

"""Windows of a run's time, rank correlations and slopes over examples: right numbers, missing ones, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ovbook.errors import OvbookError
from ovbook.stats import rank_correlations, slopes_together, window_means


def run(seed=1, world="1", diverged=-1):
    progress = np.arange(8) / 4
    return pd.DataFrame(
        {"world": world, "seed": seed, "progress": progress, "loss": 10 * progress, "diverged_at": diverged}
    )


def test_a_window_holds_both_its_ends():
    found = window_means(pd.concat([run(1), run(2)]), "loss", {"all": (0.5, 1.0), "edge": (1.0, 1.0)})
    assert found["seed"].tolist() == [1, 2]
    assert found["all"].tolist() == [7.5, 7.5]
    assert found["edge"].tolist() == [10.0, 10.0]


def test_a_run_that_diverged_keeps_its_place_without_a_number():
    found = window_means(pd.concat([run(1), run(2, diverged=3)]), "loss", {"all": (0.5, 1.0)})
    assert found["all"].isna().tolist() == [False, True]


def test_a_window_without_rows_is_refused_by_name():
    with pytest.raises(
        OvbookError, match=r"the window 'late', 1\.8 to 2, holds no row of the run world 1, seed 1"
    ):
        window_means(run(), "loss", {"late": (1.8, 2.0)})
    with pytest.raises(OvbookError, match="no column accuracy"):
        window_means(run(), "accuracy", {"late": (0.0, 2.0)})


def examples(seed, noise=0.0):
    rng = np.random.default_rng(seed)
    x, z = rng.random((2, 60))
    y = 2 * x - 3 * z + 1 + noise * rng.random(60)
    return pd.DataFrame({"world": "1", "seed": seed, "x": x, "z": z, "y": y})


def test_rank_correlations_agree_with_scipy_run_by_run():
    table = pd.concat([examples(1, 1.0), examples(2, 1.0)])
    found = rank_correlations(table, "x", "y")
    for seed, rho in zip(found["seed"], found["correlation"], strict=True):
        of = table[table["seed"] == seed]
        assert rho == pytest.approx(spearmanr(of["x"], of["y"]).statistic)
    still = rank_correlations(examples(1).assign(x=1.0), "x", "y")
    assert still["correlation"].isna().all()


def test_slopes_are_those_of_each_column_with_the_others_held():
    found = slopes_together(pd.concat([examples(1), examples(2)]), "y", ["x", "z"])
    assert found["x"].to_numpy() == pytest.approx([2, 2])
    assert found["z"].to_numpy() == pytest.approx([-3, -3])


def test_columns_that_cannot_be_told_apart_give_no_slopes():
    found = slopes_together(examples(1).assign(same=lambda t: 2 * t["x"]), "y", ["x", "same"])
    assert found[["x", "same"]].isna().all(axis=None)

"""Linear networks as runs: closed form and simulation agree, settings matter as they should, misuse is one sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ovbook import theory
from ovbook.errors import OvbookError
from ovbook.runs import LinearNetwork, LinearNoise, LinearTuning, execute, plan

NET = LinearNetwork(seed=100, times=(1.0, 3.0, 8.0, 20.0, 60.0), size=12, rate=0.005)
UNTRAINED = sum(s**2 for s in NET.values)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Rows of a spec, as a data frame."""
    store = tmp_path_factory.mktemp("store")
    return lambda spec: execute([spec], store=store, progress=False).table(type(spec))


def test_learning_by_formula_and_by_descent_agree_to_two_percent(run):
    table = run(NET)
    one = table[table["kind"] == "direction"]
    assert len(one) == 5 * 12
    assert (one["exact"] - one["simulated"]).abs().max() < 0.02 * NET.strength
    whole = table[table["kind"] == "whole"]
    assert (whole["exact"] - whole["simulated"]).abs().max() < 0.02 * UNTRAINED
    assert whole["size_exact"].to_numpy() == pytest.approx(
        one.groupby("time")["exact"].sum().to_numpy(), rel=1e-9
    )
    assert (whole["size_exact"] - whole["size_simulated"]).abs().max() < 0.02 * NET.strength


def test_a_random_start_learns_the_same_directions_at_about_the_same_times(run):
    one = run(NET).query("kind == 'direction' and direction <= 4").pivot(index="time", columns="direction")
    assert (one["random"] - one["exact"]).abs().to_numpy().max() < 0.1 * NET.strength
    last = one["random"].loc[60.0]
    assert last.to_numpy() == pytest.approx(NET.values[:4], rel=0.01)


def test_noise_by_formula_and_by_draws_agree_to_two_percent(run):
    table = run(LinearNoise(network=NET, gammas=(0.0, 0.05, 0.1), draws=400))
    assert (table["exact"] - table["simulated"]).abs().max() < 0.02 * UNTRAINED
    calm = table[table["gamma"] == 0]
    assert calm["exact"].tolist() == calm["base"].tolist()
    assert calm["simulated"].tolist() == calm["base"].tolist()
    whole = run(NET).query("kind == 'whole'")["random"]
    assert calm["random"].to_numpy() == pytest.approx(whole.to_numpy())


def test_more_noise_turns_earlier_and_none_never(run):
    net = dataclasses.replace(NET, times=tuple(np.geomspace(0.5, 100, 25)))
    table = run(LinearNoise(network=net, gammas=(0.0, 0.08, 0.16), draws=1))
    lowest = {g: t.loc[t["exact"].idxmin(), "time"] for g, t in table.groupby("gamma")}
    assert lowest[0.16] < lowest[0.08] < lowest[0.0] == 100.0


def test_tuning_by_formula_and_by_descent_agree_to_two_percent(run):
    spec = LinearTuning(network=NET, rank=3, degrees=(0, 60, 90), rates=(0.01, 0.05), every=2)
    table = run(spec)
    assert len(table) == 3 * 2 * 5
    assert (table["simulated"].notna() == table["time"].isin(NET.times[::2])).all()
    for exact, simulated in (("exact", "simulated"), ("new_exact", "new_simulated")):
        assert (table[exact] - table[simulated]).abs().max() < 0.02 * UNTRAINED


def test_halving_the_step_halves_the_difference(run):
    gaps = []
    for rate, steps in ((0.04, 50), (0.02, 100)):
        table = run(LinearTuning(network=NET, rank=3, degrees=(90,), rates=(rate,), steps=steps))
        gaps.append((table["exact"] - table["simulated"]).abs().max())
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)


def test_a_pull_is_simulated_as_an_independent_solver_solves_it(run):
    spec = LinearTuning(network=NET, rank=3, degrees=(90,), rates=(0.005,), steps=200, pulls=(0.0, 1.0))
    table = run(spec).set_index(["pull", "time"])
    assert table.loc[1.0, "exact"].isna().all()
    assert table.loc[0.0, "exact"].notna().all()
    from ovbook.runs.spec import purpose_seed

    old = theory.target(NET.values, 12, purpose_seed(100, "target"))
    new = theory.turned(old, np.full(3, 0.5), 90, spec.tuning_seed).matrix
    first = np.concatenate(
        [w.ravel() for w in theory.pair(old, theory.strengths(8.0, NET.values, NET.start), 12)]
    )

    def slope(_, flat):
        w1, w2 = flat.reshape(2, 12, 12)
        off = w1 @ w2 - new
        return -np.concatenate([(off @ w2.T).ravel(), (w1.T @ off).ravel()]) - (flat - first)

    solved = solve_ivp(slope, (0, 1.0), first, rtol=1e-9, atol=1e-12).y[:, -1].reshape(2, 12, 12)
    found = ((solved[0] @ solved[1] - old.matrix) ** 2).sum()
    assert table.loc[(1.0, 8.0), "simulated"] == pytest.approx(found, rel=0.01)
    assert table.loc[(1.0, 8.0), "simulated"] < table.loc[(0.0, 8.0), "simulated"]


def test_tuning_until_stops_there_and_says_how_long_it_took(run):
    table = run(LinearTuning(network=NET, rank=3, degrees=(90,), until=(0.5, 0.9)))
    assert table["new_exact"].to_numpy() == pytest.approx(table["until"].to_numpy() * 3 * 0.5**2, rel=1e-6)
    by_time = table.set_index(["until", "time"])
    assert (by_time.loc[0.5, "lasted"] > by_time.loc[0.9, "lasted"]).all()
    again = run(
        LinearTuning(network=NET, rank=3, degrees=(90,), rates=(by_time.loc[(0.5, 8.0), "lasted"],), steps=1)
    )
    row = again[again["time"] == 8.0].iloc[0]
    assert row["exact"] == pytest.approx(by_time.loc[(0.5, 8.0), "exact"])


def test_seeds_differ_in_directions_and_never_in_strengths(run):
    one, two = (run(dataclasses.replace(NET, seed=s)).query("kind == 'direction'") for s in (100, 101))
    assert one["exact"].tolist() == two["exact"].tolist()
    assert one["random"].tolist() != two["random"].tolist()


def test_a_plan_prices_them_and_a_network_is_learnt_once(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path))
    asked = plan(
        [LinearNoise(network=NET, gammas=(0.1,)), LinearTuning(network=NET, degrees=(0,), rates=(0.1,))]
    )
    assert [type(spec).__name__ for spec in asked.todo].count("LinearNetwork") == 1
    assert 0 < asked.seconds < 10


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: dataclasses.replace(NET, times=()), "times is ()"),
        (lambda: dataclasses.replace(NET, size=1), "size is 1"),
        (lambda: dataclasses.replace(NET, seed=-1), "seed is -1"),
        (lambda: dataclasses.replace(NET, exponent=-1), "exponent is -1"),
        (lambda: dataclasses.replace(NET, start=0.5), "below the weakest direction's strength, 0.166667"),
        (lambda: dataclasses.replace(NET, rate=0.5), "or the simulation diverges"),
        (lambda: dataclasses.replace(NET, strength="strong"), "strength is 'strong'"),
        (lambda: dataclasses.replace(NET, times="soon"), "times"),
        (lambda: LinearNoise(network=3, gammas=(0.1,)), "network is 3"),
        (lambda: LinearNoise(network=NET, gammas=(-0.1,)), "gammas holds -0.1"),
        (lambda: LinearTuning(network=NET, degrees=(95,), rates=(0.1,)), "degrees holds 95"),
        (lambda: LinearTuning(network=NET, degrees=(0,)), "something must be tuned"),
        (lambda: LinearTuning(network=NET, degrees=(0,), until=(1.5,)), "until holds 1.5"),
        (lambda: LinearTuning(network=NET, degrees=(0,), rates=(0.1,), rank=7), "at most 6 directions"),
        (lambda: LinearTuning(network=NET, degrees=(0,), rates=(0.1,), steps=0), "steps is 0"),
    ],
)
def test_misuse_is_one_sentence(make, says):
    with pytest.raises(OvbookError) as said:
        make()
    assert says in str(said.value)
    assert "\n" not in str(said.value)

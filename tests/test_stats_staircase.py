"""Steps at epoch boundaries, on curves whose steps are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ovbook.errors import OvbookError
from ovbook.stats import gaps, in_bins, jumps, meetings, probe_steps

PER = 100


def steps(curve, *, epochs=3, per=PER, **more):
    """Rows of kind "step" of a curve: progress in epochs -> loss."""
    rows = []
    for step in range(epochs * per):
        progress = step / per
        place = (step % per + 0.5) / per
        row = {"step": step, "epoch": step // per + 1, "place": place, "progress": progress}
        rows.append({"world": 1, "seed": 100, "kind": "step", "loss": curve(progress)} | row | more)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("curve", "jump"),
    [
        (lambda t: 3.5 - 0.4 * t, 0.0),
        (lambda t: 3.5 - 0.5 * np.floor(t), -0.5),
        (lambda t: 3.5 - 0.5 * np.floor(t) - 0.2 * t, -0.5),
    ],
)
def test_a_line_has_no_jump_and_a_staircase_its_height(curve, jump):
    found = jumps(steps(curve))
    assert found["boundary"].tolist() == [1, 2]
    assert found["jump"].to_numpy() == pytest.approx([jump, jump], abs=1e-9)
    assert found["drop"].to_numpy() == pytest.approx(-found["jump"].to_numpy())


def test_a_smooth_curve_has_next_to_no_jump():
    assert jumps(steps(lambda t: 3 * np.exp(-0.3 * t)))["jump"].abs().max() < 0.08


def test_noise_does_not_bias_the_jump():
    noise = np.random.default_rng(0).normal(0, 0.2, 300)
    found = [
        jumps(
            steps(lambda t, roll=roll: 3.5 - 0.5 * np.floor(t) + np.roll(noise, roll)[round(t * PER) % 300])
        )
        for roll in range(0, 300, 7)
    ]
    assert pd.concat(found)["jump"].mean() == pytest.approx(-0.5, abs=0.02)


def test_few_steps_an_epoch_still_have_a_window():
    assert jumps(steps(lambda t: -np.floor(t), per=3))["raw"].tolist() == [-1.0, -1.0]


def test_runs_are_told_apart_and_one_epoch_is_refused():
    both = pd.concat([steps(lambda t: -np.floor(t), rate=1.0), steps(lambda t: 0.0, rate=2.0)])
    assert jumps(both, by=["rate"]).groupby("rate")["drop"].first().tolist() == [1.0, 0.0]
    with pytest.raises(OvbookError, match="what they differ in"):
        jumps(both)
    with pytest.raises(OvbookError, match="two epochs"):
        jumps(steps(lambda t: 0.0, epochs=1))
    with pytest.raises(OvbookError, match="no column place"):
        jumps(steps(lambda t: 0.0).drop(columns="place"), by=["place"])


def test_a_diverged_run_keeps_its_place():
    found = jumps(steps(lambda t: 0.0, epochs=1, diverged_at=70).assign(epochs=3))
    assert len(found) == 2
    assert found["jump"].isna().all()


def test_the_gap_opens_at_the_boundary():
    train = steps(lambda t: 3.5 - 0.5 * np.floor(t), epochs=2)
    looks = pd.DataFrame(
        [
            {
                "world": 1,
                "seed": 100,
                "set": "held out",
                "step": round(t * PER),
                "progress": t,
                "loss": 3.5 + 0.1 * (t > 1),
            }
            for t in (0.5, 0.95, 0.975, 1.0, 1.025, 1.05, 1.5)
        ]
    )
    found = gaps(train, looks).iloc[0]
    assert found["gap_end"] == pytest.approx(0.0)
    assert found["gap_start"] == pytest.approx(0.5 + 0.2 / 3)
    assert found["opening"] == pytest.approx(found["gap_start"])


def met(epochs=2):
    rows = []
    for epoch in range(1, epochs + 1):
        for n in range(10):
            row = {
                "epoch": epoch,
                "place": n / 10,
                "part": 0,
                "example": n,
                "rate_then": n if epoch == 1 else 0,
            }
            rows.append({"world": 1, "seed": 100, "loss": 3.5 - 0.1 * n * (epoch - 1)} | row)
    return pd.DataFrame(rows)


def test_meetings_pair_an_example_with_itself():
    found = meetings(met())
    assert len(found) == 10
    assert found["drop"].to_numpy() == pytest.approx(0.1 * found["rate_first"].to_numpy())
    assert found["lag"].to_numpy() == pytest.approx(np.ones(10))
    with pytest.raises(OvbookError, match="met both"):
        meetings(met(), epoch=2)


def test_probe_steps_compare_the_same_examples():
    probe = pd.DataFrame(
        [
            {"world": 1, "seed": 100, "part": 0, "example": n, "progress": progress, "loss": loss}
            for n in (1, 4, 9)
            for progress, loss in ((0.0, 3.6), (1.0, 3.1), (2.0, 2.9))
        ]
    )
    found = probe_steps(met(), probe)
    assert found["boundary"].tolist() == [1, 2]
    assert found["step"].iloc[0] == pytest.approx(-0.4)


def test_bins_average_within_an_epoch():
    found = in_bins(steps(lambda t: np.floor(t), rate=1.0), by=["rate"], bins=10)
    assert len(found) == 30
    assert found["progress"].iloc[[0, 9, 10]].tolist() == pytest.approx([0.05, 0.95, 1.05])
    assert found["loss"].iloc[[9, 10]].tolist() == [0.0, 1.0]

"""Contrasts a chapter declares: the rule on made-up numbers, Holm over a family, and the words."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.stats import declared, estimate, grouped, mean_interval, reading, readings, written

NOISE = np.random.default_rng(0).normal(0, 0.01, (2, 6))


@pytest.mark.parametrize(
    ("mean", "says"),
    [
        (0.1, "an effect"),
        (-0.1, "an effect the other way"),
        (0.0, "none worth the name"),
        (0.052, "undecided"),
    ],
)
def test_the_rule(mean, says):
    assert reading(mean + NOISE, 0.05) == says


def test_every_world_must_agree_and_a_single_seed_decides_nothing():
    apart = np.stack([0.3 + NOISE[0], 0.01 + NOISE[1]])
    assert reading(apart, 0.05) == "undecided"
    assert reading(np.array([[0.4], [0.4]]), 0.05) == "undecided"
    assert reading(np.full((2, 5), np.nan), 0.05) == "not measured"
    assert estimate(np.full((2, 5), np.nan)) is None
    gone = 0.1 + NOISE
    gone[0, 0] = np.nan
    assert estimate(gone).n == 5


def test_a_family_is_corrected():
    weak = 0.05 + np.array([[0.01, 0.003, 0.008, 0.002, 0.009]])
    assert reading(weak, 0.05) == "an effect"
    smallest = {f"way {i}": 0.05 for i in range(8)}
    clear = dict.fromkeys(smallest, 0.5 + NOISE)
    assert readings(clear, smallest) == dict.fromkeys(smallest, "an effect")
    assert readings(clear | {"way 3": weak}, smallest)["way 3"] == "an effect", (
        "the last of eight needs no correction"
    )
    others = {
        name: 0.051 + 0 * NOISE + np.random.default_rng(9).normal(0, 0.05, NOISE.shape) for name in smallest
    }
    assert readings(others | {"way 3": weak}, smallest)["way 3"] == "undecided"
    assert readings({"one": np.full((1, 1), 0.4)}, {"one": 0.05}) == {"one": "undecided"}


def test_words():
    assert written(mean_interval([1.0, 2.0, 3.0]), 1) == "2.0 [−0.5, 4.5]"
    assert written(mean_interval([-0.001, 0.0, 0.001, -0.001]), 2) == "0.00 [0.00, 0.00]"
    assert written(mean_interval([-1.0])) == "−1.000 (one seed)"
    assert written(None) == "–"


def test_a_family_as_a_table():
    family = {"large": 0.2 + NOISE, "small": NOISE, "missing": np.full((2, 6), np.nan)}
    table = declared(family, {"large": 0.1, "small": 0.05, "missing": 0.1}).set_index("contrast")
    assert list(table.index) == ["large", "small"]
    assert table.loc["large", "mean"] == pytest.approx((0.2 + NOISE.mean()) / 0.1)
    assert table["reading"].to_dict() == {"large": "an effect", "small": "none worth the name"}
    assert table.loc["large", "worlds"].split() == [f"{0.2 + world.mean():.3f}" for world in NOISE]
    assert table.attrs["worlds"] == 2


def test_a_family_in_words_says_what_the_correction_took_back():
    weak = 0.05 + np.array([[0.01, 0.003, 0.008, 0.002, 0.009]])
    rng = np.random.default_rng(9)
    family = {f"way {i}": 0.051 + rng.normal(0, 0.05, (2, 6)) for i in range(8)} | {"weak": weak}
    smallest = dict.fromkeys(family, 0.05)
    assert reading(weak, 0.05) == "an effect"
    said = grouped(family, smallest)
    assert "“weak”: undecided" in said
    assert "Read by itself, each of “weak” would be" in said
    alone = grouped({"large": 0.2 + NOISE}, {"large": 0.1})
    assert alone == "By the declared rule, “large”: an effect."

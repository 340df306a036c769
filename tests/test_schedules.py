"""Schedules against transformers' own, and against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.schedules import KINDS, InfiniteSchedule, Schedule

STEPS, WARMUP = 200, 20


def theirs(name: str, **extra: object) -> np.ndarray:
    transformers = pytest.importorskip("transformers")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=3e-3)
    schedule = transformers.get_scheduler(
        name, optimizer, num_warmup_steps=WARMUP, num_training_steps=STEPS, scheduler_specific_kwargs=extra
    )
    rates = []
    for _ in range(STEPS):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return np.array(rates)


@pytest.mark.parametrize(
    ("schedule", "name", "extra"),
    [
        (Schedule(kind="cosine", warmup=WARMUP), "cosine", {}),
        (Schedule(kind="cosine", warmup=WARMUP, final=0.1), "cosine_with_min_lr", {"min_lr_rate": 0.1}),
        (Schedule(kind="linear", warmup=0.1), "linear", {}),
        (Schedule(kind="constant", warmup=0.1), "constant_with_warmup", {}),
        (
            Schedule(kind="warmup-stable-decay", warmup=WARMUP, decay=40),
            "warmup_stable_decay",
            {"num_decay_steps": 40, "decay_type": "linear"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rates_are_those_of_transformers(schedule, name, extra):
    np.testing.assert_allclose(schedule.rates(STEPS), theirs(name, **extra), rtol=1e-12, atol=1e-18)


def test_the_clipped_cosine_is_the_higher_of_cosine_and_floor():
    rates = Schedule(kind="clipped cosine", peak=2.0, warmup=0, final=0.1).rates(100)
    expected = [max(0.5 * 2 * (1 + math.cos(math.pi * t / 100)), 0.2) for t in range(100)]
    np.testing.assert_allclose(rates, expected, rtol=1e-14)
    assert (rates[-15:] == 0.2).all()
    scaled = Schedule(kind="cosine", peak=2.0, warmup=0, final=0.1).rates(100)
    assert scaled[-15] > 0.2  # the other form only lands on its floor


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_warms_up_and_keeps_in_bounds(kind):
    rates = Schedule(kind=kind, peak=1e-2, warmup=10, final=0.25).rates(100)
    assert rates.dtype == np.float64
    assert rates.shape == (100,)
    np.testing.assert_allclose(rates[:10], 1e-2 * np.arange(10) / 10, rtol=1e-15)
    assert rates[10] == rates.max() == 1e-2
    assert (np.diff(rates[10:]) <= 0).all()
    assert rates[10:].min() >= 0.25e-2


def test_a_run_of_one_step_and_no_warm_up():
    assert Schedule(peak=1.0, warmup=0).rates(1).tolist() == [1.0]
    assert Schedule(peak=1.0, warmup=0.02).rates(3)[0] == 1.0  # 2% of 3 steps is none


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "cosin"}, r"unknown schedule 'cosin' \(did you mean 'cosine'\?\)"),
        ({"peak": -1e-3}, "peak is -0.001: it must be a finite number of at least 0"),
        ({"peak": math.nan}, "peak is nan"),
        ({"peak": math.inf}, "peak is inf"),
        ({"final": 1.5}, "final is 1.5: it is a fraction of the peak, from 0 to 1"),
        ({"warmup": -1}, "warmup is -1"),
        ({"warmup": 1.0}, "warmup is 1.0: it must be a fraction"),
        ({"warmup": True}, "warmup is True"),
        ({"decay": math.nan}, "decay is nan"),
    ],
)
def test_impossible_schedules_are_refused(fields, message):
    with pytest.raises(OvbookError, match=message):
        Schedule(**fields)


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(OvbookError, match="a warm-up of 50 steps does not fit in a run of 50"):
        Schedule(warmup=50).rates(50)
    with pytest.raises(OvbookError, match="a decay of 45 do not fit in a run of 50"):
        Schedule(kind="warmup-stable-decay", warmup=10, decay=45).rates(50)
    with pytest.raises(OvbookError, match="asked for 0 steps"):
        Schedule().rates(0)


def test_the_infinite_schedule_is_its_formula():
    schedule = InfiniteSchedule(peak=3e-4, constant=0.55, final=0.1, warmup=10, cooldown=60, anneal=20)
    rates = schedule.rates(120)
    top, flat, low = 3e-4, 0.55 * 3e-4, 0.1 * 3e-4
    for s, rate in enumerate(rates):
        if s < 10:
            expected = top * s / 10
        elif s < 70:
            expected = flat + (top - flat) / 2 * (1 + math.cos(math.pi * (s - 10) / 60))
        elif s < 100:
            expected = flat
        else:
            expected = flat * (low / flat) ** ((s - 100) / 20)
        assert rate == pytest.approx(expected, rel=1e-12), s


def test_its_cool_down_is_transformers_cosine_to_a_minimum():
    rates = InfiniteSchedule(
        peak=3e-3, constant=0.55, final=0.1, warmup=WARMUP, cooldown=STEPS - WARMUP
    ).rates(STEPS)
    expected = theirs("cosine_with_min_lr", min_lr_rate=0.55)
    np.testing.assert_allclose(rates, expected, rtol=1e-12, atol=1e-18)


def test_an_infinite_schedule_in_stretches_is_the_whole():
    whole = InfiniteSchedule(warmup=5, cooldown=40, anneal=20).rates(150)
    begun = InfiniteSchedule(warmup=5, cooldown=40, anneal=0).rates(50)
    onward = InfiniteSchedule(warmup=0, cooldown=0, anneal=0).rates(50)
    ended = InfiniteSchedule(warmup=0, cooldown=0, anneal=20).rates(50)
    np.testing.assert_allclose(np.concatenate([begun, onward, ended]), whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"peak": -1.0}, "peak is -1.0"),
        ({"constant": 0.0}, "constant is 0.0: it is a fraction of the peak, above 0 and at most 1"),
        (
            {"final": 0.6},
            "final is 0.6: it is a fraction of the peak, above 0 and at most the constant rate's 0.55",
        ),
        ({"cooldown": -1}, "cooldown is -1: it must be a fraction of the steps"),
    ],
)
def test_infinite_schedules_that_cannot_be(fields, message):
    with pytest.raises(OvbookError, match=message):
        InfiniteSchedule(**fields)


def test_phases_that_do_not_fit():
    with pytest.raises(
        OvbookError, match="a warm-up of 50 steps, a cool-down of 60 and an annealing of 0 do not fit"
    ):
        InfiniteSchedule(warmup=50, cooldown=60).rates(100)

"""Learning-rate schedules as plain arrays: one exact formula each, no state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["EPOCH_KINDS", "KINDS", "InfiniteSchedule", "Schedule", "epoch_rates"]

KINDS = ("cosine", "clipped cosine", "linear", "constant", "warmup-stable-decay")
"""Shapes that the rate may follow after its warm-up."""
EPOCH_KINDS = ("constant", "one cycle", "each epoch")
"""Shapes over several epochs of the same data; see `epoch_rates`."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A learning rate for each step: a linear warm-up to `peak`, then what `kind` says.

    - ``cosine``: half a cosine from `peak` down to `final` x `peak`, which it reaches.
    - ``clipped cosine``: half a cosine towards 0, held at `final` x `peak` once it gets there. GPT-NeoX's form, so
      Pythia's (Black et al. 2022).
    - ``linear``: a straight line from `peak` down to `final` x `peak`.
    - ``constant``: `peak` throughout.
    - ``warmup-stable-decay``: `peak`, then a straight line down to `final` x `peak` over the last `decay` of the
      steps (Hu et al. 2024).

    `warmup` and `decay` are fractions of the steps when they are floats below 1, and steps when they are whole
    numbers. `final` is a fraction of `peak`.

    The rate of step s (0-based) of warm-up w is `peak` x s / w, as in transformers' schedulers: the first update
    of a warm-up is by 0, and step w has the peak. After it, with n steps in all, progress is (s - w) / (n - w).
    """

    kind: Literal["cosine", "clipped cosine", "linear", "constant", "warmup-stable-decay"] = "cosine"
    peak: float = 3e-3
    warmup: float | int = 0.02
    final: float = 0.0
    decay: float | int = 0.2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OvbookError(
                f"unknown schedule '{self.kind}'{did_you_mean(str(self.kind), KINDS)}: it is one of {', '.join(KINDS)}"
            )
        if not (_is_number(self.peak) and self.peak >= 0):
            raise OvbookError(f"a schedule's peak is {self.peak}: it must be a finite number of at least 0")
        if not (_is_number(self.final) and 0 <= self.final <= 1):
            raise OvbookError(
                f"a schedule's final is {self.final}: it is a fraction of the peak, from 0 to 1"
            )
        for field in ("warmup", "decay"):
            _share_or_steps(field, getattr(self, field))

    def rates(self, steps: int) -> np.ndarray:
        """The rate of each of `steps` updates, float64 ``[steps]``."""
        _whole_steps(steps)
        warmup = _steps(self.warmup, steps)
        if warmup >= steps and warmup > 0:
            raise OvbookError(
                f"a warm-up of {warmup} steps does not fit in a run of {steps}: make the run longer or the warm-up "
                f"shorter"
            )
        step = np.arange(steps, dtype=np.float64)
        progress = (step - warmup) / (steps - warmup)
        shape = np.where(step < warmup, step / max(warmup, 1), self._after(progress, step, steps, warmup))
        return self.peak * shape

    def _after(self, progress: np.ndarray, step: np.ndarray, steps: int, warmup: int) -> np.ndarray:
        """Fraction of the peak at each step, warm-up aside."""
        cosine = 0.5 * (1 + np.cos(math.pi * np.clip(progress, 0, 1)))
        if self.kind == "cosine":
            return self.final + (1 - self.final) * cosine
        if self.kind == "clipped cosine":
            return np.maximum(cosine, self.final)
        if self.kind == "linear":
            return 1 - (1 - self.final) * progress
        if self.kind == "constant":
            return np.ones(steps)
        decay = _steps(self.decay, steps)
        if warmup + decay > steps:
            raise OvbookError(
                f"a warm-up of {warmup} steps and a decay of {decay} do not fit in a run of {steps}: make the run "
                f"longer or one of them shorter"
            )
        fallen = np.clip((step - (steps - decay)) / max(decay, 1), 0, 1)
        return 1 - (1 - self.final) * fallen


@dataclass(frozen=True, kw_only=True)
class InfiniteSchedule:
    """A learning rate that can go on without an end, and be ended at any time (Ibrahim et al. 2024).

    A linear warm-up to `peak`; over `cooldown`, half a cosine down to `constant` x `peak`; that rate for as long as one
    likes; and over the last `anneal` an exponential fall to `final` x `peak`, of which equal steps take equal factors.

    With w the end of the warm-up, d that of the cool-down, a the start of the annealing, n the steps, m = peak,
    c = constant x peak and f = final x peak, the rate of step s (0-based) is

        s < w        m s / w
        s < d        c + (m - c) / 2 (1 + cos(pi (s - w) / (d - w)))
        s < a        c
        else         c (f / c) ** ((s - a) / (n - a))

    `warmup`, `cooldown` and `anneal` are fractions of the steps when they are floats below 1, and steps when they are
    whole numbers. With 0 for the first two it goes on at the constant rate, which is how a later stretch continues; with 0
    for the last it can be continued.
    """

    peak: float = 3e-3
    constant: float = 0.55
    final: float = 0.1
    warmup: float | int = 0.01
    cooldown: float | int = 0.6
    anneal: float | int = 0.0

    kind = "infinite"

    def __post_init__(self) -> None:
        if not (_is_number(self.peak) and self.peak >= 0):
            raise OvbookError(f"a schedule's peak is {self.peak}: it must be a finite number of at least 0")
        if not (_is_number(self.constant) and 0 < self.constant <= 1):
            raise OvbookError(
                f"a schedule's constant is {self.constant}: it is a fraction of the peak, above 0 and at most 1"
            )
        if not (_is_number(self.final) and 0 < self.final <= self.constant):
            raise OvbookError(
                f"a schedule's final is {self.final}: it is a fraction of the peak, above 0 and at most the constant rate's "
                f"{self.constant}"
            )
        for field in ("warmup", "cooldown", "anneal"):
            _share_or_steps(field, getattr(self, field))

    def rates(self, steps: int) -> np.ndarray:
        """The rate of each of `steps` updates, float64 ``[steps]``."""
        _whole_steps(steps)
        warm, cool, last = (_steps(value, steps) for value in (self.warmup, self.cooldown, self.anneal))
        if warm + cool + last > steps or (warm >= steps and warm > 0):
            raise OvbookError(
                f"a warm-up of {warm} steps, a cool-down of {cool} and an annealing of {last} do not fit in a run of {steps}: make "
                f"the run longer or one of them shorter"
            )
        step = np.arange(steps, dtype=np.float64)
        cooled = np.clip((step - warm) / max(cool, 1), 0, 1) if cool else np.ones(steps)
        shape = self.constant + (1 - self.constant) * 0.5 * (1 + np.cos(math.pi * cooled))
        annealed = np.clip((step - (steps - last)) / max(last, 1), 0, 1)
        shape = shape * (self.final / self.constant) ** annealed
        return self.peak * np.where(step < warm, step / max(warm, 1), shape)


def epoch_rates(
    schedule: str | Sequence[float], *, peak: float, per_epoch: int, epochs: int, warmup: float = 0.1
) -> np.ndarray:
    """The rate of every step, ``[per_epoch x epochs]``.

    - ``constant``: `peak` throughout.
    - ``one cycle``: up to `peak` over the first `warmup` of *one epoch*, then half a cosine down to 0 over all the rest.
    - ``each epoch``: up over the first `warmup` of the epoch, half a cosine down to 0, and so again every epoch.
    - a list: those very rates.
    """
    steps = per_epoch * epochs
    if not isinstance(schedule, str):
        rates = np.asarray(list(schedule), dtype=np.float64)
        if len(rates) != steps:
            raise OvbookError(
                f"the schedule holds {len(rates)} rates, but {epochs} epochs of {per_epoch} steps take {steps}: give one a step"
            )
        wrong = rates[~(np.isfinite(rates) & (rates >= 0))]
        if len(wrong):
            raise OvbookError(
                f"the schedule holds the rate {wrong[0]:g}, but every rate must be a finite number of at least 0"
            )
        return rates
    if schedule not in EPOCH_KINDS:
        raise OvbookError(
            f"unknown schedule '{schedule}'{did_you_mean(schedule, EPOCH_KINDS)}: it is one of {', '.join(EPOCH_KINDS)}, "
            f"or a list of rates"
        )
    if schedule == "constant":
        return np.full(steps, peak)
    rising = min(round(warmup * per_epoch), per_epoch - 1)
    if schedule == "one cycle":
        return Schedule(kind="cosine", peak=peak, warmup=rising).rates(steps)
    return np.tile(Schedule(kind="cosine", peak=peak, warmup=rising).rates(per_epoch), epochs)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _steps(value: float | int, steps: int) -> int:
    return value if isinstance(value, int) else round(value * steps)


def _share_or_steps(field: str, value: float | int) -> None:
    if not (_is_number(value) and value >= 0 and (isinstance(value, int) or value < 1)):
        raise OvbookError(
            f"a schedule's {field} is {value}: it must be a fraction of the steps (from 0.0, below 1.0) "
            f"or a whole number of steps"
        )


def _whole_steps(steps: int) -> None:
    if not (_is_number(steps) and int(steps) == steps and steps >= 1):
        raise OvbookError(f"a schedule was asked for {steps} steps: it must be a whole number of at least 1")

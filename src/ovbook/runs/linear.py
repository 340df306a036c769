"""Specs of the two-layer linear network of `ovbook.theory`: how it learns, what noise and what tuning cost it.

They stand on no `Pretrain` and read no text. Every result holds the closed form and, beside it, a simulation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ovbook.runs.fields import number, repeated, whole
from ovbook.runs.spec import Spec, purpose_seed

__all__ = ["LinearNetwork", "LinearNoise", "LinearTuning"]

_STEP = 2e-5
"""Seconds of one step of gradient descent at the sizes this is made for."""


def _positive(spec: object, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(spec, name)
        if not number(value) or value <= 0:
            yield f"{name} is {value!r}, but it must be a finite number above 0"


def _network_problems(network: Any) -> Iterator[str]:
    if not isinstance(network, LinearNetwork):
        yield f"network is {network!r}, but it must be a LinearNetwork"


def _said(network: Any) -> str:
    return network.label() if isinstance(network, LinearNetwork) else "no network"


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearNetwork(Spec):
    """Pre-training of y = W1 W2 x by gradient flow from small weights, seen at some times.

    seed: the directions of the target, and the random start; the strengths do not depend on it.
    size: inputs, outputs, hidden units and directions.
    strength, exponent: direction i of the target has strength ``strength / i ** exponent``.
    start: strength of every direction before training.
    times: when the network is looked at; learning rate times steps.
    rate: learning rate of the simulation beside the closed form, by plain gradient descent.
    """

    seed: int
    times: tuple[float, ...]
    size: int = 24
    strength: float = 2.0
    exponent: float = 1.0
    start: float = 1e-4
    rate: float = 0.01

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        found = [*whole("size", self.size, 2), *_positive(self, "strength", "start", "rate")]
        if not number(self.exponent) or self.exponent < 0:
            found.append(f"exponent is {self.exponent!r}, but it must be a finite number of at least 0")
        yield from whole("seed", self.seed, 0)
        yield from repeated("times", self.times)
        yield from found
        if found:
            return
        if self.start >= min(self.values):
            weakest = min(self.values)
            yield f"start is {self.start:g}, but it must be below the weakest direction's strength, {weakest:g}"
        if self.rate * self.strength >= 1:
            yield f"rate is {self.rate:g}, but it must be below {1 / self.strength:g}, or the simulation diverges"

    @property
    def values(self) -> tuple[float, ...]:
        """Strengths of the target's directions, the strongest first."""
        return tuple(self.strength / i**self.exponent for i in range(1, self.size + 1))

    def label(self) -> str:
        """Size, spectrum and seed."""
        return f"{self.size} directions of {self.strength} / i^{self.exponent}, seed {self.seed}"

    def price(self) -> float:
        """Seconds: two simulations."""
        return 0.1 + 2 * _STEP * max(self.times) / self.rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearNoise(Spec):
    """The loss of `network` when every weight gets independent Gaussian noise of standard deviation gamma.

    gammas: sizes of the noise. draws: draws behind each simulated mean; all times and sizes share them.
    """

    network: LinearNetwork
    gammas: tuple[float, ...]
    draws: int = 20

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from _network_problems(self.network)
        yield from repeated("gammas", self.gammas)
        yield from whole("draws", self.draws)

    @property
    def noise_seed(self) -> int:
        """Seed of the noise."""
        return purpose_seed(self.network.seed, "noise")

    def label(self) -> str:
        """What is shaken."""
        return f"noise on {_said(self.network)}"

    def price(self) -> float:
        """Seconds."""
        return 0.1 + 4e-5 * len(self.gammas) * len(self.network.times) * self.draws


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearTuning(Spec):
    """Fine-tuning of `network` on another target, from every time of its pre-training.

    rank, value: the new target has `rank` directions of this strength.
    degrees: angles between its directions and the strongest of the old target; 0 is the same basis, 90 shares
        nothing with those.
    rates, steps, pulls: every combination of learning rate, of `steps` steps, and of pull towards the pre-trained
        weights. With a pull there is no closed form, so only a simulation.
    until: instead of a number of steps, shares of the new target's squared size at which tuning stops.
    every: simulate only from each `every`-th time (with a pull from all).
    """

    network: LinearNetwork
    degrees: tuple[float, ...]
    rates: tuple[float, ...] = ()
    pulls: tuple[float, ...] = (0.0,)
    until: tuple[float, ...] = ()
    rank: int = 6
    value: float = 0.5
    steps: int = 100
    every: int = 1

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from _network_problems(self.network)
        yield from repeated("degrees", self.degrees)
        for angle in self.degrees if isinstance(self.degrees, tuple) else ():
            if number(angle) and angle > 90:
                yield f"degrees holds {angle:g}, but an angle must lie between 0 and 90"
        yield from repeated("rates", self.rates, empty=True)
        if not self.rates and not self.until:
            yield "rates and until are both empty, but something must be tuned"
        yield from repeated("pulls", self.pulls)
        yield from repeated("until", self.until, empty=True)
        for share in self.until if isinstance(self.until, tuple) else ():
            if number(share) and not 0 < share < 1:
                yield f"until holds {share:g}, but a share must lie between 0 and 1"
        yield from _positive(self, "value")
        yield from whole("rank", self.rank)
        yield from whole("steps", self.steps)
        yield from whole("every", self.every)
        most = self.network.size // 2 if isinstance(self.network, LinearNetwork) else None
        if most is not None and isinstance(self.rank, int) and self.rank > most:
            yield f"rank is {self.rank}, but at most {most} directions fit, half the size"

    @property
    def tuning_seed(self) -> int:
        """Seed of the new target's directions."""
        return purpose_seed(self.network.seed, "tuning")

    def label(self) -> str:
        """What is tuned."""
        return f"tuning of {_said(self.network)}"

    def price(self) -> float:
        """Seconds."""
        times, settings = len(self.network.times), len(self.degrees) * len(self.rates)
        free = sum(1 for pull in self.pulls if pull == 0)
        simulated = times * (len(self.pulls) - free + free / self.every)
        reached = 5e-3 * len(self.degrees) * len(self.until) * times
        return 0.1 + settings * (simulated * self.steps * _STEP + 3e-4 * times * free) + reached

"""The operations of linear networks: closed form and simulation side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ovbook import theory
from ovbook.runs.linear import LinearNetwork, LinearNoise, LinearTuning
from ovbook.runs.spec import purpose_seed
from ovbook.runs.work import Inputs

__all__ = ["learn", "shake", "tune"]

Rows = list[dict[str, Any]]
_TUNED = (
    "kind",
    "degrees",
    "rate",
    "pull",
    "until",
    "time",
    "base",
    "exact",
    "simulated",
    "new_exact",
    "new_simulated",
    "lasted",
)


def _target(network: LinearNetwork) -> theory.Target:
    return theory.target(network.values, network.size, purpose_seed(network.seed, "target"))


def _strengths(network: LinearNetwork) -> theory.Floats:
    return theory.strengths(network.times, network.values, network.start)


def _off(product: theory.Floats, goal: theory.Floats) -> theory.Floats:
    """Squared distance over the last two axes."""
    return np.asarray(((product - goal) ** 2).sum(axis=(-1, -2)))


def _descended(network: LinearNetwork, weights: theory.Weights, goal: theory.Floats) -> list[theory.Weights]:
    """Weights at each of the network's times, by gradient descent from `weights`."""
    done, found = 0, {}
    for time in sorted(network.times):
        steps = round(time / network.rate)
        weights = theory.descend(weights, goal, rate=network.rate, steps=steps - done)
        done, found[time] = steps, weights
    return [found[time] for time in network.times]


def learn(spec: LinearNetwork, inputs: Inputs, out: Path, device: str) -> Rows:
    """Pre-training. Rows, by `kind`:

    - ``direction``: `exact` strength of direction `direction` (from 1) at `time`, `simulated` by gradient descent
      from balanced weights, and by descent from a `random` start of the same size;
    - ``whole``: the pre-training loss, likewise; and `size_exact`, `size_simulated`, `size_random`, half the sum of
      all squared weights, which is the sum of the strengths where weights are balanced.
    """
    old, n = _target(spec), spec.size
    exact = _strengths(spec)
    starts = {
        "simulated": theory.pair(old, np.full(n, spec.start), n),
        "random": theory.small(n, n, spec.start, purpose_seed(spec.seed, "start")),
    }
    paths = {name: _descended(spec, weights, old.matrix) for name, weights in starts.items()}
    rows: Rows = []
    for t, time in enumerate(spec.times):
        learnt, losses = {"exact": exact[t]}, {"exact": float(theory.loss(exact[t], spec.values))}
        sizes = {"size_exact": float(exact[t].sum())}
        for name, path in paths.items():
            w1, w2 = path[t]
            learnt[name], losses[name] = theory.along(old, w1 @ w2), float(_off(w1 @ w2, old.matrix))
            sizes[f"size_{name}"] = float((w1**2).sum() + (w2**2).sum()) / 2
        rows.append({"kind": "whole", "time": time, "direction": None} | losses | sizes)
        rows += [
            {"kind": "direction", "time": time, "direction": i + 1}
            | {name: float(a[i]) for name, a in learnt.items()}
            | dict.fromkeys(sizes)
            for i in range(n)
        ]
    return rows


def shake(spec: LinearNoise, inputs: Inputs, out: Path, device: str) -> Rows:
    """Noise. One row for each `time` and `gamma`: `base`, the loss without noise, and the mean loss with it:

    `exact`; `simulated` over `draws` draws; and `random`, exact for the weights that learnt from a random start.
    """
    network, old = spec.network, _target(spec.network)
    n, learnt = network.size, _strengths(network)
    started = [row for row in inputs.rows(network).to_pylist() if row["kind"] == "whole"]
    rows: Rows = []
    for time, a, whole in zip(network.times, learnt, started, strict=True):
        weights, base = theory.pair(old, a, n), float(theory.loss(a, network.values))
        for gamma in spec.gammas:
            drawn = theory.increase_by_draws(weights, old.matrix, gamma, spec.draws, spec.noise_seed)
            # Balanced or not, the cost depends on the weights through the sum of their squares alone.
            other = theory.expected_increase([whole["size_random"]], gamma, n, n)
            rows.append(
                {
                    "time": time,
                    "gamma": gamma,
                    "base": base,
                    "exact": base + float(theory.expected_increase(a, gamma, n, n)),
                    "simulated": base + float(drawn.mean()),
                    "random": whole["random"] + float(other),
                }
            )
    return rows


def tune(spec: LinearTuning, inputs: Inputs, out: Path, device: str) -> Rows:
    """Fine-tuning. Rows, by `kind`, with `base`, the old loss before:

    - ``steps``: after `steps` steps at `rate` and `pull`, the old loss `exact` (gradient flow) and `simulated`
      (gradient descent), and the loss on the new target, `new_exact` and `new_simulated`; None where there is no
      closed form or nothing was simulated;
    - ``until``: the same when the new loss has come down to the share `until`, exact only, with `lasted`, the time
      that took (learning rate times steps); no row where it is not reached within 100.
    """
    network, old = spec.network, _target(spec.network)
    learnt = _strengths(network)
    base = theory.loss(learnt, network.values)
    pairs = [theory.pair(old, a, network.size) for a in learnt]
    stacked = (np.stack([w1 for w1, _ in pairs]), np.stack([w2 for _, w2 in pairs]))
    rows: Rows = []

    def add(place: dict[str, Any], t: int, **found: float) -> None:
        empty = dict.fromkeys(_TUNED)  # every row has every column
        rows.append(empty | place | {"time": network.times[t], "base": float(base[t])} | found)

    for degrees in spec.degrees:
        new = theory.turned(old, np.full(spec.rank, spec.value), degrees, spec.tuning_seed).matrix
        for rate in spec.rates:
            flowed = theory.flow(stacked, new, rate * spec.steps)
            for pull in spec.pulls:
                place = {"kind": "steps", "degrees": degrees, "rate": rate, "pull": pull}
                for t, pair in enumerate(pairs):
                    found: dict[str, float] = {}
                    if not pull:
                        found |= {
                            "exact": float(_off(flowed[t], old.matrix)),
                            "new_exact": float(_off(flowed[t], new)),
                        }
                    if pull or t % spec.every == 0:
                        w1, w2 = theory.descend(pair, new, rate=rate, steps=spec.steps, pull=pull)
                        found |= {
                            "simulated": float(_off(w1 @ w2, old.matrix)),
                            "new_simulated": float(_off(w1 @ w2, new)),
                        }
                    add(place, t, **found)
        for share in spec.until:
            lasted = theory.reach(stacked, new, share * float((new**2).sum()))
            product = theory.flow(stacked, new, np.nan_to_num(lasted))
            place = {"kind": "until", "degrees": degrees, "until": share}
            for t in np.flatnonzero(np.isfinite(lasted)).tolist():
                add(
                    place,
                    t,
                    exact=float(_off(product[t], old.matrix)),
                    new_exact=float(_off(product[t], new)),
                    lasted=float(lasted[t]),
                )
    return rows

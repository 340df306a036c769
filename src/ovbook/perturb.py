"""Changes of fixed size to the weights, noise first of all: how much do they hurt?

The paper's test adds noise whose covariance is gamma squared times that of the initialisation, so that every
tensor is shaken in proportion to the spread it was born with (Springer et al. 2025, section 3.2; the facts
sheet marks the definition as read at second hand). The second kind of noise is relative to the weights as they
are now: gamma times the tensor's root mean square. Tensors that start constant get no noise of the first kind.

Two changes without chance go the same way: quantisation to some bits, and pruning of a share of the weights
(`ovbook.compress`). A change of the reader's own is a function in a module of theirs: ``module:function``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.compress import COMPRESSIONS
from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.files import sha256_bytes
from ovbook.models import ModelSpec, Params, init, init_std_of, load_checkpoint, parameter_count
from ovbook.own import is_own, own_function

__all__ = ["NOISES", "changed", "noise_scales", "perturbed", "run", "sweep", "unit_noise"]

NOISES = ("init", "relative")
"""Kinds of noise: in units of each tensor's initial spread, or of its root mean square as it is now."""


def unit_noise(params: Params, *, seed: int, draw: int) -> Params:
    """Standard normal tensors shaped like `params`, a pure function of (seed, draw, tensor name).

    Draws come in antithetic pairs (draw 1 is minus draw 0, and so on): the mean over a pair has no first-order
    term, so few draws estimate the expected loss well. The seed is the run's, not the budget's: all budgets and
    all values of gamma of one seed are shaken by the same tensors.
    """
    noise = {}
    for name, tensor in params.items():
        digest = sha256_bytes(f"noise/{seed}/{draw // 2}/{name}")
        generator = torch.Generator().manual_seed(int(digest[:15], 16))
        sign = -1.0 if draw % 2 else 1.0
        noise[name] = sign * torch.randn(tensor.shape, generator=generator, dtype=torch.float32).to(tensor)
    return noise


def noise_scales(params: Params, spec: ModelSpec, noise: str) -> dict[str, float]:
    """Standard deviation of the noise for gamma = 1, per tensor; `params` holds one model."""
    if noise == "init":
        return init_std_of(spec)
    if noise == "relative":
        return {name: float(tensor.float().square().mean().sqrt()) for name, tensor in params.items()}
    raise OvbookError(
        f"unknown noise '{noise}': it is one of {', '.join((*NOISES, *COMPRESSIONS))}, or a function of your own as "
        f"module:function"
    )


def perturbed(params: Params, noise: Params, scales: Mapping[str, float], gamma: float) -> Params:
    """Return new weights, weights + gamma x scale x unit noise; `params` is left alone."""
    if not (np.isfinite(gamma) and gamma >= 0):
        raise OvbookError(f"gamma is {gamma}: it must be a finite number of at least 0")
    return {name: tensor + (gamma * scales[name]) * noise[name] for name, tensor in params.items()}


def changed(params: Params, name: str, size: float, seed: int) -> Params:
    """Return the weights of one model after the function ``module:function``; `params` is left alone.

    The function is called as ``function(weights, size, seed)``: copies of the weights by their Hugging Face names,
    without a member axis; a size, one of the spec's `gammas`; and a whole number for functions with chance in them,
    the same for all budgets and sizes of a seed. It returns weights of the same names and shapes.
    """
    found = own_function(name)({n: t[0].clone() for n, t in params.items()}, size, seed)
    if not isinstance(found, Mapping):
        raise OvbookError(f"{name} returned {type(found).__name__}, but it must return the weights by name")
    for n, tensor in params.items():
        given = found.get(n)
        if not isinstance(given, Tensor) or given.shape != tensor[0].shape:
            what = f"{n} of the shape {tuple(given.shape)}" if isinstance(given, Tensor) else f"no tensor {n}"
            raise OvbookError(
                f"{name} returned {what}, but it must return every tensor it was given, this one of the shape "
                f"{tuple(tensor[0].shape)}"
            )
    return {n: found[n].to(tensor).unsqueeze(0) for n, tensor in params.items()}


@torch.no_grad()
def sweep(
    params: Params,
    spec: ModelSpec,
    rows: Tensor,
    *,
    gammas: Sequence[float],
    draws: int,
    noise: str,
    seed: int,
) -> list[dict[str, Any]]:
    """Loss of one model (K = 1) on `rows` [N, T] for each gamma and draw.

    Returns one record per (gamma, draw): gamma, draw, loss in nats per predicted token, and change, the
    Euclidean norm of what was added. gamma = 0 is measured once, as draw 0, and changes nothing. `noise` may also be
    the name of a compression, gamma its size, or ``module:function`` (`changed`).
    """
    if draws < 1:
        raise OvbookError(f"draws is {draws}: at least 1 is needed, and an even number for antithetic pairs")
    if noise in COMPRESSIONS:
        make = COMPRESSIONS[noise]
        return _change_sweep(params, spec, rows, gammas, 1, lambda size, draw: make(params, size))
    if is_own(noise):

        def own(size: float, draw: int) -> Params:
            return changed(params, noise, size, int(sha256_bytes(f"own/{seed}/{draw}")[:12], 16))

        return _change_sweep(params, spec, rows, gammas, draws, own)
    scales = noise_scales(params, spec, noise)
    records = []
    for draw in range(draws):
        unit = unit_noise(params, seed=seed, draw=draw)
        size = float(sum(((scales[n] * t.double()) ** 2).sum() for n, t in unit.items()) ** 0.5)
        for gamma in gammas:
            if gamma == 0 and draw > 0:
                continue
            loss = float(mean_loss(perturbed(params, unit, scales, gamma), spec, rows)[0])
            records.append({"gamma": gamma, "draw": draw, "loss": loss, "change": gamma * size})
    return records


def _change_sweep(
    params: Params,
    spec: ModelSpec,
    rows: Tensor,
    gammas: Sequence[float],
    draws: int,
    change: Callable[[float, int], Params],
) -> list[dict[str, Any]]:
    """As `sweep`, for any change of the weights: size and draw -> new weights."""
    records = []
    for draw in range(draws):
        for gamma in gammas:
            if gamma == 0 and draw > 0:
                continue
            moved = change(gamma, draw) if gamma else params
            size = sum((moved[n].double() - t.double()).square().sum() for n, t in params.items()) ** 0.5
            loss = float(mean_loss(moved, spec, rows)[0])
            records.append({"gamma": gamma, "draw": draw, "loss": loss, "change": float(size)})
    return records


def run(spec: Any, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    """The operation of `ovbook.runs.Perturb`: one record per gamma and draw (see `sweep`).

    `untrained` is the loss of the same model before its first step, which the saturation guard needs; `epochs`
    says how often the run saw its text (0 where the text never ends).
    """
    if is_own(spec.noise) and dataclasses.replace(spec).key() != spec.key():
        raise OvbookError(
            f"the module of '{spec.noise}' was changed after this run was asked for: ask again, so that the result "
            f"is kept under the new function"
        )
    params, shape = load_checkpoint(inputs.checkpoint(spec.base))
    corpus, root = inputs.corpus, spec.base.root
    rows = torch.from_numpy(corpus.validation(spec.evaluation_seed, spec.rows).astype(np.int64)).to(device)
    blank = {name: tensor.to(device) for name, tensor in init(shape, [root.init_seed]).items()}
    fixed = {
        "untrained": float(mean_loss(blank, shape, rows)[0]),
        "epochs": corpus.epochs(spec.base.at),
        "parameters": parameter_count(shape),
    }
    records = sweep(
        {name: tensor.to(device) for name, tensor in params.items()},
        shape,
        rows,
        gammas=spec.gammas,
        draws=spec.draws,
        noise=spec.noise,
        seed=spec.noise_seed,
    )
    return [fixed | record for record in records]

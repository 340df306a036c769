"""Sharpness: curvature of the loss around a model's weights.

The Hessian is never formed; what is used of it is its product with a vector, by differentiating twice. Two numbers
are read off: its trace, estimated with random signs (Hutchinson 1990), and its largest eigenvalue, by Lanczos'
method. Weighted by the variances of a noise, half the trace is the noise's expected damage to second order:
E[L(w + e)] - L(w) = tr(S H) / 2 for e of covariance S. So sensitivity to small noise *is* a sharpness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, init_std_of, parameter_count, token_losses

__all__ = ["curvature", "largest_eigenvalue", "run", "trace"]

Product = Callable[[Tensor], Tensor]


def curvature(params: Params, spec: ModelSpec, rows: Tensor) -> Product:
    """Vector -> Hessian of the mean loss on `rows` [N, T] times it; flat vectors [P] in the order of `params`.

    For one model (K = 1), in the precision of `params`; OLMo's norms work in float32 inside, so that about six
    digits are right in any. Attention runs in its plain form, since the fused one cannot be differentiated twice.
    """
    if next(iter(params.values())).shape[0] != 1:
        raise OvbookError("curvature is that of one model: take a member of the stack")
    leaves = {name: tensor.detach().clone().requires_grad_() for name, tensor in params.items()}
    with sdpa_kernel(SDPBackend.MATH):
        loss = token_losses(leaves, spec, rows.unsqueeze(0)).mean()
        first = torch.autograd.grad(loss, list(leaves.values()), create_graph=True)
    flat = torch.cat([g.flatten() for g in first])

    def product(vector: Tensor) -> Tensor:
        second = torch.autograd.grad(flat @ vector.to(flat), list(leaves.values()), retain_graph=True)
        return torch.cat([g.flatten() for g in second])

    return product


def trace(product: Product, scale: Tensor, *, probes: int, seed: int) -> np.ndarray:
    """Estimates of tr(S H), one a probe, [probes] float64; `scale` [P] is the square root of S's diagonal.

    Ones give the plain trace. The mean is unbiased, and its standard error is that of the probes' mean.
    """
    generator = torch.Generator().manual_seed(seed)
    found = np.empty(probes)
    for i in range(probes):
        signs = torch.randint(0, 2, scale.shape, generator=generator).to(scale) * 2 - 1
        probe = scale * signs
        found[i] = float(probe.double() @ product(probe).double())
    return found


def largest_eigenvalue(
    product: Product, size: int, *, seed: int, iterations: int = 60, tolerance: float = 1e-3
) -> tuple[float, bool]:
    """The largest eigenvalue of H (not in absolute value), and whether it settled within `iterations`.

    Lanczos with full reorthogonalisation, in float64 whatever `product` works in; settled means that one more
    step moved it by less than `tolerance` of itself.
    """
    generator = torch.Generator().manual_seed(seed)
    vector = torch.randn(size, generator=generator, dtype=torch.float64)
    basis = [vector / vector.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    last = float("nan")
    for _ in range(min(iterations, size)):
        image = product(basis[-1]).double().cpu()
        diagonal.append(float(basis[-1] @ image))
        for known in (*basis, *basis):  # twice, because once leaves rounding behind
            image = image - known * (known @ image)
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        top = float(np.linalg.eigvalsh(matrix)[-1])
        length = float(image.norm())
        if abs(top - last) <= tolerance * abs(top) or length < 1e-12 * max(1.0, abs(top)):
            return top, True
        last = top
        beside.append(length)
        basis.append(image / length)
    return last, False


def _initial_spread(params: Params, spec: ModelSpec) -> Tensor:
    spread: Mapping[str, float] = init_std_of(spec)
    return torch.cat([torch.full((t.numel(),), spread[name], dtype=t.dtype) for name, t in params.items()])


def run(spec: Any, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    """The operation of `ovbook.runs.Sharpness`: one record.

    trace and its error, over all weights; noise_trace and its error, weighted by the variances of the
    initialisation: times gamma^2 / 2 it is the damage that noise of size gamma does to second order;
    largest, the top eigenvalue, and settled; loss on the same rows; parameters.
    """
    params, shape = inputs.load(spec.base, device)
    params = {name: tensor.to(device) for name, tensor in params.items()}
    rows = inputs.corpus.validation(spec.evaluation_seed, spec.rows).astype(np.int64)
    tokens = torch.from_numpy(rows).to(device)
    product = curvature(params, shape, tokens)
    size = parameter_count(shape)
    record: dict[str, Any] = {"parameters": size}
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        record["loss"] = float(token_losses(params, shape, tokens.unsqueeze(0)).double().mean())
    scales = {
        "trace": torch.ones(size, device=device),
        "noise_trace": _initial_spread(params, shape).to(device),
    }
    for name, scale in scales.items():
        found = trace(product, scale, probes=spec.probes, seed=spec.probe_seed)
        record[name] = float(found.mean())
        record[f"{name}_error"] = (
            float(found.std(ddof=1) / np.sqrt(spec.probes)) if spec.probes > 1 else float("nan")
        )
    record["largest"], record["settled"] = largest_eigenvalue(product, size, seed=spec.probe_seed)
    return [record]

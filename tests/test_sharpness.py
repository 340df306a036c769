"""Curvature by products against the whole Hessian of a small model, and against what noise really does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.models import ModelSpec, init, init_std_of, parameter_count, token_losses
from ovbook.perturb import perturbed, unit_noise
from ovbook.sharpness import curvature, largest_eigenvalue, trace

SPEC = ModelSpec(vocab=12, width=8, layers=1, heads=2, mlp=8, context=8)
ROWS = torch.from_numpy(np.random.default_rng(0).integers(0, 12, (6, 8)))


@pytest.fixture(scope="module")
def params():
    return {name: tensor.double() for name, tensor in init(SPEC, [0]).items()}


@pytest.fixture(scope="module")
def hessian(params):
    shapes = {name: tensor.shape for name, tensor in params.items()}
    flat = torch.cat([tensor.flatten() for tensor in params.values()])

    def loss(vector):
        pieces = vector.split([int(np.prod(shape)) for shape in shapes.values()])
        named = {n: p.view(s) for (n, s), p in zip(shapes.items(), pieces, strict=True)}
        return token_losses(named, SPEC, ROWS.unsqueeze(0)).mean()

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return torch.autograd.functional.hessian(loss, flat)


def test_products_are_those_of_the_whole_hessian(params, hessian):
    product = curvature(params, SPEC, ROWS)
    vector = torch.randn(hessian.shape[0], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        product(vector), hessian @ vector, rtol=0, atol=3e-6
    )  # norms work in float32 inside


def test_the_trace_is_within_its_error(params, hessian):
    size = hessian.shape[0]
    found = trace(curvature(params, SPEC, ROWS), torch.ones(size, dtype=torch.float64), probes=200, seed=0)
    error = found.std(ddof=1) / np.sqrt(200)
    assert abs(found.mean() - float(hessian.trace())) < 4 * error
    again = trace(curvature(params, SPEC, ROWS), torch.ones(size, dtype=torch.float64), probes=3, seed=0)
    np.testing.assert_array_equal(again, found[:3])


def test_the_largest_eigenvalue_is_that_of_the_whole_hessian(params, hessian):
    product, size = curvature(params, SPEC, ROWS), hessian.shape[0]
    found, settled = largest_eigenvalue(product, size, seed=0, tolerance=1e-6)
    assert settled
    assert found == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-4)
    assert not largest_eigenvalue(product, size, seed=0, iterations=2)[1]


def test_half_the_weighted_trace_is_the_damage_of_small_noise(params, hessian):
    spread = init_std_of(SPEC)
    scale = torch.cat([torch.full((t.numel(),), spread[n]).double() for n, t in params.items()])
    exact = float((scale**2 * hessian.diagonal()).sum())
    gamma, base = 0.02, float(mean_loss(params, SPEC, ROWS)[0])
    added = [
        float(
            mean_loss(perturbed(params, unit_noise(params, seed=0, draw=draw), spread, gamma), SPEC, ROWS)[0]
        )
        - base
        for draw in range(400)
    ]
    pairs = np.array(added).reshape(-1, 2).mean(axis=1)
    error = pairs.std(ddof=1) / np.sqrt(len(pairs))
    assert abs(pairs.mean() - gamma**2 * exact / 2) < 4 * error + 0.05 * abs(gamma**2 * exact / 2)
    assert parameter_count(SPEC) == hessian.shape[0]


def test_a_stack_is_refused():
    with pytest.raises(OvbookError, match="take a member"):
        curvature(init(SPEC, [0, 1]), SPEC, ROWS)

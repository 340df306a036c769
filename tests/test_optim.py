"""Our AdamW against PyTorch's, alone and stacked."""

from __future__ import annotations

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import member
from ovbook.optim import AdamW

SHAPES = {"matrix": (5, 7), "norm": (7,), "other": (3, 5)}
RATES = [1e-2, 3e-3, 0.0]
DECAYS = [0.1, 0.0, 0.3]
STEPS = 25


def start(members: int = 3, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {n: torch.randn(members, *s, generator=generator, dtype=dtype) for n, s in SHAPES.items()}


def gradients(step: int, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(100 + step)
    # Members differ in size, so that clipping them together would show.
    size = torch.tensor([0.01, 1.0, 100.0], dtype=dtype)
    return {
        n: size.view(3, *[1] * len(s)) * torch.randn(3, *s, generator=generator, dtype=dtype)
        for n, s in SHAPES.items()
    }


def reference(
    k: int, dtype: torch.dtype = torch.float64, clip: float | None = 1.0
) -> dict[str, torch.Tensor]:
    """Member k as torch.optim.AdamW and clip_grad_norm_ move it; decay on matrices only."""
    params = {n: t[k].clone().requires_grad_() for n, t in start(dtype=dtype).items()}
    groups = [
        {"params": [p for p in params.values() if p.dim() > 1], "weight_decay": DECAYS[k]},
        {"params": [p for p in params.values() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATES[k], betas=(0.9, 0.95), eps=1e-8)
    for step in range(STEPS):
        for name, grad in gradients(step, dtype).items():
            params[name].grad = grad[k].clone()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(params.values(), clip)
        optimizer.step()
    return {n: p.detach() for n, p in params.items()}


@pytest.mark.parametrize("fused", [True, False], ids=["one by one", "together"])
@pytest.mark.parametrize("clip", [1.0, None])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_each_member_moves_as_with_torch(dtype, tolerance, clip, fused):
    optimizer = AdamW(start(dtype=dtype), weight_decay=DECAYS, clip=clip, fused=fused)
    for step in range(STEPS):
        optimizer.step(list(gradients(step, dtype).values()), torch.tensor(RATES, dtype=torch.float64))
    for k in range(3):
        for name, expected in reference(k, dtype, clip).items():
            assert (optimizer.params[name][k] - expected).abs().max() < tolerance, (k, name)
    assert torch.equal(optimizer.params["norm"][2], start(dtype=dtype)["norm"][2])  # its rate is 0


@pytest.mark.parametrize("k", range(3))
def test_one_alone_moves_as_with_torch(k):
    optimizer = AdamW(member(start(), k), weight_decay=DECAYS[k])
    for step in range(STEPS):
        optimizer.step([g[k : k + 1] for g in gradients(step).values()], RATES[k])
    for name, expected in reference(k).items():
        assert (optimizer.params[name][0] - expected).abs().max() < 1e-12


def test_the_norm_is_each_members_own_before_clipping():
    optimizer = AdamW(start())
    grads = gradients(0)
    norm = optimizer.step(list(grads.values()), 1e-3)
    for k in range(3):
        alone = torch.cat([g[k].flatten() for g in grads.values()]).norm()
        assert torch.allclose(norm[k], alone, rtol=1e-12)


@pytest.mark.parametrize("fused", [True, False], ids=["one by one", "together"])
def test_a_member_that_is_not_finite_stands_still_and_bothers_nobody(fused):
    healthy, sick = AdamW(start(), fused=fused), AdamW(start(), fused=fused)
    for step in range(10):
        grads = list(gradients(step).values())
        healthy.step(grads, 1e-2)
        if step == 4:
            before = {n: t[1].clone() for n, t in sick.params.items()}
            grads = [g.clone() for g in grads]
            grads[0][1, 0, 0] = torch.nan
        alive = torch.tensor([True, step < 5, True])
        sick.step(grads, 1e-2, alive)
    for name in SHAPES:
        assert torch.equal(sick.params[name][1], before[name])
        assert torch.equal(sick.params[name][[0, 2]], healthy.params[name][[0, 2]])


def test_it_goes_on_from_its_state_bitwise():
    whole, first = AdamW(start()), AdamW(start())
    for step in range(6):
        whole.step(list(gradients(step).values()), 1e-2)
        if step < 3:
            first.step(list(gradients(step).values()), 1e-2)
    second = AdamW(first.params)
    second.load({n: t.clone() for n, t in first.state().items()})
    for step in range(3, 6):
        second.step(list(gradients(step).values()), 1e-2)
    assert all(torch.equal(second.params[n], whole.params[n]) for n in SHAPES)


def test_it_copies_what_it_is_given():
    params = start()
    AdamW(params).step(list(gradients(0).values()), 1.0)
    assert all(torch.equal(t, start()[n]) for n, t in params.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"betas": (0.9, 1.0)}, "betas is"),
        ({"eps": 0.0}, "eps is 0.0"),
        ({"clip": -1.0}, "clip is -1.0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"weight_decay": [0.1, 0.2]}, "one for each of the 3 members"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(OvbookError, match=message):
        AdamW(start(), **options)


def test_a_state_of_another_model_is_refused():
    other = {n: t[:, :1] for n, t in start().items()}
    with pytest.raises(OvbookError, match="it is from another model"):
        AdamW(start()).load(AdamW(other).state())


def test_uphill_on_a_quadratic_is_the_closed_form_for_each_member():
    # L(w) = w' D w / 2, so the gradient is D w, and at the ascended point D (w + r D w / |D w|).
    params = start()
    optimizer = AdamW(params)
    curve = {n: (1 + t.abs()) for n, t in gradients(3).items()}
    before = {n: t.clone() for n, t in optimizer.params.items()}
    home = optimizer.ascend([curve[n] * before[n] for n in params], 0.3)
    for k in range(3):
        slope = {n: curve[n][k] * params[n][k] for n in params}
        length = torch.cat([s.flatten() for s in slope.values()]).norm()
        for n in params:
            expected = curve[n][k] * (params[n][k] + 0.3 * slope[n] / length)
            torch.testing.assert_close(curve[n][k] * optimizer.params[n][k], expected, rtol=1e-12, atol=1e-12)
    optimizer.descend(home)
    assert all(torch.equal(optimizer.params[n], before[n]) for n in params)


def test_uphill_leaves_frozen_tensors_and_flat_places_alone():
    optimizer = AdamW(start(), frozen=["norm"])
    grads = gradients(0)
    grads["matrix"][1] = grads["other"][1] = 0.0
    before = {n: t.clone() for n, t in optimizer.params.items()}
    optimizer.ascend(list(grads.values()), 0.5)
    assert torch.equal(optimizer.params["norm"], before["norm"])
    assert torch.equal(optimizer.params["matrix"][1], before["matrix"][1])
    moved = torch.cat([(optimizer.params[n] - before[n])[0].flatten() for n in before]).norm()
    assert moved == pytest.approx(0.5)

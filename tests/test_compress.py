"""Fewer bits and fewer weights: exactly as many as said, row by row, and never a bit of chance."""

from __future__ import annotations

import math

import pytest
import torch

from ovbook.compress import COMPRESSIONS, pruned, quantised
from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.models import init, parse_model
from ovbook.perturb import sweep
from ovbook.runs import Checkpoint, Perturb, Pretrain
from ovbook.runs.measures import COMPRESSIONS as NAMES

SPEC = parse_model("neox:16x1", vocab=64, context=16)
PARAMS = init(SPEC, [0, 1])
ROWS = torch.randint(4, 64, (40, 16), generator=torch.Generator().manual_seed(1))
BASE = Checkpoint(run=Pretrain(budget=1_000_000))


def test_rounding_leaves_few_levels_and_moves_no_weight_by_more_than_half_a_step():
    rounded = quantised(PARAMS, 4)
    for name, matrix in PARAMS.items():
        if matrix.dim() == 2:
            assert torch.equal(rounded[name], matrix), "vectors stay as they are"
            continue
        step = matrix.abs().amax(dim=2, keepdim=True) / 7
        assert ((rounded[name] - matrix).abs() <= step / 2 + 1e-6).all()
        assert max(len(row.unique()) for row in rounded[name].flatten(0, 1)) <= 15
        # The largest weight of a row is a whole number of steps: itself.
        torch.testing.assert_close(rounded[name].abs().amax(2), matrix.abs().amax(2))


def test_two_bits_are_three_levels_and_rounding_twice_is_rounding_once():
    for row in quantised(PARAMS, 2)["embed_out.weight"][0]:
        assert len(row.abs().unique()) <= 2
    once = quantised(PARAMS, 3)
    for name, tensor in quantised(once, 3).items():
        torch.testing.assert_close(tensor, once[name])


def test_pruning_removes_the_smallest_of_each_matrix_of_each_model():
    weights = {"w": torch.stack([torch.arange(1.0, 11.0), -torch.arange(10.0, 0, -1)]).view(2, 2, 5)}
    weights["norm"] = torch.ones(2, 3)
    cut = pruned(weights, 0.3)
    assert cut["w"][0].flatten().tolist() == [0, 0, 0, 4, 5, 6, 7, 8, 9, 10]
    assert cut["w"][1].flatten().tolist() == [-10, -9, -8, -7, -6, -5, -4, 0, 0, 0]
    assert cut["norm"].tolist() == weights["norm"].tolist()
    assert torch.equal(pruned(weights, 0.0)["w"], weights["w"])


def test_a_sweep_measures_each_size_once():
    one = {name: tensor[:1] for name, tensor in PARAMS.items()}
    found = sweep(one, SPEC, ROWS, gammas=[0.0, 8.0, 2.0], draws=1, noise="quantisation", seed=0)
    assert [(r["gamma"], r["draw"]) for r in found] == [(0.0, 0), (8.0, 0), (2.0, 0)]
    assert found[0]["change"] == 0 < found[1]["change"] < found[2]["change"]
    assert found[2]["loss"] == pytest.approx(float(mean_loss(quantised(one, 2), SPEC, ROWS)[0]))


@pytest.mark.parametrize(
    ("noise", "size", "said"),
    [
        ("quantisation", 1, "bits are a whole number from 2 to 16"),
        ("quantisation", 3.5, "quantisation to 3.5 bits"),
        ("quantisation", math.inf, "quantisation to inf bits"),
        ("pruning", 1.0, "from 0 to below 1"),
        ("pruning", -0.1, "pruning a share of -0.1"),
    ],
)
def test_impossible_sizes_are_said_before_and_while_running(noise, size, said):
    with pytest.raises(OvbookError, match=said):
        COMPRESSIONS[noise](PARAMS, size)
    if math.isfinite(size) and size > 0:
        with pytest.raises(OvbookError, match=said):
            Perturb(base=BASE, noise=noise, gammas=(0.0, size), draws=1)


def test_specs_know_the_same_compressions_and_ask_for_one_draw():
    assert tuple(COMPRESSIONS) == NAMES
    with pytest.raises(OvbookError, match="there is no chance in pruning: give draws=1"):
        Perturb(base=BASE, noise="pruning", gammas=(0.0, 0.5))
    with pytest.raises(OvbookError, match=r"noise is 'quantization' \(did you mean 'quantisation'\?\)"):
        Perturb(base=BASE, noise="quantization", gammas=(4,), draws=1)

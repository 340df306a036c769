"""Noise on weights: paired across budgets, the size it says it has, and the closed form where there is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.evaluate import held_out_losses, loss_by_part, mean_loss
from ovbook.models import init, init_std_of, next_token_loss, parse_model, stack
from ovbook.perturb import noise_scales, perturbed, sweep, unit_noise

SPEC = parse_model("olmo:16x1", vocab=64, context=16)
ROWS = torch.randint(4, 64, (40, 16), generator=torch.Generator().manual_seed(1))


def test_draws_come_in_antithetic_pairs_and_do_not_depend_on_the_weights():
    young, old = init(SPEC, [0]), init(SPEC, [1])
    one, two = unit_noise(young, seed=5, draw=0), unit_noise(old, seed=5, draw=0)
    minus, other = unit_noise(young, seed=5, draw=1), unit_noise(young, seed=5, draw=2)
    for name in one:
        assert torch.equal(one[name], two[name])
        assert torch.equal(one[name], -minus[name])
        assert not torch.equal(one[name], other[name])


def test_noise_has_the_spread_of_the_initialisation():
    params = init(SPEC, [0])
    moved = perturbed(params, unit_noise(params, seed=0, draw=0), noise_scales(params, SPEC, "init"), 0.5)
    for name, std in init_std_of(SPEC).items():
        found = float((moved[name] - params[name]).std())
        assert found == pytest.approx(0.5 * std, rel=5 / math.sqrt(2 * params[name].numel()))


def test_relative_noise_follows_the_weights_as_they_are():
    params = {name: 3 * tensor for name, tensor in init(SPEC, [0]).items()}
    scales = noise_scales(params, SPEC, "relative")
    for name, tensor in params.items():
        assert scales[name] == pytest.approx(float(tensor.square().mean().sqrt()), rel=1e-6)


def test_constant_tensors_get_no_initial_noise():
    spec = parse_model("neox:16x1", vocab=64, context=16)
    params = init(spec, [0])
    moved = perturbed(params, unit_noise(params, seed=0, draw=0), noise_scales(params, spec, "init"), 1.0)
    assert torch.equal(moved["gpt_neox.final_layer_norm.weight"], params["gpt_neox.final_layer_norm.weight"])


def test_sweep_measures_zero_once_and_reports_the_size_of_the_change():
    params = init(SPEC, [0])
    records = sweep(params, SPEC, ROWS, gammas=[0.0, 0.5], draws=4, noise="init", seed=0)
    assert [(r["gamma"], r["draw"]) for r in records] == [(0.0, 0), (0.5, 0), (0.5, 1), (0.5, 2), (0.5, 3)]
    assert records[0]["loss"] == pytest.approx(float(mean_loss(params, SPEC, ROWS)[0]))
    expected = math.sqrt(sum((0.5 * std) ** 2 * params[n].numel() for n, std in init_std_of(SPEC).items()))
    assert records[1]["change"] == pytest.approx(expected, rel=0.1)
    assert records[1]["change"] == records[2]["change"]


@pytest.mark.parametrize("gamma", [-0.1, math.nan, math.inf])
def test_impossible_gamma(gamma):
    params = init(SPEC, [0])
    with pytest.raises(OvbookError, match="finite number of at least 0"):
        perturbed(params, params, noise_scales(params, SPEC, "init"), gamma)


def test_unknown_noise_and_no_draws():
    params = init(SPEC, [0])
    with pytest.raises(OvbookError, match="init, relative"):
        noise_scales(params, SPEC, "uniform")
    with pytest.raises(OvbookError, match="at least 1"):
        sweep(params, SPEC, ROWS, gammas=[0.1], draws=0, noise="init", seed=0)


def test_mean_loss_is_the_training_loss_for_every_member():
    params = stack([init(SPEC, [0]), init(SPEC, [1])])
    found = mean_loss(params, SPEC, ROWS)
    expected = next_token_loss(params, SPEC, ROWS.expand(2, -1, -1))
    assert torch.allclose(found, expected.double(), atol=1e-5)


def test_parts_of_the_loss_average_to_the_whole():
    from ovbook.corpus import open_corpus

    corpus = open_corpus("world:3/almanac")
    spec = parse_model("olmo:16x1", vocab=corpus.vocab_size, context=128)
    rows = torch.from_numpy(corpus.validation(7, 40).astype(np.int64))
    losses = held_out_losses(init(spec, [0]), spec, rows)[0].numpy()
    parts = loss_by_part(losses, corpus, 7)
    whole = parts[0]
    for axis in ("section", "role"):
        pieces = [p for p in parts[1:] if p[axis] != "all"]
        assert sum(p["predictions"] for p in pieces) == whole["predictions"] == 40 * 127
        for value in ("loss", "truth"):
            mean = sum(p[value] * p["predictions"] for p in pieces) / whole["predictions"]
            assert mean == pytest.approx(whole[value], rel=1e-6)
    facts = next(p for p in parts if p["role"] == "fact")
    assert facts["truth"] < 0.05 < facts["loss"]

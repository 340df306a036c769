"""Models: presets, initialisation, stacks, losses, writing."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import (
    PRESETS,
    ModelSpec,
    Params,
    forward,
    generate,
    hidden,
    init,
    init_std_of,
    member,
    next_token_loss,
    parameter_count,
    parse_model,
    stack,
    token_losses,
)
from ovbook.models.decoder import linear, rotary_table, turn, turn_plainly
from ovbook.models.loss import _HeadLoss, _losses

ARCHITECTURES = ("olmo", "olmo2", "neox")


def small(arch: str, **fields: object) -> ModelSpec:
    return dataclasses.replace(parse_model(f"{arch}:32x2", vocab=50, context=32), **fields)


def batch(spec: ModelSpec, members: int, rows: int = 4, length: int = 20, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(spec.vocab, (members, rows, length), generator=generator)


def loss_and_grads(params: Params, spec: ModelSpec, tokens: torch.Tensor) -> tuple[torch.Tensor, Params]:
    leaves = {n: t.detach().clone().requires_grad_() for n, t in params.items()}
    loss = next_token_loss(leaves, spec, tokens)
    grads = torch.autograd.grad(loss.sum(), list(leaves.values()))
    return loss.detach(), dict(zip(leaves, grads, strict=True))


def shaken(spec: ModelSpec, seeds: list[int], dtype: torch.dtype) -> Params:
    """Initial weights with the constants moved too, so that norms and biases take part."""
    params = init(spec, seeds, dtype=dtype)
    for k, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        for tensor in params.values():
            tensor[k] += 0.1 * torch.randn(tensor.shape[1:], generator=generator, dtype=dtype)
    return params


# --- what a model is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_about_the_parameters_it_says(name):
    said = float(name[:-1]) * {"k": 1e3, "m": 1e6}[name[-1]]
    assert 0.75 * said < parameter_count(parse_model(name, vocab=400, context=128)) < 1.25 * said


def test_counted_parameters_are_those_drawn():
    for arch in ARCHITECTURES:
        spec = small(arch)
        assert parameter_count(spec) == sum(t.numel() for t in init(spec, [0]).values())


def test_heads_can_be_said():
    assert parse_model("olmo:32x2x4", vocab=50, context=32).heads == 4
    assert parse_model("olmo:32x2", vocab=50, context=32).heads == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60", r"unknown model '60' \(did you mean '60k'\?\)"),
        ("gpt:32x2", "unknown model 'gpt:32x2'"),
        ("olmo:32", "write ARCHITECTURE:WIDTHxLAYERS"),
        ("olmo:30x2x4", "width / heads must be a whole, even number"),
        ("olmo:32x0", "layers is 0"),
    ],
)
def test_unknown_models_are_refused(text, message):
    with pytest.raises(OvbookError, match=message):
        parse_model(text, vocab=50, context=32)


def test_impossible_specs_are_refused():
    with pytest.raises(OvbookError, match=r"unknown architecture 'olmo3' \(did you mean"):
        dataclasses.replace(small("olmo"), arch="olmo3")
    with pytest.raises(OvbookError, match=r"rotary is 0\.1"):
        small("neox", rotary=0.1)
    with pytest.raises(OvbookError, match="unknown init"):
        small("olmo", init="xavier")


# --- how it is born --------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_member_is_the_same_in_any_company(arch):
    spec = small(arch)
    crowd, alone = init(spec, [7, 3, 11]), init(spec, [3])
    assert all(torch.equal(crowd[n][1:2], alone[n]) for n in alone)
    assert not torch.equal(
        crowd["gpt_neox.embed_in.weight" if arch == "neox" else "model.embed_tokens.weight"][0],
        alone["gpt_neox.embed_in.weight" if arch == "neox" else "model.embed_tokens.weight"][0],
    )


@pytest.mark.parametrize("rule", ["mitchell", "normal", "small"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_weights_have_the_spread_that_is_said(arch, rule):
    spec = small(arch, init=rule)
    params, std = init(spec, range(16)), init_std_of(spec)
    assert std.keys() == params.keys()
    for name, tensor in params.items():
        if std[name] == 0:
            assert (tensor == (0.0 if name.endswith("bias") else 1.0)).all(), name
        else:
            assert abs(float(tensor.std()) / std[name] - 1) < 0.05, name
            assert abs(float(tensor.mean())) < 0.05 * std[name], name


def test_the_rule_is_olmos_own():
    std = init_std_of(small("olmo"))
    assert std["model.embed_tokens.weight"] == 1 / math.sqrt(32)
    assert std["model.layers.0.self_attn.q_proj.weight"] == 1 / math.sqrt(32)
    assert std["model.layers.1.self_attn.o_proj.weight"] == 1 / math.sqrt(2 * 2 * 32)
    assert std["model.layers.1.mlp.down_proj.weight"] == 1 / math.sqrt(2 * 2 * 88)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_an_untrained_model_knows_about_nothing(arch):
    spec = small(arch)
    loss = next_token_loss(init(spec, range(8)), spec, batch(spec, 8, rows=16))
    assert math.log(50) - 0.1 < float(loss.mean()) < math.log(50) + 1


# --- stacks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_members_of_a_stack_compute_what_they_compute_alone(arch):
    spec, seeds = small(arch), [4, 0, 9]
    for dtype, tolerance in ((torch.float32, 2e-5), (torch.float64, 1e-6 if arch != "neox" else 1e-12)):
        # OLMo norms are float32 inside whatever the precision, so only GPT-NeoX is float64 all through.
        params, tokens = shaken(spec, seeds, dtype), batch(spec, 3)
        loss, grads = loss_and_grads(params, spec, tokens)
        logits = forward(params, spec, tokens)
        for k in range(3):
            alone, alone_grads = loss_and_grads(member(params, k), spec, tokens[k : k + 1])
            assert torch.allclose(
                logits[k], forward(member(params, k), spec, tokens[k : k + 1])[0], atol=tolerance
            )
            assert abs(float(loss[k] - alone[0])) < tolerance
            for name in grads:
                assert torch.allclose(grads[name][k], alone_grads[name][0], atol=tolerance), name


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_one_member_takes_a_path_that_agrees_with_the_stacked_one(arch):
    """A stack of a model with itself goes through the batched products; K = 1 goes through plain ones."""
    spec = small(arch)
    params, tokens = shaken(spec, [2], torch.float32), batch(spec, 1)
    loss, grads = loss_and_grads(params, spec, tokens)
    twice, twice_grads = loss_and_grads(stack([params, params]), spec, tokens.expand(2, -1, -1))
    assert torch.allclose(twice, loss.expand(2), atol=1e-6)
    assert all(torch.allclose(twice_grads[n], grads[n].expand_as(twice_grads[n]), atol=2e-6) for n in grads)


def test_the_order_of_members_changes_no_bit():
    spec, order = small("olmo"), [2, 0, 3, 1]
    params, tokens = shaken(spec, [0, 1, 2, 3], torch.float32), batch(spec, 4)
    loss, grads = loss_and_grads(params, spec, tokens)
    moved, moved_grads = loss_and_grads({n: t[order] for n, t in params.items()}, spec, tokens[order])
    assert torch.equal(moved, loss[order])
    assert all(torch.equal(moved_grads[n], grads[n][order]) for n in grads)


def test_stacking_and_taking_apart():
    spec = small("neox")
    one, two = init(spec, [1]), init(spec, [2, 3])
    both = stack([one, two])
    assert all(torch.equal(both[n], init(spec, [1, 2, 3])[n]) for n in both)
    assert all(torch.equal(member(both, 2)[n], init(spec, [3])[n]) for n in both)


def test_no_token_sees_what_comes_after_it():
    for arch in ARCHITECTURES:
        spec = small(arch)
        params, tokens = init(spec, [0]), batch(spec, 1)
        changed = tokens.clone()
        changed[..., 10:] = (changed[..., 10:] + 1) % spec.vocab
        before, after = forward(params, spec, tokens), forward(params, spec, changed)
        assert torch.allclose(before[:, :, :10], after[:, :, :10], atol=1e-6)
        assert not torch.allclose(before[:, :, 10:], after[:, :, 10:], atol=1e-2)


def test_rows_longer_than_the_context_are_refused():
    spec = small("olmo")
    with pytest.raises(OvbookError, match="rows of 33 tokens do not fit in this model's context of 32"):
        forward(init(spec, [0]), spec, batch(spec, 1, length=33))


# --- fast paths and their plain twins --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_fused_loss_is_the_plain_one(dtype):
    generator = torch.Generator().manual_seed(0)
    K, N, D, V = 2, 2500, 8, 300  # several pieces of rows, the last one shorter

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_()

    states, head = draw(K, N, D), draw(K, V, D)
    targets = torch.randint(V, (K, N), generator=generator)
    share = torch.rand(K, N, generator=generator, dtype=dtype) / N
    share[0, 100:200] = 0
    fused = _HeadLoss.apply(states, head, targets, share)
    plain = (_losses(states, head, targets) * share).sum(1)
    scale = torch.tensor([1.0, -3.0], dtype=dtype)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-14
    assert torch.allclose(fused, plain, rtol=tolerance)
    ours = torch.autograd.grad((fused * scale).sum(), [states, head])
    theirs = torch.autograd.grad((plain * scale).sum(), [states, head])
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=tolerance * float(b.abs().max()) * 4)


def test_the_fused_loss_survives_extreme_logits():
    states = torch.tensor([[[1e4, 0.0], [0.0, 1e4]]], requires_grad=True)
    head = torch.eye(2).unsqueeze(0).requires_grad_()
    share = torch.full((1, 2), 0.5)
    loss = _HeadLoss.apply(states, head, torch.tensor([[0, 0]]), share)
    assert float(loss.detach()) == pytest.approx(5e3)
    assert torch.autograd.grad(loss.sum(), states)[0].isfinite().all()


def test_turning_by_complex_numbers_is_turning():
    table = rotary_table(12, 2, 8, 4, 1e4, torch.float64, torch.device("cpu"))
    x = torch.randn(3, 12, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(turn(x, *table), turn_plainly(x, *table), rtol=1e-14)
    # Only differences of positions matter: the product of turned numbers 5 apart is the same anywhere.
    q, k = x[:1, :1].expand(1, 12, 32), x[1:2, :1].expand(1, 12, 32)
    q, k = turn(q, *table)[0], turn(k, *table)[0]
    products = (q[5:] * k[:-5]).sum(-1)
    assert torch.allclose(products, products[:1].expand_as(products), rtol=1e-6)
    assert not torch.allclose((q[3:] * k[:-3]).sum(-1)[0], products[0], rtol=1e-3)


# --- losses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_losses_are_the_log_probabilities_of_the_next_tokens(arch):
    spec = small(arch)
    params, tokens = init(spec, [0, 1]), batch(spec, 2)
    logp = torch.log_softmax(forward(params, spec, tokens), -1)
    expected = -logp[:, :, :-1].gather(-1, tokens[..., 1:, None]).squeeze(-1)
    assert torch.allclose(token_losses(params, spec, tokens), expected, atol=1e-5)
    assert torch.allclose(next_token_loss(params, spec, tokens), expected.mean(dim=(1, 2)), atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(next_token_loss(params, spec, tokens), expected.mean(dim=(1, 2)), atol=1e-6)


def test_weights_choose_what_counts():
    spec = small("olmo")
    params, tokens = init(spec, [0, 1]), batch(spec, 2)
    weight = torch.zeros(2, 4, 19)
    weight[0, 1, 5], weight[1, :, 3] = 2.0, 1.0
    losses = token_losses(params, spec, tokens)
    weighed = next_token_loss(params, spec, tokens, weight)
    assert torch.allclose(weighed, torch.stack([losses[0, 1, 5], losses[1, :, 3].mean()]), atol=1e-6)


def test_hidden_states_come_before_the_head():
    spec = small("olmo2")
    params, tokens = init(spec, [0]), batch(spec, 1)
    states = hidden(params, spec, tokens)
    assert states.shape == (1, 4, 20, 32)
    assert torch.equal(linear(states, params["lm_head.weight"]), forward(params, spec, tokens))


# --- writing ---------------------------------------------------------------------------------------------


def test_writing_takes_the_likeliest_token_each_time():
    spec = small("olmo")
    params, prompt = init(spec, [0, 5]), batch(spec, 2, length=4)
    ids = generate(params, spec, prompt, 6)
    assert ids.shape == (2, 4, 10)
    assert torch.equal(ids[..., :4], prompt)
    for at in range(4, 10):
        assert torch.equal(ids[..., at], forward(params, spec, ids[..., :at])[:, :, -1].argmax(-1))


def test_prompts_of_different_lengths_are_continued_as_if_alone():
    spec = small("neox")
    params, prompt = init(spec, [0]), batch(spec, 1, rows=3, length=8)
    lengths = torch.tensor([[3, 8, 5]])
    together = generate(params, spec, prompt, 2, lengths=lengths)
    for row, length in enumerate([3, 8, 5]):
        alone = generate(params, spec, prompt[:, row : row + 1, :length], 2)
        assert torch.equal(together[0, row, : length + 2], alone[0, 0])
        assert (together[0, row, length + 2 :] == 0).all()  # not what was left of the padding


def test_writing_stops_at_the_stop_token_and_at_the_context():
    spec = small("olmo")
    params, prompt = init(spec, [0]), batch(spec, 1, rows=2, length=4)
    free = generate(params, spec, prompt, 8)
    stop = int(free[0, 0, 6])
    first = free[0, 0].tolist().index(stop, 4)
    stopped = generate(params, spec, prompt, 8, stop=stop)
    assert stopped[0, 0, : first + 1].tolist() == free[0, 0, : first + 1].tolist()
    assert (stopped[0, 0, first + 1 :] == stop).all()
    assert generate(params, spec, prompt, 100).shape[2] == spec.context
    with pytest.raises(OvbookError, match="shorten the prompt"):
        generate(params, spec, batch(spec, 1, length=32), 1)


def test_sampling_follows_its_generator():
    spec = small("olmo")
    params, prompt = init(spec, [0]), batch(spec, 1, rows=2, length=4)

    def write(seed: int, temperature: float) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return (
            generate(params, spec, prompt, 12, temperature=temperature, generator=generator)
            .flatten()
            .tolist()
        )

    assert write(0, 1.0) == write(0, 1.0) != write(1, 1.0)
    assert write(0, 1e-4) == generate(params, spec, prompt, 12).flatten().tolist()
    with pytest.raises(OvbookError, match="needs generator"):
        generate(params, spec, prompt, 1, temperature=1.0)
    with pytest.raises(OvbookError, match="temperature is -1"):
        generate(params, spec, prompt, 1, temperature=-1.0)


# --- the compiler


@pytest.mark.slow
def test_a_plain_training_step_does_not_load_the_compiler():
    script = """
import sys
import numpy as np
from ovbook.models import init, parse_model
from ovbook.train import train
spec = parse_model("olmo:32x2", vocab=67, context=16)
train(init(spec, [0]), spec, lambda step: np.ones((1, 2, 16), dtype=np.int64), steps=1, rates=np.ones(1))
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["olmo", "olmo2", "neox"])
def test_a_model_of_several_layers_compiles_to_the_same_loss_and_gradient(arch):
    spec = ModelSpec(arch=arch, vocab=40, width=16, layers=2, heads=2, mlp=32, context=16)
    params = {name: tensor.requires_grad_() for name, tensor in init(spec, [0]).items()}
    tokens = torch.randint(0, 40, (1, 3, 16), generator=torch.Generator().manual_seed(0))
    found = []
    for loss in (next_token_loss, torch.compile(next_token_loss, backend="aot_eager", fullgraph=True)):
        value = loss(params, spec, tokens)
        found.append([value, *torch.autograd.grad(value.sum(), list(params.values()))])
    for plain, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-6)

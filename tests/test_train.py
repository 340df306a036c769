"""The loop: resuming, stacking, divergence, and runs whose numbers must not move."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, init, member, next_token_loss, parse_model
from ovbook.schedules import Schedule
from ovbook.train import TrainLog, train

STEPS = 12
SPEC = parse_model("olmo:16x2", vocab=40, context=32)


def batches(step: int, members: int = 3, rows: int = 4, vocab: int = 40) -> np.ndarray:
    """Rows in which a token mostly decides the next one, so that there is something to learn; each member its own."""
    rng = np.random.default_rng([7, step])
    noise = rng.integers(0, 3, (members, rows, 32))
    tokens = np.empty_like(noise)
    tokens[..., 0] = rng.integers(0, vocab, (members, rows))
    for at in range(1, 32):
        tokens[..., at] = (5 * tokens[..., at - 1] + noise[..., at]) % vocab
    return tokens.astype(np.uint16)


def run(
    members: list[int], *, spec: ModelSpec = SPEC, dtype: torch.dtype = torch.float32, **options
) -> TrainLog:
    """Train members 0, 1, 2 ... of the same three, on their own data, at their own rates."""
    seeds, rates = (
        [3, 14, 15],
        np.stack([Schedule(peak=r, warmup=2).rates(STEPS) for r in (3e-3, 1e-2, 3e-3)], 1),
    )
    options = {"steps": STEPS, "rates": rates[:, members]} | options
    params = options.pop("params", None) or init(spec, [seeds[k] for k in members], dtype=dtype)
    return train(params, spec, lambda step: batches(step)[members], **options)


def equal(a: Params, b: Params) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[n], b[n]) for n in a)


# --- sharpness-aware ---


def test_a_sharpness_aware_step_takes_its_gradient_uphill():
    spec, radius = SPEC, 0.2
    params = init(spec, [3, 14], dtype=torch.float64)
    tokens = torch.from_numpy(batches(0)[:2].astype(np.int64))
    log = train(
        params, spec, lambda _: tokens, steps=1, rates=np.ones(1), sam=radius, weight_decay=0.0, clip=None
    )

    def gradients(weights: Params) -> dict[str, torch.Tensor]:
        leaves = {n: t.clone().requires_grad_() for n, t in weights.items()}
        loss = next_token_loss(leaves, spec, tokens, None).sum()
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

    def norms(grads: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.stack([g.flatten(1).square().sum(1) for g in grads.values()]).sum(0).sqrt()

    first = gradients(params)
    length = norms(first)
    uphill = {n: t + radius * first[n] / length.view(-1, *[1] * (t.dim() - 1)) for n, t in params.items()}
    used = gradients(uphill)
    np.testing.assert_allclose(log.grad_norm[0], norms(used).numpy(), rtol=1e-5)
    # Adam's first step is the rate times the gradient's sign, where it is not tiny.
    for name, tensor in params.items():
        big = used[name].abs() > 1e-4
        torch.testing.assert_close(
            (tensor - log.params[name])[big], used[name].sign()[big], rtol=1e-3, atol=0
        )
    plain = train(params, spec, lambda _: tokens, steps=1, rates=np.ones(1), weight_decay=0.0, clip=None)
    assert np.array_equal(plain.loss, log.loss), "the loss on record is that of the weights themselves"
    assert not equal(plain.params, log.params)


def test_a_sharpness_aware_member_learns_what_it_would_learn_alone_and_resumes_bitwise():
    whole, alone = run([0, 1, 2], sam=0.1), run([1], sam=0.1)
    np.testing.assert_allclose(whole.loss[:, 1], alone.loss[:, 0], rtol=2e-4)
    kept = {}

    def keep(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        kept[step] = [{n: t.clone() for n, t in tensors.items()} for tensors in (params, state)]

    run([1], sam=0.1, on_checkpoint={5: keep})
    rest = run([1], sam=0.1, params=kept[5][0], start_step=5, optimizer_state=kept[5][1])
    assert equal(rest.params, alone.params)


# --- resuming --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("members", [[0], [0, 1, 2]], ids=["single", "stacked"])
@pytest.mark.parametrize("split", [1, 5, 11])
def test_a_run_that_was_interrupted_ends_bitwise_the_same(split, members, precision):
    whole = run(members, precision=precision)
    kept = {}

    def keep(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        kept[step] = [{n: t.clone() for n, t in tensors.items()} for tensors in (params, state)]

    run(members, precision=precision, on_checkpoint={split: keep})
    params, state = kept[split]
    rest = run(members, params=params, precision=precision, start_step=split, optimizer_state=state)
    assert equal(rest.params, whole.params)
    assert equal(rest.optimizer_state, whole.optimizer_state)
    assert np.array_equal(rest.loss, whole.loss[split:])
    assert np.array_equal(rest.grad_norm, whole.grad_norm[split:])


def test_checkpoints_come_at_their_steps_and_change_nothing():
    seen = []
    calls = dict.fromkeys(
        (0, 4, STEPS), lambda step, params, state: seen.append((step, float(state["steps"])))
    )
    log = run([0], on_checkpoint=calls)
    assert seen == [(0, 0), (4, 4), (STEPS, STEPS)]
    assert equal(log.params, run([0]).params)


def test_the_weights_given_are_left_alone():
    params = init(SPEC, [3])
    run([0], params=params)
    assert equal(params, init(SPEC, [3]))


# --- stacking --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ["olmo", "olmo2", "neox"])
def test_a_member_learns_what_it_would_learn_alone(arch):
    spec = parse_model(f"{arch}:16x2", vocab=40, context=32)
    # OLMo norms are float32 inside whatever the precision, so only GPT-NeoX is float64 all through.
    tolerance = 1e-10 if arch == "neox" else 1e-6
    together, rounded = (run([0, 1, 2], spec=spec, dtype=d) for d in (torch.float64, torch.float32))
    for k in range(3):
        alone = run([k], spec=spec, dtype=torch.float64)
        for name, tensor in alone.params.items():
            assert (together.params[name][k] - tensor[0]).abs().max() < tolerance, name
        # In float32 the losses agree; weights need not, because Adam makes a full step of a gradient that is
        # nothing but rounding (GPT-NeoX's key biases have no other).
        alone = run([k], spec=spec)
        assert np.abs(rounded.loss[:, k] - alone.loss[:, 0]).max() < 5e-6


def test_losses_do_not_depend_on_how_many_train_along():
    two, three = run([0, 1]), run([0, 1, 2])
    assert np.abs(two.loss - three.loss[:, :2]).max() < 1e-6


def test_losses_and_weights_do_not_depend_on_the_place_in_the_stack():
    straight, turned = run([0, 1, 2]), run([2, 0, 1])
    assert np.array_equal(turned.loss, straight.loss[:, [2, 0, 1]])
    assert all(torch.equal(turned.params[n], t[[2, 0, 1]]) for n, t in straight.params.items())


def test_members_may_have_their_own_decay():
    together = run([0, 1, 2], weight_decay=[0.0, 0.1, 1.0], dtype=torch.float64)
    alone = run([2], weight_decay=1.0, dtype=torch.float64)
    assert all((together.params[n][2] - t[0]).abs().max() < 1e-6 for n, t in alone.params.items())
    assert not equal(member(together.params, 2), member(run([0, 1, 2], dtype=torch.float64).params, 2))


# --- divergence ------------------------------------------------------------------------------------------


def test_a_member_that_diverges_stops_and_its_neighbours_do_not_notice():
    calls = {}

    def break_one(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        calls["before"] = {n: t[1].clone() for n, t in params.items()}
        params["lm_head.weight"][1, 0, 0] = torch.nan
        calls["broken"] = {n: t[1].clone() for n, t in params.items()}

    healthy, sick = run([0, 1, 2]), run([0, 1, 2], on_checkpoint={5: break_one})
    assert healthy.diverged_at.tolist() == [-1, -1, -1]
    assert sick.diverged_at.tolist() == [-1, 5, -1]
    assert np.isfinite(sick.loss[:5, 1]).all()
    assert np.isnan(sick.loss[5:, 1]).all()
    for n, t in sick.params.items():
        assert torch.equal(t[[0, 2]], healthy.params[n][[0, 2]])
        assert torch.equal(t[1].nan_to_num(), calls["broken"][n].nan_to_num())
    assert np.array_equal(sick.loss[:, [0, 2]], healthy.loss[:, [0, 2]])


def test_divergence_is_remembered_across_an_interruption():
    kept = {}

    def keep(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        kept["params"], kept["state"] = ({n: t.clone() for n, t in d.items()} for d in (params, state))

    def infect(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        params["lm_head.weight"][0, 0, 0] = torch.inf

    run([0, 1], on_checkpoint={3: infect, 6: keep})
    rest = run([0, 1], params=kept["params"], start_step=6, optimizer_state=kept["state"])
    assert rest.diverged_at.tolist() == [3, -1]


def test_a_member_that_once_diverged_stays_as_it_is_even_if_its_loss_is_finite_again():
    state = run([0, 1]).optimizer_state | {"diverged_at": torch.tensor([-1, 4])}
    params = init(SPEC, [3, 14])
    log = run([0, 1], params=params, start_step=6, optimizer_state=state)
    assert np.isfinite(log.loss).all()
    assert log.diverged_at.tolist() == [-1, 4]
    assert equal(member(log.params, 1), member(params, 1))
    assert not equal(member(log.params, 0), member(params, 0))


def test_a_rate_that_is_too_high_is_data_not_an_error():
    log = run([0, 1], rates=np.stack([np.full(STEPS, 1e-3), np.full(STEPS, 1e30)], 1))
    assert log.diverged_at[0] == -1
    assert 0 < log.diverged_at[1] < STEPS
    assert all(t[1].isfinite().all() for t in log.params.values())


# --- what is learnt --------------------------------------------------------------------------------------


def test_weights_of_predictions_are_respected():
    only = np.zeros((1, 4, 31), np.float32)
    only[..., 7] = 1
    weighed = run([0], weights=lambda step: only)
    first = batches(0)[[0]].astype(np.int64)
    expected = next_token_loss(init(SPEC, [3]), SPEC, torch.from_numpy(first), torch.from_numpy(only))
    assert weighed.loss[0, 0] == pytest.approx(float(expected), rel=1e-6)
    assert weighed.loss[0, 0] != pytest.approx(float(run([0]).loss[0, 0]), rel=1e-2)


def test_bfloat16_learns_nearly_the_same():
    full, half = run([0, 1]), run([0, 1], precision="bfloat16")
    assert half.params["lm_head.weight"].dtype == torch.float32
    assert 0 < np.abs(full.loss - half.loss).max() < 0.05


def test_progress_sees_the_losses_so_far():
    seen = []
    log = run([0], progress=lambda done, losses: seen.append((done, float(losses[done - 1, 0]))))
    assert [done for done, _ in seen] == list(range(1, STEPS + 1))
    assert np.allclose([loss for _, loss in seen], log.loss[:, 0])


# Losses before the updates 0, 1, 5, 10, 20, 30, 40 and 49.
GOLDEN = {
    "olmo": [4.2909489, 4.2779489, 3.6265457, 3.0122812, 1.8890202, 1.5565596, 1.4466500, 1.4422287],
    "olmo2": [4.2110343, 4.1500316, 3.8655424, 3.3620460, 2.9329224, 2.4500406, 2.1210594, 1.9777768],
    "neox": [4.2065291, 4.0538683, 3.4246645, 2.7424581, 1.8144917, 1.4429917, 1.3506806, 1.3283657],
}


@pytest.mark.parametrize("arch", ["olmo", "olmo2", "neox"])
def test_numbers_do_not_move(arch):
    """Fifty steps in float64; their losses moved by less than 1e-6 when all vector instructions were turned off.

    If this fails and you meant it to, numbers of stored results moved too: raise the operations' versions in
    runs/operations.py, and put the new losses here.
    """
    steps = 50
    spec = parse_model(f"{arch}:16x2", vocab=40, context=32)
    rates = Schedule(kind="cosine", peak=1e-2, warmup=5, final=0.1).rates(steps)
    params = init(spec, [0], dtype=torch.float64)
    log = train(params, spec, lambda step: batches(step, members=1), steps=steps, rates=rates)
    found = log.loss[[0, 1, 5, 10, 20, 30, 40, 49], 0]
    np.testing.assert_allclose(found, GOLDEN[arch], rtol=3e-6, err_msg=str(found.tolist()))


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rates": np.zeros(5)}, r"rates of shape \(5,\) do not fit a run of 12 steps and 1 members"),
        ({"rates": np.full(STEPS, np.nan)}, "finite numbers of at least 0"),
        ({"precision": "float16"}, "precision is 'float16': it is float32 or bfloat16"),
        ({"start_step": 13}, "a run of 12 steps cannot start at step 13"),
        ({"sam": -0.1}, "sam is -0.1: it is a radius"),
        ({"sam": 0.1, "precision": "bfloat16"}, "so sam needs float32"),
    ],
)
def test_impossible_runs_are_refused(options, message):
    with pytest.raises(OvbookError, match=message):
        run([0], **options)


def test_batches_that_do_not_fit_are_refused():
    params, rates = init(SPEC, [0, 1]), np.zeros(1)
    with pytest.raises(OvbookError, match=r"it must be \[2 members, rows, tokens\] with ids below 40"):
        train(params, SPEC, lambda step: batches(step)[:1], steps=1, rates=rates)
    with pytest.raises(OvbookError, match="with ids below 40"):  # not another member's embedding
        train(params, SPEC, lambda step: batches(step)[:2] + 40, steps=1, rates=rates)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(OvbookError, match="a GPU was asked for and there is none here"):
        run([0], device="cuda")


# --- compiling and capturing -----------------------------------------------------------------------------


def test_steps_of_all_rates_compile_once(monkeypatch):
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=counter))
    compiled = run([0, 1], compiled=True)
    assert counter.frame_count == 1
    assert np.abs(compiled.loss - run([0, 1]).loss).max() < 1e-5


needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device, and there is none here"
)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_captured_step_is_the_plain_step(precision):
    plain = run([0, 1, 2], device="cuda", graph=False, precision=precision)
    captured = run([0, 1, 2], device="cuda", graph=True, precision=precision)
    assert np.array_equal(captured.loss, plain.loss)
    assert equal(captured.params, plain.params)
    assert equal(captured.optimizer_state, plain.optimizer_state)


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_learns_what_a_cpu_learns():
    assert np.abs(run([0, 1], device="cuda").loss - run([0, 1]).loss).max() < 1e-3


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("graph", [False, True])
def test_no_step_waits_for_the_gpu(graph):
    """From the second step on; setting up (and capturing) may wait."""

    def watch(step: int, params: Params, state: dict[str, torch.Tensor]) -> None:
        torch.cuda.set_sync_debug_mode("error" if step < STEPS else "default")

    try:
        run([0, 1], device="cuda", graph=graph, on_checkpoint={2: watch, STEPS: watch})
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"dropout": 1.0}, "dropout is 1.0: it is a chance"),
        ({"dropout": 0.1, "graph": True}, "without compiler and graph"),
        ({"dropout": 0.1, "sam": 0.05}, "dropout is 0.1 and sam is 0.05"),
        ({"summed": True}, "summed is True, but there are no weights"),
    ],
)
def test_ways_to_train_that_do_not_go_together(more, says):
    with pytest.raises(OvbookError, match=says):
        run([0], **more)

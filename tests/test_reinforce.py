"""Learning from a verifier: the gradient is that of the expected reward, rewards rise, and a penalty holds back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.models import forward, init, next_token_loss, parse_model
from ovbook.reinforce import reinforce, rollouts
from ovbook.runs import Checkpoint, FineTune, Pretrain, Reinforce, execute, plan
from ovbook.tasks import Coder, Example, Task, Wording, coder_of, open_task
from ovbook.tasks.example import seeded
from ovbook.train import train

CORPUS = open_corpus("world:0/almanac")
SPEC = parse_model("olmo:16x1", vocab=CORPUS.vocab_size, context=128)
TASK = open_task("sentiment-known-labels", world=CORPUS.world)
BASE = Checkpoint(run=Pretrain(model="olmo:16x1", budget=8 * 8 * 128, batch=8, corpus="world:0/almanac"))


def drawn(params, **more):
    settings = {"steps": 4, "questions": 4, "group": 6, "kl": 0.0, "seed": 3}
    return rollouts(TASK, coder_of(CORPUS), params, SPEC, **(settings | more))


def test_each_group_is_one_question_with_advantages_that_sum_to_zero():
    params = init(SPEC, [0])
    rolls = drawn(params, group=3)  # fewer answers than there are labels: a row each
    rolls.sample(1, params)
    assert rolls.batch.shape[:2] == (1, 12)
    questions = rolls.batch[0].reshape(4, 3, -1)
    at = rolls.at[4:8]
    for group, place in zip(questions, at, strict=True):
        assert (group[:, : place + 1] == group[0, : place + 1]).all()
        assert set(group[:, place + 1]) <= set(rolls.labels)
    sums = rolls.weight.sum(axis=2).reshape(4, 3).sum(axis=1)
    np.testing.assert_allclose(sums, 0, atol=1e-6)
    again = drawn(params, group=3)
    again.sample(1, params)
    np.testing.assert_array_equal(again.batch, rolls.batch)


def test_equal_answers_are_one_row_with_the_same_gradient():
    params = init(SPEC, [0])
    rolls = drawn(params)
    rows, said = np.arange(2), np.array([[0, 0, 3, 1, 0, 3], [2, 2, 2, 1, 0, 2]])
    share = np.random.default_rng(0).normal(size=said.shape)
    rolls._weigh(rows, said, share)
    assert rolls.batch.shape[:2] == (1, 8)
    merged = next_token_loss(
        params, SPEC, torch.from_numpy(rolls.batch), torch.from_numpy(rolls.weight), summed=True
    )
    rolls.group = 3
    apart = []
    for part in (slice(0, 3), slice(3, 6)):
        rolls._weigh(rows, said[:, part], share[:, part])
        batch, weight = torch.from_numpy(rolls.batch), torch.from_numpy(rolls.weight)
        apart.append(next_token_loss(params, SPEC, batch, weight, summed=True))
    torch.testing.assert_close(merged, sum(apart), rtol=1e-4, atol=1e-5)


def test_the_mean_gradient_is_that_of_the_expected_reward():
    """Over many samples, minus the gradient of the weighted loss is (n - 1)/n times that of the chance of being right."""
    params = {name: t.double().requires_grad_() for name, t in init(SPEC, [0]).items()}
    group, name = 5000, "model.layers.0.self_attn.v_proj.weight"
    rolls = drawn({n: t.detach() for n, t in params.items()}, questions=2, group=group)
    rolls.sample(0, {n: t.detach() for n, t in params.items()})
    loss = next_token_loss(
        params, SPEC, torch.from_numpy(rolls.batch), torch.from_numpy(rolls.weight).double(), summed=True
    )
    (found,) = torch.autograd.grad(loss.sum(), [params[name]])
    logits = forward(params, SPEC, torch.from_numpy(rolls.tokens[:2].astype(np.int64))[None])[0]
    chosen = logits[torch.arange(2), torch.from_numpy(rolls.at[:2])][:, torch.from_numpy(rolls.labels)]
    right = torch.softmax(chosen, dim=-1)[torch.arange(2), torch.from_numpy(rolls.gold[:2])].mean()
    (expected,) = torch.autograd.grad(right, [params[name]])
    cosine = float((-found * expected).sum() / (found.norm() * expected.norm()))
    assert cosine > 0.98
    assert float(found.norm() / expected.norm()) == pytest.approx((group - 1) / group, rel=0.1)


def draw(rng: np.random.Generator) -> Iterator[Example]:
    """Three numbers, and the answer is always 5: as easy as can be, since the other label is 4."""
    while True:
        yield Example(question=" ".join(map(str, rng.integers(8, 40, size=3))), answer="5")


FIVES = Task(
    name="fives",
    kind="classification",
    metric="accuracy",
    instruction="",
    choices=("4", "5"),
    source=seeded("fives", draw),
    wording=Wording(default="6 {question} 7", io="{question}", instruct="3 {question}", between=" "),
)
NUMBERS = Coder(
    encode=lambda text: [int(word) for word in text.split()],
    decode=lambda ids: " ".join(str(i) for i in ids),
    bos=1,
)


def test_rewards_rise_and_a_penalty_holds_back():
    spec = parse_model("olmo:16x1", vocab=40, context=32)
    params = init(spec, [0])
    drifts, steps = {}, 30
    for kl in (0.0, 5.0):
        rolls = rollouts(FIVES, NUMBERS, params, spec, steps=steps, questions=8, group=8, kl=kl, seed=3)
        log = reinforce(params, spec, rolls, steps=steps, rate=3e-3, watch={})
        policy, before = (rolls.policy(weights, np.arange(64)) for weights in (log.params, params))
        drifts[kl] = float((policy.exp() * (policy - before)).sum(-1).mean())
        assert len(rolls.rewards) == steps
        if not kl:
            assert np.mean(rolls.rewards[:10]) < 0.9 < np.mean(rolls.rewards[-10:])
    assert drifts[5.0] < 0.5 * drifts[0.0]


def test_weights_taken_as_they_are_can_be_negative_or_nothing():
    params = init(SPEC, [0])
    tokens = np.random.default_rng(0).integers(4, 500, (1, 2, 16))

    def moved(weight):
        log = train(
            params,
            SPEC,
            lambda step: tokens,
            weights=lambda step: np.full((1, 2, 15), weight / 30),
            summed=True,
            steps=3,
            rates=np.full(3, 1e-3),
            weight_decay=0.0,
        )
        assert log.diverged_at[0] == -1
        return float(next_token_loss(log.params, SPEC, torch.from_numpy(tokens))[0])

    before = float(next_token_loss(params, SPEC, torch.from_numpy(tokens))[0])
    assert moved(1.0) < before < moved(-1.0)
    assert moved(0.0) == before


def test_a_run_begins_where_fine_tuning_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path))
    task = {"task": "topic-known-labels", "rows": 12, "documents": 5}
    spec = Reinforce(base=BASE, steps=(2, 3), questions=8, group=6, kl=0.1, **task)
    tuned = FineTune(base=BASE, examples=16, batch=8, **task)
    assert plan([spec]).seconds > 0
    found = execute([spec, tuned], workers=1)
    rows = found.table(Reinforce).set_index("step")
    before = found.table(FineTune).set_index("stage").loc["before"]
    for name in ("loss", "score", "answer_loss", "chance", "items", "untrained"):
        assert rows.loc[0, name] == before[name], name
    assert rows.loc[3, "change"] > rows.loc[2, "change"] > 0
    assert 0 <= rows.loc[3, "reward"] <= 1
    assert math.isnan(rows.loc[0, "reward"])
    assert rows.loc[3, "drift"] >= 0
    assert not rows["diverged"].any()
    assert dataclasses.replace(spec, seed=9).key() != spec.key()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"group": 1}, "group is 1"),
        ({"kl": -1}, "kl is -1"),
        ({"steps": (3, 3)}, "in ascending order"),
        ({"task": ""}, "task is ''"),
        ({"rate": math.nan}, "rate is nan"),
        (
            {"base": Checkpoint(run=Pretrain(budget=1_000_000, corpus="hub:wikitext"))},
            "in the words of a world",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(fields, said):
    with pytest.raises(OvbookError) as error:
        Reinforce(**({"base": BASE, "task": "topic-known-labels"} | fields))
    assert said in str(error.value)


def test_answers_of_several_tokens_are_refused():
    facts = open_task("fact", world=CORPUS.world)  # every question has labels of its own
    with pytest.raises(OvbookError, match="labels of one token each, the same for all questions"):
        rollouts(
            facts, coder_of(CORPUS), init(SPEC, [0]), SPEC, steps=2, questions=8, group=2, kl=0.0, seed=0
        )

"""Fine-tuning: the answers are learnt, members keep to themselves, and test items were never trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ovbook.adapters import adapted, adapters
from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.finetune import Replay, TuningSet, finetune, language_model, measure, tuning_set
from ovbook.models import ModelSpec, init, load_checkpoint, member, parse_model, save_checkpoint
from ovbook.runs import Checkpoint, FineTune, Pretrain
from ovbook.runs.finetune import run
from ovbook.tasks import Coder, Example, Task, Wording, coder_of, open_task, score, transformers_model
from ovbook.tasks.example import seeded
from ovbook.train import train

WORDS = 40
SPEC = ModelSpec(vocab=WORDS, width=16, layers=1, heads=2, mlp=32, context=32)
CODER = Coder(
    encode=lambda text: [int(word) for word in text.split()],
    decode=lambda ids: " ".join(str(i) for i in ids),
    bos=1,
    eos=2,
    pad=0,
)


def draw(rng: np.random.Generator) -> Iterator[Example]:
    """Is the last of three numbers from the upper half? Numbers 8 to 39; the labels are 4 and 5."""
    while True:
        numbers = rng.integers(8, WORDS, size=3)
        yield Example(question=" ".join(map(str, numbers)), answer="5" if numbers[2] >= 24 else "4")


HALVES = Task(
    name="halves",
    kind="classification",
    metric="accuracy",
    instruction="",
    choices=("4", "5"),
    source=seeded("halves", draw),
    wording=Wording(default="6 {question} 7", io="{question}", instruct="3 {question}", between=" "),
)


def test_a_stack_learns_the_answers_and_is_scored_on_what_it_never_saw() -> None:
    params = init(SPEC, seeds=[0, 1])
    rows = tuning_set(HALVES, CODER, examples=1024, seeds=[0, 1], context=SPEC.context)
    before = measure(params, SPEC, HALVES, CODER, items=200)
    log = finetune(params, SPEC, rows, seeds=[0, 1], rate=2e-2, epochs=2, batch=32)
    after = measure(log.params, SPEC, HALVES, CODER, items=200)
    assert log.loss.shape == (64, 2)
    assert (log.diverged_at == -1).all()
    assert before.chance == 0.5
    assert (before.scores.mean < 0.65).all()
    assert (after.scores.mean > 0.9).all(), after.scores.mean
    assert (after.losses.mean(axis=1) < before.losses.mean(axis=1)).all()
    record = after.records()[1]
    assert record["score"] == after.scores.mean[1]
    assert record["items"] == 200
    assert record["answers_given"] == 2
    # One label of one token: the chance of a right sample is that of the answer itself.
    np.testing.assert_allclose(after.chances, np.exp(-after.losses))
    assert record["best_of_1"] == pytest.approx(after.chances[1].mean())
    assert record["best_of_4"] == pytest.approx(np.mean(1 - (1 - after.chances[1]) ** 4))
    assert record["best_of_1"] < record["best_of_4"] < record["best_of_64"] <= 1


def test_a_member_of_a_stack_is_tuned_as_it_would_be_alone() -> None:
    params = init(SPEC, seeds=[0, 1])
    both = tuning_set(HALVES, CODER, examples=128, seeds=[5, 6], context=SPEC.context)
    alone = tuning_set(HALVES, CODER, examples=128, seeds=[6], context=SPEC.context)
    np.testing.assert_array_equal(both.tokens[1], alone.tokens[0])
    assert (both.tokens[0] != both.tokens[1]).any()
    stacked = finetune(params, SPEC, both, seeds=[5, 6], rate=[1e-2, 3e-3], batch=16)
    single = finetune(member(params, 1), SPEC, alone, seeds=[6], rate=3e-3, batch=16)
    np.testing.assert_allclose(stacked.loss[:, 1], single.loss[:, 0], rtol=1e-4)
    for name, tensor in single.params.items():
        torch.testing.assert_close(stacked.params[name][1:], tensor, rtol=1e-3, atol=1e-5)


def test_each_epoch_sees_every_example_once_in_its_own_order() -> None:
    rows = TuningSet(tokens=np.arange(10, dtype=np.uint16)[None, :, None], weight=np.zeros((1, 10, 0)))
    order = rows.batches([3], batch=4)
    seen = np.concatenate([order.tokens(step)[0, :, 0] for step in range(5)])  # two epochs, 20 rows
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert (seen[:10] != seen[10:]).any()
    np.testing.assert_array_equal(order.tokens(3), rows.batches([3], batch=4).tokens(3))


def test_free_generation_by_our_models_agrees_with_choosing() -> None:
    params = init(SPEC, seeds=[0, 1])
    rows = tuning_set(HALVES, CODER, examples=512, seeds=[0, 1], context=SPEC.context)
    tuned = finetune(params, SPEC, rows, seeds=[0, 1], rate=1e-2, batch=32).params
    examples = HALVES.examples("test", 64)
    model = language_model(tuned, SPEC)
    free, constrained, token = (
        score(model, HALVES, examples, CODER, method=method) for method in ("free", "constrained", "token")
    )
    # After tuning, nothing but a label is ever likely, so the three ways of answering say the same.
    assert free.predictions == constrained.predictions == token.predictions


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], *names: str) -> float:
    return float(sum((one[n] - other[n]).square().sum() for n in names or one))


def test_a_pull_keeps_the_weights_near_the_base() -> None:
    params = init(SPEC, seeds=[0])
    rows = tuning_set(HALVES, CODER, examples=256, seeds=[0], context=SPEC.context)
    lengths = [
        distance(finetune(params, SPEC, rows, seeds=[0], rate=1e-2, batch=16, pull=pull).params, params)
        for pull in (0.0, 10.0, 90.0)
    ]
    assert lengths[0] > 1.5 * lengths[1] > 3 * lengths[2] > 0


def test_head_first_trains_the_head_alone_and_then_all() -> None:
    params = init(SPEC, seeds=[0])
    rows = tuning_set(HALVES, CODER, examples=256, seeds=[0], context=SPEC.context)
    half = finetune(params, SPEC, rows, seeds=[0], rate=1e-2, batch=16, epochs=0.5)
    both = finetune(params, SPEC, rows, seeds=[0], rate=1e-2, batch=16, parts="head first")
    assert both.loss.shape == (16, 1)
    assert both.loss[0] == half.loss[0]
    assert (both.loss[1:8] != half.loss[1:8]).all()
    assert both.loss[-1] < both.loss[0]
    tied = ModelSpec(vocab=WORDS, width=16, layers=1, heads=2, mlp=32, context=32, tied=True)
    with pytest.raises(OvbookError, match="take an untied one"):
        finetune(init(tied, [0]), tied, rows, seeds=[0], rate=1e-2, batch=16, parts="head first")


def test_frozen_tensors_stay_bitwise() -> None:
    params = init(SPEC, seeds=[0, 1])
    rows = tuning_set(HALVES, CODER, examples=64, seeds=[0, 1], context=SPEC.context)
    order = rows.batches([0, 1], 16)
    frozen = [name for name in params if name != "lm_head.weight"]
    log = train(
        params, SPEC, order.tokens, weights=order.weights, steps=4, rates=np.full(4, 1e-2), frozen=frozen,
        weight_decay=0.0,
    )  # fmt: skip
    assert all(torch.equal(log.params[name], params[name]) for name in frozen)
    assert distance(log.params, params, "lm_head.weight") > 0


def test_adapters_start_at_the_base_and_change_it_by_a_low_rank() -> None:
    params = init(SPEC, seeds=[0, 1])
    small = adapters(params, SPEC, 2, seeds=[5, 6])
    at_start = adapted(params)(small)
    assert all(torch.equal(at_start[name], tensor) for name, tensor in params.items())
    alone = adapters(member(params, 1), SPEC, 2, seeds=[6])
    assert all(torch.equal(small[name][1:], tensor) for name, tensor in alone.items())
    rows = tuning_set(HALVES, CODER, examples=512, seeds=[0, 1], context=SPEC.context)
    log = finetune(params, SPEC, rows, seeds=[0, 1], rate=2e-2, batch=16, epochs=2, parts="lora:2")
    assert (log.loss[-8:].mean(axis=0) < log.loss[:8].mean(axis=0)).all()
    name = next(n for n in params if "layers" in n)
    singular = torch.linalg.svdvals((log.params[name] - params[name])[0])
    assert singular[1] > 0
    assert singular[2] < 1e-5 * singular[0]
    assert torch.equal(log.params["lm_head.weight"], params["lm_head.weight"])


def test_replay_brings_its_share_of_documents_each_with_a_rows_weight() -> None:
    corpus = open_corpus("world:0/almanac")
    rows = tuning_set(open_task("topic", world=corpus.world), coder_of(corpus), examples=64, seeds=[0])
    replay = Replay(corpus=corpus, share=0.1, seeds=(7,))
    mixed, plain = replay.mixed(rows.batches([0], 16)), rows.batches([0], 16)
    found = [mixed.documents(step) for step in range(10)]
    assert sum(found) == 16
    assert set(found) == {1, 2}
    step = found.index(2)
    tokens, weights = mixed.tokens(step), mixed.weights(step)
    assert tokens.shape == (1, 16, corpus.context)
    np.testing.assert_array_equal(tokens[0, -2:], corpus.batch(7, step, 2))
    width = plain.tokens(step).shape[2]
    np.testing.assert_array_equal(tokens[0, :-2, :width], plain.tokens(step)[0, :-2])
    np.testing.assert_allclose(weights.sum(axis=2), 1)
    with pytest.raises(OvbookError, match="from 0 to below 1"):
        Replay(corpus=corpus, share=1.0, seeds=(7,)).mixed(rows.batches([0], 16))


def test_mistakes_are_one_sentence() -> None:
    params = init(SPEC, seeds=[0])
    rows = tuning_set(HALVES, CODER, examples=8, seeds=[0], context=SPEC.context)
    with pytest.raises(OvbookError, match=r"do not fill one batch of 32"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3)
    with pytest.raises(OvbookError, match=r"batch is 16 and there are 8 examples"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3, batch=16, epochs=2)
    with pytest.raises(OvbookError, match=r"2 seeds were given for 1 members"):
        finetune(params, SPEC, rows, seeds=[0, 1], rate=1e-3, batch=4)
    with pytest.raises(OvbookError, match=r"parts is 'lora'"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3, batch=4, parts="lora")
    with pytest.raises(OvbookError, match=r"rank is 99"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3, batch=4, parts="lora:99")
    with pytest.raises(OvbookError, match=r"unknown format"):
        measure(params, SPEC, HALVES, CODER, fmt="io")


def test_transformers_scores_our_checkpoint_as_we_do(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    params = init(SPEC, seeds=[3])
    save_checkpoint(tmp_path / "model", params, SPEC, None)
    theirs = transformers_model(AutoModelForCausalLM.from_pretrained(tmp_path / "model"))
    ours = language_model(params, SPEC)
    assert theirs.context == ours.context
    assert theirs.vocab == ours.vocab
    examples = HALVES.examples("test", 12)
    shots = HALVES.shots(1)
    mixed = [*examples, Example(question="9 10", answer="4")]  # prompts of two lengths
    for method in ("constrained", "free"):
        here = score(ours, HALVES, mixed, CODER, shots=shots, method=method)
        there = score(theirs, HALVES, mixed, CODER, shots=shots, method=method)
        assert here.predictions == there.predictions
        if here.log_probs is not None and there.log_probs is not None:
            np.testing.assert_allclose(here.log_probs, there.log_probs, atol=1e-5)


def test_the_operation_leaves_scores_answers_and_a_checkpoint(tmp_path: Path) -> None:
    corpus = open_corpus("world:0/almanac")
    model = parse_model("olmo:16x1", vocab=corpus.vocab_size, context=corpus.context)
    save_checkpoint(tmp_path / "base", init(model, seeds=[0]), model, corpus.tokenizer_json())
    base = Checkpoint(run=Pretrain(model="olmo:16x1", budget=64 * 128, seed=4))
    spec = FineTune(
        base=base, task="sentiment", examples=64, batch=16, epochs=2, rate=3e-3, rows=32, also=("topic",)
    )
    inputs = SimpleNamespace(corpus=corpus, load=lambda *_, **__: load_checkpoint(tmp_path / "base"))
    (tmp_path / "out").mkdir()
    before, other_before, after, other = run(spec, inputs, tmp_path / "out", "cpu")
    assert (before["stage"], after["stage"], other["stage"]) == ("before", "after", "after")
    assert (after["scored"], other["scored"], other_before["scored"]) == ("sentiment", "topic", "topic")
    assert after["untrained"] == pytest.approx(before["loss"], abs=0.2)  # this base is an untrained one, too
    assert after["loss"] != before["loss"]
    assert (after["items"], after["steps"], after["chance"]) == (32, 8, 0.25)
    assert after["answer_loss"] < before["answer_loss"]
    assert after["change"] > 0
    answers = pq.read_table(tmp_path / "out" / "answers.parquet").to_pylist()
    assert len(answers) == 128
    right = [row["score"] for row in answers if row["stage"] == "after" and row["scored"] == "sentiment"]
    assert np.mean(right) == after["score"]
    tuned, again = load_checkpoint(tmp_path / "out" / "checkpoints" / "end")
    assert again.width == model.width
    task = open_task("sentiment", world=corpus.world)
    found = measure(tuned, again, task, coder_of(corpus), items=32, seed=spec.evaluation_seed)
    assert found.scores.mean[0] == after["score"]

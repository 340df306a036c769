"""Fine-tuning: the answers are learnt, members keep to themselves, and test items were never trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.finetune import TuningSet, finetune, language_model, measure, run, tuning_set
from ovbook.models import ModelSpec, init, load_checkpoint, member, parse_model, save_checkpoint
from ovbook.runs import Checkpoint, FineTune, Pretrain
from ovbook.tasks import Coder, Example, Task, Wording, coder_of, open_task, score, transformers_model
from ovbook.tasks.example import seeded

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


def test_mistakes_are_one_sentence() -> None:
    params = init(SPEC, seeds=[0])
    rows = tuning_set(HALVES, CODER, examples=8, seeds=[0], context=SPEC.context)
    with pytest.raises(OvbookError, match=r"do not fill one batch of 32"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3)
    with pytest.raises(OvbookError, match=r"batch is 16 and there are 8 examples"):
        finetune(params, SPEC, rows, seeds=[0], rate=1e-3, batch=16, epochs=2)
    with pytest.raises(OvbookError, match=r"2 seeds were given for 1 members"):
        finetune(params, SPEC, rows, seeds=[0, 1], rate=1e-3, batch=4)
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
    spec = FineTune(base=base, task="sentiment", examples=64, batch=16, epochs=2, rate=3e-3, rows=32)
    inputs = SimpleNamespace(corpus=corpus, checkpoint=lambda checkpoint: tmp_path / "base")
    (tmp_path / "out").mkdir()
    before, after = run(spec, inputs, tmp_path / "out", "cpu")
    assert (before["stage"], after["stage"]) == ("before", "after")
    assert (after["items"], after["steps"], after["chance"]) == (32, 8, 0.25)
    assert after["answer_loss"] < before["answer_loss"]
    assert after["change"] > 0
    answers = pq.read_table(tmp_path / "out" / "answers.parquet").to_pylist()
    assert len(answers) == 64
    right = [row["score"] for row in answers if row["stage"] == "after"]
    assert np.mean(right) == after["score"]
    tuned, again = load_checkpoint(tmp_path / "out" / "checkpoints" / "end")
    assert again.width == model.width
    task = open_task("sentiment", world=corpus.world)
    found = measure(tuned, again, task, coder_of(corpus), items=32, seed=spec.evaluation_seed)
    assert found.scores.mean[0] == after["score"]

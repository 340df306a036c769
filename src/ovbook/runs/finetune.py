"""The operation that fine-tunes a base model and scores it before and after."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ovbook.corpus import Corpus
from ovbook.finetune import Replay, TuningSet, finetune, tuning_set
from ovbook.models import ModelSpec, Params, parameter_count, save_checkpoint
from ovbook.runs.scored import old_loss, task_score, untrained_loss
from ovbook.runs.specs import FineTune
from ovbook.runs.work import Inputs
from ovbook.tasks import coder_of, open_task
from ovbook.train import TrainLog

__all__ = ["run"]

Rows = list[dict[str, Any]]


def run(spec: FineTune, inputs: Inputs, out: Path, device: str) -> Rows:
    """Tune one base model on a task, and score it before and after on the same held-out items.

    A row for each `stage` ("before", "after") and each task `scored`, the tuned one first: score, answer_loss
    (nats per answer token), chance, items; `loss`, the old loss on documents of the pre-training text, and `untrained`,
    that of the same model before its first step; `validation_loss`, the answer loss on other items, for choosing
    a rate without looking at the test; of the tuning its steps, last training loss, `diverged_at` (-1:
    never) and `change`, the Euclidean length of what it did to the weights. The tuned model is kept in
    ``checkpoints/end``, and what was answered to each item in ``answers.parquet``, with the item's answer_loss and
    `right`, the probability of the right answer.
    """
    base, model = inputs.load(spec.base, device, tune=True)
    # A released model may take longer rows than anyone here has memory for.
    rows = dataclasses.replace(model, context=min(model.context, spec.base.root.context))
    base = {name: tensor.to(device) for name, tensor in base.items()}
    log, note = _tune(spec, inputs, base, rows, device)
    fixed = {
        "parameters": parameter_count(model),
        "epochs": inputs.corpus.epochs(spec.base.at),
        "steps": len(log.loss),
        "train_loss": float(log.loss[-max(1, len(log.loss) // 10) :, 0].mean()),
        "diverged_at": int(log.diverged_at[0]),
        "change": float(
            sum((log.params[n].double() - t.double()).square().sum() for n, t in base.items()) ** 0.5
        ),
        "note": note,
        "untrained": untrained_loss(spec, inputs, model, device),
    }
    records: Rows = []
    answers: Rows = []
    for stage, params in (("before", base), ("after", log.params)):
        old = {
            "stage": stage,
            "loss": old_loss(spec, inputs, params, model, device),
            "validation_loss": float(
                task_score(spec, inputs, params, rows, spec.task, "validation").losses.mean()
            ),
        }
        for record, said in _scores(spec, inputs, params, rows):
            records.append(old | record | fixed)
            answers += [{"stage": stage, **item} for item in said]
    pq.write_table(pa.Table.from_pylist(answers), out / "answers.parquet")
    save_checkpoint(out / "checkpoints" / "end", log.params, model, inputs.corpus.tokenizer_json())
    return records


def _tune(
    spec: FineTune, inputs: Inputs, base: Params, model: ModelSpec, device: str
) -> tuple[TrainLog, str]:
    corpus, seed = inputs.corpus, spec.seed or 0
    rows = _rows(corpus, spec.task, spec.examples, seed, spec.format, spec.shots, model.context)
    log = finetune(
        base,
        model,
        rows,
        seeds=[seed],
        rate=spec.rate,
        epochs=spec.epochs,
        batch=spec.batch,
        schedule=spec.schedule,
        warmup=spec.warmup,
        weight_decay=spec.weight_decay,
        parts=spec.parts,
        pull=spec.pull,
        replay=Replay(corpus=corpus, share=spec.replay, seeds=(spec.replay_seed,)),
        device=device,
        precision=spec.precision,
    )
    return log, rows.note


@lru_cache(maxsize=64)
def _rows(
    corpus: Corpus, task: str, examples: int, seed: int, fmt: str, shots: int, context: int
) -> TuningSet:
    """Kept, because all budgets and rates of a seed are tuned on the same rows."""
    return tuning_set(
        open_task(task, world=corpus.world),
        coder_of(corpus),
        examples=examples,
        seeds=[seed],
        fmt=fmt,
        shots=shots,
        context=context,
    )


def _scores(
    spec: FineTune, inputs: Inputs, params: Params, model: ModelSpec
) -> Iterator[tuple[dict[str, Any], Rows]]:
    for name in (spec.task, *spec.also):
        found = task_score(spec, inputs, params, model, name, "test")
        said = [{"scored": name, **_without(item, "task", "member")} for item in found.scores.records()]
        for item, loss, right in zip(said, found.losses[0], found.chances[0], strict=True):
            item |= {"answer_loss": float(loss), "right": float(right)}
        for record in found.records():
            yield {"scored": name, **_without(record, "task", "member")}, said


def _without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}

"""Fine-tuning a model, or a stack of them, on a task: loss on the answers, scores before and after.

The defaults are those of Sun & Dredze 2024 (facts sheet, D.1): AdamW, linear decay after a warm-up of 3% of
the steps, no weight decay. The rate and the number of examples are always the caller's: they decide what is
seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, forward, generate, load_checkpoint, save_checkpoint
from ovbook.schedules import Schedule
from ovbook.tasks import (
    Coder,
    LanguageModel,
    Rows,
    Scores,
    Task,
    answer_losses,
    build_rows,
    coder_of,
    open_task,
    score,
)
from ovbook.train import TrainLog, train

__all__ = ["TaskScore", "TuningSet", "finetune", "language_model", "measure", "run", "tuning_set"]


@dataclass(frozen=True, kw_only=True)
class TuningSet:
    """Training rows of a task for each of K members: `tokens` [K, N, T] and `weight` [K, N, T-1]."""

    tokens: np.ndarray
    weight: np.ndarray
    note: str = ""

    def batches(self, seeds: Sequence[int], batch: int) -> _Order:
        """The order in which the rows are seen: epoch after epoch, each a permutation of its own."""
        if not 1 <= batch <= self.tokens.shape[1]:
            raise OvbookError(
                f"batch is {batch} and there are {self.tokens.shape[1]} examples: "
                f"it must be from 1 to that many"
            )
        return _Order(self, tuple(seeds), batch)


class _Order:
    def __init__(self, rows: TuningSet, seeds: tuple[int, ...], batch: int) -> None:
        self.rows, self.seeds, self.batch = rows, seeds, batch
        self.permutation = lru_cache(maxsize=4 * len(seeds))(self._permutation)

    def _permutation(self, seed: int, epoch: int) -> np.ndarray:
        purpose = int.from_bytes(b"tuning order", "big")
        rng = np.random.default_rng(np.random.SeedSequence([seed, purpose, epoch]))
        return rng.permutation(self.rows.tokens.shape[1])

    def places(self, step: int) -> np.ndarray:
        """Which examples make up `step`, [K, batch]; a batch may reach into the next epoch."""
        n = self.rows.tokens.shape[1]
        stream = np.arange(step * self.batch, (step + 1) * self.batch)
        return np.stack(
            [[self.permutation(seed, int(at) // n)[at % n] for at in stream] for seed in self.seeds]
        )

    def tokens(self, step: int) -> np.ndarray:
        return np.take_along_axis(self.rows.tokens, self.places(step)[..., None], axis=1)

    def weights(self, step: int) -> np.ndarray:
        return np.take_along_axis(self.rows.weight, self.places(step)[..., None], axis=1)


def tuning_set(
    task: Task,
    coder: Coder,
    *,
    examples: int,
    seeds: Sequence[int],
    fmt: str = "Default",
    shots: int = 0,
    context: int = 128,
) -> TuningSet:
    """Draw and encode `examples` training examples for each member's seed.

    `note` says in a sentence how many questions or answers were cut, and how many examples there really are
    where the data set holds fewer.
    """
    drawn = [task.examples("train", examples, seed) for seed in seeds]
    fewest = min(len(found) for found in drawn)
    made: list[Rows] = [
        build_rows(task, found[:fewest], coder, fmt=fmt, shots=task.shots(shots, seed), context=context)
        for found, seed in zip(drawn, seeds, strict=True)
    ]
    width = max(rows.tokens.shape[1] for rows in made)
    notes = [rows.note for rows in made if rows.note]
    if fewest < examples:
        notes.insert(0, f"the training split of '{task.name}' holds {fewest} examples, not {examples}")
    return TuningSet(
        tokens=np.stack([_widened(rows.tokens, width, coder.pad) for rows in made]),
        weight=np.stack([_widened(rows.weight, width - 1, 0) for rows in made]),
        note="; ".join(dict.fromkeys(notes)),
    )


def _widened(rows: np.ndarray, width: int, value: int) -> np.ndarray:
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=value)


def finetune(
    params: Params,
    spec: ModelSpec,
    rows: TuningSet,
    *,
    seeds: Sequence[int],
    rate: float | Sequence[float],
    epochs: float = 1.0,
    batch: int = 32,
    schedule: str = "linear",
    warmup: float | int = 0.03,
    weight_decay: float = 0.0,
    device: torch.device | str = "cpu",
    precision: str = "float32",
) -> TrainLog:
    """Fine-tune K models on `rows`, member k in the order of `seeds[k]` and at `rate` (one, or one a member).

    The number of steps is examples x epochs / batch, rounded down. A member whose loss stops being finite is
    frozen and reported in `diverged_at`, as everywhere.
    """
    members = rows.tokens.shape[0]
    if len(seeds) != members:
        raise OvbookError(f"{len(seeds)} seeds were given for {members} members: give one a member")
    steps = int(rows.tokens.shape[1] * epochs / batch)
    if steps < 1:
        raise OvbookError(
            f"{rows.tokens.shape[1]} examples x {epochs} epochs do not fill one batch of {batch}: "
            f"take more examples, more epochs or a smaller batch"
        )
    peaks = [rate] * members if isinstance(rate, int | float) else list(rate)
    order = rows.batches(seeds, batch)
    curves = [Schedule(kind=schedule, peak=peak, warmup=warmup).rates(steps) for peak in peaks]  # type: ignore[arg-type]
    return train(
        params,
        spec,
        order.tokens,
        weights=order.weights,
        steps=steps,
        rates=np.stack(curves, axis=1),
        weight_decay=weight_decay,
        device=device,
        precision=precision,
    )


def language_model(params: Params, spec: ModelSpec) -> LanguageModel:
    """A stack of our models as scoring wants it."""
    first = next(iter(params.values()))

    def continue_(prompt: Tensor, lengths: Tensor, max_new: int, stop: int | None) -> Tensor:
        return generate(params, spec, prompt, max_new, lengths=lengths, stop=stop)

    return LanguageModel(
        logits=lambda tokens: forward(params, spec, tokens),
        generate=continue_,
        members=first.shape[0],
        context=spec.context,
        vocab=spec.vocab,
        device=first.device,
    )


@dataclass(frozen=True, kw_only=True)
class TaskScore:
    """One measurement of a stack on a task: scores per example, and the answers' loss, [K, N] in nats."""

    scores: Scores
    losses: np.ndarray
    chance: float | None

    def records(self) -> list[dict[str, Any]]:
        """One record a member: score, loss (nats per answer token), chance, items, and what was done."""
        return [
            {
                "task": self.scores.task,
                "member": k,
                "metric": self.scores.metric,
                "method": self.scores.method,
                "items": self.losses.shape[1],
                "score": float(self.scores.mean[k]),
                "answer_loss": float(self.losses[k].mean()),
                "chance": self.chance,
                "answers_given": len(self.scores.said[k]),
                "cut": self.scores.cut,
            }
            for k in range(self.losses.shape[0])
        ]


def measure(
    params: Params,
    spec: ModelSpec,
    task: Task,
    coder: Coder,
    *,
    items: int = 256,
    split: str = "test",
    seed: int = 0,
    fmt: str = "Default",
    shots: int = 0,
    method: str | None = None,
) -> TaskScore:
    """Score K models on the same `items` held-out examples, in one format and with one choice of shots."""
    examples = task.examples(split, items, seed)
    shown = task.shots(shots, seed)
    model = language_model(params, spec)
    rows = build_rows(task, examples, coder, fmt=fmt, shots=shown, context=spec.context)
    return TaskScore(
        scores=score(model, task, examples, coder, fmt=fmt, shots=shown, method=method),
        losses=answer_losses(model, rows),
        chance=task.chance(examples),
    )


def run(spec: Any, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    """The operation of `ovbook.runs.FineTune`: tune one base model on a task, score it before and after.

    Returns two records, `stage` "before" and "after", on the same test items: score, answer_loss (nats per
    answer token), chance, items, and of the tuning its steps, last training loss, `diverged_at` (-1: never) and
    `change`, the Euclidean length of what it did to the weights. The tuned model is kept in
    ``checkpoints/end``, and what was answered to each item in ``answers.parquet``.
    """
    corpus = inputs.corpus
    coder = coder_of(corpus)
    task = open_task(spec.task, world=corpus.world)
    base, model = load_checkpoint(inputs.checkpoint(spec.base))
    base = {name: tensor.to(device) for name, tensor in base.items()}
    rows = tuning_set(
        task,
        coder,
        examples=spec.examples,
        seeds=[spec.seed],
        fmt=spec.format,
        shots=spec.shots,
        context=model.context,
    )
    log = finetune(
        base,
        model,
        rows,
        seeds=[spec.seed],
        rate=spec.rate,
        epochs=spec.epochs,
        batch=spec.batch,
        schedule=spec.schedule,
        warmup=spec.warmup,
        weight_decay=spec.weight_decay,
        device=device,
        precision=spec.precision,
    )
    tuning = {
        "steps": len(log.loss),
        "train_loss": float(log.loss[-max(1, len(log.loss) // 10) :, 0].mean()),
        "diverged_at": int(log.diverged_at[0]),
        "change": float(
            sum((log.params[n].double() - t.double()).square().sum() for n, t in base.items()) ** 0.5
        ),
        "note": rows.note,
    }
    records, answers = [], []
    for stage, params in (("before", base), ("after", log.params)):
        found = measure(
            params,
            model,
            task,
            coder,
            items=spec.rows,
            seed=spec.evaluation_seed,
            fmt=spec.format,
            shots=spec.shots,
        )
        records += [
            {"stage": stage, **_without(record, "task", "member"), **tuning} for record in found.records()
        ]
        answers += [{"stage": stage, **_without(record, "member")} for record in found.scores.records()]
    pq.write_table(pa.Table.from_pylist(answers), out / "answers.parquet")
    save_checkpoint(out / "checkpoints" / "end", log.params, model, corpus.tokenizer_json())
    return records


def _without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}

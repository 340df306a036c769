"""Fine-tuning a model, or a stack of them, on a task: loss on the answers, scores before and after.

The defaults are those of Sun & Dredze 2024 (facts sheet, D.1): AdamW, linear decay after a warm-up of 3% of
the steps, no weight decay. The rate and the number of examples are always the caller's: they decide what is
seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ovbook.adapters import adapted, adapters
from ovbook.corpus import Corpus
from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, forward, generate, head_name
from ovbook.schedules import Schedule
from ovbook.tasks import (
    Coder,
    LanguageModel,
    Rows,
    Scores,
    Task,
    answer_losses,
    build_rows,
    score,
)
from ovbook.train import TrainLog, train

__all__ = ["Replay", "TaskScore", "TuningSet", "finetune", "language_model", "measure", "tuning_set"]


BEST_OF = (1, 4, 16, 64)
"""Numbers of samples for which the chance of a right one among them is recorded."""


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


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Documents of the pre-training text among the tuning examples: a `share` of every batch's rows.

    They take the place of examples, so a step costs no more rows; each row, document or example, has the same
    weight in the loss. A share that is no whole number of rows is reached on average: 0.01 of 16 rows is one
    document in every sixth or seventh step. `seeds` choose the documents, one a member.
    """

    corpus: Corpus
    share: float
    seeds: tuple[int, ...]

    def mixed(self, order: _Order) -> _Mixed:
        """The same batches with documents in them."""
        if not 0 <= self.share < 1:
            raise OvbookError(f"replay is {self.share}: it is a share of the rows, from 0 to below 1")
        return _Mixed(self, order)


class _Batches(Protocol):
    def tokens(self, step: int) -> np.ndarray: ...
    def weights(self, step: int) -> np.ndarray: ...


class _Mixed:
    """Rows are as long as a document always, so that all steps have one shape."""

    def __init__(self, replay: Replay, order: _Order) -> None:
        self.replay, self.order = replay, order

    def documents(self, step: int) -> int:
        """How many of this step's rows are documents: the running total stays next to share x rows."""
        per_step = self.replay.share * self.order.batch
        return int((step + 1) * per_step + 1e-9) - int(step * per_step + 1e-9)

    def tokens(self, step: int) -> np.ndarray:
        corpus, many = self.replay.corpus, self.documents(step)
        rows = _widened(self.order.tokens(step), corpus.context, 0)
        if many:
            rows = rows.copy()
            rows[:, -many:] = np.stack([corpus.batch(seed, step, many) for seed in self.replay.seeds])
        return rows

    def weights(self, step: int) -> np.ndarray:
        many = self.documents(step)
        rows = _widened(self.order.weights(step), self.replay.corpus.context - 1, 0).astype(np.float64)
        rows /= np.maximum(rows.sum(axis=2, keepdims=True), 1e-12)
        if many:
            rows[:, -many:] = 1 / rows.shape[2]
        return rows


def _widened(rows: np.ndarray, width: int, value: int) -> np.ndarray:
    last = [(0, 0)] * (rows.ndim - 1) + [(0, width - rows.shape[-1])]
    return np.pad(rows, last, constant_values=value)


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
    parts: str = "all",
    pull: float = 0.0,
    replay: Replay | None = None,
    device: torch.device | str = "cpu",
    precision: str = "float32",
) -> TrainLog:
    """Fine-tune K models on `rows`, member k in the order of `seeds[k]` and at `rate` (one, or one a member).

    The number of steps is examples x epochs / batch, rounded down. A member whose loss stops being finite is
    frozen and reported in `diverged_at`, as everywhere. `params` of what is returned are the tuned weights,
    whatever was trained to get them.

    parts: "all" weights; "head first": half the steps on the output matrix alone, then half on all, each half with
        a schedule of its own; "lora:R": adapters of rank R (`ovbook.adapters`).
    pull: decay towards `params` (`ovbook.optim.AdamW`), in units of the rate.
    replay: documents of the old text in every batch.
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
    batches: _Batches = order if replay is None or not replay.share else replay.mixed(order)

    def stage(params: Params, first: int, last: int, **more: Any) -> TrainLog:
        """Steps `first` to `last` of the batches, under one schedule."""
        many = last - first
        curves = [Schedule(kind=schedule, peak=peak, warmup=warmup).rates(many) for peak in peaks]  # type: ignore[arg-type]
        return train(
            params,
            spec,
            lambda step: batches.tokens(first + step),
            weights=lambda step: batches.weights(first + step),
            steps=many,
            rates=np.stack(curves, axis=1),
            weight_decay=weight_decay,
            pull=pull,
            device=device,
            precision=precision,
            **more,
        )

    if parts == "all":
        return stage(params, 0, steps)
    if parts == "head first":
        return _head_first(params, spec, steps, stage)
    return _low_rank(params, spec, parts, seeds, steps, stage, device)


def _head_first(params: Params, spec: ModelSpec, steps: int, stage: Any) -> TrainLog:
    if spec.tied:
        raise OvbookError(
            "parts is 'head first', but this model's output matrix is its embedding: take an untied one"
        )
    if steps < 2:
        raise OvbookError(
            f"parts is 'head first', but there is {steps} step: it needs at least 2, half for each stage"
        )
    head = head_name(spec)
    one = stage(params, 0, steps // 2, frozen=[name for name in params if name != head])
    two = stage(one.params, steps // 2, steps)
    fell = np.where(two.diverged_at < 0, -1, two.diverged_at + steps // 2)
    return replace(
        two,
        loss=np.concatenate([one.loss, two.loss]),
        grad_norm=np.concatenate([one.grad_norm, two.grad_norm]),
        diverged_at=np.where(one.diverged_at >= 0, one.diverged_at, fell),
    )


def _low_rank(
    params: Params, spec: ModelSpec, parts: str, seeds: Sequence[int], steps: int, stage: Any, device: Any
) -> TrainLog:
    match = re.fullmatch(r"lora:([1-9]\d*)", parts)
    if not match:
        raise OvbookError(f"parts is '{parts}': it is all, head first, or lora:R with a rank such as lora:4")
    base = {name: tensor.to(device) for name, tensor in params.items()}
    small = adapters(base, spec, int(match[1]), seeds=seeds)
    compose = adapted(base)
    log: TrainLog = stage(small, 0, steps, compose=compose)
    with torch.no_grad():
        return replace(log, params=compose(log.params))


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
    """One measurement of a stack on a task: scores per example, and of each answer [K, N] its loss in nats per token
    and its probability as a whole, `chances`.

    The probability is that of one free sample being right, so 1 - (1 - p)^n is that of n samples holding a right
    one: best of n under an exact verifier, with nothing drawn.
    """

    scores: Scores
    losses: np.ndarray
    chances: np.ndarray
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
                **{f"best_of_{n}": float(np.mean(1 - (1 - self.chances[k]) ** n)) for n in BEST_OF},
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
    losses = answer_losses(model, rows)
    return TaskScore(
        scores=score(model, task, examples, coder, fmt=fmt, shots=shown, method=method),
        losses=losses,
        chances=np.exp(-losses * (rows.weight > 0).sum(axis=1)),
        chance=task.chance(examples),
    )

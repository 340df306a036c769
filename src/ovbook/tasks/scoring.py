"""Ask a stack of models the questions of a task, and score every answer.

Three ways of answering, the three of Sun & Dredze's decoding ablation (facts sheet, D.2):

- ``free``: greedy generation; what comes out is compared with the answer. For a classification, the longest
  label with which the text begins is taken as the answer, else the text as it is (so it is wrong).
- ``constrained``: the choice with the highest total log-probability wins. Where one choice is the beginning
  of another, the end token is counted for every choice, else the shorter could never lose.
- ``token``: the label whose first token is the most probable. A label that the tokenizer splits is judged by
  its first token as well; tokens that all labels begin with are moved into the prompt; and where labels still
  share a first token, whole labels are compared as in ``constrained``, and the result says so in `method`.

Scores are kept per example, so that intervals can be taken over items inside one seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks.choosing import choice_log_probs, encode_choices
from ovbook.tasks.coder import Coder
from ovbook.tasks.example import Example, Task
from ovbook.tasks.formats import Rows, build_prompts, pad_rows
from ovbook.tasks.language_model import LanguageModel
from ovbook.tasks.metrics import metric_of

__all__ = ["METHODS", "Scores", "answer_losses", "score"]

METHODS = ("free", "constrained", "token")
"""Ways to read an answer off a model; see `score`."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The score of each of N examples for each of K models: `values` [K, N] in [0, 1].

    `predictions[k][n]` is the answer given; `log_probs` [K, N, C] holds each choice's log-probability in nats
    (-inf where an example has fewer than C choices), None for free generation. `cut` counts cut questions.
    """

    task: str
    method: str
    metric: str
    values: np.ndarray
    predictions: list[list[str]]
    answers: list[str]
    log_probs: np.ndarray | None = None
    cut: int = 0

    @property
    def mean(self) -> np.ndarray:
        """Mean score of each model, [K]."""
        return self.values.mean(axis=1)

    @property
    def said(self) -> list[dict[str, int]]:
        """How often each model gave each answer: shows a model that says one thing to everything."""
        return [
            {text: said.count(text) for text in sorted(set(said), key=said.count, reverse=True)}
            for said in self.predictions
        ]

    def records(self) -> list[dict[str, Any]]:
        """One record per model and example, for a table."""
        return [
            {
                "member": k,
                "example": n,
                "prediction": text,
                "answer": self.answers[n],
                "score": self.values[k, n],
            }
            for k, said in enumerate(self.predictions)
            for n, text in enumerate(said)
        ]


@torch.no_grad()
def score(
    model: LanguageModel,
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    *,
    fmt: str = "Default",
    shots: Sequence[Example] = (),
    method: str | None = None,
    max_new: int | None = None,
) -> Scores:
    """Score every example; `method` defaults to ``constrained`` for a classification, else ``free``.

    `shots` are the same for all questions. `max_new` limits free generation (default: the task's own limit,
    at most half the context, and for a classification its longest label).
    """
    method = method or ("constrained" if task.kind == "classification" else "free")
    if method not in METHODS:
        raise OvbookError(
            f"unknown scoring method '{method}'{did_you_mean(method, METHODS)}: "
            f"it is one of {', '.join(METHODS)}"
        )
    if method == "free":
        return _score_free(model, task, examples, coder, fmt, shots, max_new)
    return _score_choices(model, task, examples, coder, fmt, shots, method)


@torch.no_grad()
def answer_losses(model: LanguageModel, rows: Rows) -> np.ndarray:
    """Mean loss in nats per answer token of each row and model, [K, N]: the smooth companion of accuracy."""
    tokens, weight = torch.from_numpy(rows.tokens.astype(np.int64)), torch.from_numpy(rows.weight)
    pieces = []
    step = model.rows_at_once(tokens.shape[1])
    for piece, scale in zip(tokens.split(step), weight.split(step), strict=True):
        logs = _log_probs(model, piece)
        losses = -logs * scale.to(logs)
        pieces.append((losses.sum(-1) / scale.to(logs).sum(-1)).cpu())
    return torch.cat(pieces, dim=1).numpy()


def _log_probs(model: LanguageModel, rows: Tensor) -> Tensor:
    """Log-probability of every next token of `rows` [B, T] under each model: [K, B, T-1], float64."""
    tokens = rows.to(model.device).expand(model.members, -1, -1)
    logits = model.logits(tokens)[:, :, :-1].float()
    chosen = logits.gather(-1, tokens[:, :, 1:, None]).squeeze(-1).double()
    return chosen - torch.logsumexp(logits, dim=-1).double()


def _score_choices(
    model: LanguageModel,
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    fmt: str,
    shots: Sequence[Example],
    method: str,
) -> Scores:
    encoded = encode_choices(task, examples, coder, fmt=fmt, method=method)
    room = [max(len(label) for label in labels) for labels in encoded.labels]
    prompts = build_prompts(task, examples, coder, fmt=fmt, shots=shots, context=model.context, room=room)
    log_probs = choice_log_probs(model, prompts, encoded, pad=coder.pad)
    choices = [task.choices_of(example) for example in examples]
    predictions = [[choices[n][c] for n, c in enumerate(row)] for row in log_probs.argmax(axis=-1)]
    right = [
        [float(said == ex.answer) for said, ex in zip(row, examples, strict=True)] for row in predictions
    ]
    return Scores(
        task=task.name,
        method=encoded.method,
        metric="accuracy",
        values=np.array(right),
        predictions=predictions,
        answers=[example.answer for example in examples],
        log_probs=log_probs,
        cut=prompts.cut,
    )


def _score_free(
    model: LanguageModel,
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    fmt: str,
    shots: Sequence[Example],
    max_new: int | None,
) -> Scores:
    if max_new is None:
        max_new = min(task.max_new, model.context // 2)
        if task.kind == "classification":
            labels = {choice for example in examples for choice in task.choices_of(example)}
            max_new = max(len(coder.ids(task.wording.joiner + label)) for label in labels)
    prompts = build_prompts(task, examples, coder, fmt=fmt, shots=shots, context=model.context, room=max_new)
    tokens = torch.from_numpy(pad_rows(prompts.ids, pad=coder.pad, context=model.context).astype(np.int64))
    predictions: list[list[str]] = [[] for _ in range(model.members)]
    step = model.rows_at_once(tokens.shape[1] + max_new)
    for at in range(0, len(tokens), step):
        lengths = [len(ids) for ids in prompts.ids[at : at + step]]
        prompt = tokens[at : at + step].to(model.device).expand(model.members, -1, -1)
        fixed = torch.tensor(lengths, device=model.device).expand(model.members, -1)
        written = model.generate(prompt, fixed, max_new, coder.eos)
        for said, rows in zip(predictions, written.tolist(), strict=True):
            for length, row in zip(lengths, rows, strict=True):
                new = row[length : length + max_new]
                stop = new.index(coder.eos) if coder.eos in new else len(new)
                said.append(coder.decode(new[:stop]).strip())
    if task.kind == "classification":
        choices = [task.choices_of(example) for example in examples]
        predictions = [
            [_begins_with(text, choices[n]) for n, text in enumerate(said)] for said in predictions
        ]
    grade = metric_of(task.metric)
    answers = [example.answer for example in examples]
    values = [[grade(said, gold) for said, gold in zip(row, answers, strict=True)] for row in predictions]
    return Scores(
        task=task.name,
        method="free",
        metric=task.metric,
        values=np.array(values),
        predictions=predictions,
        answers=answers,
        cut=prompts.cut,
    )


def _begins_with(text: str, choices: Sequence[str]) -> str:
    """The longest choice that the text begins with as whole words, else the text itself."""
    plain = text.casefold()
    fits = [
        choice
        for choice in choices
        if plain.startswith(choice.casefold()) and not plain[len(choice) : len(choice) + 1].isalnum()
    ]
    return max(fits, key=len) if fits else text

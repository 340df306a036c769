"""The operation that scores the examples of a pool: by loss, gradient, distance from each other, and by trying them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.memorise import Lesson
from ovbook.models import ModelSpec, Params, load_checkpoint, member, stack, token_losses
from ovbook.runs.memorise import NEW_PEOPLE
from ovbook.runs.memorise_work import examples_of
from ovbook.runs.one_example_work import gradients
from ovbook.runs.work import Inputs
from ovbook.runs.worth import Worth
from ovbook.tasks import open_task
from ovbook.train import train

__all__ = ["farthest_first", "run"]

_AT_ONCE = 32
"""Copies of the model side by side."""
_CELLS = 1 << 24
"""Logits held at once."""
_SKETCH = 4096
"""Numbers to which a gradient is folded before gradients are compared with each other."""


def run(spec: Worth, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record an example; see `Worth`."""
    params, model = load_checkpoint(inputs.checkpoint(spec.base))
    params = {name: tensor.to(device) for name, tensor in params.items()}
    corpus, seed = inputs.corpus, int(spec.seed or 0)
    pool = examples_of(spec.data, corpus, seed, model.context)
    asked_of = dataclasses.replace(spec.data, held_out=True, count=spec.jury, skip=0)
    jury = examples_of(asked_of, corpus, spec.jury_seed, model.context)
    found: dict[str, list[np.ndarray]] = {name: [] for name in spec.scores}
    folded: list[Tensor] = []
    asked = set(spec.scores)
    towards = _flat(_slopes([params], model, jury, device, together=True))[0]
    for first in range(0, len(pool), _AT_ONCE):
        part = pool.take(range(first, min(first + _AT_ONCE, len(pool))))
        many = stack([params] * len(part))
        if "loss" in asked:
            found["loss"].append(_losses(params, model, part.tokens[None], part.answers[None], device)[0])
        if asked & {"influence", "place"}:
            slopes = _flat(_slopes([params] * len(part), model, part, device))
            folded.append(_fold(slopes, seed))
            if "influence" in asked:
                found["influence"].append((slopes @ towards).double().cpu().numpy())
        if "gain" in asked:
            found["gain"].append(_gains(many, model, part, jury, spec.rate, device))
    scores = {name: np.concatenate(parts) for name, parts in found.items() if parts}
    if "place" in asked:
        scores["place"] = farthest_first(torch.cat(folded).double().cpu().numpy())
    said = _answers(spec, inputs)
    return [
        {"example": n, "answer": said[n]} | {name: float(values[n]) for name, values in scores.items()}
        for n in range(len(pool))
    ]


def _answers(spec: Worth, inputs: Inputs) -> list[str | None]:
    """The answer to each example's question; documents about people have none."""
    data = spec.data
    if data.task == NEW_PEOPLE:
        return [None] * data.count
    task = open_task(data.task, world=inputs.corpus.world)
    drawn = task.examples("train", data.skip + data.count, int(spec.seed or 0))
    return [example.answer for example in drawn[data.skip :]]


def _slopes(
    copies: list[Params], model: ModelSpec, lesson: Lesson, device: str, *, together: bool = False
) -> Params:
    """Gradient of the answers' loss: of each example in a copy of its own, or of all `together` in one."""
    shape = (1, -1) if together else (-1, 1)
    tokens = lesson.tokens.reshape(*shape, lesson.tokens.shape[-1])
    weight = lesson.answers.reshape(*shape, lesson.answers.shape[-1]).astype(np.float32)
    return gradients(stack(copies), model, tokens, weight, device)


def _flat(params: Params) -> Tensor:
    """All tensors of each member as one row, [K, P]."""
    return torch.cat([tensor.flatten(1).float() for tensor in params.values()], dim=1)


def _fold(rows: Tensor, seed: int) -> Tensor:
    """A count sketch, [K, 4096]: inner products of the rows are those of the sketches, up to small noise."""
    generator = torch.Generator().manual_seed(seed)
    width = rows.shape[1]
    place = torch.randint(_SKETCH, (width,), generator=generator).to(rows.device)
    sign = (2 * torch.randint(2, (width,), generator=generator) - 1).to(rows)
    return torch.zeros(len(rows), _SKETCH, device=rows.device).index_add_(1, place, rows * sign)


def farthest_first(rows: np.ndarray) -> np.ndarray:
    """The place of each row in a traversal that always goes to the one least like those already visited, [N].

    Likeness is the cosine; the first row is visited first.

    >>> farthest_first(np.array([[1.0, 0.0], [2.0, 0.1], [-1.0, 0.0], [0.0, 1.0]])).tolist()
    [0, 3, 1, 2]
    """
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    place = np.zeros(len(rows), np.int64)
    nearest = unit @ unit[0]
    nearest[0] = np.inf
    for n in range(1, len(rows)):
        chosen = int(nearest.argmin())
        place[chosen] = n
        nearest = np.maximum(nearest, unit @ unit[chosen])
        nearest[chosen] = np.inf
    return place


def _gains(
    many: Params, model: ModelSpec, part: Lesson, jury: Lesson, rate: float, device: str
) -> np.ndarray:
    """What one step on each example takes off the jury' loss, [K]."""
    tokens, weight = part.tokens[:, None], part.answers[:, None].astype(np.float32)
    log = train(
        many,
        model,
        lambda step: tokens,
        weights=lambda step: weight,
        steps=1,
        rates=np.full(1, rate),
        weight_decay=0.0,
        device=device,
    )
    asked = np.broadcast_to(jury.tokens, (len(part), *jury.tokens.shape))
    where = np.broadcast_to(jury.answers, (len(part), *jury.answers.shape))
    before = _losses(member(many, 0), model, asked[:1], where[:1], device)  # all copies are the same
    after = _losses(log.params, model, asked, where, device)
    found: np.ndarray = (before - after).mean(axis=1)
    return found


@torch.no_grad()
def _losses(
    params: Params, model: ModelSpec, tokens: np.ndarray, where: np.ndarray, device: str
) -> np.ndarray:
    """Mean loss of each row's answers, [K, B], for tokens [K, B, T]."""
    rows = torch.from_numpy(tokens.copy()).to(device)
    step = max(1, _CELLS // (len(tokens) * tokens.shape[-1] * model.vocab))
    pieces = [token_losses(params, model, piece).float() for piece in rows.split(step, dim=1)]
    loss = torch.cat(pieces, dim=1).double().cpu().numpy()
    found: np.ndarray = np.where(where, loss, 0.0).sum(axis=2) / np.maximum(where.sum(axis=2), 1)
    return found

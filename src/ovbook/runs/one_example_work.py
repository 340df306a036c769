"""The operation that teaches one example at a time, each from the same weights, and measures what else moved."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ovbook.corpus import Corpus
from ovbook.errors import OvbookError
from ovbook.memorise import Lesson, from_rows, from_telling
from ovbook.models import ModelSpec, Params, load_checkpoint, next_token_loss, stack, token_losses
from ovbook.runs.memorise import NEW_PEOPLE
from ovbook.runs.one_example import OneExample
from ovbook.runs.scored import first_weights
from ovbook.runs.work import Inputs
from ovbook.tasks import WORDINGS, build_rows, coder_of, new_people, open_task, tell
from ovbook.train import train

__all__ = ["Shown", "gradients", "run", "shown_to_each"]

_CELLS = 1 << 24
"""Logits held at once while measuring."""
_AT_ONCE = 32
"""Copies of the model that are taught side by side."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A set of rows on which every one of K copies is measured: `tokens` [K, B, T]; `answers`, `style` [K, B, T-1].

    what: "own", the example itself; "borrowed", its facts told of other people; "others", other examples; "old", text of
    pre-training. wording: one of `ovbook.tasks.WORDINGS`, or "" where there is but one way to say it.
    """

    what: str
    wording: str
    tokens: np.ndarray
    answers: np.ndarray
    style: np.ndarray

    def take(self, members: slice) -> Shown:
        """Those of some of the copies."""
        return Shown(
            what=self.what,
            wording=self.wording,
            tokens=self.tokens[members],
            answers=self.answers[members],
            style=self.style[members],
        )


def run(spec: OneExample, inputs: Inputs, out: Path, device: str) -> pa.Table:
    """One row an example, rate, number of steps and set it was measured on (`what`, `wording`: see `Shown`).

    `before` and `loss`: nats per answer token before and after; `style_before`, `style_loss`: the same of the example's
    other tokens (missing for old text, where every token counts as an answer). `drop` = before - loss. On the rows of the
    example itself also `predicted`, the drop if the loss fell all the way as steeply as at the start (gradient times what was added),
    `change`, the length of what was added, and `weights`, the length of the weights before. `twin` is true for the wording that was taught.
    """
    corpus = inputs.corpus
    params, model = load_checkpoint(inputs.checkpoint(spec.base))
    if spec.start == "scratch":
        params = first_weights(spec.base, model, device)
    params = {name: tensor.to(device) for name, tensor in params.items()}
    sets = shown_to_each(spec, corpus, model)
    rows: list[dict[str, Any]] = []
    for first in range(0, spec.data.count, _AT_ONCE):
        part = slice(first, min(first + _AT_ONCE, spec.data.count))
        found = _teach(spec, params, model, [shown.take(part) for shown in sets], device)
        rows += [row | {"example": spec.data.skip + first + row["example"]} for row in found]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def shown_to_each(spec: OneExample, corpus: Corpus, model: ModelSpec) -> list[Shown]:
    """Everything that is measured; the first is what is taught."""
    data, seed = spec.data, int(spec.seed or 0)
    count, total = data.count, data.count + spec.others
    coder = coder_of(corpus)
    old = _shared("old", _plain(corpus.validation(spec.evaluation_seed, spec.documents)), count)
    if data.task != NEW_PEOPLE:
        task = open_task(data.task, world=corpus.world)
        drawn = task.examples("train", data.skip + total, seed)[data.skip :]
        if len(drawn) < total:
            raise OvbookError(
                f"the training split of '{data.task}' holds {len(drawn)} examples after the first {data.skip}, not the "
                f"{total} that {count} taught and {spec.others} others take: ask for fewer"
            )
        lesson = from_rows(build_rows(task, drawn, coder, fmt=data.format, context=model.context))
        own, others = lesson.take(range(count)), lesson.take(range(count, total))
        return [_each("own", own, 1), _shared("others", others, count), old]
    assert corpus.world is not None
    world = corpus.world
    who, facts = new_people(world, total, seed, skip=data.skip, version=data.version, pattern=data.pattern)

    def told(people: np.ndarray, of: np.ndarray, wording: str) -> Lesson:
        telling = tell(world, people, of, wording=wording, boilerplate=data.boilerplate)
        return from_telling(telling, coder, context=model.context)

    found = []
    borrowers = np.tile(who[count:], count)
    borrowed = np.repeat(facts[:count], spec.others, axis=0)
    for wording in (data.wording, *(name for name in WORDINGS if name != data.wording)):
        found += [
            _each("own", told(who[:count], facts[:count], wording), 1, wording),
            _each("borrowed", told(borrowers, borrowed, wording), spec.others, wording),
            _shared("others", told(who[count:], facts[count:], wording), count, wording),
        ]
    return [*found, old]


def _plain(rows: np.ndarray) -> Lesson:
    tokens = rows.astype(np.int64)
    every = np.ones((len(tokens), tokens.shape[1] - 1), dtype=bool)
    none = np.zeros(len(tokens), np.int64)
    return Lesson(tokens=tokens, answers=every, text=every, boilerplate=~every, part=none, example=none)


def _each(what: str, lesson: Lesson, rows: int, wording: str = "") -> Shown:
    """Rows that differ between the copies, `rows` for each."""

    def split(array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, rows, array.shape[-1])

    style = lesson.text & ~lesson.answers
    return Shown(
        what=what,
        wording=wording,
        tokens=split(lesson.tokens),
        answers=split(lesson.answers),
        style=split(style),
    )


def _shared(what: str, lesson: Lesson, count: int, wording: str = "") -> Shown:
    """The same rows for all copies."""
    one = _each(what, lesson, len(lesson), wording)

    def wide(array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array, (count, *array.shape[1:]))

    return Shown(
        what=what,
        wording=wording,
        tokens=wide(one.tokens),
        answers=wide(one.answers),
        style=wide(one.style),
    )


def _teach(
    spec: OneExample, params: Params, model: ModelSpec, sets: list[Shown], device: str
) -> list[dict[str, Any]]:
    """Copies of the model, one for each example, taught side by side at one rate after the other."""
    copies = len(sets[0].tokens)
    many = stack([params] * copies)
    tokens = sets[0].tokens
    weight = sets[0].answers if spec.loss_on == "answers" else sets[0].answers | sets[0].style
    weight = weight.astype(np.float32)
    slope = gradients(many, model, tokens, sets[0].answers.astype(np.float32), device)
    size = _length(many)
    before = [_losses(many, model, shown, device) for shown in sets]
    rows: list[dict[str, Any]] = []

    def measure(rate: float) -> Callable[[int, Params, Any], None]:
        def look(step: int, now: Params, _: Any) -> None:
            added = {name: now[name] - many[name] for name in many}
            parts = [(slope[name] * added[name]).flatten(1).double().sum(1) for name in many]
            along = -functools.reduce(torch.add, parts)
            own = {
                "predicted": _numbers(along),
                "change": _numbers(_length(added)),
                "weights": _numbers(size),
            }
            for shown, (answers, style) in zip(sets, before, strict=True):
                after, style_after = _losses(now, model, shown, device)
                for k in range(copies):
                    row = {
                        "example": k,
                        "rate": rate,
                        "step": step,
                        "what": shown.what,
                        "wording": shown.wording,
                    }
                    row |= {"before": answers[k], "loss": after[k], "drop": answers[k] - after[k]}
                    row |= {"style_before": style[k], "style_loss": style_after[k]}
                    row["twin"] = shown.wording == sets[0].wording
                    if shown.what == "own":
                        row |= {name: float(values[k]) for name, values in own.items()}
                    rows.append(row)

        return look

    for rate in spec.rates:
        last = max(spec.steps)
        train(
            many,
            model,
            lambda step: tokens,
            weights=lambda step: weight,
            steps=last,
            rates=np.full(last, rate),
            weight_decay=0.0,
            on_checkpoint=dict.fromkeys(spec.steps, measure(rate)),
            device=device,
        )
    return rows


def gradients(
    params: Params, model: ModelSpec, tokens: np.ndarray, weight: np.ndarray, device: str
) -> Params:
    """Gradient of each copy's loss on its own rows, `tokens` [K, B, T] with `weight` [K, B, T-1]."""
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
    rows = torch.from_numpy(tokens.copy()).to(device)
    loss = next_token_loss(leaves, model, rows, torch.from_numpy(weight).to(device))
    found = torch.autograd.grad(loss.sum(), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def _length(params: Params) -> Tensor:
    """Euclidean norm of each copy's weights, [K]."""
    return torch.stack([t.double().square().flatten(1).sum(1) for t in params.values()]).sum(0).sqrt()


def _numbers(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()


@torch.no_grad()
def _losses(params: Params, model: ModelSpec, shown: Shown, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss of each copy on the answers and on the other tokens of its rows, [K] each."""
    members, _, width = shown.tokens.shape
    rows = torch.from_numpy(shown.tokens.copy()).to(device)
    step = max(1, _CELLS // (members * width * model.vocab))
    pieces = [token_losses(params, model, piece).float() for piece in rows.split(step, dim=1)]
    loss = torch.cat(pieces, dim=1).double().cpu().numpy()
    return _mean(loss, shown.answers), _mean(loss, shown.style)


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean over the rows of each copy of its mean over the places `where`; NaN where there are none."""
    count = where.sum(axis=2)
    total = np.where(where, values, 0.0).sum(axis=2)
    found: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0).mean(
        axis=1
    )
    return found


_SCHEMA = pa.schema(
    [("example", pa.int64()), ("rate", pa.float64()), ("step", pa.int64())]
    + [("what", pa.string()), ("wording", pa.string()), ("twin", pa.bool_())]
    + [
        (name, pa.float64())
        for name in (
            "before",
            "loss",
            "drop",
            "style_before",
            "style_loss",
            "predicted",
            "change",
            "weights",
        )
    ]
)

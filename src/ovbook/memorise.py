"""Examples with their answers marked, in the order in which they are met, and what a model makes of them.

What a fine-tuning over several epochs needs beside the training loop: the rows (`Lesson`), their order (`order_of`), and
a measurement in evaluation mode, token by token (`read`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks import Coder, Rows, Telling

__all__ = [
    "BINS",
    "ORDERS",
    "Lesson",
    "Reading",
    "calibration_error",
    "from_rows",
    "from_telling",
    "order_of",
    "read",
    "together",
]

BINS = 10
"""Equal-width bins of confidence behind a calibration error."""
ORDERS = ("same", "reshuffled", "blocks")
"""Orders of the examples over several epochs; see `order_of`."""
_CELLS = 1 << 24
"""Logits held at once while reading."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """N examples: `tokens` [N, T]; `answers`, `text`, `boilerplate` [N, T-1], true where the predicted token is one.

    text: all of an example that is its own, answers included; neither filling nor padding. boilerplate: the opening
    that all share. part [N]: from which data set. cut: examples that lost tokens to the context.
    """

    tokens: np.ndarray
    answers: np.ndarray
    text: np.ndarray
    boilerplate: np.ndarray
    part: np.ndarray
    example: np.ndarray
    cut: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, places: Sequence[int] | np.ndarray) -> Lesson:
        """Some of the examples, as often as named."""
        at = np.asarray(places, dtype=np.int64)
        return Lesson(
            tokens=self.tokens[at],
            answers=self.answers[at],
            text=self.text[at],
            boilerplate=self.boilerplate[at],
            part=self.part[at],
            example=self.example[at],
            cut=self.cut,
        )


def from_telling(told: Telling, coder: Coder, *, context: int, filling: np.ndarray | None = None) -> Lesson:
    """Rows of marked documents, cut at `context` tokens.

    filling: ``[N, context]`` rows of ordinary text. With it every row is `context` tokens long: the document at its end,
    and before it, uncounted, the end of its row of filling.
    """
    first = [] if coder.bos is None else [coder.bos]
    longest = max(len(ids) for ids in told.ids) + len(first)
    width = context if filling is not None else min(context, -(-longest // 8) * 8)
    rows = np.full((len(told.ids), width), coder.pad, dtype=np.int64)
    answers, text, opening = (np.zeros((len(rows), width - 1), dtype=bool) for _ in range(3))
    cut = 0
    for n, (ids, marked) in enumerate(zip(told.ids, told.answers, strict=True)):
        room = width - len(first)
        cut += len(ids) > room
        ids, marked = ids[:room], marked[:room]
        if not any(marked):
            raise OvbookError(
                f"an example of {len(told.ids[n])} tokens keeps no answer in a context of {context}: take a longer context"
            )
        before = 0 if filling is None else room - len(ids)
        start = len(first) + before
        rows[n, : len(first)] = first
        if filling is not None and before:
            rows[n, len(first) : start] = filling[n, -before:]
        rows[n, start : start + len(ids)] = ids
        # The token at place p is predicted at p - 1; the first one, without <bos>, by nothing.
        own = slice(max(start - 1, 0), start + len(ids) - 1)
        skip = len(ids) - (own.stop - own.start)
        text[n, own] = True
        answers[n, own] = marked[skip:]
        # Behind the two words of the header stands the opening that all share.
        opening[n, own] = [2 <= at < 2 + told.boilerplate for at in range(skip, len(ids))]
    return Lesson(
        tokens=rows,
        answers=answers,
        text=text & ~opening,
        boilerplate=opening,
        part=np.zeros(len(rows), np.int64),
        example=np.arange(len(rows)),
        cut=cut,
    )


def from_rows(rows: Rows) -> Lesson:
    """Rows of questions and answers (`ovbook.tasks.build_rows`) as a lesson."""
    answers = rows.weight > 0
    places = np.arange(answers.shape[1])
    last = np.where(answers.any(axis=1), answers.shape[1] - 1 - answers[:, ::-1].argmax(axis=1), -1)
    return Lesson(
        tokens=rows.tokens.astype(np.int64),
        answers=answers,
        text=places[None] <= last[:, None],
        boilerplate=np.zeros_like(answers),
        part=np.zeros(len(answers), np.int64),
        example=np.arange(len(answers)),
        cut=rows.cut_questions + rows.cut_answers,
    )


def together(lessons: Sequence[Lesson], pad: int) -> Lesson:
    """Several lessons as one, `part` counting them."""
    width = max(lesson.tokens.shape[1] for lesson in lessons)

    def wide(rows: np.ndarray, width: int, value: int) -> np.ndarray:
        return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=value)

    return Lesson(
        tokens=np.concatenate([wide(lesson.tokens, width, pad) for lesson in lessons]),
        answers=np.concatenate([wide(lesson.answers, width - 1, 0) for lesson in lessons]),
        text=np.concatenate([wide(lesson.text, width - 1, 0) for lesson in lessons]),
        boilerplate=np.concatenate([wide(lesson.boilerplate, width - 1, 0) for lesson in lessons]),
        part=np.concatenate([np.full(len(lesson), n) for n, lesson in enumerate(lessons)]),
        example=np.concatenate([lesson.example for lesson in lessons]),
        cut=sum(lesson.cut for lesson in lessons),
    )


def order_of(part: np.ndarray, epochs: int, order: str, seed: int) -> np.ndarray:
    """Which example is met when: ``[epochs, N]``.

    "same": one permutation for all epochs; "reshuffled": one of its own for each, the first as in "same"; "blocks": as
    "same", but one part after the other.
    """
    if order not in ORDERS:
        raise OvbookError(
            f"unknown order '{order}'{did_you_mean(order, ORDERS)}: it is one of {', '.join(ORDERS)}"
        )
    word = int.from_bytes(b"order", "big")
    drawn = [
        np.random.default_rng(np.random.SeedSequence([seed, word, epoch])).permutation(len(part))
        for epoch in range(epochs if order == "reshuffled" else 1)
    ]
    if order == "blocks":
        drawn = [places[np.argsort(part[places], kind="stable")] for places in drawn]
    return np.stack(drawn * (1 if order == "reshuffled" else epochs))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model makes of N examples, in evaluation mode.

    loss [N]: nats per answer token; style [N]: nats per other token of the example (NaN where there is none); opening:
    the same of the boilerplate, one number; right, confidence [A]: of every answer token, whether it was the model's first
    choice among all words, and the probability of that first choice; exact [N]: whether all answers of the example were.
    """

    loss: np.ndarray
    style: np.ndarray
    opening: float
    right: np.ndarray
    confidence: np.ndarray
    exact: np.ndarray

    @property
    def calibration(self) -> float:
        """`calibration_error` of the answers."""
        return calibration_error(self.confidence, self.right)


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: the gap between confidence and accuracy, over equal-width bins, weighted by their size.

    >>> calibration_error(np.array([0.9, 0.9]), np.array([1.0, 0.0]))
    0.4
    """
    if not len(confidence):
        return math.nan
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[place == b].mean() - right[place == b].mean())) * float((place == b).mean())
        for b in np.unique(place)
    ]
    return round(sum(gaps), 12)


Logits = Callable[[Tensor], Tensor]
"""Token ids [B, T] -> logits [B, T, vocabulary], in evaluation mode."""


@torch.no_grad()
def read(logits: Logits, lesson: Lesson, vocab: int, device: torch.device | str = "cpu") -> Reading:
    """Score `lesson` token by token."""
    tokens = torch.from_numpy(lesson.tokens)
    step = max(1, _CELLS // (tokens.shape[1] * vocab))
    losses, tops, firsts = [], [], []
    for piece in tokens.split(step):
        piece = piece.to(device)
        logs = F.log_softmax(logits(piece)[:, :-1].float(), dim=-1)
        target = piece[:, 1:]
        losses.append(-logs.gather(-1, target[..., None]).squeeze(-1).double().cpu())
        top, first = logs.max(dim=-1)
        tops.append(top.exp().double().cpu())
        firsts.append((first == target).cpu())
    loss, chance, right = (torch.cat(found).numpy() for found in (losses, tops, firsts))
    answers, others = lesson.answers, lesson.text & ~lesson.answers
    return Reading(
        loss=_mean(loss, answers),
        style=_mean(loss, others),
        opening=float(loss[lesson.boilerplate].mean()) if lesson.boilerplate.any() else math.nan,
        right=right[answers].astype(np.float64),
        confidence=chance[answers],
        exact=(right | ~answers).all(axis=1),
    )


def _mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Mean of each row over the places `where`; NaN where there are none."""
    count = where.sum(axis=1)
    total = np.where(where, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)

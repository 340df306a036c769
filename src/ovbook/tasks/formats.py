"""From examples to rows of tokens: format, shots, and where the loss falls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ovbook.errors import OvbookError
from ovbook.tasks.coder import Coder
from ovbook.tasks.example import Example, Task
from ovbook.tasks.wording import check_format

__all__ = ["Prompts", "Rows", "build_prompts", "build_rows", "pad_rows", "prompt_text"]


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """Encoded prompts, of differing lengths, and the text they were made of."""

    texts: list[str]
    ids: list[list[int]]
    cut: int

    @property
    def note(self) -> str:
        """What was cut, in one sentence; empty where nothing was."""
        return f"{self.cut} of {len(self.ids)} questions were cut to fit the context" if self.cut else ""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Training rows: `tokens` [N, T] and `weight` [N, T-1], 1 where the predicted token is the answer's.

    T is the longest row's length rounded up to a multiple of 8, never more than the context; shorter rows are
    padded on the right, where weight is 0. `cut_questions` and `cut_answers` count what had to be shortened.
    """

    tokens: np.ndarray
    weight: np.ndarray
    cut_questions: int = 0
    cut_answers: int = 0

    @property
    def note(self) -> str:
        """What was cut, in one sentence; empty where nothing was."""
        cuts = {"questions": self.cut_questions, "answers": self.cut_answers}
        parts = [f"{count} {name}" for name, count in cuts.items() if count]
        return f"{' and '.join(parts)} of {len(self.tokens)} were cut to fit the context" if parts else ""


def prompt_text(task: Task, example: Example, *, fmt: str = "Default", shots: Sequence[Example] = ()) -> str:
    """The whole prompt as text: each shot with its answer, then the question without one."""
    wording = task.wording
    shown = "".join(
        wording.ask(fmt, shot.question) + wording.joiner + shot.answer + wording.between for shot in shots
    )
    return wording.open(fmt, task.instruction) + shown + wording.ask(fmt, example.question)


def _encode_prompt(coder: Coder, text: str) -> list[int]:
    return ([] if coder.bos is None else [coder.bos]) + coder.ids(text)


def _first_words(question: str, count: int) -> str:
    return "".join(re.findall(r"\S+\s*", question)[:count]).rstrip()


def _last_words(question: str, count: int) -> str:
    return "".join(re.findall(r"\s*\S+", question)[-count:]).lstrip()


def _cut_to_fit(
    task: Task, example: Example, coder: Coder, fmt: str, shots: Sequence[Example], room: int
) -> tuple[str, list[int]] | None:
    """Keep as many leading words of the question (of a dialogue, its last) as fit; None where too little would be left of it.

    Without shots one word is enough; with shots at least half must stay, else showing fewer shots is better.
    """
    words = len(question_words) if (question_words := re.findall(r"\S+", example.question)) else 0
    least, most = (max(1, (words + 1) // 2) if shots else 1), words - 1
    best: tuple[str, list[int]] | None = None
    while least <= most:
        middle = (least + most) // 2
        kept = (_last_words if task.cut == "start" else _first_words)(example.question, middle)
        shorter = Example(question=kept, answer=example.answer)
        text = prompt_text(task, shorter, fmt=fmt, shots=shots)
        ids = _encode_prompt(coder, text)
        if len(ids) <= room:
            best, least = (text, ids), middle + 1
        else:
            most = middle - 1
    return best


def _try_prompts(
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    fmt: str,
    shots: Sequence[Example],
    rooms: list[int],
) -> Prompts | tuple[int, int]:
    """The prompts, or (length, room) of the first example that cannot be made to fit."""
    texts, all_ids, cut = [], [], 0
    for example, room in zip(examples, rooms, strict=True):
        text = prompt_text(task, example, fmt=fmt, shots=shots)
        ids = _encode_prompt(coder, text)
        if len(ids) > room:
            shorter = _cut_to_fit(task, example, coder, fmt, shots, room)
            if shorter is None:
                return len(ids), room
            (text, ids), cut = shorter, cut + 1
        texts.append(text)
        all_ids.append(ids)
    return Prompts(texts=texts, ids=all_ids, cut=cut)


def build_prompts(
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    *,
    fmt: str = "Default",
    shots: Sequence[Example] = (),
    context: int = 128,
    room: int | Sequence[int] = 1,
) -> Prompts:
    """Encode the prompts, leaving `room` tokens of the context (one number, or one an example) for answers.

    A question that is too long loses its last words (a dialogue, its first) and is counted in `cut`; shots are never dropped: if they
    leave less than half of a question, the error says how many would fit.
    """
    check_format(fmt)
    needed = [room] * len(examples) if isinstance(room, int) else list(room)
    rooms = [context - need for need in needed]
    made = _try_prompts(task, examples, coder, fmt, shots, rooms)
    if isinstance(made, Prompts):
        return made
    length, left = made
    fitting = next(
        (
            k
            for k in range(len(shots) - 1, -1, -1)
            if isinstance(_try_prompts(task, examples, coder, fmt, shots[:k], rooms), Prompts)
        ),
        None,
    )
    advice = (
        f"use at most {fitting} shots or a model with a longer context"
        if fitting is not None
        else "no number of shots fits: use a model with a longer context or shorter questions"
    )
    raise OvbookError(
        f"{len(shots)} shots of task '{task.name}' in format {fmt} make a prompt of {length} tokens and the "
        f"context of {context} leaves {left} for it: {advice}"
    )


def pad_rows(rows: Sequence[Sequence[int]], *, pad: int, context: int) -> np.ndarray:
    """Stack rows of differing lengths into [N, T], padded at the end: uint16 where ids allow."""
    longest = max(len(row) for row in rows)
    width = min(context, -(-longest // 8) * 8)
    top = max(max(row) for row in rows)
    tokens = np.full((len(rows), width), pad, dtype=np.uint16 if max(top, pad) < 1 << 16 else np.uint32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
    return tokens


def build_rows(
    task: Task,
    examples: Sequence[Example],
    coder: Coder,
    *,
    fmt: str = "Default",
    shots: Sequence[Example] = (),
    context: int = 128,
) -> Rows:
    """Rows to train on: prompt, then answer, with the loss on the answer's tokens only.

    A generation task's answer ends with the end token, which counts as part of it: the model has to learn
    where to stop. A label carries none, since its end is known. An answer longer than half the
    context is cut.
    """
    check_format(fmt)
    joiner = task.wording.joiner
    end = [coder.eos] if task.kind == "generation" and coder.eos is not None else []
    answers, cut_answers = [], 0
    for example in examples:
        prompt = task.wording.ask(fmt, example.question)
        answer = coder.continuation(prompt, joiner + example.answer) + end
        if not answer:
            raise OvbookError(
                f"an example of task '{task.name}' has an empty answer (question '{example.question[:60]}'): "
                f"drop it or give it an answer"
            )
        if len(answer) > context // 2:
            answer, cut_answers = answer[: context // 2], cut_answers + 1
        answers.append(answer)
    prompts = build_prompts(
        task, examples, coder, fmt=fmt, shots=shots, context=context, room=[len(answer) for answer in answers]
    )
    tokens = pad_rows(
        [ids + answer for ids, answer in zip(prompts.ids, answers, strict=True)],
        pad=coder.pad,
        context=context,
    )
    weight = np.zeros((len(tokens), tokens.shape[1] - 1), dtype=np.float32)
    for index, (ids, answer) in enumerate(zip(prompts.ids, answers, strict=True)):
        first = len(ids) - 1  # position t predicts token t + 1
        weight[index, first : first + len(answer)] = 1.0
    return Rows(tokens=tokens, weight=weight, cut_questions=prompts.cut, cut_answers=cut_answers)

"""The operation that lets a fine-tuned model recite what it was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.memorise import Lesson
from ovbook.models import ModelSpec, Params, forward, load_checkpoint
from ovbook.runs.memorise import Memorise
from ovbook.runs.memorise_work import lesson_of
from ovbook.runs.recite import Recite
from ovbook.runs.work import Inputs

__all__ = ["recited", "run"]

_ROWS = 256


def run(spec: Recite, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record an example of the training set, each once.

    verbatim: 1.0 if greedy decoding from the prompt gives the rest of the document back, token for token. reach: share of that rest
    before the first token that differs. answers: 1.0 if all answers are the first choice, each after the true text before it.
    part and repeat say from which of the data sets, and how often that one is met in an epoch; `rest`, tokens to be given back.
    """
    run = spec.base.run
    assert isinstance(run, Memorise)
    params, model = load_checkpoint(inputs.checkpoint(spec.base))
    params = {name: tensor.to(device) for name, tensor in params.items()}
    lesson = lesson_of(run, inputs, model.context)
    _, first = np.unique(np.stack([lesson.part, lesson.example]), axis=1, return_index=True)
    lesson = lesson.take(np.sort(first))
    right = _first_choice(params, model, lesson, device)
    found = recited(right, lesson, spec.prompt)
    return [
        {
            "part": int(lesson.part[n]),
            "example": int(lesson.example[n]),
            "repeat": run.data[int(lesson.part[n])].repeat,
            **{name: float(values[n]) for name, values in found.items()},
        }
        for n in range(len(lesson))
    ]


@torch.no_grad()
def _first_choice(params: Params, model: ModelSpec, lesson: Lesson, device: str) -> np.ndarray:
    """Whether each token is the model's first choice after the true text before it, [N, T-1]."""

    def piece(rows: Tensor) -> Tensor:
        logits = forward(params, model, rows[None].to(device))[0, :, :-1]
        return (logits.argmax(dim=-1).cpu() == rows[:, 1:]).cpu()

    return torch.cat([piece(rows) for rows in torch.from_numpy(lesson.tokens).split(_ROWS)]).numpy()


def recited(right: np.ndarray, lesson: Lesson, prompt: int) -> dict[str, np.ndarray]:
    """`verbatim`, `reach`, `answers` and `rest`, [N] each, from which tokens are the first choice, [N, T-1].

    As long as every token is the first choice after the true text, greedy decoding writes the true text: so whether it
    does needs no decoding, and the first token that is not ends what is given back.
    """
    # An opening that all documents share is given along: it says nothing about which of them is meant.
    asked = lesson.text & (np.cumsum(lesson.text, axis=1) > prompt)
    rest = asked.sum(axis=1)
    lost = np.cumsum(asked & ~right, axis=1) > 0
    reach = (asked & ~lost).sum(axis=1)
    return {
        "verbatim": (reach == rest).astype(np.float64),
        "reach": reach / np.maximum(rest, 1),
        "answers": (right | ~lesson.answers).all(axis=1).astype(np.float64),
        "rest": rest.astype(np.float64),
    }

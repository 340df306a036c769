"""What a changed model is asked: the old loss, and the score on a task.

Every operation that changes weights asks the same held-out documents and items of a seed, so that the results of one
stand beside those of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.evaluate import mean_loss, untrained
from ovbook.finetune import TaskScore, measure
from ovbook.models import ModelSpec, Params, init
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.runs.work import Inputs
from ovbook.tasks import coder_of, open_task

__all__ = ["first_weights", "old_loss", "task_score", "untrained_loss"]


def old_loss(spec: Any, inputs: Inputs, params: Params, model: ModelSpec, device: str) -> float:
    """Loss of one model on the `documents` of the pre-training text that `evaluation_seed` chooses, nats per token."""
    params = {name: tensor.to(device) for name, tensor in params.items()}
    return float(mean_loss(params, model, _documents(spec, inputs, device))[0])


def first_weights(base: Checkpoint, model: ModelSpec, device: str) -> Params:
    """The weights of one of our own models before the first step of its pre-training."""
    assert isinstance(base.root, Pretrain), "specs that ask for them refuse a released model"
    return {name: tensor.to(device) for name, tensor in init(model, [base.root.init_seed]).items()}


def untrained_loss(spec: Any, inputs: Inputs, model: ModelSpec, device: str) -> float:
    """Loss on the same documents before the first step of pre-training."""
    return untrained(model, spec.base.root.init_seed, _documents(spec, inputs, device))


def _documents(spec: Any, inputs: Inputs, device: str) -> Tensor:
    rows = inputs.corpus.validation(spec.evaluation_seed, spec.documents).astype(np.int64)
    return torch.from_numpy(rows).to(device)


def task_score(
    spec: Any, inputs: Inputs, params: Params, model: ModelSpec, task: str, split: str = "test"
) -> TaskScore:
    """One model on the `rows` items of `task` that `evaluation_seed` chooses, in the spec's format and with its shots."""
    return measure(
        params,
        model,
        open_task(task, world=inputs.corpus.world),
        coder_of(inputs.corpus),
        items=spec.rows,
        split=split,
        seed=spec.evaluation_seed,
        fmt=spec.format,
        shots=spec.shots,
    )

"""The operation that scores the weights between two checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.models import Params, load_checkpoint, parameter_count
from ovbook.runs.blend import Blend
from ovbook.runs.scored import old_loss, task_score, untrained_loss
from ovbook.runs.work import Inputs

__all__ = ["blended", "run"]


def blended(first: Params, second: Params, share: float) -> Params:
    """Return (1 - share) x first + share x second, tensor by tensor; 0 and 1 are the models themselves.

    Raises:
        OvbookError: the two do not have the same tensors.
    """
    if {n: t.shape for n, t in first.items()} != {n: t.shape for n, t in second.items()}:
        raise OvbookError(
            "the two models do not have the same tensors: weights can only be averaged between models of one shape"
        )
    if share in (0, 1):  # exactly, even where the other model is not finite
        return dict(second if share else first)
    return {name: (1 - share) * tensor + share * second[name] for name, tensor in first.items()}


def run(spec: Blend, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record a share: `loss`, the old loss; `change`, the Euclidean distance from the first model; and, if there is a
    task, score, answer_loss (nats per answer token), chance and items, as `ovbook.runs.finetune` has them.

    `untrained` is the old loss of the first model before its first step, for the saturation guard.
    """
    (first, model), (second, _) = (load_checkpoint(inputs.checkpoint(at)) for at in spec.models)
    apart = sum((second[n].double() - t.double()).square().sum() for n, t in first.items()) ** 0.5
    fixed = {
        "parameters": parameter_count(model),
        "epochs": inputs.corpus.epochs(spec.base.at),
        "untrained": untrained_loss(spec, inputs, model, device),
    }
    records = []
    for share in spec.shares:
        params = {n: t.to(device) for n, t in blended(first, second, share).items()}
        record = {
            "share": share,
            "change": share * float(apart),
            "loss": old_loss(spec, inputs, params, model, device),
        }
        if spec.task is not None:
            [found] = task_score(spec, inputs, params, model, spec.task).records()
            record |= {name: value for name, value in found.items() if name not in ("task", "member")}
        records.append(record | fixed)
    return records

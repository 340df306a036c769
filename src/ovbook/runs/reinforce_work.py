"""The operation that trains a base model on the verdicts of a verifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ovbook.models import Params, load_checkpoint, parameter_count
from ovbook.reinforce import reinforce, rollouts
from ovbook.runs.learning import Reinforce
from ovbook.runs.scored import old_loss, task_score, untrained_loss
from ovbook.runs.work import Inputs
from ovbook.tasks import coder_of, open_task

__all__ = ["run"]


def run(spec: Reinforce, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record for each number of steps `step`, 0 (before) included.

    score, answer_loss, chance and items of the task and `loss`, the old loss, are as `ovbook.runs.finetune` has them;
    `reward` is the share of right answers among those sampled since the record before (not a number at step 0), `drift` the
    KL divergence of the policy from the base's on those questions, in nats (0 where no penalty asks for it); `change` is the
    Euclidean length of what was done to the weights; `diverged` whether the loss stopped being finite by then.
    """
    base, model = load_checkpoint(inputs.checkpoint(spec.base))
    base = {name: tensor.to(device) for name, tensor in base.items()}
    drawn = rollouts(
        open_task(spec.task, world=inputs.corpus.world),
        coder_of(inputs.corpus),
        base,
        model,
        steps=spec.steps[-1],
        questions=spec.questions,
        group=spec.group,
        kl=spec.kl,
        seed=spec.seed or 0,
        fmt=spec.format,
    )
    fixed = {
        "parameters": parameter_count(model),
        "epochs": inputs.corpus.epochs(spec.base.at),
        "untrained": untrained_loss(spec, inputs, model, device),
    }
    records: list[dict[str, Any]] = []

    def look(step: int, params: Params) -> None:
        since = records[-1]["step"] if records else 0
        [found] = task_score(spec, inputs, params, model, spec.task).records()
        moved = sum((params[n].double() - t.double()).square().sum() for n, t in base.items()) ** 0.5
        record = {name: value for name, value in found.items() if name not in ("task", "member")}
        record |= {
            "step": step,
            "loss": old_loss(spec, inputs, params, model, device),
            "change": float(moved),
        }
        for name, values in (("reward", drawn.rewards), ("drift", drawn.drift)):
            record[name] = float(np.mean(values[since:step])) if step else float("nan")
        records.append(record | fixed)

    log = reinforce(
        base,
        model,
        drawn,
        steps=spec.steps[-1],
        rate=spec.rate,
        watch=dict.fromkeys((0, *spec.steps), look),
        device=device,
    )
    fell = int(log.diverged_at[0])
    return [record | {"diverged": 0 <= fell < record["step"]} for record in records]

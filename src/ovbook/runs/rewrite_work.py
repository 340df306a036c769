"""The operation that rewrites a person in a base model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ovbook.corpus import WorldCorpus
from ovbook.evaluate import held_out_losses
from ovbook.models import Params, load_checkpoint, parameter_count
from ovbook.rewrite import Person, asked, draw_people, probes, rewrite
from ovbook.runs.learning import Rewrite
from ovbook.runs.scored import first_weights
from ovbook.runs.work import Inputs

__all__ = ["run"]


def run(spec: Rewrite, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record for each person, number of steps `step` (0: before) and `asked` (see `ovbook.rewrite.probes`).

    answer_loss, right, true, told and took are those of `ovbook.rewrite.asked`; `loss` is the old loss on held-out
    documents in which the person does not occur, `documents_left` how many those are, `change` the Euclidean length of what
    was done to the weights, `diverged` whether the loss stopped being finite; `rank` and `relation` say whom and what.
    """
    corpus = inputs.corpus
    assert isinstance(corpus, WorldCorpus)  # the spec has seen to it
    world = corpus.world
    assert world is not None
    base, model = load_checkpoint(inputs.checkpoint(spec.base))
    base = {name: tensor.to(device) for name, tensor in base.items()}
    people = draw_people(world, spec.people, spec.evaluation_seed)
    questions = probes(world, people, spec.others)
    rows = torch.from_numpy(corpus.validation(spec.evaluation_seed, spec.documents).astype(np.int64)).to(
        device
    )
    without = np.stack([_silent_on(rows.cpu().numpy(), world.people[person.row]) for person in people])
    untrained = np.broadcast_to(
        held_out_losses(first_weights(spec.base, model, device), model, rows).mean(dim=2).cpu().numpy(),
        without.shape,
    )
    records: list[dict[str, Any]] = []

    def look(step: int, params: Params) -> None:
        losses = held_out_losses(params, model, rows).double().mean(dim=2).cpu().numpy()
        moved = (
            sum((params[n].double() - t.double()).square().flatten(1).sum(1) for n, t in base.items()) ** 0.5
        )
        for probe in questions:
            found = asked(params, model, probe)
            for k, person in enumerate(people):
                record = {"step": step, "asked": probe.what, **_about(person, k)}
                record |= {name: float(values[k]) for name, values in found.items()}
                record |= {"loss": float(losses[k, without[k]].mean()), "change": float(moved[k])}
                records.append(record | {"untrained": float(untrained[k, without[k]].mean())})

    log = rewrite(
        base,
        model,
        corpus,
        people,
        kind=spec.kind,
        steps=spec.steps[-1],
        rate=spec.rate,
        keep=spec.keep,
        seed=spec.replay_seed,
        watch=dict.fromkeys((0, *spec.steps), look),
        device=device,
    )
    fixed = {"parameters": parameter_count(model), "epochs": corpus.epochs(spec.base.at)}
    return [
        record
        | fixed
        | {
            "diverged": bool(0 <= log.diverged_at[record["person"]] < record["step"]),
            "documents_left": int(without[record["person"]].sum()),
        }
        for record in records
    ]


def _about(person: Person, k: int) -> dict[str, Any]:
    return {"person": k, "rank": person.rank, "relation": person.relation}


def _silent_on(rows: np.ndarray, name: np.ndarray) -> np.ndarray:
    """Which rows [N, T] do not hold the two tokens of `name`, one after the other; all of them, if every row does."""
    told = ((rows[:, :-1] == name[0]) & (rows[:, 1:] == name[1])).any(axis=1)
    return ~told if not told.all() else np.ones(len(rows), dtype=bool)

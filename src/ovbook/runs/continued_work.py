"""The operation of continued pre-training, alone or as a member of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ovbook.corpus import Corpus
from ovbook.errors import OvbookError
from ovbook.evaluate import held_out_losses
from ovbook.models import ModelSpec, Params, init, member, save_checkpoint, stack
from ovbook.runs.continued import Continue
from ovbook.runs.pretrain import MOMENTS, log_spaced
from ovbook.runs.released import Released
from ovbook.runs.spec import purpose_seed
from ovbook.runs.work import Inputs
from ovbook.train import TrainLog, train

__all__ = ["run", "run_stack"]

Rows = list[dict[str, Any]]

FINE = 0.05
"""The first so much of the run, or of its schedule where that is longer, has a row for every step."""
CURVE_POINTS = 200
"""Rows kept of the rest of the loss curve, evenly spaced in log steps."""


def run(spec: Continue, inputs: Inputs, out: Path, device: str) -> Rows:
    """Continue one model; see `run_stack`."""
    return run_stack([spec], [inputs], [out], device)[0]


def run_stack(
    specs: Sequence[Continue], inputs: Sequence[Inputs], outs: Sequence[Path], device: str
) -> list[Rows]:
    """Continue models of one shape side by side; each leaves ``checkpoints/end`` with its optimiser's state.

    Rows, by `kind`; all have step and `seen` (steps and tokens of the continuation so far), loss in nats per predicted
    token, `rate` (of the last step) and diverged:

    - ``curve``: mean training loss of the steps since the row before, each step alone at first, and the largest
      `grad_norm` (before clipping) of these steps;
    - ``look``: the loss on `documents` held-out rows of each `set` ("old", "new", or a corpus' name; see `Continue.sets`);
    - ``diverged``: the step at which loss or gradient stopped being finite, if they did. The weights stay as they were
      then, and later looks say so.
    """
    return _Continuation(specs, inputs, outs, device).run()


class _Continuation:
    def __init__(
        self, specs: Sequence[Continue], inputs: Sequence[Inputs], outs: Sequence[Path], device: str
    ) -> None:
        self.specs, self.inputs, self.outs, self.device = list(specs), list(inputs), list(outs), device
        self.shape = specs[0]
        self.steps = self.shape.steps
        self.old = [given.corpus for given in inputs]
        self.new = [self._opened(spec.corpus, k) for k, spec in enumerate(specs)]
        for corpus in self.new:
            corpus.require(self.shape.batch)
        self.rates = np.stack([spec.rates for spec in specs], axis=1)
        self.looks: list[Rows] = [[] for _ in specs]

    def _opened(self, name: str, k: int) -> Corpus:
        """A text in the tokens of member k's model."""
        spec, given = self.specs[k], self.inputs[k]
        if name == spec.base.root.corpus:
            return given.corpus
        if name.startswith("world:") or isinstance(spec.base.root, Released):
            return given.open_corpus(name)
        from ovbook.retokenized import corpus_for

        return corpus_for(name, given.checkpoint(spec.base), context=spec.base.root.context)

    def run(self) -> list[Rows]:
        params, moments = self._begin()
        log = train(
            params,
            self.model,
            self._batch,
            steps=self.steps,
            rates=self.rates,
            weight_decay=self.shape.weight_decay,
            clip=self.shape.clip,
            optimizer_state=moments,
            on_checkpoint=dict.fromkeys(self.shape.looked_at, self._look),
            device=self.device,
            precision=self.shape.precision,
        )
        return [self._finished(k, log) for k in range(len(self.specs))]

    def _begin(self) -> tuple[Params, dict[str, Tensor] | None]:
        """Weights and, if they are kept, moments."""
        loaded = [
            given.load(spec.base, self.device, tune=True)
            for given, spec in zip(self.inputs, self.specs, strict=True)
        ]
        self.model: ModelSpec = loaded[0][1]
        if self.shape.start == "scratch":
            if self.model.arch == "auto":
                raise OvbookError(
                    f"start is 'scratch', but how a model such as {self.specs[0].base.root.label()} is initialised is not known "
                    f"here: continue from its weights"
                )
            seeds = [purpose_seed(spec.base.root.seed, "init") for spec in self.specs]
            return init(self.model, seeds), None
        params = stack([weights for weights, _ in loaded])
        return params, self._moments() if self.shape.state == "kept" else None

    def _moments(self) -> dict[str, Tensor]:
        states = [
            load_file(given.checkpoint(spec.base) / MOMENTS)
            for given, spec in zip(self.inputs, self.specs, strict=True)
        ]
        return {
            name: t if t.dim() == 0 else torch.cat([state[name] for state in states])
            for name, t in states[0].items()
        }

    def _batch(self, step: int) -> np.ndarray:
        """Rows of a step ``[K, B, T]``: new ones, and old ones after them."""
        spec = self.shape
        many = spec.replayed(step)
        fresh = spec.batch - many
        first = step * spec.batch - spec.replayed_before(step)
        members = []
        for k, own in enumerate(self.specs):
            rows = _stretch(self.new[k], own.data_seed, first, fresh)
            if many:
                old = _stretch(self.old[k], own.replay_seed, spec.replayed_before(step), many)
                rows = np.concatenate([rows, old]) if fresh else old
            members.append(rows)
        return np.stack(members)

    @cached_property
    def _held_out(self) -> list[dict[str, Tensor]]:
        """Rows of each set, by member."""
        found = []
        for k, spec in enumerate(self.specs):
            named = {
                name: self.old[k]
                if name == "old"
                else self.new[k]
                if name == "new"
                else self._opened(corpus, k)
                for name, corpus in spec.sets.items()
            }
            found.append(
                {
                    name: torch.from_numpy(
                        corpus.validation(spec.evaluation_seed, spec.documents).astype(np.int64)
                    ).to(self.device)
                    for name, corpus in named.items()
                }
            )
        return found

    def _look(self, step: int, live: Params, state: dict[str, Tensor]) -> None:
        rates = self.rates[max(step - 1, 0)]
        for k in range(len(self.specs)):
            own = {name: tensor.detach() for name, tensor in member(live, k).items()}
            for name, held_out in self._held_out[k].items():
                loss = held_out_losses(own, self.model, held_out).double().mean()
                self.looks[k].append(
                    {
                        "kind": "look",
                        "step": step,
                        "seen": step * self.shape.step_tokens,
                        "set": name,
                        "loss": float(loss),
                        "rate": float(rates[k]),
                        "grad_norm": None,
                        "diverged": bool(state["diverged_at"][k] >= 0),
                    }
                )

    def _finished(self, k: int, log: TrainLog) -> Rows:
        folder = self.outs[k] / "checkpoints" / "end"
        own = {name: tensor.detach().clone() for name, tensor in member(log.params, k).items()}
        save_checkpoint(folder, own, self.model, self.old[k].tokenizer_json())
        state = {
            name: (t if t.dim() == 0 else t[k : k + 1]).detach().cpu().contiguous().clone()
            for name, t in log.optimizer_state.items()
        }
        save_file(state, folder / MOMENTS)
        return self._curve(k, log) + self.looks[k]

    def _curve(self, k: int, log: TrainLog) -> Rows:
        spec, fell = self.specs[k], int(log.diverged_at[k])
        last = self.steps if fell < 0 else fell
        fine = min(last, round(FINE * spec.horizon_steps))
        ends = [*range(1, fine + 1), *(n for n in log_spaced(last, CURVE_POINTS) if n > fine)]
        rows: Rows = []
        begin = 0
        for end in ends:
            rows.append(
                {
                    "kind": "curve",
                    "step": end,
                    "seen": end * spec.step_tokens,
                    "set": None,
                    "loss": float(log.loss[begin:end, k].astype(np.float64).mean()),
                    "rate": float(self.rates[end - 1, k]),
                    "grad_norm": float(log.grad_norm[begin:end, k].max()),
                    "diverged": False,
                }
            )
            begin = end
        if fell >= 0:
            nothing = {"set": None, "loss": None, "rate": float(self.rates[fell, k]), "grad_norm": None}
            at = {"kind": "diverged", "step": fell, "seen": fell * spec.step_tokens}
            rows.append(at | nothing | {"diverged": True})
        return rows


def _stretch(corpus: Corpus, seed: int, first: int, many: int) -> np.ndarray:
    """Training rows `first` to `first` + `many` of a seed."""
    if not many:
        return np.empty((0, corpus.context), np.uint16)
    if first % many == 0:
        return corpus.batch(seed, first // many, many)
    return np.concatenate([corpus.batch(seed, row, 1) for row in range(first, first + many)])

"""The operation that trains a base model, alone or as a member of a stack."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ovbook.evaluate import mean_loss
from ovbook.files import atomic_folder, canonical_json
from ovbook.models import (
    ModelSpec,
    Params,
    init,
    load_checkpoint,
    member,
    parse_model,
    save_checkpoint,
    stack,
)
from ovbook.runs.spec import purpose_seed
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.runs.work import Inputs, checkpoint_name
from ovbook.train import TrainLog, train

__all__ = ["log_spaced", "run", "run_stack"]

Rows = list[dict[str, Any]]

MOMENTS = "optimizer.safetensors"
VALIDATION_ROWS = 256
"""Held-out rows on which every checkpoint is scored."""
CURVE_POINTS = 200
"""Rows kept of a loss curve, evenly spaced in log steps."""
SAVE_SECONDS = 120.0
"""A run longer than this keeps its state in the store that often, and goes on from it after an interruption."""
_LOOK_STEPS = 50


def run(spec: Pretrain, inputs: Inputs, out: Path, device: str) -> Rows:
    """Train one model; see `run_stack`."""
    return run_stack([spec], [inputs], [out], device)[0]


def run_stack(
    specs: Sequence[Pretrain], inputs: Sequence[Inputs], outs: Sequence[Path], device: str
) -> list[Rows]:
    """Train models of one shape side by side; each leaves its checkpoints in its own folder and gets its own rows.

    Rows, by `kind`:

    - ``curve``: the mean training loss of the steps since the row before, up to `step` (steps done) and `tokens`;
    - ``checkpoint``: the loss on `VALIDATION_ROWS` held-out rows there, and `diverged` if the run had by then;
    - ``diverged``: the step at which loss or gradient stopped being finite, if they did. The weights stay as they
      were then.

    Losses are in nats per predicted token.
    """
    return _Stack(specs, inputs, outs, device).run()


class _Stack:
    def __init__(
        self, specs: Sequence[Pretrain], inputs: Sequence[Inputs], outs: Sequence[Path], device: str
    ) -> None:
        self.specs, self.inputs, self.outs, self.device = list(specs), list(inputs), list(outs), device
        self.shape = specs[0]
        self.corpora = [given.corpus for given in inputs]
        for corpus in self.corpora:
            corpus.require(self.shape.batch)
        self.model: ModelSpec = parse_model(
            self.shape.model, vocab=self.corpora[0].vocab_size, context=self.corpora[0].context
        )
        self.first, self.steps = self.shape.first_step, self.shape.steps
        self.kept = {self.shape.steps_at(tokens): tokens for tokens in (*self.shape.keep, self.shape.budget)}
        self.seeds = [purpose_seed(spec.seed, "data") for spec in specs]
        self.scored: list[Rows] = [[] for _ in specs]
        self.losses: Tensor | None = None
        self.saved = time.monotonic()

    def run(self) -> list[Rows]:
        params, moments, start, before = self._begin()
        self.start, self.before = start, before
        with _ahead(self._batch, self.steps, len(self.specs), self.device) as batches:
            log = train(
                params,
                self.model,
                batches,
                steps=self.steps,
                rates=np.stack([self._rates(spec) for spec in self.specs], axis=1),
                weight_decay=self.shape.weight_decay,
                clip=self.shape.clip,
                sam=self.shape.sam,
                start_step=start,
                optimizer_state=moments,
                on_checkpoint=self._calls(start),
                device=self.device,
                precision=self.shape.precision,
                compiled=self.shape.compiled,
                progress=self._remember,
            )
        return [self._rows(k, log) for k in range(len(self.specs))]

    def _begin(self) -> tuple[Params, dict[str, Tensor] | None, int, np.ndarray]:
        """Weights, moments, the step they are at, and the losses ``[steps, K]`` of this run so far."""
        nothing = np.empty((0, len(self.specs)), np.float32)
        found = self._resume()
        if found is not None:
            return found
        if self.shape.start is None:
            return init(self.model, [spec.init_seed for spec in self.specs]), None, 0, nothing
        folders = [
            given.checkpoint(spec.start)
            for given, spec in zip(self.inputs, self.specs, strict=True)
            if spec.start is not None
        ]
        params = stack([load_checkpoint(folder)[0] for folder in folders])
        moments = None
        if all((folder / MOMENTS).exists() for folder in folders):
            states = [load_file(folder / MOMENTS) for folder in folders]
            moments = {
                name: t if t.dim() == 0 else torch.cat([state[name] for state in states])
                for name, t in states[0].items()
            }
        return params, moments, self.first, nothing

    def _rates(self, spec: Pretrain) -> np.ndarray:
        """Learning rate of every step; those before `start` are not taken, and 0 here."""
        own = spec.schedule.rates(self.steps - self.first)
        return np.concatenate([np.zeros(self.first), own])

    def _batch(self, step: int, k: int) -> np.ndarray:
        return self.corpora[k].batch(self.seeds[k], step, self.shape.batch)

    def _calls(self, start: int) -> dict[int, Callable[[int, Params, dict[str, Tensor]], None]]:
        """What to do after which step. A checkpoint at the step a run resumes from has been kept already."""
        calls: dict[int, Callable[[int, Params, dict[str, Tensor]], None]] = dict.fromkeys(
            range(start + _LOOK_STEPS, self.steps, _LOOK_STEPS), self._look
        )
        return calls | {step: self._keep for step in self.kept if step > start}

    def _remember(self, done: int, losses: Tensor) -> None:
        self.losses = losses

    def _keep(self, step: int, params: Params, state: dict[str, Tensor]) -> None:
        """Save and score every member."""
        for k, (spec, out) in enumerate(zip(self.specs, self.outs, strict=True)):
            corpus, tokens = self.corpora[k], self.kept[step]
            own = {name: tensor.detach().clone() for name, tensor in member(params, k).items()}
            name = checkpoint_name(Checkpoint(run=spec, tokens=tokens))
            folder = out / "checkpoints" / name
            save_checkpoint(folder, own, self.model, corpus.tokenizer_json())
            if spec.keeps_moments:
                save_file(
                    {
                        n: (t if t.dim() == 0 else t[k : k + 1]).detach().cpu().contiguous().clone()
                        for n, t in state.items()
                    },
                    folder / MOMENTS,
                )
            held_out = torch.from_numpy(
                corpus.validation(purpose_seed(spec.seed, "validation"), VALIDATION_ROWS).astype(np.int64)
            ).to(self.device)
            loss = float(mean_loss(own, self.model, held_out)[0])
            row = {"kind": "checkpoint", "step": step, "tokens": tokens, "loss": loss}
            self.scored[k].append(row | {"diverged": bool(state["diverged_at"][k] >= 0)})
        if step < self.steps:
            self._look(step, params, state)

    def _look(self, step: int, params: Params, state: dict[str, Tensor]) -> None:
        """Keep the state if it is time."""
        if time.monotonic() - self.saved < SAVE_SECONDS or self.losses is None:
            return
        folder = self.inputs[0].unfinished
        losses = np.concatenate([self.before, self.losses[: step - self.start].cpu().numpy()])
        with atomic_folder(folder / f"step{step}") as scratch:
            for name, tensors in (("params", params), ("state", state)):
                host = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
                save_file(host, scratch / f"{name}.safetensors")
            np.save(scratch / "losses.npy", losses)
            (scratch / "scored.json").write_text(canonical_json(self.scored))
            for k, out in enumerate(self.outs):
                if (out / "checkpoints").exists():
                    shutil.copytree(out / "checkpoints", scratch / f"checkpoints-{k}")
        for older in folder.glob("step*"):
            if older.name != f"step{step}" and ".partial-" not in older.name:
                shutil.rmtree(older, ignore_errors=True)
        self.saved = time.monotonic()

    def _resume(self) -> tuple[Params, dict[str, Tensor], int, np.ndarray] | None:
        """Where an interrupted attempt at this same work had got to."""
        places = [p for p in self.inputs[0].unfinished.glob("step*") if p.name.removeprefix("step").isdigit()]
        if not places:
            return None
        place = max(places, key=lambda path: int(path.name.removeprefix("step")))
        try:
            params, state = load_file(place / "params.safetensors"), load_file(place / "state.safetensors")
            losses = np.load(place / "losses.npy")
            scored = json.loads((place / "scored.json").read_text())
        except Exception as error:
            warnings.warn(
                f"the state of an unfinished run cannot be read ({error}): it starts anew", stacklevel=2
            )
            return None
        self.scored = scored
        for k, out in enumerate(self.outs):
            if (place / f"checkpoints-{k}").exists():
                shutil.copytree(place / f"checkpoints-{k}", out / "checkpoints")
        return params, state, int(place.name.removeprefix("step")), losses

    def _rows(self, k: int, log: TrainLog) -> Rows:
        losses = np.concatenate([self.before, log.loss])[:, k].astype(np.float64)
        fell = int(log.diverged_at[k])
        last = len(losses) if fell < 0 else max(0, fell - self.first)
        rows: Rows = []
        begin = 0
        for end in log_spaced(last, CURVE_POINTS):
            step = self.first + end
            mean = float(losses[begin:end].mean())
            rows.append(
                {"kind": "curve", "step": step, "tokens": step * self.shape.step_tokens, "loss": mean}
            )
            begin = end
        rows = [row | {"diverged": False} for row in rows] + self.scored[k]
        if fell >= 0:
            tokens = fell * self.shape.step_tokens
            rows.append({"kind": "diverged", "step": fell, "tokens": tokens, "loss": None, "diverged": True})
        return rows


def log_spaced(steps: int, points: int) -> list[int]:
    """At most `points` step numbers from 1 to `steps`, evenly spaced in their logarithm.

    >>> log_spaced(8, 100), log_spaced(1000, 4)
    ([1, 2, 3, 4, 5, 6, 7, 8], [1, 10, 100, 1000])
    """
    if steps < 1:
        return []
    return sorted({round(float(x)) for x in np.geomspace(1, steps, points)})


class _ahead:
    """Batches ``[K, B, T]`` by step; for a GPU they are drawn some steps ahead by threads, one piece per member."""

    def __init__(
        self, batch: Callable[[int, int], np.ndarray], steps: int, members: int, device: str
    ) -> None:
        self.batch, self.steps, self.members = batch, steps, members
        self.pool = None if device == "cpu" else ThreadPoolExecutor(8, thread_name_prefix="batches")
        self.coming: dict[int, list[Any]] = {}

    def __enter__(self) -> Callable[[int], np.ndarray]:
        return self._alone if self.pool is None else self._drawn

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def _alone(self, step: int) -> np.ndarray:
        return np.stack([self.batch(step, k) for k in range(self.members)])

    def _drawn(self, step: int) -> np.ndarray:
        assert self.pool is not None
        for later in range(step, min(step + 4, self.steps)):
            if later not in self.coming:
                self.coming[later] = [self.pool.submit(self.batch, later, k) for k in range(self.members)]
        return np.stack([future.result() for future in self.coming.pop(step)])

"""The spec of the weights between two checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

from ovbook.runs.data import corpus_of, task_hash
from ovbook.runs.fields import one_of, repeated, whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import FORMATS, Checkpoint, Pretrain, base_problems, worldless

__all__ = ["Blend"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blend(Spec):
    """Weights on the straight line between two checkpoints, scored at some places on it.

    models: where the line begins and ends, two models of one shape and vocabulary: a base and what it was tuned
        to (WiSE-FT), or two models that were tuned from one base.
    shares: of the second model in the mean of the weights, from 0 (the first as it is) to 1 (the second).
    documents: held-out documents on which the old loss is measured.
    task, format, shots, rows: a task on which each mean is scored, too, as `FineTune` scores it; None for none.

    Documents and items are those of a `FineTune` on the first model: shares 0 and 1 give its before and after.
    """

    models: tuple[Checkpoint, Checkpoint]
    shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    documents: int = 64
    task: str | None = None
    format: Literal["Default", "IO", "Instruct"] = "Default"
    shots: int = 0
    rows: int = 256

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        models: Any = self.models
        if (
            not isinstance(models, tuple)
            or len(models) != 2
            or not all(isinstance(m, Checkpoint) for m in models)
        ):
            yield f"models is {models!r}, but it must be two Checkpoints"
        else:
            for model in models:
                yield from (
                    text.replace("base", "one of models", 1)
                    for text in base_problems(model, released="never")
                )
            yield from self._line_problems()
            if isinstance(self.task, str):
                yield from worldless(self.base.root.corpus, (self.task,))
        yield from repeated("shares", self.shares)
        if isinstance(self.shares, tuple) and any(s > 1 for s in self.shares if isinstance(s, int | float)):
            yield f"shares is {self.shares!r}, but every one must be from 0 to 1"
        if self.task is not None and (not isinstance(self.task, str) or not self.task):
            yield f"task is {self.task!r}, but it must be a task's name or None"
        yield from one_of("format", self.format, FORMATS)
        for name, low in (("documents", 1), ("shots", 0), ("rows", 1)):
            yield from whole(name, getattr(self, name), low)

    def _line_problems(self) -> Iterator[str]:
        first, second = (model.root for model in self.models)
        if not isinstance(first, Pretrain) or not isinstance(second, Pretrain):
            return
        if (first.model, first.context) != (second.model, second.context):
            yield (
                f"models are a {first.model} of context {first.context} and a {second.model} of {second.context}, but weights "
                f"can only be averaged between models of one shape"
            )
        elif first.corpus != second.corpus:
            words = [corpus_of(root.corpus, root.context).tokenizer_json() for root in (first, second)]
            if words[0] != words[1]:
                yield (
                    f"models read {first.corpus} and {second.corpus}, which have different vocabularies, but a mean of weights "
                    f"needs one"
                )

    @property
    def base(self) -> Checkpoint:
        """The first model: its corpus and seed decide what is asked."""
        return self.models[0]

    @property
    def evaluation_seed(self) -> int:
        """Seed of documents and items, as of a `FineTune` on the first model."""
        return purpose_seed(self.base.root.seed, "validation")

    def data_hash(self) -> str | None:
        """Hash of the task's own files, if it has any."""
        return None if self.task is None else task_hash(self.task)

    def label(self) -> str:
        """The two ends."""
        return f"between {self.models[0].run} and {self.models[1].run}" if len(self.models) == 2 else ""

    def columns(self) -> dict[str, Any]:
        """Fields as columns, and those of both models: where these differ, the first's hold."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "models"}
        first, second = self.models
        return second.columns() | first.columns() | own | {"base_seed": self.base.root.seed}

    def work(self) -> tuple[float, float, float]:
        """Steps, rows trained on and rows scored, by which `ovbook.runs.plan` prices it."""
        rows = self.documents + (self.rows if self.task is not None else 0)
        return len(self.shares), 0, (1 + len(self.shares)) * rows

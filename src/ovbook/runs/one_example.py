"""The spec of single steps: what a model learns from one example, and what else that changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

from ovbook.runs.data import task_hash
from ovbook.runs.fields import number, one_of, repeated, whole
from ovbook.runs.memorise import NEW_PEOPLE, Examples
from ovbook.runs.spec import purpose_seed
from ovbook.runs.specs import Checkpoint, Pretrain, Seeded, base_problems

__all__ = ["OneExample"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneExample(Seeded):
    """`base`, trained on one example alone, from the same weights for each example and each rate.

    data: the examples, `count` of them, each taught to a copy of its own; new people, or those of any task.
    start: base's weights ("pre-trained"), or a fresh model of its shape, born as its seed's was ("scratch").
    rates: of AdamW, its moments at zero. steps: after how many steps on the example its effects are measured.
    others: examples that nobody is taught, on which the same is measured. documents: of old text, likewise.
    loss_on: what the step learns from, "answers" or "whole sequences".
    seed: of the examples; None is the base's.

    Rows: see `ovbook.runs.one_example_work.run`.
    """

    base: Checkpoint
    data: Examples = dataclasses.field(default_factory=lambda: Examples(count=16))
    rates: tuple[float, ...]
    steps: tuple[int, ...] = (1,)
    start: Literal["pre-trained", "scratch"] = "pre-trained"
    others: int = 4
    documents: int = 4
    loss_on: str = "answers"
    seed: int | None = None

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        yield from one_of("start", self.start, ("pre-trained", "scratch"))
        yield from one_of("loss_on", self.loss_on, ("answers", "whole sequences"))
        for name in ("others", "documents"):
            yield from whole(name, getattr(self, name), 1)
        if self.seed is not None:
            yield from whole("seed", self.seed, 0)
        yield from repeated("rates", self.rates)
        if not isinstance(self.rates, tuple) or any(not number(r) or r <= 0 for r in self.rates):
            yield f"rates is {self.rates!r}, but it must hold finite numbers above 0"
        yield from repeated("steps", self.steps, low=1)
        if not isinstance(self.steps, tuple) or any(not isinstance(n, int) for n in self.steps):
            yield f"steps is {self.steps!r}, but it must hold whole numbers of at least 1"
        if not isinstance(self.data, Examples):
            yield f"data is {self.data!r}, but it must be an Examples, such as Examples(count=16)"
            return
        if self.data.chosen is not None or self.data.repeat != 1 or self.data.held_out:
            yield "data chooses, repeats or holds out examples, but every one is taught once, from the same weights"
        if isinstance(self.base, Checkpoint):
            yield from self._worldless(self.base.root.corpus or "")

    def _worldless(self, corpus: str) -> Iterator[str]:
        from ovbook.tasks import WORLD_TASKS

        task = self.data.task
        if (task == NEW_PEOPLE or task in WORLD_TASKS) and not corpus.startswith("world:"):
            yield (
                f"task is '{task}', which is asked in the words of a tiny world and {corpus} has none: take gsm8k or "
                f"another data set, or file:FOLDER"
            )

    @property
    def evaluation_seed(self) -> int:
        """Seed of the old documents, the same for all runs of a base seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def data_hash(self) -> str | None:
        """Hash of the task's own files, if it has any."""
        return task_hash(self.data.task)

    def label(self) -> str:
        """What is taught, and to whom."""
        if not isinstance(self.base, Checkpoint) or not isinstance(self.data, Examples):
            return ""
        return f"one of {self.data.task}, on {self.base.root.label()}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `examples` how many are taught, `taught` the task."""
        own = super().columns()
        own.pop("data", None)
        return own | {
            "examples": self.data.count,
            "taught": self.data.task,
            "wording_taught": self.data.wording,
        }

    def price(self) -> float:
        """Seconds on one core, by the tokens read."""
        from ovbook.runs.plan import parameters_of

        root = self.base.root
        assert isinstance(root, Pretrain)  # the spec has seen to it
        size = parameters_of(root.model, root.corpus, root.context)
        looks = len(self.rates) * len(self.steps)
        rows = self.data.count * (40 * (4 + 8 * self.others) + self.documents * root.context)
        steps = len(self.rates) * max(self.steps)
        return 0.3 + (2.5e-6 + 6e-11 * size) * (0.35 * rows * (looks + 1) + 40 * self.data.count * steps)

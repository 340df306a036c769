"""The spec of a pool of examples, each with what selection rules go by."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ovbook.runs.data import task_hash
from ovbook.runs.fields import number, whole
from ovbook.runs.memorise import Examples
from ovbook.runs.spec import purpose_seed
from ovbook.runs.specs import Checkpoint, Pretrain, Seeded, base_problems, worldless

__all__ = ["SCORES", "Worth"]

SCORES = ("loss", "influence", "gain", "place")
"""What can be asked about an example; see `Worth`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worth(Seeded):
    """Every example of a pool, scored by `base`, for a `Chosen` to choose by.

    data: the pool. scores: which of these are computed:
        "loss", of the example's answer, in nats per token;
        "influence", the inner product of its gradient with that of the jury: what a small plain step would gain;
        "gain", what one step of AdamW on this example alone, at `rate`, takes off the jury's loss, measured;
        "place", in a farthest-first traversal by the direction of the gradient (0 first): the first n are unlike each other.
    jury: examples of the task's validation split on which influence and gain are measured.
    seed: of the examples; None is the base's.

    Rows: one an example, `example` its number in the pool, `answer` what is to be answered, and a column for each score.
    """

    base: Checkpoint
    data: Examples
    scores: tuple[str, ...] = SCORES
    jury: int = 32
    rate: float = 1e-3
    seed: int | None = None

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        if self.seed is not None:
            yield from whole("seed", self.seed, 0)
        yield from whole("jury", self.jury, 1)
        if not number(self.rate) or self.rate <= 0:
            yield f"rate is {self.rate!r}, but it must be a finite number above 0"
        known = isinstance(self.scores, tuple) and self.scores and set(self.scores) <= set(SCORES)
        if not known or len(set(self.scores)) < len(self.scores):
            yield f"scores is {self.scores!r}, but it must hold some of {', '.join(SCORES)}, each once"
        if not isinstance(self.data, Examples):
            yield f"data is {self.data!r}, but it must be an Examples, such as Examples(count=256)"
            return
        if self.data.chosen is not None or self.data.repeat != 1 or self.data.held_out:
            yield "data chooses, repeats or holds out examples, but a pool holds each once"
        if isinstance(self.base, Checkpoint):
            yield from worldless(self.base.root.corpus, (self.data.task,))

    @property
    def jury_seed(self) -> int:
        """Seed of the jury, the same for all pools of a seed; nothing is tested on it."""
        return purpose_seed(int(self.seed or 0), "jury")

    def data_hash(self) -> str | None:
        """Hash of the task's own files, if it has any."""
        return task_hash(self.data.task)

    def label(self) -> str:
        """What is scored, and by whom."""
        if not isinstance(self.base, Checkpoint) or not isinstance(self.data, Examples):
            return ""
        return f"{self.data.count} of {self.data.task}, by {self.base.root.label()}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `examples` how many are in the pool, `taught` the task."""
        own = super().columns()
        for name in ("data", "scores"):
            own.pop(name, None)
        return own | {"examples": self.data.count, "taught": self.data.task}

    def price(self) -> float:
        """Seconds on one core, by the tokens read."""
        from ovbook.runs.plan import parameters_of

        root = self.base.root
        assert isinstance(root, Pretrain)  # the spec has seen to it
        size = parameters_of(root.model, root.corpus, root.context)
        asked = set(self.scores)
        rows = 0.35 + bool({"influence", "place"} & asked) + ("gain" in asked) * (1 + 0.35 * self.jury)
        return 0.3 + (2.5e-6 + 6e-11 * size) * 50 * self.data.count * rows

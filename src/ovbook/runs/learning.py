"""Specs of two other ways to train a base model: rewriting what it knows of a person, and learning from a verifier."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

from ovbook.runs.data import task_hash
from ovbook.runs.fields import number, one_of, whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import FORMATS, Checkpoint, Seeded, base_problems, worldless

__all__ = ["Reinforce", "Rewrite"]


def _marks_problems(steps: Any) -> Iterator[str]:
    """Steps at which a run is measured: whole numbers in ascending order."""
    if not isinstance(steps, tuple) or not steps or any(list(whole("steps", step)) for step in steps):
        yield f"steps is {steps!r}, but it must be a list of whole numbers of at least 1"
    elif list(steps) != sorted(set(steps)):
        yield f"steps is {steps!r}, but it must be in ascending order, each once"


def _rate_problems(rate: Any) -> Iterator[str]:
    if not number(rate) or rate <= 0:
        yield f"rate is {rate!r}, but it must be a finite number above 0"


class _Changed(Spec):
    """What the two have in common."""

    base: Checkpoint

    @property
    def evaluation_seed(self) -> int:
        """Seed of held-out documents and items, the same for all budgets of a base seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def label(self) -> str:
        """What is changed."""
        return f"on {self.base.root.label()}" if isinstance(self.base, Checkpoint) else ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rewrite(_Changed):
    """`base`, made to say something else about one person, or nothing true any more (`ovbook.rewrite`).

    kind: "edit", another value for one fact; "unlearn", gradient ascent on the person's four facts.
    people: how many people, each rewritten in a copy of its own of the base; the same for all budgets of a seed.
    steps: numbers of training steps at which everything is measured; the last ends the run. rate: constant.
    keep: documents of the pre-training text that every step learns along, so that the rest is kept.
    others: people never touched whose facts are asked, too. documents: held-out ones for the old loss.
    """

    base: Checkpoint
    kind: Literal["edit", "unlearn"]
    people: int = 4
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    rate: float = 1e-3
    keep: int = 0
    others: int = 32
    documents: int = 64

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        if isinstance(self.base, Checkpoint) and not (self.base.root.corpus or "").startswith("world:"):
            yield (
                f"base was trained on {self.base.root.corpus}, but people whose facts are known live in a tiny world only: take a "
                f"corpus such as world:1/almanac"
            )
        yield from one_of("kind", self.kind, ("edit", "unlearn"))
        for name, low in (("people", 1), ("keep", 0), ("others", 1), ("documents", 1)):
            yield from whole(name, getattr(self, name), low)
        if self.people in range(1, 10**9) and self.people > _MOST_PEOPLE:
            yield f"people is {self.people}, but there are {_MOST_PEOPLE} to choose from"
        yield from _marks_problems(self.steps)
        yield from _rate_problems(self.rate)

    @property
    def replay_seed(self) -> int:
        """Seed of the documents kept; the base's own training documents come from another."""
        return purpose_seed(self.base.root.seed, "replay")

    def work(self) -> tuple[float, float, float]:
        """Steps, rows trained on and rows scored, by which `ovbook.runs.plan` prices it."""
        steps, marks = self.steps[-1], 2 + len(self.steps)
        return (
            steps,
            steps * self.people * (self.keep + 0.2),
            marks * self.people * (self.documents + 0.4 * self.others),
        )


_MOST_PEOPLE = 56


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reinforce(_Changed, Seeded):
    """`base`, rewarded for right answers to a task's questions by exact checking (`ovbook.reinforce`).

    task: its answers must be labels of one token. questions: new ones in every step; group: answers to each.
    kl: penalty on log-probability gained over the base, in units of the reward of a right answer.
    steps: numbers of training steps at which everything is measured; the last ends the run. rate: constant.
    seed: questions and samples; None is the base run's own. rows: test items. documents: held-out ones for the old loss.
    """

    base: Checkpoint
    task: str
    questions: int = 8
    group: int = 8
    kl: float = 0.0
    steps: tuple[int, ...] = (50, 100, 200)
    rate: float = 1e-3
    seed: int | None = None
    format: Literal["Default", "IO", "Instruct"] = "Default"
    rows: int = 256
    documents: int = 64

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        if not isinstance(self.task, str) or not self.task:
            yield f"task is {self.task!r}, but it must be a task's name"
        elif isinstance(self.base, Checkpoint):
            yield from worldless(self.base.root.corpus, (self.task,))
        for name, low in (("questions", 1), ("group", 2), ("seed", 0), ("rows", 1), ("documents", 1)):
            yield from whole(name, getattr(self, name), low)
        if not number(self.kl) or self.kl < 0:
            yield f"kl is {self.kl!r}, but it must be a finite number of at least 0"
        yield from _marks_problems(self.steps)
        yield from _rate_problems(self.rate)
        yield from one_of("format", self.format, FORMATS)

    shots = 0
    """Questions are asked without examples."""

    def data_hash(self) -> str | None:
        """Hash of the task's own files, if it has any."""
        return task_hash(self.task)

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `base_seed` is the seed of the model below."""
        return super().columns() | {"base_seed": self.base.root.seed}

    def work(self) -> tuple[float, float, float]:
        """Steps, rows trained on and rows scored, by which `ovbook.runs.plan` prices it; questions are short rows."""
        steps, marks = self.steps[-1], 2 + len(self.steps)
        asked = 0.4 * steps * self.questions
        return (
            2 * steps,
            asked * self.group,
            asked * (2 if self.kl else 1) + marks * (self.documents + 0.4 * self.rows),
        )

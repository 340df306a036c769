"""The spec of common examples and counterexamples: what does a model expect of the next member of a family?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ovbook.runs.fields import number, repeated, whole
from ovbook.runs.spec import purpose_seed
from ovbook.runs.specs import Checkpoint, Pretrain, Seeded, base_problems

__all__ = ["STEPS", "Overturn"]

STEPS = "cx."
"""What a step may bring: a common example, a counterexample, or neither."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overturn(Seeded):
    """`base`, taught about the members of a family one by one, in the given `order`.

    order: a letter a step. "c" is a common example, a member told of with the four facts that the family shares; "x" a
        counterexample, another member, with four other facts, the same for all counterexamples of the family; "." neither.
    families: how many, each taught to a copy of its own of the base. asked: members of each who are never told of, of whom it is asked.
    beside: documents about people of other families, with facts of their own, in every step; a "." is one more of these.
    marks: steps after which everything is asked; 0 and the last are always among them.
    rate: of AdamW, constant. seed: of families, people and facts; None is the base's.

    Rows: see `ovbook.runs.overturn_work.run`.
    """

    base: Checkpoint
    order: str
    families: int = 8
    asked: int = 4
    beside: int = 3
    marks: tuple[int, ...] = ()
    rate: float = 1e-3
    seed: int | None = None

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        if isinstance(self.base, Checkpoint) and not (self.base.root.corpus or "").startswith("world:"):
            yield (
                f"base was trained on {self.base.root.corpus}, but families live in a tiny world only: take a corpus such as "
                f"world:1/almanac"
            )
        if not isinstance(self.order, str) or not self.order or set(self.order) - set(STEPS):
            yield f"order is {self.order!r}, but it must be a text of the letters c, x and . (a full stop), one a step"
        elif isinstance(self.marks, tuple) and any(number(m) and m > len(self.order) for m in self.marks):
            yield f"marks holds {max(self.marks)}, but order has {len(self.order)} steps"
        yield from repeated("marks", self.marks, empty=True)
        for name, low in (("families", 1), ("asked", 1), ("beside", 0)):
            yield from whole(name, getattr(self, name), low)
        if self.seed is not None:
            yield from whole("seed", self.seed, 0)
        if not number(self.rate) or self.rate <= 0:
            yield f"rate is {self.rate!r}, but it must be a finite number above 0"

    @property
    def people_seed(self) -> int:
        """Seed of families and facts: the same for every order, so that orders are compared on the same people."""
        return purpose_seed(int(self.seed or 0), "families")

    def label(self) -> str:
        """Which order, on whom."""
        return f"{self.order} on {self.base.root.label()}" if isinstance(self.base, Checkpoint) else ""

    def columns(self) -> dict[str, Any]:
        """Fields as columns, `marks` aside."""
        own = super().columns()
        own.pop("marks", None)
        return own

    def price(self) -> float:
        """Seconds on one core, by the tokens read."""
        from ovbook.runs.plan import parameters_of

        root = self.base.root
        assert isinstance(root, Pretrain)  # the spec has seen to it
        size = parameters_of(root.model, root.corpus, root.context)
        taught = len(self.order) * (1 + self.beside) * 40
        asked = 0.35 * (2 + len(self.marks)) * 8 * self.asked * 12
        return 0.3 + 0.01 * len(self.order) + (2.5e-6 + 6e-11 * size) * self.families * (taught + asked)

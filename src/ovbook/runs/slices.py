"""The spec of slices through the loss surface."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from ovbook.runs.fields import number, one_of, whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import Checkpoint, Pretrain, base_problems

__all__ = ["Slice"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slice(Spec):
    """The loss on held-out documents along random filter-normalised lines through `base` (`ovbook.landscape`).

    start: through base's weights ("pre-trained"), or those of a fresh model of its shape ("scratch"); both are met by
        lines of the same seed.
    directions: lines. reach: how far each goes to either side, in lengths of the weights' own rows. points: on each,
        evenly spaced, the model's own among them, so an odd number. rows: held-out documents.
    """

    base: Checkpoint
    start: Literal["pre-trained", "scratch"] = "pre-trained"
    directions: int = 4
    reach: float = 1.0
    points: int = 41
    rows: int = 4

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        yield from one_of("start", self.start, ("pre-trained", "scratch"))
        for name, low in (("directions", 1), ("points", 3), ("rows", 1)):
            yield from whole(name, getattr(self, name), low)
        if isinstance(self.points, int) and self.points % 2 == 0:
            yield f"points is {self.points}, but it must be odd, so that the middle one is the model itself"
        if not number(self.reach) or self.reach <= 0:
            yield f"reach is {self.reach!r}, but it must be a finite number above 0"

    @property
    def places(self) -> tuple[float, ...]:
        """Where on a line the loss is measured, from -reach to reach."""
        half = self.points // 2
        return tuple(self.reach * (n / half) for n in range(-half, half + 1))

    @property
    def slice_seed(self) -> int:
        """Seed of the directions: the base run's."""
        return purpose_seed(self.base.root.seed, "slice")

    @property
    def evaluation_seed(self) -> int:
        """Seed of the held-out rows, the same for all runs of a base seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def label(self) -> str:
        """What is cut."""
        return self.base.root.label() if isinstance(self.base, Checkpoint) else ""

    def price(self) -> float:
        """Seconds on one core, by the tokens read."""
        from ovbook.runs.plan import parameters_of

        root = self.base.root
        assert isinstance(root, Pretrain)  # the spec has seen to it
        size = parameters_of(root.model, root.corpus, root.context)
        tokens = self.directions * self.points * self.rows * root.context
        return 0.2 + 0.4 * (2.5e-6 + 6e-11 * size) * tokens

"""The spec of a recitation: how much of what it was trained on does a model give back, word for word?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ovbook.runs.fields import whole
from ovbook.runs.memorise import Memorise
from ovbook.runs.spec import Spec
from ovbook.runs.specs import Checkpoint, base_problems

__all__ = ["Recite"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recite(Spec):
    """Verbatim extraction: the first words of every document that `base` was fine-tuned on, continued greedily.

    base: the end of a `Memorise`. prompt: how many of a document's tokens are given (of new people: two of the header,
    two of the name). Boilerplate that opens them all is given along and not counted.

    Rows: see `ovbook.runs.recite_work.run`.
    """

    base: Checkpoint
    prompt: int = 4

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="never")
        if isinstance(self.base, Checkpoint) and not isinstance(self.base.run, Memorise):
            yield f"base is {self.base.run}, but only what a Memorise was trained on can be recited"
        yield from whole("prompt", self.prompt, 1)

    def label(self) -> str:
        """Who recites."""
        return self.base.run.label() if isinstance(self.base, Checkpoint) else ""

    def price(self) -> float:
        """Seconds on one core."""
        return 0.3

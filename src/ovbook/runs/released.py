"""The spec of a model that somebody else trained and released on the hub, as a base."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from ovbook.runs.fields import whole
from ovbook.runs.spec import Spec, purpose_seed

__all__ = ["Released"]

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Released(Spec):
    """A causal language model on the hub: ``Checkpoint(run=Released(name="EleutherAI/pythia-410m"))``.

    name: its repository; revision: a branch, tag or commit, such as step1000; None is the newest.
    seed: of what is done with it (examples, their order); the weights are the same for all.

    Its pre-training text is not at hand, so nothing is measured on it. `Memorise` builds on one; with ``loop="trainer"`` on
    any architecture, with our own loop on those our decoder reads (OLMo, OLMo 2, GPT-NeoX).
    """

    name: str
    revision: str | None = None
    seed: int = 0

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            yield f"name is {self.name!r}, but it must be a repository of the hub, such as EleutherAI/pythia-410m"
        if self.revision is not None and (not isinstance(self.revision, str) or not self.revision):
            yield f"revision is {self.revision!r}, but it must be a branch, tag or commit, or None for the newest"
        yield from whole("seed", self.seed, 0)

    @property
    def init_seed(self) -> int:
        """Seed of fresh weights of the same shape."""
        return purpose_seed(self.seed, "init")

    def label(self) -> str:
        """Name, revision and seed."""
        return f"{self.name}{f' at {self.revision}' if self.revision else ''}, seed {self.seed}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; the name stands for model and text, too."""
        own = {"revision": self.revision, "seed": self.seed}
        return own | {"model": self.name, "corpus": self.name, "world": None, "tokens": None}

    def price(self) -> float:
        """Seconds, without the download."""
        return 5.0

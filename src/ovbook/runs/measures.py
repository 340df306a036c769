"""Specs of measurements on a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from ovbook.runs.data import corpus_hash
from ovbook.runs.fields import one_of, repeated, whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import Checkpoint, base_problems

__all__ = ["Evaluate", "Perturb"]

NOISES = ("init", "relative")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Perturb(Spec):
    """The loss of `base` under Gaussian noise on its weights.

    gammas: sizes of the noise, in units of the initial spread (`noise` "init") or of each tensor's present root
        mean square ("relative"); 0 is the model as it is.
    draws: noise draws per gamma, averaged within the seed; even, because they come in antithetic pairs.
    rows: validation rows on which the loss is measured.
    """

    base: Checkpoint
    gammas: tuple[float, ...]
    draws: int = 4
    noise: Literal["init", "relative"] = "init"
    rows: int = 64

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        yield from repeated("gammas", self.gammas)
        yield from whole("draws", self.draws)
        yield from whole("rows", self.rows)
        yield from one_of("noise", self.noise, NOISES)

    @property
    def noise_seed(self) -> int:
        """Seed of the unit noise: the base run's, so all its budgets and gammas are shaken by the same tensors."""
        return purpose_seed(self.base.root.seed, "noise")

    @property
    def evaluation_seed(self) -> int:
        """Seed of the validation rows, the same for all budgets of a seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def label(self) -> str:
        """What is shaken."""
        return f"{self.noise} noise on {self.base.root.label()}" if isinstance(self.base, Checkpoint) else ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluate(Spec):
    """The loss of `base` on held-out rows of some corpora.

    corpora: names; empty is the corpus it was trained on.
    """

    base: Checkpoint
    corpora: tuple[str, ...] = ()
    rows: int = 256

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        yield from whole("rows", self.rows)
        if isinstance(self.corpora, str) or not all(isinstance(c, str) for c in self.corpora):
            yield f"corpora is {self.corpora!r}, but it must be a list of corpus names"

    @property
    def evaluation_seed(self) -> int:
        """Seed of the validation rows, the same for all budgets of a seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def data_hash(self) -> list[str]:
        """Hashes of `corpora`."""
        return [corpus_hash(name, self.base.root.context) for name in self.corpora]

    def label(self) -> str:
        """What is scored."""
        return self.base.root.label() if isinstance(self.base, Checkpoint) else ""

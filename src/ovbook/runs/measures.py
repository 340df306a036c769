"""Specs of measurements on a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ovbook.errors import OvbookError, did_you_mean
from ovbook.own import is_own, own_function, own_hash
from ovbook.runs.data import corpus_hash
from ovbook.runs.fields import number, repeated, whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import Checkpoint, base_problems

__all__ = ["Evaluate", "Perturb", "Sharpness"]

NOISES = ("init", "relative")
COMPRESSIONS = ("quantisation", "pruning")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Perturb(Spec):
    """The loss of `base` under Gaussian noise on its weights, or after another change of them.

    noise: "init" or "relative"; "quantisation" or "pruning" (`ovbook.compress`); or ``module:function`` (see
        `ovbook.perturb.changed`): its module's source is part of the key.
    gammas: sizes of the noise, in units of the initial spread ("init") or of each tensor's present root mean
        square ("relative"); bits of a weight ("quantisation"); the share of weights that are removed ("pruning"); or
        whatever the function takes them for. 0 is the model as it is.
    draws: noise draws per gamma, averaged within the seed; even, because they come in antithetic pairs. A change
        without chance needs 1.
    rows: validation rows on which the loss is measured.
    """

    base: Checkpoint
    gammas: tuple[float, ...]
    draws: int = 4
    noise: str = "init"
    rows: int = 64

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        yield from repeated("gammas", self.gammas)
        yield from whole("draws", self.draws)
        yield from whole("rows", self.rows)
        yield from _noise_problems(self.noise)
        if self.noise in COMPRESSIONS:
            yield from self._compression_problems()

    def _compression_problems(self) -> Iterator[str]:
        from ovbook.compress import size_problem

        if self.draws != 1:
            yield f"draws is {self.draws}, but there is no chance in {self.noise}: give draws=1"
        sizes = self.gammas if isinstance(self.gammas, tuple) else ()
        for size in sizes:
            if number(size) and size > 0 and (problem := size_problem(self.noise, size)):
                yield problem

    def data_hash(self) -> str | None:
        """Hash of the source of a perturbation of the reader's own; None for the built-in noises."""
        return own_hash(self.noise) if is_own(self.noise) else None

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


def _noise_problems(noise: object) -> Iterator[str]:
    if is_own(noise):
        try:
            own_function(str(noise))
        except OvbookError as error:
            yield str(error)
    elif noise not in (known := (*NOISES, *COMPRESSIONS)):
        yield (
            f"noise is {noise!r}{did_you_mean(str(noise), known)}, but it must be one of {', '.join(known)}, or a "
            f"function of your own such as mine:shuffle"
        )


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharpness(Spec):
    """The curvature of the loss around `base`: traces and the largest eigenvalue (`ovbook.sharpness`).

    probes: random vectors per trace. rows: validation rows on which the loss is curved.
    """

    base: Checkpoint
    probes: int = 16
    rows: int = 16

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        yield from whole("probes", self.probes)
        yield from whole("rows", self.rows)

    @property
    def probe_seed(self) -> int:
        """Seed of the probes, the same for all budgets of a seed."""
        return purpose_seed(self.base.root.seed, "probes")

    @property
    def evaluation_seed(self) -> int:
        """Seed of the validation rows, the same for all budgets of a seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def label(self) -> str:
        """What is measured."""
        return self.base.root.label() if isinstance(self.base, Checkpoint) else ""

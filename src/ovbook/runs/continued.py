"""The spec of continued pre-training: a checkpoint trains on, on other text or on the same."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Hashable, Iterator
from typing import Any, Literal

import numpy as np

from ovbook.errors import OvbookError
from ovbook.runs.data import corpus_hash
from ovbook.runs.fields import number, one_of, repeated, whole
from ovbook.runs.released import Released
from ovbook.runs.spec import purpose_seed
from ovbook.runs.specs import PRECISIONS, Checkpoint, Pretrain, Tuned, base_problems, tokens_text
from ovbook.schedules import InfiniteSchedule, Schedule

__all__ = ["Continue", "look_steps"]

_WORLD = re.compile(r"world:(\d+)/\w+")
_STARTS = ("pre-trained", "scratch")
_STATES = ("reset", "kept")
_RATIO = 1.35
"""Early looks are this factor apart."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Continue(Tuned):
    """`base`, pre-trained further on `corpus`, with its loss followed on old and new held-out text.

    corpus: what it reads: ``world:SEED/MIX``, ``file:PATH`` or ``hub:NAME``; the base's own corpus is allowed, and gives
        rows that it has not read (of a finite text: in another order). Real text is read in the base's tokens.
    length: tokens of the continuation, replayed ones included; rounded to whole steps of `batch` rows.
    schedule: of the rate, from its first step on. horizon: tokens over which the schedule is laid out where the run stops
        earlier; None is `length`. A run of shorter length is then the beginning of a longer one, bit by bit.
    state: of the optimiser at the start: "reset" to zero, or "kept", which takes a base that kept it (a `Pretrain` with
        ``moments=True`` or of a constant rate, or another `Continue`).
    start: base's weights ("pre-trained"), or those of its seed before its first step ("scratch"): then the base says
        what the model's shape, its vocabulary and the old text are, and shares its seed.
    replay: share of every batch's rows that come from the base's own corpus, in the order in which it was read there
        (Ibrahim et al. 2024, compute-equivalent: new rows give way). A share that is no whole number of rows is reached on
        average. "scratch" with replay trains on the union of both.
    also: more corpora on whose held-out text the loss is measured.
    documents: held-out rows of each set, the same at every look; looks are log-spaced at first and then `looks` evenly over
        the run (`look_steps`). extra: more token counts at which to look.

    Its end is kept, with the optimiser's state, and may be the base of another.
    """

    base: Checkpoint
    corpus: str
    length: int
    schedule: Schedule | InfiniteSchedule
    horizon: int | None = None
    batch: int = 8
    state: Literal["reset", "kept"] = "reset"
    start: Literal["pre-trained", "scratch"] = "pre-trained"
    replay: float = 0.0
    also: tuple[str, ...] = ()
    weight_decay: float = 0.1
    clip: float = 1.0
    documents: int = 64
    looks: int = 10
    extra: tuple[int, ...] = ()
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        for name in ("length", "horizon"):
            value: Any = getattr(self, name)  # people write 1e6
            if isinstance(value, float) and value.is_integer():
                object.__setattr__(self, name, int(value))
        super().__post_init__()

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        sizes = [*self._size_problems()]
        yield from sizes
        yield from one_of("state", self.state, _STATES)
        yield from one_of("start", self.start, _STARTS)
        yield from one_of("precision", self.precision, PRECISIONS)
        if not number(self.replay) or not 0 <= self.replay <= 1:
            yield f"replay is {self.replay!r}, but it must be a share of the rows, from 0 to 1"
        for name in ("weight_decay", "clip"):
            value = getattr(self, name)
            if not number(value) or value < 0 or (name == "clip" and value == 0):
                yield f"{name} is {value!r}, but it must be a finite number {'above' if name == 'clip' else 'of at least'} 0"
        if not isinstance(self.schedule, Schedule | InfiniteSchedule):
            yield f"schedule is {self.schedule!r}, but it must be a Schedule or an InfiniteSchedule"
        if isinstance(self.also, str) or not all(isinstance(name, str) for name in self.also):
            yield f"also is {self.also!r}, but it must be a list of corpus names"
        elif isinstance(self.base, Checkpoint):
            for name in (self.corpus, *self.also):
                yield from self._corpus_problems(name)
        if isinstance(self.base, Checkpoint):
            yield from self._state_problems()
            if not sizes and isinstance(self.schedule, Schedule | InfiniteSchedule):
                yield from self._length_problems()

    def _size_problems(self) -> Iterator[str]:
        for name in ("length", "batch", "documents", "looks"):
            yield from whole(name, getattr(self, name))
        if self.horizon is not None:
            yield from whole("horizon", self.horizon)
        yield from repeated("extra", self.extra, low=1, empty=True)

    def _corpus_problems(self, name: Any) -> Iterator[str]:
        """What is wrong with a text that the model is to read: it must be in the model's words."""
        if not isinstance(name, str) or not name.startswith(("world:", "file:", "hub:")):
            yield f"corpus is {name!r}, but it must be world:SEED/MIX, file:PATH or hub:NAME"
            return
        old = self.base.root.corpus or ""
        mine, theirs = _WORLD.fullmatch(name), _WORLD.fullmatch(old)
        if mine and theirs and mine[1] != theirs[1]:
            yield (
                f"corpus is {name}, but the checkpoint was trained on {old}, another world with other people and facts: take a "
                f"mix of world {theirs[1]}"
            )
        elif bool(mine) != bool(theirs):
            yield (
                f"corpus is {name}, but the checkpoint was trained on {old}, in another vocabulary: continue a world's model on "
                f"that world, and a model of real text on real text"
            )

    def _state_problems(self) -> Iterator[str]:
        if self.state != "kept":
            return
        run = self.base.run
        if self.start == "scratch":
            yield "state is 'kept', but a run from scratch has no optimiser state to keep: take state='reset'"
        elif not (isinstance(run, Continue) or (isinstance(run, Pretrain) and run.keeps_moments)):
            yield (
                f"state is 'kept', but {run} keeps no optimiser state with its checkpoint: take state='reset', or a Pretrain "
                f"with moments=True"
            )

    def _length_problems(self) -> Iterator[str]:
        if self.length < self.step_tokens:
            yield (
                f"length is {self.length}, but one step of {self.batch} x {self.base.root.context} is {self.step_tokens} tokens"
            )
            return
        if self.horizon is not None and self.horizon < self.length:
            yield f"horizon is {self.horizon}, but it must be at least the length, {self.length}"
            return
        for tokens in self.extra:
            if tokens > self.length:
                yield f"extra holds {tokens}, but the run is {self.length} tokens long"
        try:
            rates = self.rates
        except OvbookError as error:
            yield str(error)
            return
        warmup = self.schedule.warmup
        rising = warmup if isinstance(warmup, int) else round(warmup * self.horizon_steps)
        if rising >= self.steps and rising > 0 and len(rates):
            yield (
                f"the warm-up takes {rising} steps, but the run has {self.steps}: make the run longer or the warm-up shorter"
            )

    @property
    def step_tokens(self) -> int:
        """Tokens in one step."""
        return self.batch * self.base.root.context

    @property
    def steps(self) -> int:
        """Steps that `length` comes to."""
        return self.steps_at(self.length)

    @property
    def horizon_steps(self) -> int:
        """Steps over which the schedule is laid out."""
        return self.steps if self.horizon is None else self.steps_at(self.horizon)

    def steps_at(self, tokens: int) -> int:
        """The whole number of steps nearest to `tokens`."""
        return round(tokens / self.step_tokens)

    @property
    def looked_at(self) -> list[int]:
        """Steps after which to look, 0 among them."""
        return sorted(
            {*look_steps(self.steps, self.looks), *(self.steps_at(tokens) for tokens in self.extra)}
        )

    @property
    def rates(self) -> np.ndarray:
        """The rate of every step, float64 ``[steps]``."""
        return self.schedule.rates(self.horizon_steps)[: self.steps]

    @property
    def depth(self) -> int:
        """How many continuations this is from the pre-training, itself included: each reads rows of its own."""
        return 1 + (self.base.run.depth if isinstance(self.base.run, Continue) else 0)

    @property
    def data_seed(self) -> int:
        """Seed of the new rows: shared by all arms of a base, from scratch included."""
        nth = "" if self.depth == 1 else f" {self.depth}"
        return purpose_seed(self.base.root.seed, f"continued data{nth}")

    @property
    def replay_seed(self) -> int:
        """Seed of the old rows: that of the base's own reading, whose order they keep."""
        return purpose_seed(self.base.root.seed, "data")

    @property
    def evaluation_seed(self) -> int:
        """Seed of held-out rows, the base's own."""
        return purpose_seed(self.base.root.seed, "validation")

    def replayed(self, step: int) -> int:
        """How many of a step's rows are old ones: the running total stays next to share x rows."""
        return self.replayed_before(step + 1) - self.replayed_before(step)

    def replayed_before(self, step: int) -> int:
        """Old rows read before `step`."""
        return int(step * self.replay * self.batch + 1e-9)

    @property
    def sets(self) -> dict[str, str]:
        """Held-out texts by name: "old", "new" (where it is another) and those of `also` by their own names."""
        old = self.base.root.corpus or ""
        new = {} if self.corpus == old else {"new": self.corpus}
        return {"old": old, **new, **{name: name for name in self.also}}

    def data_hash(self) -> list[str]:
        """Hashes of what is read and scored, the base's corpus aside."""
        return [corpus_hash(name, self.base.root.context) for name in (self.corpus, *self.also)]

    def label(self) -> str:
        """Length, text and base."""
        if not isinstance(self.base, Checkpoint):
            return ""
        length = tokens_text(self.length) if isinstance(self.length, int) else self.length
        return f"{length} tokens of {self.corpus} after {self.base.root.label()}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; of the schedule its kind, `peak`, `warmup` (share of the horizon) and `final`.

        `tokens` are those of pre-training, 0 from scratch, and `corpus` is the new text; `base_corpus` is the old one,
        `base_peak` the peak rate of pre-training (None where it is not known) and `rate_multiple` the new peak over it.
        """
        root = self.base.root
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "base"}
        peak = root.schedule.peak if isinstance(root, Pretrain) else None
        own |= {
            "schedule": self.schedule.kind,
            "peak": self.schedule.peak,
            "warmup": self.schedule.warmup,
            "final": self.schedule.final,
            "base_peak": peak,
            "rate_multiple": float(f"{self.schedule.peak / peak:.9g}") if peak else None,
            "base_corpus": root.corpus,
            "base_seed": root.seed,
            "depth": self.depth,
        }
        if self.start == "scratch":
            own["tokens"] = 0
        return self.base.columns() | own

    def stack_shape(self) -> Hashable | None:
        """Members of a stack may differ in seed, world, weights and schedule."""
        root = self.base.root
        if isinstance(root, Released) or not self.corpus.startswith("world:"):
            return None
        varying = {"base", "corpus", "schedule", "also", "horizon"}
        fields = tuple(getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in varying)
        at = self.base.at if self.state == "kept" else 0
        return ("continue", root.model, root.context, *fields, len(self.sets), self.depth, at)

    def work(self) -> tuple[float, float, float]:
        """Steps, rows trained on and rows scored, by which `ovbook.runs.plan` prices it."""
        return self.steps, self.steps * self.batch, len(self.sets) * len(self.looked_at) * self.documents


def look_steps(steps: int, evenly: int) -> list[int]:
    """After how many steps to look: 0, 1, 2, ... ever further apart, then `evenly` equal stretches, and the end.

    >>> look_steps(40, 4)
    [0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 40]
    """
    found, at, stride = [0], 0, steps / evenly
    while at < steps:
        further = max(at + 1, round(at * _RATIO))
        if further - at >= stride:
            break
        at = further
        found.append(min(at, steps))
    found += [step for step in (round(n * stride) for n in range(1, evenly + 1)) if step > found[-1]]
    return sorted(set(found))

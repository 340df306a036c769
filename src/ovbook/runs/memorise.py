"""The spec of a fine-tuning that is watched: the same few examples again and again, every step on record."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, Literal

from ovbook.runs.data import task_hash
from ovbook.runs.fields import number, one_of, plain, refuse, whole
from ovbook.runs.released import Released
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import FORMATS, PRECISIONS, Checkpoint, Pretrain, Seeded, Tuned, base_problems
from ovbook.schedules import EPOCH_KINDS, epoch_rates

__all__ = ["LOOKS", "NEW_PEOPLE", "Chosen", "Examples", "Memorise"]

NEW_PEOPLE = "new people"
"""The data set of facts that nobody can know beforehand (`ovbook.tasks.new_people`)."""
LOOKS = (0.0, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975)
"""Places in an epoch at which the model is looked at, denser around a boundary."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chosen:
    """The `take` examples that another run's rows put first.

    run: any run with rows that have a column `example`. column: what they are ordered by, averaged where an example has
    several rows. where: pairs of column and value that its rows must have, as (("kind", "met"), ("epoch", 1)).
    largest: the largest first, or the smallest.
    """

    run: Spec
    column: str
    take: int
    where: tuple[tuple[str, Any], ...] = ()
    largest: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examples:
    """A data set of `count` examples with marked answers, or some of them.

    task: "new people" (below), or any task's name (`ovbook.tasks.open_task`), asked in `format`.
    seed: draws them; None is the base's. skip: leave out the first so many (of new people).
    chosen: only these, by number or as another run orders them. repeat: each so many times in an epoch.
    held_out: of the validation split instead of the training split; for `Memorise.also`.

    Of new people: wording, one of `ovbook.tasks.WORDINGS`; pattern, the share of facts that follow from the family name
    and so can be guessed; version, another draw of the same people's facts; boilerplate, sentences that open every
    document, always the same.
    """

    task: str = NEW_PEOPLE
    count: int = 320
    seed: int | None = None
    skip: int = 0
    chosen: tuple[int, ...] | Chosen | None = None
    repeat: int = 1
    held_out: bool = False
    format: Literal["Default", "IO", "Instruct"] = "Default"
    wording: str = "plain"
    pattern: float = 0.0
    version: int = 0
    boilerplate: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "chosen", plain(self.chosen))
        refuse(f"Examples({self.task})", self._problems())

    def _problems(self) -> Iterator[str]:
        from ovbook.errors import did_you_mean
        from ovbook.tasks import WORDINGS

        for name, low in (("count", 1), ("skip", 0), ("repeat", 1), ("version", 0), ("boilerplate", 0)):
            yield from whole(name, getattr(self, name), low)
        if self.seed is not None:
            yield from whole("seed", self.seed, 0)
        yield from one_of("format", self.format, FORMATS)
        if self.wording not in WORDINGS:
            yield (
                f"wording is {self.wording!r}{did_you_mean(str(self.wording), WORDINGS)}, but it must be one of "
                f"{', '.join(WORDINGS)}"
            )
        if not number(self.pattern) or not 0 <= self.pattern <= 1:
            yield f"pattern is {self.pattern!r}, but it must be a share of the facts, from 0 to 1"
        if isinstance(self.chosen, tuple):
            wrong = [n for n in self.chosen if not isinstance(n, int) or isinstance(n, bool) or n < 0]
            if wrong or not self.chosen:
                yield f"chosen holds {wrong[0] if wrong else 'nothing'}, but it must hold numbers of examples, from 0"
            elif isinstance(self.count, int) and max(self.chosen) >= self.count:
                yield f"chosen holds {max(self.chosen)}, but there are {self.count} examples, numbered from 0"
        elif self.chosen is not None and not isinstance(self.chosen, Chosen):
            yield f"chosen is {self.chosen!r}, but it must be numbers of examples, a Chosen, or None for all"

    def __len__(self) -> int:
        kept = (
            len(self.chosen)
            if isinstance(self.chosen, tuple)
            else self.chosen.take
            if isinstance(self.chosen, Chosen)
            else self.count
        )
        return kept * self.repeat


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memorise(Seeded, Tuned):
    """`base`, fine-tuned on the same examples for some epochs and watched at every step.

    data: one `Examples`, or several as one mixture. also: others that are only looked at, such as the same facts in
        other words.
    start: from base's weights ("pre-trained"), or from a fresh model of its shape, born as its seed's was ("scratch").
    epochs, batch, rate (the peak): the last batch of an epoch may be smaller, so each example is met once an epoch.
    schedule: "constant", "one cycle", "each epoch" or one rate a step (`ovbook.schedules.epoch_rates`). warmup: share of
        an epoch.
    order: "same" every epoch, "reshuffled", or "blocks", one data set of the mixture after the other.
    loss_on: "answers", or "whole sequences". dropout: in training alone, on what attention and MLP write.
    context: tokens in a row, what an example leaves free filled with old text before it; None: rows as long as the
        longest example. More than the base's own is possible. rotary: another base of the rotary positions.
    loop: "ours", or "trainer", Hugging Face's `transformers.Trainer` on the same weights, batches and rates.
    seed: of the examples and their order; None is the base's.
    probes: training examples that are scored at every look; held_out: unknown ones, of each data set; documents: of old
        text. looks: places in an epoch, from 0 to below 1, at which that is done, and at the end.

    Rows, by `kind`: see `ovbook.runs.memorise_work.run`.
    """

    base: Checkpoint
    data: tuple[Examples, ...]
    start: Literal["pre-trained", "scratch"] = "pre-trained"
    epochs: int = 3
    batch: int = 4
    rate: float = 1e-3
    schedule: str | tuple[float, ...] = "constant"
    warmup: float = 0.1
    order: str = "same"
    loss_on: str = "answers"
    dropout: float = 0.0
    weight_decay: float = 0.0
    context: int | None = None
    rotary: float | None = None
    loop: str = "ours"
    seed: int | None = None
    also: tuple[Examples, ...] = ()
    probes: int = 64
    held_out: int = 64
    documents: int = 16
    looks: tuple[float, ...] = LOOKS
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        for name in ("data", "also"):
            if isinstance(getattr(self, name), Examples):
                object.__setattr__(self, name, (getattr(self, name),))
        super().__post_init__()

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base, released="any")
        sets = (
            [*self.data, *self.also]
            if isinstance(self.data, tuple) and isinstance(self.also, tuple)
            else [None]
        )
        if not all(isinstance(item, Examples) for item in sets) or not self.data:
            yield f"data is {self.data!r} and also {self.also!r}, but they must hold Examples, and data at least one"
            return
        if isinstance(self.base, Checkpoint):
            yield from self._worldless(self.base.root)
        yield from one_of("start", self.start, ("pre-trained", "scratch"))
        yield from one_of("order", self.order, ("same", "reshuffled", "blocks"))
        yield from one_of("loss_on", self.loss_on, ("answers", "whole sequences"))
        yield from one_of("loop", self.loop, ("ours", "trainer"))
        yield from one_of("precision", self.precision, PRECISIONS)
        wholes = [
            problem
            for name, low in (("epochs", 1), ("batch", 1), ("probes", 1), ("held_out", 1), ("documents", 1))
            for problem in whole(name, getattr(self, name), low)
        ]
        yield from wholes
        if self.seed is not None:
            yield from whole("seed", self.seed, 0)
        if self.context is not None:
            yield from whole("context", self.context, 2)
        for name in ("rate", "weight_decay"):
            value = getattr(self, name)
            if not number(value) or value < 0:
                yield f"{name} is {value!r}, but it must be a finite number of at least 0"
        for name in ("warmup", "dropout"):
            if not number(value := getattr(self, name)) or not 0 <= value < 1:
                yield f"{name} is {value!r}, but it must be a share, from 0 to below 1"
        if self.context is not None and isinstance(self.base, Checkpoint) and self.base.root.corpus is None:
            yield (
                f"context is {self.context}, but {self.base.root.label()} has no old text at hand to fill rows with: leave it "
                f"out, or give its Released a corpus"
            )
        if self.rotary is not None and (not number(self.rotary) or self.rotary <= 0):
            yield f"rotary is {self.rotary!r}, but it must be a finite number above 0, or None for the model's own"
        if not isinstance(self.looks, tuple) or any(not number(f) or not 0 <= f < 1 for f in self.looks):
            yield f"looks is {self.looks!r}, but it must hold places in an epoch, from 0 to below 1"
        if self.loop == "trainer" and (self.dropout or self.precision != "float32"):
            yield "loop is 'trainer', but dropout and bfloat16 are those of our own loop: take loop='ours'"
        if wholes:
            return
        if self.batch > self.examples:
            yield f"batch is {self.batch}, but there are {self.examples} examples: it must be at most that many"
            return
        yield from self._schedule_problems()

    def _worldless(self, root: Pretrain | Released) -> Iterator[str]:
        from ovbook.tasks import WORLD_TASKS

        corpus = root.corpus or f"the text of {root.label()}"
        for name in dict.fromkeys(item.task for item in (*self.data, *self.also)):
            if (name == NEW_PEOPLE or name in WORLD_TASKS) and not corpus.startswith("world:"):
                yield (
                    f"task is '{name}', which is asked in the words of a tiny world and {corpus} has none: take gsm8k "
                    f"or another data set, or file:FOLDER"
                )

    def _schedule_problems(self) -> Iterator[str]:
        schedule: Any = self.schedule
        if isinstance(schedule, str):
            yield from one_of("schedule", schedule, EPOCH_KINDS)
        elif not isinstance(schedule, tuple):
            yield f"schedule is {schedule!r}, but it must be one of {', '.join(EPOCH_KINDS)}, or a list of rates"
        elif wrong := [
            r for r in schedule if not isinstance(r, int | float) or not math.isfinite(r) or r < 0
        ]:
            yield f"schedule holds {wrong[0]!r}, but every rate must be a finite number of at least 0"
        elif len(schedule) != self.steps:
            yield (
                f"schedule holds {len(schedule)} rates, but {self.epochs} epochs of {self.per_epoch} steps take "
                f"{self.steps}: give one a step"
            )

    @property
    def examples(self) -> int:
        """Examples met in an epoch."""
        return sum(len(item) for item in self.data)

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return -(-self.examples // self.batch)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.per_epoch * self.epochs

    @property
    def rates(self) -> tuple[float, ...]:
        """The rate of every step."""
        found = epoch_rates(
            self.schedule, peak=self.rate, per_epoch=self.per_epoch, epochs=self.epochs, warmup=self.warmup
        )
        return tuple(found.tolist())

    @property
    def fresh_seed(self) -> int:
        """Seed of a fresh model of the base's shape: the one that the base was born with, if that is known."""
        known = self.base.root.init_seed
        return purpose_seed(self.base.root.seed, "init") if known is None else known

    @property
    def evaluation_seed(self) -> int:
        """Seed of held-out rows, the same for all runs of a base seed."""
        return purpose_seed(self.base.root.seed, "validation")

    def parents(self) -> tuple[Spec, ...]:
        """The base's run, and the runs that examples are chosen by."""
        found = {spec.key(): spec for spec in super().parents()}
        for item in (*self.data, *self.also):
            if isinstance(item.chosen, Chosen):
                found[item.chosen.run.key()] = item.chosen.run
        return tuple(found.values())

    def data_hash(self) -> list[str | None] | None:
        """Hashes of the tasks' own files, if they have any."""
        found = [task_hash(item.task) for item in (*self.data, *self.also)]
        return found if any(found) else None

    def label(self) -> str:
        """Data, rate and base."""
        if not isinstance(self.base, Checkpoint):
            return ""
        what = " and ".join(dict.fromkeys(item.task for item in self.data if isinstance(item, Examples)))
        return f"{what}, {self.epochs} epochs at rate {self.rate}, on {self.base.root.label()}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `examples` in an epoch, `taught` the tasks, `pattern` of the first of them, `stage` of several
        runs on each other (1, 2, ...), `base_seed` the seed of the model below."""
        own = super().columns() | {"examples": self.examples, "base_seed": self.base.root.seed}
        own |= {"taught": " + ".join(item.task for item in self.data), "per_epoch": self.per_epoch}
        own |= {"pattern": self.data[0].pattern, "stage": 1}
        if isinstance(self.base.run, Memorise):
            own["stage"] = 1 + self.base.run.columns()["stage"]
        return own | {"schedule": self.schedule if isinstance(self.schedule, str) else "drawn"}

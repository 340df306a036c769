"""Specs of training, and the checkpoints that it leaves."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, Literal

from ovbook.errors import OvbookError
from ovbook.runs.data import corpus_hash, task_hash
from ovbook.runs.fields import number, one_of, repeated, whole
from ovbook.runs.released import Released
from ovbook.runs.spec import Spec, later, purpose_seed
from ovbook.schedules import Schedule

__all__ = [
    "Checkpoint",
    "FineTune",
    "Pretrain",
    "Seeded",
    "Tuned",
    "base_problems",
    "model_problems",
    "tokens_text",
    "worldless",
]

_COSINE = Schedule(kind="cosine", peak=3e-3, warmup=0.02, final=0.0)
_WORLD = re.compile(r"world:(\d+)/(\w+)")
PRECISIONS = ("float32", "bfloat16")
FORMATS = ("Default", "IO", "Instruct")
_PARTS = re.compile(r"all|head first|lora:[1-9]\d*")


def tokens_text(tokens: int) -> str:
    """A token count as people say it.

    >>> [tokens_text(n) for n in (8_000, 250_000, 4_000_000, 1_500_000_000)]
    ['8k', '250k', '4M', '1.5B']
    """
    for size, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if tokens >= size:
            return f"{tokens / size:.4g}{letter}"
    return str(tokens)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The weights of `run` after `tokens` tokens; None is its end.

    A `Pretrain` keeps its end and what its `keep` names; a `Tuned` (`FineTune`, `Memorise`, `Continue`) keeps its end; a
    `Released` is what it is.
    """

    run: Pretrain | Tuned | Released
    tokens: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.run, Pretrain | Tuned | Released):
            raise OvbookError(
                f"a checkpoint's run is {self.run!r}: it must be a Pretrain, a FineTune, a Memorise or a Released"
            )
        kept = [*self.run.keep, self.run.budget] if isinstance(self.run, Pretrain) else []
        if self.tokens is not None and self.tokens not in kept:
            has = f"at {', '.join(map(str, kept))} tokens" if kept else "at its end only (leave tokens out)"
            raise OvbookError(
                f"{self.run} keeps no checkpoint at {self.tokens} tokens: it keeps checkpoints {has}"
            )

    @property
    def root(self) -> Pretrain | Released:
        """The pre-training or the released model below, however much tuning lies between."""
        return self.run.base.root if isinstance(self.run, Tuned) else self.run

    @property
    def at(self) -> int:
        """Pre-training tokens seen by these weights; 0 where they are not known."""
        if isinstance(self.run, Tuned):
            return self.run.base.at
        if isinstance(self.run, Released):
            return self.run.tokens
        return self.run.budget if self.tokens is None else self.tokens

    def key(self) -> str:
        """The run's key and the place in it; the end is the same by either of its names."""
        return f"{self.run.key()}@{self.at}"

    def columns(self) -> dict[str, Any]:
        """Columns of the run, and `tokens`, the pre-training tokens these weights have seen (0: not known)."""
        return self.run.columns() | {"tokens": self.at}


class Seeded(Spec):
    """A run on `base` whose `seed` is the base run's own where none is given."""

    base: Checkpoint
    seed: int | None

    def __post_init__(self) -> None:
        if self.seed is None and isinstance(self.base, Checkpoint):
            object.__setattr__(self, "seed", self.base.root.seed)
        super().__post_init__()


class Tuned(Spec):
    """A run that changes the weights of `base` and keeps what comes out."""

    base: Checkpoint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pretrain(Spec):
    """A base model, trained on one corpus until it has seen `budget` tokens.

    corpus: ``world:SEED/MIX``, ``file:PATH`` or ``hub:NAME`` (`ovbook.corpus.open_corpus`).
    model: ``ARCH:WIDTHxLAYERS`` or a preset's name (`ovbook.models.parse_model`).
    seed: one repetition; initialisation, data order, noise and validation items all derive from it, so runs
        that differ in anything else share them.
    budget: tokens seen at the end, those before `start` included; rounded to whole steps of `batch` rows.
    start: a kept checkpoint to continue from. One of a constant-rate run brings its optimiser state along, as does one
        with `moments`; from any other the moments start at zero, because the rate there had gone.
    keep: more token counts at which to keep a checkpoint.
    sam: radius of sharpness-aware minimisation (`ovbook.train.train`); each of its steps costs two. 0 is none.
    moments: keep the optimiser's state with every checkpoint; those of a constant rate have it in any case.
    """

    corpus: str = "world:0/almanac"
    model: str = "olmo:32x2"
    seed: int = 0
    budget: int
    schedule: Schedule = _COSINE
    batch: int = 64
    context: int = 128
    weight_decay: float = 0.1
    clip: float = 1.0
    start: Checkpoint | None = None
    keep: tuple[int, ...] = ()
    precision: Literal["float32", "bfloat16"] = "float32"
    compiled: bool = False
    sam: float = later(0.0)
    moments: bool = later(False)

    def __post_init__(self) -> None:
        budget: Any = self.budget  # people write 1e6
        if isinstance(budget, float) and budget.is_integer():
            object.__setattr__(self, "budget", int(budget))
        super().__post_init__()

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        if not isinstance(self.corpus, str) or not self.corpus.startswith(("world:", "file:", "hub:")):
            yield f"corpus is {self.corpus!r}, but it must be world:SEED/MIX, file:PATH or hub:NAME"
        whole_sizes = not any(list(whole(n, getattr(self, n))) for n in ("budget", "batch", "context"))
        for name, low in (("seed", 0), ("budget", 1), ("batch", 1), ("context", 2)):
            yield from whole(name, getattr(self, name), low)
        yield from model_problems(self.model, self.context)
        for name in ("weight_decay", "clip", "sam"):
            value = getattr(self, name)
            if not number(value) or value < 0 or (name == "clip" and value == 0):
                yield f"{name} is {value!r}, but it must be a finite number {'above' if name == 'clip' else 'of at least'} 0"
        yield from one_of("precision", self.precision, PRECISIONS)
        if number(self.sam) and self.sam > 0 and self.precision != "float32":
            yield f"precision is {self.precision!r}, but with sam (here {self.sam:g}) it must be float32"
        for name in ("compiled", "moments"):
            if not isinstance(getattr(self, name), bool):
                yield f"{name} is {getattr(self, name)!r}, but it must be True or False"
        if not isinstance(self.schedule, Schedule):
            yield f"schedule is {self.schedule!r}, but it must be a Schedule"
        yield from repeated("keep", self.keep, low=1, empty=True)
        if not whole_sizes:
            return
        if self.budget < self.step_tokens:
            yield f"budget is {self.budget}, but one step of {self.batch} x {self.context} is {self.step_tokens} tokens"
        first = self.start.at if isinstance(self.start, Checkpoint) else 0
        if isinstance(self.start, Checkpoint):
            yield from self._start_problems(self.start)
        elif self.start is not None:
            yield f"start is {self.start!r}, but it must be a Checkpoint or None"
        for tokens in self.keep:
            if number(tokens) and not first < tokens < self.budget:
                yield f"keep holds {tokens}, but it must lie between {first} and the budget {self.budget}"
        places = [self.steps_at(tokens) for tokens in (*self.keep, self.budget) if number(tokens)]
        if len(set(places)) < len(places) or (self.keep and min(places) == 0):
            yield f"keep is {self.keep}, but its counts must lie at least one step ({self.step_tokens} tokens) apart"

    def _start_problems(self, start: Checkpoint) -> Iterator[str]:
        if not isinstance(start.run, Pretrain):
            yield "start is a tuned or released model, but only a Pretrain's checkpoint can be trained on"
            return
        if (start.run.model, start.run.context) != (self.model, self.context):
            yield f"start is a {start.run.model} of context {start.run.context}, but model is {self.model} of {self.context}"
        if self.steps_at(start.at) >= self.steps:
            yield f"start has seen {start.at} tokens, but the budget, which counts them, is {self.budget}"

    @property
    def init_seed(self) -> int:
        """Seed of the first weights: those of runs that differ in budget, world or ending are the same."""
        return purpose_seed(self.seed, "init")

    @property
    def step_tokens(self) -> int:
        """Tokens in one step."""
        return self.batch * self.context

    @property
    def steps(self) -> int:
        """Steps that `budget` comes to, those before `start` included."""
        return self.steps_at(self.budget)

    def steps_at(self, tokens: int) -> int:
        """The whole number of steps nearest to `tokens`."""
        return round(tokens / self.step_tokens)

    @property
    def first_step(self) -> int:
        """Steps that lie behind `start`."""
        return 0 if self.start is None else self.steps_at(self.start.at)

    @property
    def keeps_moments(self) -> bool:
        """Whether checkpoints hold the optimiser's state: those of a constant rate do, for branches to go on."""
        return self.moments or self.schedule.kind == "constant"

    @property
    def ending(self) -> str:
        """ "annealed", "trunk" (constant rate), "branch" (from a trunk) or "clipped cosine"; design, 5."""
        if self.start is not None:
            return "branch"
        return {"constant": "trunk", "clipped cosine": "clipped cosine"}.get(self.schedule.kind, "annealed")

    def data_hash(self) -> str:
        """The corpus' hash."""
        return corpus_hash(self.corpus, self.context)

    def label(self) -> str:
        """Corpus, model, tokens and seed."""
        budget = tokens_text(self.budget) if isinstance(self.budget, int) else self.budget
        return f"{self.corpus}, {self.model}, {budget} tokens, seed {self.seed}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `world` and `mix` are read off the corpus, the schedule's fields stand beside."""
        match = _WORLD.fullmatch(self.corpus)
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        own |= {"world": int(match[1]) if match else None, "mix": match[2] if match else None}
        own |= {"schedule": self.schedule.kind, "peak": self.schedule.peak, "warmup": self.schedule.warmup}
        own |= {"final": self.schedule.final, "ending": self.ending}
        own["start"] = None if self.start is None else self.start.at
        return own


def model_problems(model: Any, context: Any) -> Iterator[str]:
    """What is wrong with a model's name, by `ovbook.models.parse_model`."""
    from ovbook.models import parse_model

    try:
        parse_model(model, vocab=512, context=context if isinstance(context, int) and context > 1 else 128)
    except OvbookError as error:
        yield str(error)
    except TypeError:
        yield f"model is {model!r}, but it must be a text such as olmo:32x2"


def worldless(corpus: str | None, tasks: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with tasks asked in the words of a world on another text: found before anything is trained."""
    from ovbook.tasks import WORLD_TASKS, open_task

    for name in dict.fromkeys(tasks):
        if name in WORLD_TASKS and not (corpus or "").startswith("world:"):
            try:
                open_task(name)
            except OvbookError as error:
                yield str(error)


def base_problems(
    base: Any, *, released: Literal["never", "with text", "any"] = "with text"
) -> Iterator[str]:
    """What is wrong with the model a run builds on.

    released: whether it may be one from the hub: never, if it has a text for the old loss, or any.
    """
    if not isinstance(base, Checkpoint):
        yield f"base is {base!r}, but it must be a Checkpoint, such as Checkpoint(run=Pretrain(...))"
    elif isinstance(base.root, Released) and released == "never":
        yield f"base is {base.root.label()}, a released model, but this is done to models of our own pre-training only"
    elif isinstance(base.root, Released) and released == "with text" and base.root.corpus is None:
        yield (
            f"base is {base.root.label()} without a text for the old loss, which only Memorise can do without: give its "
            f"Released a corpus, file:PATH or hub:NAME"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTune(Seeded, Tuned):
    """`base`, fine-tuned on a task and scored before and after.

    task: a task's name (`ovbook.tasks.open_task`); format: Default, IO or Instruct; shots: in every prompt.
    examples, epochs, batch, rate, schedule, warmup, weight_decay: of the tuning; rates are the caller's.
    seed: examples and their order; None is the base run's own seed.
    rows: test examples that are scored. also: other tasks, scored on as many before and after.
    documents: held-out documents on which the old loss is measured before and after.
    parts: what is trained: "all", "head first" (half the steps on the output matrix alone) or "lora:RANK".
    pull: decay of the weights towards the base model's, in units of the rate.
    replay: share of every batch's rows that are documents of the pre-training text.
    """

    base: Checkpoint
    task: str
    format: Literal["Default", "IO", "Instruct"] = "Default"
    shots: int = 0
    examples: int = 256
    rate: float = 1e-3
    epochs: float = 1.0
    batch: int = 16
    seed: int | None = None
    schedule: str = "linear"
    warmup: float = 0.03
    weight_decay: float = 0.0
    rows: int = 256
    also: tuple[str, ...] = ()
    documents: int = 64
    parts: str = "all"
    pull: float = 0.0
    replay: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        from ovbook.schedules import KINDS

        yield from base_problems(self.base)
        if not isinstance(self.task, str) or not self.task:
            yield f"task is {self.task!r}, but it must be a task's name"
        if isinstance(self.base, Checkpoint):
            yield from worldless(self.base.root.corpus, (self.task, *self.also))
        yield from one_of("format", self.format, FORMATS)
        for name, low in (
            ("shots", 0),
            ("examples", 1),
            ("batch", 1),
            ("seed", 0),
            ("rows", 1),
            ("documents", 1),
        ):
            yield from whole(name, getattr(self, name), low)
        for name, may_be_zero in (("rate", False), ("epochs", False), ("weight_decay", True), ("pull", True)):
            value = getattr(self, name)
            if not number(value) or value < 0 or (value == 0 and not may_be_zero):
                yield f"{name} is {value!r}, but it must be a finite number {'of at least' if may_be_zero else 'above'} 0"
        if not number(self.replay) or not 0 <= self.replay < 1:
            yield f"replay is {self.replay!r}, but it must be a share of the rows, from 0 to below 1"
        if not isinstance(self.parts, str) or not _PARTS.fullmatch(self.parts):
            yield f"parts is {self.parts!r}, but it must be all, head first, or lora:RANK such as lora:4"
        if isinstance(self.also, str) or not all(isinstance(name, str) and name for name in self.also):
            yield f"also is {self.also!r}, but it must be a list of tasks' names"
        if not number(self.warmup) or not 0 <= self.warmup < 1:
            yield f"warmup is {self.warmup!r}, but it must be a share of the steps, from 0 to below 1"
        yield from one_of("schedule", self.schedule, KINDS)
        yield from one_of("precision", self.precision, PRECISIONS)

    @property
    def evaluation_seed(self) -> int:
        """Seed of held-out rows, the same for all budgets of a base seed."""
        return purpose_seed(self.base.root.seed, "validation")

    @property
    def replay_seed(self) -> int:
        """Seed of the documents replayed; the base's own training documents come from another."""
        return purpose_seed(self.base.root.seed, "replay")

    def data_hash(self) -> str | list[str | None] | None:
        """Hashes of the tasks' own files, if they have any."""
        if self.also:
            return [task_hash(name) for name in (self.task, *self.also)]
        return task_hash(self.task)

    def label(self) -> str:
        """Task, rate and base."""
        return (
            f"{self.task} at rate {self.rate:g} on {self.base.root.label()}"
            if isinstance(self.base, Checkpoint)
            else ""
        )

    def columns(self) -> dict[str, Any]:
        """Fields as columns; `base_seed` is the seed of the model below."""
        return super().columns() | {"base_seed": self.base.root.seed}

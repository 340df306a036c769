"""What a list of specs comes to before anything runs: how many, how long, how much memory."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.files import atomic_write, canonical_json
from ovbook.runs.machine import worker_count
from ovbook.runs.measures import Evaluate, Perturb, Sharpness
from ovbook.runs.memorise import Memorise
from ovbook.runs.memory import READ_BYTES, TUNE_BYTES
from ovbook.runs.released import Released
from ovbook.runs.spec import Spec
from ovbook.runs.specs import FineTune, Pretrain, Tuned
from ovbook.runs.store import Store
from ovbook.runs.work import root_of

__all__ = ["Plan", "Prices", "duration", "in_order", "parameters_of", "plan", "size_of"]

_OVERHEAD, _PER_PARAMETER = 2.5e-6, 6e-11
"""Seconds of one CPU thread per trained token: 168k, 77k and 32k tokens/s at widths 32, 64 and 128, two layers."""
_GPU_OVERHEAD, _GPU_PER_PARAMETER = 1e-8, 4e-14
"""The same for one modern GPU and full stacks; a guess until the first runs there have been timed."""
_FORWARD = 0.35
"""Scoring a token costs about a third of training on it."""
_ONCE = 0.05
"""Seconds that any run takes: reading, writing, flushing to disk."""
_STEP = 2e-3
"""Seconds that a step takes however small the model is."""
_SHORT = 40
"""Tokens of an example with its answers marked, about."""
_SCORED_ROWS = 256
"""Rows on which `ovbook.runs.pretrain` scores each checkpoint."""
_PROCESS_BYTES = 420_000_000
"""Memory of a process that has imported torch and opened a world."""


def duration(seconds: float) -> str:
    """A time span as people say it.

    >>> [duration(s) for s in (0.4, 42, 600, 8000)]
    ['a second', '42 s', '10 min', '2.2 h']
    """
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def in_order(specs: Iterable[Spec]) -> list[Spec]:
    """The specs and all their parents, each once, parents first."""
    ordered: dict[str, Spec] = {}
    for spec in specs:
        if not isinstance(spec, Spec):
            raise OvbookError(
                f"a list of runs holds {spec!r}: it must hold specs such as Pretrain(budget=...)"
            )
        stack: list[tuple[Spec, bool]] = [(spec, False)]
        while stack:
            item, ready = stack.pop()
            if item.key() in ordered:
                continue
            if ready:
                ordered[item.key()] = item
            else:
                stack.append((item, True))
                stack.extend((parent, False) for parent in item.parents())
    return list(ordered.values())


def size_of(root: Pretrain | Released) -> int:
    """Parameters of the model that work stands on."""
    if isinstance(root, Released):
        return root.parameters
    return parameters_of(root.model, root.corpus, root.context)


@functools.lru_cache(maxsize=256)
def parameters_of(model: str, corpus: str, context: int) -> int:
    """Parameters of the model a `Pretrain` trains, its corpus' vocabulary included."""
    from ovbook.models import parameter_count, parse_model
    from ovbook.runs.data import corpus_of

    vocab = corpus_of(corpus, context).vocab_size
    return parameter_count(parse_model(model, vocab=vocab, context=context))


class Prices:
    """Seconds that a spec takes here: documented rates, corrected by how long earlier runs took on this machine.

    The correction is one factor per operation and device, kept in the store (``speed.json``).
    """

    def __init__(self, store: Store, device: str = "cpu") -> None:
        self.path = store.root / "speed.json"
        self.kind = device.partition(":")[0]
        try:
            factors = json.loads(self.path.read_text(encoding="utf-8"))
            self.factors = {str(k): float(v) for k, v in factors.items() if 0 < float(v) < 1e6}
        except (OSError, ValueError, TypeError, AttributeError):
            self.factors = {}
        self._asked: dict[str, float] = {}
        self._took: dict[str, float] = {}

    def __call__(self, spec: Spec) -> float:
        """Seconds for `spec` alone on one core, or on the GPU."""
        return self.base(spec) * self.factors.get(self._name(spec), 1.0)

    def _name(self, spec: Spec) -> str:
        return f"{type(spec).__name__}/{self.kind}"

    def base(self, spec: Spec) -> float:
        """Seconds by the documented rates."""
        own = getattr(spec, "price", None)
        if own is not None:
            return float(own())
        root = root_of(spec)
        if root is None:
            return 1.0
        size = size_of(root)
        overhead, slope = (
            (_OVERHEAD, _PER_PARAMETER) if self.kind == "cpu" else (_GPU_OVERHEAD, _GPU_PER_PARAMETER)
        )
        token = overhead + slope * size
        return _ONCE + _STEP * _steps(spec) + token * _trained_tokens(spec, root)

    def learn(self, spec: Spec, seconds: float) -> None:
        """Take note of how long a run took."""
        if seconds <= 0:
            return
        name = self._name(spec)
        self._asked[name] = self._asked.get(name, 0.0) + self.base(spec)
        self._took[name] = self._took.get(name, 0.0) + seconds
        self.factors[name] = self._took[name] / self._asked[name]

    def keep(self) -> None:
        """Write what was learnt into the store."""
        if self._took:
            atomic_write(self.path, canonical_json(self.factors))


def _steps(spec: Spec) -> float:
    if isinstance(spec, Pretrain):
        return _passes(spec) * (spec.steps - spec.first_step)
    if isinstance(spec, FineTune):
        return spec.examples * spec.epochs / spec.batch
    if isinstance(spec, Memorise):
        return 1.5 * spec.steps + 2.0 * _looks(spec)
    if isinstance(spec, Perturb):
        return 2.0 * len(spec.gammas) * spec.draws  # new weights, then a forward pass
    if isinstance(spec, Sharpness):
        return 2.0 * _products(spec)
    own = getattr(spec, "work", None)
    return float(own()[0]) if own is not None else 0.0


def _trained_tokens(spec: Spec, root: Pretrain | Released) -> float:
    """Tokens of training that the work of `spec` is equal to."""
    row = root.context
    if isinstance(spec, Pretrain):
        done = spec.start.at if spec.start else 0
        return _passes(spec) * (spec.budget - done) + _FORWARD * _SCORED_ROWS * row * (len(spec.keep) + 1)
    if isinstance(spec, Perturb):
        return _FORWARD * spec.rows * row * len(spec.gammas) * spec.draws
    if isinstance(spec, Evaluate):
        return _FORWARD * spec.rows * row * max(1, len(spec.corpora))
    if isinstance(spec, FineTune):
        tasks = 1 + len(spec.also)
        return spec.examples * spec.epochs * row + 2 * _FORWARD * row * (tasks * spec.rows + spec.documents)
    if isinstance(spec, Memorise):
        row = spec.context or _SHORT
        looked = spec.probes + spec.held_out * len(spec.data) + sum(len(item) for item in spec.also)
        met = spec.examples * spec.epochs * row * (1 + _FORWARD)
        return met + _FORWARD * _looks(spec) * (row * looked + spec.documents * root.context)
    if isinstance(spec, Sharpness):
        return 2 * spec.rows * row * _products(spec)
    own = getattr(spec, "work", None)
    _, trained, scored = own() if own is not None else (0, 0, 0)
    return row * float(trained + _FORWARD * scored)


def _passes(spec: Pretrain) -> int:
    """Gradients taken in a step."""
    return 2 if spec.sam else 1


def _looks(spec: Memorise) -> int:
    """How often a model that memorises is looked at."""
    return len(spec.looks) * spec.epochs + 1


def _products(spec: Sharpness) -> int:
    """Hessian products, each about two training steps: two traces, and some fifty for the largest eigenvalue."""
    return 2 * spec.probes + 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What `execute` would do: `print` it.

    targets: the runs asked for, each once; cached: those found; todo: what is to be computed, in order,
    with the parents it needs; seconds: wall clock with `workers` processes; memory: bytes at most.
    """

    targets: tuple[Spec, ...]
    cached: tuple[Spec, ...]
    todo: tuple[Spec, ...]
    seconds: float
    memory: int
    workers: int
    root: Path

    def __len__(self) -> int:
        return len(self.targets)

    def __str__(self) -> str:
        kinds = Counter(type(spec).__name__ for spec in self.todo)
        text = f"{len(self.targets)} runs asked for, {len(self.cached)} already stored, {len(self.todo)} to compute"
        if not self.todo:
            return text
        what = ", ".join(f"{count} {name}" for name, count in kinds.items())
        machine = f"{self.workers} process{'es' if self.workers > 1 else ''}"
        return (
            f"{text} ({what}): about {duration(self.seconds)} on {machine}, "
            f"at most about {self.memory / 1e9:.1f} GB of memory"
        )

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        printer.text(str(self))  # type: ignore[attr-defined]


def plan(
    specs: Sequence[Spec],
    store: Store | None = None,
    *,
    workers: int | None = None,
    device: str = "cpu",
    hashes: bool = False,
) -> Plan:
    """Count and price `specs`; nothing is computed.

    A result that is in the store counts as it is: its parents are not needed, and are not asked for.
    """
    if isinstance(specs, Spec):
        specs = [specs]
    if not len(specs):
        raise OvbookError("the experiment holds no runs: give at least one seed, budget and world")
    store = store or Store()
    targets = {spec.key(): spec for spec in specs if isinstance(spec, Spec) or in_order([spec])}
    cached = {key: spec for key, spec in targets.items() if store.find(spec, hashes=hashes) is not None}
    needed = {key: spec for key, spec in targets.items() if key not in cached}
    waiting = list(needed.values())
    while waiting:
        for parent in waiting.pop().parents():
            if parent.key() in needed or store.find(parent, hashes=hashes) is not None:
                continue
            needed[parent.key()] = parent
            waiting.append(parent)
    todo = [spec for spec in in_order(needed.values()) if spec.key() in needed]
    prices = Prices(store, device)
    count = max(1, min(worker_count(workers), len(todo)))
    if not device.startswith("cpu"):
        count = 1
    return Plan(
        targets=tuple(targets.values()),
        cached=tuple(cached.values()),
        todo=tuple(todo),
        seconds=_wall(todo, prices, count),
        memory=count * max((_memory(spec) for spec in todo), default=0),
        workers=count,
        root=store.root,
    )


def _wall(todo: Sequence[Spec], prices: Prices, workers: int) -> float:
    """The longer of the work shared out and the longest chain of parents."""
    chain: dict[str, float] = {}
    for spec in todo:
        below = max((chain.get(parent.key(), 0.0) for parent in spec.parents()), default=0.0)
        chain[spec.key()] = below + prices(spec)
    return max(sum(prices(spec) for spec in todo) / workers, max(chain.values(), default=0.0))


def _memory(spec: Spec) -> int:
    """Bytes of a process that computes `spec`: weights, gradients and moments, and one batch's activations."""
    root = root_of(spec)
    if root is None:
        return _PROCESS_BYTES
    if isinstance(root, Released):
        each = TUNE_BYTES if isinstance(spec, Tuned) else READ_BYTES[root.precision]
        return _PROCESS_BYTES + each * root.parameters
    from ovbook.models import parse_model
    from ovbook.runs.data import corpus_of

    vocab = corpus_of(root.corpus, root.context).vocab_size
    model = parse_model(root.model, vocab=vocab, context=root.context)
    floats = model.layers * (34 * model.width + 4 * model.heads * min(model.context, 128)) + 4 * vocab
    batch = getattr(spec, "batch", 128)
    size = parameters_of(root.model, root.corpus, root.context)
    return int(_PROCESS_BYTES + 20 * size + 4 * floats * batch * root.context)

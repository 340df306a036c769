"""The unit of work: compute one spec, or a stack of them, and store the result.

`perform` is a plain function of picklable arguments: the runner calls it in a worker process, in this one, or
hands it to another engine (``ray.remote(perform)``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import functools
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ovbook import __version__
from ovbook.errors import OvbookError
from ovbook.files import canonical_json, sha256_bytes
from ovbook.runs.data import corpus_of
from ovbook.runs.memory import READ_BYTES, TUNE_BYTES, require_memory
from ovbook.runs.operations import operation_of
from ovbook.runs.released import Released
from ovbook.runs.spec import Spec
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.runs.store import Store

if TYPE_CHECKING:
    from ovbook.corpus import Corpus
    from ovbook.models import ModelSpec, Params

__all__ = ["Inputs", "checkpoint_name", "outcome_of", "perform", "require_room", "root_of"]

_STORES: dict[str, Store] = {}


def _store(root: str) -> Store:
    """One store object per process and folder, so that a file is hashed once."""
    if root not in _STORES:
        _STORES[root] = Store(root)
    return _STORES[root]


def root_of(spec: Spec) -> Pretrain | Released | None:
    """The pre-training, or the released model, that `spec` is or stands on."""
    if isinstance(spec, Pretrain | Released):
        return spec
    base = getattr(spec, "base", None)
    return base.root if isinstance(base, Checkpoint) else None


def require_room(root: Pretrain | Released, device: str, *, tune: bool = False) -> None:
    """Refuse a released model that would not fit the memory of `device`; our own are small."""
    if isinstance(root, Released):
        each = TUNE_BYTES if tune else READ_BYTES[root.precision]
        require_memory(root.repo, root.parameters, each, device, what="tuning" if tune else "reading")


def checkpoint_name(checkpoint: Checkpoint) -> str:
    """Name of a checkpoint's folder inside its run's result: ``step{N}-tokens{M}``, or ``end`` after tuning."""
    from ovbook.hub import revision_name

    if isinstance(checkpoint.run, Released):
        return checkpoint.run.revision
    if not isinstance(checkpoint.run, Pretrain):
        return "end"
    return revision_name(checkpoint.run.steps_at(checkpoint.at), checkpoint.at)


@functools.lru_cache(maxsize=8)
def _in_tokens_of(name: str, folder: Path, context: int) -> Corpus:
    from ovbook.retokenized import corpus_for

    return corpus_for(name, folder, context=context)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inputs:
    """What an operation may read: its parents' results and its text."""

    spec: Spec
    root: str
    stack: tuple[Spec, ...] = ()

    @property
    def corpus(self) -> Corpus:
        """The corpus that the spec's (or its base's) pre-training reads."""
        pretrain = root_of(self.spec)
        if pretrain is None or pretrain.corpus is None:
            raise AttributeError(
                f"{self.spec} stands on no Pretrain and no Released with a text, so it has no corpus"
            )
        return self.open_corpus(pretrain.corpus)

    def open_corpus(self, name: str) -> Corpus:
        """Any corpus by name, with the context of the pre-training; opened once per process."""
        root = root_of(self.spec)
        if isinstance(root, Released):
            return _in_tokens_of(name, root.folder(), root.context)
        return corpus_of(name, root.context if root else 128)

    def folder(self, parent: Spec) -> Path:
        """The folder of a parent's result."""
        return _store(self.root).found(parent, hashes=False)

    def checkpoint(self, checkpoint: Checkpoint) -> Path:
        """The folder of a parent's checkpoint: an ordinary Hugging Face folder."""
        if isinstance(checkpoint.run, Released):
            return checkpoint.run.folder()
        return self.folder(checkpoint.run) / "checkpoints" / checkpoint_name(checkpoint)

    def load(
        self, checkpoint: Checkpoint, device: str = "cpu", *, tune: bool = False
    ) -> tuple[Params, ModelSpec]:
        """The weights of a parent's checkpoint and what they are; on the CPU, whatever `device` they are meant for.

        A released model is refused where it would not fit; to be tuned it is read in float32.
        """
        from ovbook.models import load_any, load_checkpoint

        root = checkpoint.root
        if not isinstance(root, Released):
            return load_checkpoint(self.checkpoint(checkpoint))
        require_room(root, device, tune=tune)
        import torch

        precision = "float32" if tune else root.precision

        return load_any(self.checkpoint(checkpoint), dtype=getattr(torch, precision))

    def first_spread(self, checkpoint: Checkpoint) -> tuple[dict[str, float], str] | None:
        """With what spread a released model's tensors began, and how that is known; None for our own models."""
        root = checkpoint.root
        if not isinstance(root, Released):
            return None
        rows = self.rows(root).to_pylist()
        return {row["tensor"]: row["born_std"] for row in rows}, rows[0]["scale"]

    def rows(self, parent: Spec) -> pa.Table:
        """The rows of a parent's result."""
        return _store(self.root).rows(parent)

    @property
    def unfinished(self) -> Path:
        """Where a long run keeps its state, the same for the same work asked for again."""
        keys = [spec.key() for spec in self.stack or (self.spec,)]
        name = keys[0] if len(keys) == 1 else sha256_bytes(canonical_json(keys))
        return _store(self.root).unfinished(name)


def perform(specs: Sequence[Spec], root: str, device: str = "cpu") -> list[float]:
    """Compute `specs` (one, or the members of a stack) and store them; returns the seconds of each.

    Specs that another process finishes meanwhile are not computed again, and count 0 seconds.
    """
    store = _store(root)
    with contextlib.ExitStack() as held:
        held.enter_context(_store_in_environment(root))
        for spec in sorted(
            specs, key=Spec.key
        ):  # in one order everywhere, so that no two wait for each other
            held.enter_context(store.lock(spec))
        todo = [spec for spec in specs if store.find(spec, hashes=False) is None]
        seconds = _compute(todo, store, device) if todo else 0.0
        shutil.rmtree(Inputs(spec=specs[0], root=root, stack=tuple(todo)).unfinished, ignore_errors=True)
    computed = {spec.key() for spec in todo}
    return [seconds if spec.key() in computed else 0.0 for spec in specs]


@contextlib.contextmanager
def _store_in_environment(root: str) -> Iterator[None]:
    """Texts and tokenizers belong into the same store as the results."""
    before = os.environ.get("OVBOOK_STORE")
    os.environ["OVBOOK_STORE"] = root
    try:
        yield
    finally:
        if before is None:
            del os.environ["OVBOOK_STORE"]
        else:
            os.environ["OVBOOK_STORE"] = before


def outcome_of(error: Exception) -> tuple[str, str]:
    """What went wrong, as a kind ("full", "refused" or "failed") and a sentence."""
    if isinstance(error, OvbookError):
        cause = error.__cause__
        full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        return ("full" if full else "refused"), str(error)
    return "failed", f"{type(error).__name__}: {error}"


def _compute(specs: list[Spec], store: Store, device: str) -> float:
    """Returns the seconds each took, by the clock.

    Recorded are, on a CPU, the seconds that its one thread computed: the clock of a machine that is busy with other things says
    nothing about what a run costs, and was seen to say ten times as much.
    """
    stacked = len(specs) > 1
    function = operation_of(specs[0]).resolve(stacked=stacked)
    threads = _one_thread() if device == "cpu" else None
    with contextlib.ExitStack() as open_folders:
        outs = [open_folders.enter_context(store.writing(spec)) for spec in specs]
        inputs = [Inputs(spec=spec, root=str(store.root), stack=tuple(specs)) for spec in specs]
        now = datetime.datetime.now(datetime.UTC)
        started, busy = time.perf_counter(), time.process_time()
        if stacked:
            tables = function(specs, inputs, outs, device)
        else:
            tables = [function(specs[0], inputs[0], outs[0], device)]
        seconds = (time.perf_counter() - started) / len(specs)
        took = (time.process_time() - busy) / len(specs) if device == "cpu" else seconds
        for slot, (spec, out, rows) in enumerate(zip(specs, outs, tables, strict=True)):
            table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
            pq.write_table(table, out / "rows.parquet")
            record = {
                "spec": str(spec),
                "operation": dataclasses.asdict(operation_of(spec)),
                "started": now.isoformat(timespec="seconds"),
                "seconds": round(took, 3),
                "stack": len(specs),
                "slot": slot,
                "device": _device_name(device),
                "threads": threads,
                "peak_mib": _peak_mib(),
            }
            (out / "provenance.json").write_text(canonical_json(record | _software()), encoding="utf-8")
    return seconds


def _one_thread() -> int:
    """Hold torch to one thread in this process, if it is loaded; returns the count that holds.

    Two threads in one process cost a third of the throughput, and two processes of two threads nearly all.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return 1
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    assert torch.get_num_threads() == 1, "a run on a CPU has one thread"
    return int(torch.get_num_threads())


def _peak_mib() -> int | None:
    """The most memory that this process has held so far; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS, in KiB elsewhere
    return round(most / (2**20 if sys.platform == "darwin" else 2**10))


def _device_name(device: str) -> str:
    if device == "cpu":
        return f"cpu ({platform.machine()})"
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"


def _software() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    return {
        "ovbook": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__) if torch else None,
        "system": platform.system(),
    }

"""The runner: computes what a list of specs lacks, on all cores or in stacks on a GPU."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.runs.ledger import write_ledger
from ovbook.runs.machine import check_device, resolve_device, worker_count
from ovbook.runs.plan import Plan, Prices, plan
from ovbook.runs.pool import Answer, Pool
from ovbook.runs.progress import Progress
from ovbook.runs.results import Results
from ovbook.runs.spec import Spec
from ovbook.runs.stacks import take_stack
from ovbook.runs.store import Store, StoreWarning
from ovbook.runs.work import outcome_of, perform

__all__ = ["Interrupted", "execute"]

_SMALL = 4.0
"""Seconds of work below which starting processes would take longer than doing it here."""


class Interrupted(OvbookError, KeyboardInterrupt):
    """Ctrl-C while runs were computed; the sentence says what is kept."""


def execute(
    specs: Sequence[Spec],
    *,
    store: Store | Path | str | None = None,
    workers: int | None = None,
    device: str = "auto",
    progress: bool | None = None,
    stack: int | None = None,
) -> Results:
    """Compute those of `specs` that the store does not hold, and return all their results.

    Args:
        specs: what is wanted; the parents they need are computed, too.
        store: where results are kept (`Store`).
        workers: processes on a CPU, one thread each; by default OVBOOK_WORKERS, else one a core.
        device: "auto" is a GPU where there is one. On a GPU specs of one shape are trained as one stack.
        progress: show a bar; by default where someone watches.
        stack: the most members of a stack; by default what fills a GPU, and 1 on a CPU.

    A run that fails takes along only those that build on it; the others are computed, and one `OvbookError` at the
    end names what failed. Ctrl-C loses at most the runs in hand.
    """
    if stack is not None and (not isinstance(stack, int) or isinstance(stack, bool) or stack < 1):
        raise OvbookError(f"stack is {stack!r}, but it must be a whole number of at least 1, or None")
    store = store if isinstance(store, Store) else Store(store)
    started = time.perf_counter()
    device = resolve_device(device)
    work = plan(specs, store, workers=workers, device=device, hashes=True)
    if work.todo:
        check_device(device)
        here = (
            device != "cpu" or work.workers == 1 or (workers is None and work.seconds * work.workers < _SMALL)
        )
        _Execution(work, store, device, progress, 1 if stack is None and device == "cpu" else stack).run(
            here=here
        )
    write_ledger(
        work.targets,
        store,
        computed=len(work.todo),
        seconds=time.perf_counter() - started,
        workers=worker_count(workers) if device == "cpu" else 1,
    )
    return Results(work.targets, store)


class _Execution:
    """One call of `execute`: what waits, what is ready, what failed."""

    def __init__(
        self, work: Plan, store: Store, device: str, progress: bool | None, stack: int | None
    ) -> None:
        self.work, self.store, self.device, self.stack = work, store, device, stack
        self.prices = Prices(store, device)
        self.pending = {spec.key(): spec for spec in work.todo}
        self.lacks = {
            key: {parent.key() for parent in spec.parents()} & self.pending.keys()
            for key, spec in self.pending.items()
        }
        self.urgency = self._urgencies()
        self.failed: list[tuple[Spec, str, Path | None]] = []
        self.skipped: list[Spec] = []
        self.died: set[str] = set()
        self.full = False
        self.bar = Progress(len(work.todo), show=progress)
        self.label = ""

    def _urgencies(self) -> dict[str, float]:
        """Seconds from the start of a run to the end of the longest chain that hangs on it."""
        after = dict.fromkeys(self.pending, 0.0)
        for key, spec in reversed(self.pending.items()):  # children come after their parents
            after[key] += self.prices(spec)
            for parent in self.lacks[key]:
                after[parent] = max(after[parent], after[key])
        return after

    def run(self, *, here: bool) -> None:
        """Compute everything; raises at the end if anything failed."""
        self._report(force=True)
        try:
            with _torch_threads_kept() if here else contextlib.nullcontext():
                self._run_here() if here else self._run_in_pool()
        except KeyboardInterrupt:
            self.store.clean()
            left = len(self.pending)
            raise Interrupted(
                f"interrupted with {len(self.work.todo) - left} of {len(self.work.todo)} runs computed and kept: run "
                f"the same command again and it goes on from there"
            ) from None
        finally:
            self.bar.close()
            with contextlib.suppress(OvbookError, OSError):  # prices are a comfort, and the disk may be full
                self.prices.keep()
        self._raise_failures()

    def _run_here(self) -> None:
        while job := self._next_job():
            self.label = str(job[0])
            self._report(force=True)
            try:
                answer = Answer(job, "done", perform(job, str(self.store.root), self.device), "", [])
            except Exception as error:
                answer = Answer(job, *outcome_of(error), traceback.format_exc(), [])
            self._take(answer)

    def _run_in_pool(self) -> None:
        running: list[str] = []
        with Pool(self.work.workers, device=self.device, root=self.store.root) as pool:
            while True:
                while pool.free and (job := self._next_job(running)):
                    pool.give(job)
                    running += [spec.key() for spec in job]
                if not running:
                    return
                for answer in pool.answers(timeout=1.0):
                    self._take(answer)
                running = [spec.key() for job in pool.running for spec in job]
                if running:
                    self.label = str(self.pending[running[0]])
                self._report()

    def _next_job(self, running: Sequence[str] = ()) -> list[Spec] | None:
        """The most urgent run that lacks nothing, with those that can be stacked on it."""
        if self.full:
            return None
        ready = [s for k, s in self.pending.items() if not self.lacks[k] and k not in running]
        if not ready:
            return None
        first = max(ready, key=lambda spec: self.urgency[spec.key()])
        return take_stack(first, ready, self.stack)

    def _take(self, answer: Answer) -> None:
        for text in answer.warnings:
            warnings.warn(text, StoreWarning, stacklevel=2)
        if answer.kind == "done":
            for spec, seconds in zip(answer.job, answer.value, strict=True):
                self.prices.learn(spec, seconds)
                self._remove(spec)
        elif answer.kind == "died" and not any(spec.key() in self.died for spec in answer.job):
            self.died |= {
                spec.key() for spec in answer.job
            }  # it stays pending: one more try, in a new process
        else:
            self.full = self.full or answer.kind == "full"
            for spec in answer.job:
                self._fail(spec, answer)
        self._report(force=True)

    def _remove(self, spec: Spec) -> None:
        del self.pending[spec.key()]
        for lacking in self.lacks.values():
            lacking.discard(spec.key())

    def _fail(self, spec: Spec, answer: Answer) -> None:
        if answer.kind == "died":
            sentence = (
                f"its process was killed twice (exit {answer.value}), most often for want of memory: "
                f"try again with OVBOOK_WORKERS=1"
            )
        else:
            sentence = str(answer.value)
        log = None
        if answer.kind == "failed":
            with contextlib.suppress(OvbookError, OSError):
                log = self.store.log(spec, answer.traceback)
        self.failed.append((spec, sentence, log))
        del self.pending[spec.key()]
        gone = {spec.key()}
        for key, child in list(self.pending.items()):  # parents come first, so one pass finds all descendants
            if self.lacks[key] & gone:
                gone.add(key)
                self.skipped.append(child)
                del self.pending[key]

    def _report(self, *, force: bool = False) -> None:
        left = sum(self.prices(spec) for spec in self.pending.values()) / self.work.workers
        longest = max((self.prices(spec) for spec in self.pending.values()), default=0.0)
        self.bar.update(self.bar.total - len(self.pending), max(left, longest), self.label, force=force)

    def _raise_failures(self) -> None:
        if not self.failed:
            return
        spec, sentence, log = self.failed[0]
        text = f"{len(self.failed)} of {len(self.work.todo)} runs failed"
        if self.skipped:
            text += f" and {len(self.skipped)} that build on them were not started"
        if self.full:
            raise OvbookError(f"{text}: {sentence}")
        where = f" (traceback in {log})" if log else ""
        raise OvbookError(
            f"{text}: {spec}: {sentence}{where}; the others are stored, so mend the cause and run the same command again"
        )


@contextlib.contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Work in this process runs on one thread; give the caller's torch its threads back afterwards."""
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    try:
        yield
    finally:
        if torch and torch.get_num_threads() != before:
            torch.set_num_threads(before)

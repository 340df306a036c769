"""Worker processes, one job each at a time, so that one that dies is known by its job and takes nothing along."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from ovbook.runs.spec import Spec

__all__ = ["Answer", "Pool", "one_thread_environment"]

_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
)


_KEEP_MEMORY = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:"
    "glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864"
)
"""A step frees and takes the same megabytes over and over: kept, they cost no page faults (some 5 to 15% of a step).
Other C libraries do not read this."""


def one_thread_environment(device: str, root: Path) -> dict[str, str]:
    """Environment of a worker: one thread in every library, the same import path, the same store."""
    environment = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1")
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    environment["OVBOOK_STORE"] = str(root)
    environment["TOKENIZERS_PARALLELISM"] = "false"
    environment.setdefault("GLIBC_TUNABLES", _KEEP_MEMORY)
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    return environment


class Answer(NamedTuple):
    """What became of a job: kind is "done", "refused", "failed" or "died"."""

    job: list[Spec]
    kind: str
    value: Any
    traceback: str
    warnings: list[str]


class _Worker:
    def __init__(self, device: str, root: Path) -> None:
        ours, theirs = socket.socketpair()
        log = root / "logs" / "workers.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, open(log, "ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ovbook.runs.worker", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                env=one_thread_environment(device, root),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                # Ctrl-C in a terminal reaches a whole group: workers have their own, and end when told.
                start_new_session=True,
            )
        self.connection = Connection(ours.detach())
        self.job: list[Spec] | None = None

    def stop(self) -> None:
        self.connection.close()
        if self.process.poll() is None:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
            return
        self.process.kill()
        self.process.wait()


class Pool:
    """Up to `size` workers, started when first needed and kept to the end."""

    def __init__(self, size: int, *, device: str, root: Path) -> None:
        self.size, self.device, self.root = size, device, root
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.process.poll() is None and worker.job is not None:
                worker.process.send_signal(signal.SIGTERM)
        for worker in self._workers:
            worker.stop()
        self._workers = []

    @property
    def free(self) -> int:
        """Jobs that could be given now."""
        return self.size - len(self.running)

    @property
    def running(self) -> list[list[Spec]]:
        """Jobs in hand."""
        return [worker.job for worker in self._workers if worker.job is not None]

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def give(self, job: Sequence[Spec]) -> None:
        """Hand a job to a free worker."""
        worker = next((w for w in self._workers if w.job is None), None)
        if worker is None:
            worker = _Worker(self.device, self.root)
            self._workers.append(worker)
        worker.job = list(job)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its death is heard in `answers`
            worker.connection.send((worker.job, str(self.root), self.device))

    def answers(self, timeout: float) -> Iterator[Answer]:
        """Jobs that ended, waiting up to `timeout` seconds for the first."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        if not busy:
            time.sleep(min(timeout, 0.01))
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]
            job, worker.job = worker.job or [], None
            try:
                kind, value, trace, said = worker.connection.recv()
            except (EOFError, OSError):
                self._workers.remove(worker)
                worker.stop()
                code = worker.process.returncode
                yield Answer(job, "died", -code if code and code < 0 else code, "", [])
                continue
            yield Answer(job, kind, value, trace, said)

"""A worker process: takes pieces of work from a socket, computes them, reports.

Started by `ovbook.runs.pool` as ``python -m ovbook.runs.worker FD PARENT`` with one thread's worth of settings in its
environment. It is a process of its own, not a fork and not a re-import of the caller's main module, so notebooks and
plain scripts need no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
import warnings
from multiprocessing.connection import Connection

__all__ = ["main"]


def _leave_with(parent: int) -> None:
    """End this process when the one that started it is gone: nobody would read what it computes."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(75)


def main(fd: int, parent: int) -> None:
    """Serve until the other end closes."""
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        # Set by the pool before this process began: setting them after torch is imported would come too late.
        assert os.environ.get(name) == "1", f"{name} must be 1 in a worker"
    from ovbook.runs.work import outcome_of, perform

    connection = Connection(fd)
    while True:
        try:
            specs, root, device = connection.recv()
        except (EOFError, OSError):
            return
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", UserWarning)
            try:
                reply: tuple[str, object, str] = ("done", perform(specs, root, device), "")
            except Exception as error:
                reply = (*outcome_of(error), traceback.format_exc())
        said = [str(w.message) for w in heard if type(w.message).__name__ == "StoreWarning"]
        connection.send((*reply, said))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

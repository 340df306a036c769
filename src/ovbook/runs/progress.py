"""How far a list of runs is: a bar for people, JSON lines for programs."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ovbook.runs.plan import duration

__all__ = ["Progress", "someone_watches"]


def someone_watches() -> bool:
    """Whether a bar would be seen: in a terminal, or in a notebook that a person drives.

    OVBOOK_PROGRESS=0 or 1 decides otherwise. A front end that cannot be asked for input (papermill, nbclient)
    has nobody before it.
    """
    wish = os.environ.get("OVBOOK_PROGRESS")
    if wish in ("0", "1"):
        return wish == "1"
    if os.environ.get("OVBOOK_PROGRESS_FILE"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr.isatty()


class Progress:
    """Counts runs done and says how long the rest will take."""

    def __init__(self, total: int, *, show: bool | None = None) -> None:
        self.total, self.done = total, 0
        self._file = os.environ.get("OVBOOK_PROGRESS_FILE")
        self._said = 0.0
        self._bar: Any = None
        if show if show is not None else someone_watches():
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, unit="run", leave=False, dynamic_ncols=True, file=sys.stderr)

    def update(self, done: int, seconds_left: float, label: str, *, force: bool = False) -> None:
        """Say where things stand; more than once a second only if `force`."""
        moved, self.done = done - self.done, done
        now = time.monotonic()
        if not (force or moved or now - self._said >= 1.0):
            return
        self._said = now
        if self._bar is not None:
            self._bar.update(moved)
            self._bar.set_postfix_str(f"about {duration(seconds_left)} left; {label[:60]}")
        if self._file:
            line = {"done": done, "total": self.total, "seconds_left": round(seconds_left, 1), "label": label}
            Path(self._file).parent.mkdir(parents=True, exist_ok=True)
            with open(self._file, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

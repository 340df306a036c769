"""One line a chapter: what runs, how far it is, how long it will take."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

__all__ = ["ChapterLine", "duration", "last_report"]


def duration(seconds: float) -> str:
    """Write a time span the way people say it.

    >>> [duration(s) for s in (4, 75, 3725)]
    ['4 s', '1 min 15 s', '1 h 02 min']
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def last_report(file: Path) -> dict[str, Any]:
    """Return the newest whole line the runner has written, or an empty report.

    The runner appends JSON lines ``{"done", "total", "seconds_left", "label"}``; a line may be half-written
    while we look, so the last one that parses counts.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in reversed(lines[-3:]):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict):
            return report
    return {}


class ChapterLine:
    """The line of one chapter: redrawn in place on a terminal, elsewhere a new line once a minute."""

    def __init__(self, name: str, stream: TextIO | None = None, every: float = 60.0):
        self.name = name
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.every = every
        self.started = time.monotonic()
        self._said = self.started
        self._width = 0
        if not self.live:
            self._print(f"{name}: started")

    @property
    def elapsed(self) -> float:
        """Seconds since the line was made."""
        return time.monotonic() - self.started

    def update(self, report: dict[str, Any]) -> None:
        """Show the runner's newest report."""
        text = f"{self.name}: {duration(self.elapsed)}"
        if report.get("total"):
            text += f", {report.get('done', 0)} of {report['total']} runs"
        if report.get("seconds_left"):
            text += f", about {duration(float(report['seconds_left']))} left"
        if report.get("label"):
            text += f" ({report['label']})"
        if self.live:
            text = text[:110]
            self.stream.write("\r" + text.ljust(self._width))
            self.stream.flush()
            self._width = len(text)
        elif time.monotonic() - self._said >= self.every:
            self._said = time.monotonic()
            self._print(text)

    def end(self, text: str) -> None:
        """Close the line with what came of it."""
        if self.live:
            self.stream.write("\r" + " " * self._width + "\r")
        self._print(f"{self.name}: {text}")

    def _print(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()

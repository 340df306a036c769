"""Benchmarks by lm-evaluation-harness, and answers compared by a judge of the reader's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import canonical_json, sha256_bytes, sha256_file
from ovbook.own import own_function, own_hash
from ovbook.runs.fields import whole
from ovbook.runs.spec import Spec, purpose_seed
from ovbook.runs.specs import Checkpoint, base_problems

__all__ = ["Harness", "WinRate"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Harness(Spec):
    """Scores of `base` on benchmarks of lm-evaluation-harness (``pip install lm-eval``), by its Python interface.

    tasks: their names there. shots: examples in every prompt. limit: at most so many items of each; None: all.
    files: a folder with task files of your own (the library's YAML), searched before its own; its content is part of
        the key. Nothing is cached between models: the library's own cache knows requests, not who answered.
    """

    base: Checkpoint
    tasks: tuple[str, ...]
    shots: int = 0
    limit: int | None = None
    files: str | None = None
    batch: int = 16

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        if (
            isinstance(self.tasks, str)
            or not self.tasks
            or not all(isinstance(t, str) and t for t in self.tasks)
        ):
            yield f"tasks is {self.tasks!r}, but it must be a list of benchmarks' names"
        yield from whole("shots", self.shots, 0)
        yield from whole("batch", self.batch)
        if self.limit is not None:
            yield from whole("limit", self.limit)
        if self.files is not None and not Path(self.files).is_dir():
            yield f"files is {self.files!r}, but it must be a folder of task files, or None"

    def data_hash(self) -> str | None:
        """Hash of the task files."""
        if self.files is None:
            return None
        found = sorted(path for path in Path(self.files).rglob("*") if path.is_file())
        return sha256_bytes(canonical_json([[path.name, sha256_file(path)] for path in found]))

    def label(self) -> str:
        """How many benchmarks, and whose score."""
        return (
            f"{len(self.tasks)} benchmarks on {self.base.root.label()}"
            if isinstance(self.base, Checkpoint)
            else ""
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class WinRate(Spec):
    """How often the answers of `base` to held-out questions of `task` are preferred to those of `other`.

    judge: ``module:function``, called as ``function(question, answer, other)``; it returns how much better the first
        answer is, from 0 to 1 (a half is a tie). What it asks (a model, a service, a person) is its own affair; its
        module's source is part of the key.
    """

    base: Checkpoint
    other: Checkpoint
    task: str
    judge: str
    rows: int = 64

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        yield from base_problems(self.base)
        yield from (text.replace("base", "other", 1) for text in base_problems(self.other))
        yield from whole("rows", self.rows)
        try:
            own_function(str(self.judge))
        except OvbookError as error:
            yield str(error)

    @property
    def evaluation_seed(self) -> int:
        """Seed of the questions, the same for all models of a root."""
        return purpose_seed(self.base.root.seed, "validation")

    def data_hash(self) -> str:
        """Hash of the judge's source."""
        return own_hash(self.judge)

    def label(self) -> str:
        """Who is judged by whom."""
        return f"{self.judge} on {self.base.root.label()}" if isinstance(self.base, Checkpoint) else ""

    def columns(self) -> dict[str, Any]:
        """Those of `base`; of `other` only that it is another."""
        return self.base.columns() | {"judge": self.judge, "judged_task": self.task, "rows": self.rows}

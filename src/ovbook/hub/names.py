"""What revisions are called, and which one is meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from ovbook.errors import OvbookError

__all__ = [
    "Revision",
    "by_step",
    "is_checkpoint",
    "is_commit",
    "nearest_revision",
    "parse_revision",
    "revision_name",
]

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_REVISION = re.compile(r"(?:stage\d+-(?:ingredient\d+-)?)?step(\d+)(?:-tokens(\d+(?:\.\d+)?)([kMBT]?))?")


class Revision(NamedTuple):
    """A checkpoint's place in its run; `tokens` is None where the name does not say it (``step1000``)."""

    step: int
    tokens: int | None


def revision_name(step: int, tokens: int) -> str:
    """``step100-tokens1M``: the step and the exact count of tokens seen, in k, M or B.

    >>> revision_name(100, 1_000_000), revision_name(20, 250_000), revision_name(32, 262_144)
    ('step100-tokens1M', 'step20-tokens250k', 'step32-tokens262.144k')
    """
    if step < 0 or tokens < 0:
        raise OvbookError(f"step {step} with {tokens} tokens is no place in a run: both must be at least 0")
    unit = next((u for u in ("B", "M", "k") if tokens >= _UNITS[u]), "")
    amount = f"{Decimal(tokens) / _UNITS[unit]:f}"
    return f"step{step}-tokens{amount.rstrip('0').rstrip('.') if '.' in amount else amount}{unit}"


def parse_revision(name: str) -> Revision:
    """What a revision's name tells; OLMo's, OLMo 2's (``stage1-step..``) and Pythia's are read too.

    Raises:
        OvbookError: the name has another form.
    """
    found = _REVISION.fullmatch(name)
    if found is None:
        raise OvbookError(
            f"revision '{name}' does not say where in a run it is: write it as 'step100-tokens1M'"
        )
    step, amount, unit = found.groups()
    return Revision(int(step), None if amount is None else int(Decimal(amount) * _UNITS[unit]))


def is_commit(revision: str | None) -> bool:
    """Whether `revision` is a commit's full hash, which never comes to mean something else."""
    return revision is not None and re.fullmatch(r"[0-9a-f]{40}", revision) is not None


def is_checkpoint(name: str) -> bool:
    """Whether the name says a step, as a checkpoint's does."""
    return _REVISION.fullmatch(name) is not None


def by_step(names: Iterable[str]) -> list[str]:
    """The names sorted: checkpoints by step, after all other names."""

    def place(name: str) -> tuple[int, int, str]:
        found = _REVISION.fullmatch(name)
        return (1, int(found[1]), name) if found else (0, 0, name)

    return sorted(names, key=place)


def nearest_revision(revision: str, names: list[str]) -> str | None:
    """The name most likely meant: by the nearest step if `revision` tells one, else by its letters."""
    steps = {name: int(found[1]) for name in names if (found := _REVISION.fullmatch(name))}
    wanted = re.search(r"step(\d+)", revision)
    if wanted and steps:
        return min(steps, key=lambda name: (abs(steps[name] - int(wanted[1])), name))
    return next(iter(difflib.get_close_matches(revision, names, n=1, cutoff=0.4)), None)

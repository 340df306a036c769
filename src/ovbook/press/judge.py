"""What only the runs know about a chapter: whether its parameters are possible, and what its experiment would cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["filled", "judge_parameters", "plan_of"]


def judge_parameters(values: Mapping[str, Any]) -> None:
    """Raise `OvbookError` when the runs refuse `values` (all parameters of a chapter, defaults included)."""
    from ovbook.runs import parameters

    parameters(**values)


def filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` filled up from their scale; as they are where the runs do not know such parameters."""
    from ovbook.errors import OvbookError
    from ovbook.runs import parameters

    try:
        return dict(parameters(**values))
    except OvbookError:
        return dict(values)


def plan_of(path: Path, values: Mapping[str, Any]) -> str:
    """Return what the runner would do for the experiment of the chapter at `path`, in words; compute nothing.

    Only the cell tagged ``experiment`` is run, which by agreement imports nothing heavier than `ovbook.runs`.
    """
    from ovbook.runs import plan
    from ovbook.runs.chapter import read_experiment

    specs, _ = read_experiment(path).runs(values)
    return str(plan(specs))

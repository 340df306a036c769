"""The table of operations: what computes a spec, and how often its numbers have moved.

An operation is a plain function ``op(spec, inputs, out, device) -> rows``. It gets the spec, an `Inputs` that
leads to its parents' results and its text, an empty folder that becomes part of the result, and a device
("cpu", "cuda"); it returns a list of records or an Arrow table. Nothing else reaches it and it keeps nothing,
so any process on any machine can run it.

A stacked operation computes several specs of one shape as one: ``op(specs, inputs, outs, device) -> [rows]``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["OPERATIONS", "Operation", "operation_of", "register"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Where an operation lives, as ``module:function`` strings that are imported only when it is run.

    `version` is part of every key: raise it by one, by hand, in the change that moves the operation's numbers.
    """

    name: str
    version: int
    function: str
    stacked: str | None = None

    def resolve(self, *, stacked: bool = False) -> Callable[..., Any]:
        """Import the function."""
        path = self.stacked if stacked else self.function
        if path is None:
            raise OvbookError(f"operation '{self.name}' has no stacked form: run its specs one by one")
        module, _, function = path.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return found


OPERATIONS: dict[str, Operation] = {
    "Pretrain": Operation(
        name="pretrain",
        version=1,
        function="ovbook.runs.pretrain:run",
        stacked="ovbook.runs.pretrain:run_stack",
    ),
    "Perturb": Operation(name="perturb", version=1, function="ovbook.perturb:run"),
    "Evaluate": Operation(name="evaluate", version=1, function="ovbook.evaluate:run"),
    "FineTune": Operation(name="finetune", version=2, function="ovbook.runs.finetune:run"),
    "Continue": Operation(
        name="continue",
        version=1,
        function="ovbook.runs.continued_work:run",
        stacked="ovbook.runs.continued_work:run_stack",
    ),
    "Blend": Operation(name="blend", version=1, function="ovbook.runs.blend_work:run"),
    "Rewrite": Operation(name="rewrite", version=1, function="ovbook.runs.rewrite_work:run"),
    "Reinforce": Operation(name="reinforce", version=1, function="ovbook.runs.reinforce_work:run"),
    "Memorise": Operation(name="memorise", version=1, function="ovbook.runs.memorise_work:run"),
    "OneExample": Operation(name="one example", version=1, function="ovbook.runs.one_example_work:run"),
    "Recite": Operation(name="recite", version=1, function="ovbook.runs.recite_work:run"),
    "Worth": Operation(name="worth", version=1, function="ovbook.runs.worth_work:run"),
    "Overturn": Operation(name="overturn", version=1, function="ovbook.runs.overturn_work:run"),
    "Slice": Operation(name="slice", version=1, function="ovbook.landscape:run"),
    "Sharpness": Operation(name="sharpness", version=1, function="ovbook.sharpness:run"),
    "Released": Operation(name="released", version=1, function="ovbook.runs.released_work:run"),
    "Harness": Operation(name="harness", version=1, function="ovbook.runs.harness_work:run"),
    "WinRate": Operation(name="win rate", version=1, function="ovbook.runs.harness_work:compare"),
    "LinearNetwork": Operation(name="linear network", version=1, function="ovbook.runs.linear_work:learn"),
    "LinearNoise": Operation(name="linear noise", version=1, function="ovbook.runs.linear_work:shake"),
    "LinearTuning": Operation(name="linear tuning", version=1, function="ovbook.runs.linear_work:tune"),
}
"""Class of spec -> its operation."""


def register(spec_class: str, operation: Operation) -> None:
    """Add the operation of a spec class of your own; do it in the module that defines the class."""
    taken = {o.name: c for c, o in OPERATIONS.items()}.get(operation.name)
    if taken not in (None, spec_class):
        raise OvbookError(f"operation '{operation.name}' already belongs to {taken}: give yours another name")
    OPERATIONS[spec_class] = operation


def operation_of(spec: object) -> Operation:
    """The operation that computes `spec`."""
    found = OPERATIONS.get(type(spec).__name__)
    if found is None:
        raise OvbookError(
            f"{type(spec).__name__} has no operation: the table in ovbook.runs.operations knows "
            f"{', '.join(OPERATIONS)}"
        )
    return found

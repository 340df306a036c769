"""A chapter's experiment without the chapter: its parameters and its `experiment` cell alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.runs.knobs import Parameter, declared
from ovbook.runs.settings import Parameters, parameters
from ovbook.runs.spec import Spec

__all__ = ["Experiment", "read_experiment"]

_CELL = re.compile(r"^# %%(?P<head>.*)$", re.MULTILINE)
_TAGS = re.compile(r"tags=(\[[^\]]*\])")


@dataclass(frozen=True)
class Experiment:
    """The cells of a chapter that say what to run: texts of the `parameters` and the `experiment` cell."""

    path: Path
    parameters_cell: str
    experiment_cell: str

    def declared(self) -> dict[str, Parameter]:
        """The parameters of the chapter by name."""
        return declared(self.parameters_cell, self.path.stem)

    def runs(self, given: Mapping[str, Any]) -> tuple[list[Spec], Parameters]:
        """The specs of ``experiment(p)`` with the parameters `given` in place of the chapter's own.

        `p` is what the experiment cell makes of the parameters if it assigns one, else ``parameters(...)`` of all
        of them.
        """
        values = {name: parameter.default for name, parameter in self.declared().items()}
        for name in given:
            if name not in values:
                raise OvbookError(
                    f"{self.path.stem} has no parameter '{name}'{did_you_mean(name, values)}: it has {', '.join(values)}"
                )
        values |= given
        space: dict[str, Any] = {"__name__": "experiment", **values}
        try:
            exec(compile(self.experiment_cell, str(self.path), "exec"), space)
        except ModuleNotFoundError as error:
            raise OvbookError(
                f"the experiment cell of {self.path.stem} imports {error.name}, which is not installed here: it should "
                f"import nothing but the standard library and ovbook.runs"
            ) from error
        if not callable(space.get("experiment")):
            raise OvbookError(f"the experiment cell of {self.path.stem} defines no experiment(p): it must")
        p = space.get("p")
        p = p if isinstance(p, Parameters) else parameters(**values)
        return list(space["experiment"](p)), p


def read_experiment(path: Path) -> Experiment:
    """Find the two cells in a chapter (a Jupytext file of the percent format)."""
    text = path.read_text(encoding="utf-8")
    marks = list(_CELL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    cells: dict[str, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        tags = _TAGS.search(mark["head"])
        if tags is None:
            continue
        # Lines keep their numbers, so that an error points into the chapter.
        body = "\n" * text.count("\n", 0, mark.end()) + text[mark.end() : end].lstrip("\n").join(["\n", ""])
        for tag in ast.literal_eval(tags[1]):
            cells.setdefault(tag, body)
    missing = [tag for tag in ("parameters", "experiment") if tag not in cells]
    if missing:
        raise OvbookError(
            f'{path.name} has no cell tagged {" or ".join(missing)}: write, say, # %% tags=["{missing[0]}"] above it'
        )
    return Experiment(path, cells["parameters"], cells["experiment"])

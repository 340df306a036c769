"""A chapter's source: it converts, declares its parameters, and its experiment cell runs anywhere."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.press.anatomy import missing
from ovbook.press.convert import declared_parameters, tagged, to_notebook
from ovbook.press.dress import check_header
from ovbook.project import Chapter, Project
from ovbook.runs.knobs import Parameter

__all__ = ["Source", "read_source"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A chapter as its file says it: prose, code, parameters."""

    chapter: Chapter
    prose: str
    code: tuple[ast.Module, ...]
    parameters: dict[str, Parameter]


def read_source(project: Project, chapter: Chapter) -> tuple[Source | None, list[str]]:
    """The chapter (None when it cannot be read at all) and what is wrong with its header and its cells."""
    try:
        notebook = to_notebook(chapter.path)
    except OvbookError as error:
        return None, [str(error)]
    problems: list[str] = []
    trees = []
    for number, cell in enumerate([c for c in notebook.cells if c.cell_type == "code"], start=1):
        try:
            trees.append(ast.parse(cell.source))
        except SyntaxError as error:
            problems.append(f"code cell {number} is not Python ({error.msg}, line {error.lineno}): mend it")
    parameters: dict[str, Parameter] = {}
    try:
        if not problems:
            parameters = declared_parameters(notebook, chapter.name)
    except OvbookError as error:
        problems.append(str(error))
    problems += _parameter_problems(parameters)
    problems += _experiment_problems(tagged(notebook, "experiment"))
    try:
        check_header(notebook, project, chapter.name)
    except OvbookError as error:
        problems.append(str(error))
    problems += missing(notebook)
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return Source(chapter=chapter, prose=prose, code=tuple(trees), parameters=parameters), problems


def _parameter_problems(declared: dict[str, Parameter]) -> Iterator[str]:
    from ovbook.press.judge import judge_parameters
    from ovbook.runs.settings import KNOBS

    for parameter in declared.values():
        if not parameter.annotation:
            yield f"parameter '{parameter.name}' has no type: write '{parameter.name}: int = ...'"
        if not parameter.help:
            yield f"parameter '{parameter.name}' has no comment: say after a # what it does"
        if parameter.name not in KNOBS:
            yield (
                f"parameter '{parameter.name}' is no knob of the book{did_you_mean(parameter.name, KNOBS)}: rename "
                f"it, or add a line to KNOBS in runs/settings.py"
            )
    if declared and all(name in KNOBS for name in declared):
        try:
            judge_parameters({name: parameter.default for name, parameter in declared.items()})
        except OvbookError as error:
            yield f"its own defaults are refused ({error}): mend the parameters cell"


def _experiment_problems(cells: list[Any]) -> Iterator[str]:
    if len(cells) != 1:
        yield f"it has {len(cells)} cells tagged 'experiment': it needs exactly one, which defines experiment(p)"
        return
    try:
        tree = ast.parse(cells[0].source)
    except SyntaxError:
        return  # said above, with the cell's number
    if not any(isinstance(node, ast.FunctionDef) and node.name == "experiment" for node in tree.body):
        yield "the cell tagged 'experiment' defines no experiment(p): define it there"
    for name in _imported(tree):
        first = name.partition(".")[0]
        if (
            first not in sys.stdlib_module_names
            and name != "ovbook.runs"
            and not name.startswith("ovbook.runs.")
        ):
            yield (
                f"the experiment cell imports {name}: it may import the standard library and ovbook.runs alone, so "
                f"that a machine without plotting libraries can run it"
            )


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            # `from ovbook import runs` names the room in the list, not in the module.
            yield from (f"ovbook.{alias.name}" for alias in node.names) if module == "ovbook" else (module,)

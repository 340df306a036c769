"""The parameters cell of a chapter: what it declares, and values that people give instead.

It is read and never run, so a mistake is found before anything else happens; the command line and a machine
without the plotting libraries read it the same way.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["Parameter", "declared", "read_assignments"]

_WORDS = {"true": True, "false": False, "none": None, "null": None}
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One knob of a chapter, as its parameters cell declares it."""

    name: str
    annotation: str
    default: Any
    help: str


def declared(source: str, chapter: str) -> dict[str, Parameter]:
    """Names, types, defaults and comments of a parameters cell, in their order.

    Only assignments of literals may stand there: papermill re-assigns overridden names only, so a value
    derived from another parameter would keep its old value. Raises `OvbookError` for anything else.
    """
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            name, annotation, value = node.target.id, ast.unparse(node.annotation), node.value
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            name, annotation, value = node.targets[0].id, "", node.value
        else:
            raise OvbookError(
                f"the parameters cell of chapter {chapter} holds '{ast.unparse(node)}': only lines of the "
                f"form 'name: type = literal  # help' may stand there"
            )
        try:
            default = ast.literal_eval(value)
        except ValueError as error:
            raise OvbookError(
                f"parameter '{name}' of chapter {chapter} is computed ('{ast.unparse(value)}'): give it a "
                f"literal value and derive in a later cell, or a changed parameter would not reach it"
            ) from error
        # A long line may have been broken, with the comment inside the brackets.
        lines = range(node.end_lineno or node.lineno, node.lineno - 1, -1)
        comment = next((comments[line] for line in lines if line in comments), "")
        found[name] = Parameter(name=name, annotation=annotation, default=default, help=comment)
    return found


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def read_assignments(texts: Iterable[str], declared: Mapping[str, Parameter], chapter: str) -> dict[str, Any]:
    """Turn ``["scale=gpu", "seeds=8", "gammas=0.1,0.2"]`` into values, or raise `OvbookError`.

    Refuses a text without ``=``, a name that the chapter does not declare, a name given twice, and a value
    that does not fit the declared type. A list may be written with or without brackets; what a value *means*
    (is there such a scale?) is for `ovbook.runs.parameters` to judge.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, raw = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise OvbookError(f"'-p {text}' is not of the form name=value: write, say, -p seeds=8")
        if name not in declared:
            hint = did_you_mean(name, declared)
            raise OvbookError(
                f"chapter {chapter} has no parameter '{name}'{hint}: it has {', '.join(declared) or 'none'}"
            )
        if name in values:
            raise OvbookError(f"parameter '{name}' is given twice: give it once")
        values[name] = _value(raw.strip(), declared[name], chapter)
    return values


def _literal(raw: str) -> Any:
    if raw.lower() in _WORDS:
        return _WORDS[raw.lower()]
    try:
        return ast.literal_eval(raw)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return raw


def _value(raw: str, parameter: Parameter, chapter: str) -> Any:
    kind = parameter.annotation.replace(" ", "").removesuffix("|None").split("[")[0]
    value = _literal(raw)
    if kind == "str" and value is not None and not isinstance(value, str):
        value = raw
    if kind == "list" and not isinstance(value, list) and value is not None:
        value = (
            list(value)
            if isinstance(value, tuple)
            else [_literal(item.strip()) for item in raw.split(",") if item]
        )
    allowed = _TYPES.get(kind)
    wrong_bool = isinstance(value, bool) and kind in ("int", "float")
    if allowed and value is not None and (wrong_bool or not isinstance(value, allowed)):
        raise OvbookError(
            f"parameter '{parameter.name}' of chapter {chapter} is '{raw}', but it must be of type {kind} "
            f"(default: {parameter.default!r})"
        )
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return value

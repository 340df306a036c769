"""What people type after ``-p``: ``name=value``, read with the chapter's own declarations at hand."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.press.convert import Parameter

__all__ = ["read_assignments"]

_WORDS = {"true": True, "false": False, "none": None, "null": None}
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


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

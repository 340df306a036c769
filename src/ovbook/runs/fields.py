"""Fields of specs: brought to one spelling, checked all at once, written canonically."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["canonical", "number", "one_of", "plain", "refuse", "repeated", "whole"]


def plain(value: Any) -> Any:
    """One spelling of equal values: lists become tuples, numpy's numbers Python's."""
    if isinstance(value, bool | str | bytes) or value is None or dataclasses.is_dataclass(value):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return tuple(plain(item) for item in value)
    return value


def canonical(value: Any) -> Any:
    """`value` as JSON holds it; specs stand for themselves by their key."""
    if hasattr(value, "key") and callable(value.key):
        return {"key": value.key()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: canonical(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"is": type(value).__name__} | fields
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    return value


def refuse(what: str, problems: Iterable[str]) -> None:
    """Raise one `OvbookError` that lists every problem, or do nothing when there is none."""
    found = list(problems)
    if found:
        raise OvbookError(f"{what} cannot be: {'; '.join(found)}")


def number(value: Any) -> bool:
    """Whether `value` is a finite number (and not True or False)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(name: str, value: Any, low: int = 1) -> Iterator[str]:
    """A problem unless `value` is a whole number of at least `low`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        yield f"{name} is {value!r}, but it must be a whole number of at least {low}"


def repeated(name: str, value: Any, *, low: float = 0.0, empty: bool = False) -> Iterator[str]:
    """A problem unless `value` holds finite numbers of at least `low`, each once."""
    if not isinstance(value, tuple) or (not value and not empty):
        yield f"{name} is {value!r}, but it must be a list of at least one number"
        return
    for item in value:
        if not number(item) or item < low:
            yield f"{name} holds {item!r}, but every one must be a finite number of at least {low:g}"
    if len(set(value)) < len(value):
        yield f"{name} is {value!r}, but it must not hold a number twice"


def one_of(name: str, value: Any, allowed: Iterable[str]) -> Iterator[str]:
    """A problem unless `value` is among `allowed`."""
    allowed = list(allowed)
    if value not in allowed:
        yield f"{name} is {value!r}{did_you_mean(str(value), allowed)}, but it must be one of {', '.join(allowed)}"

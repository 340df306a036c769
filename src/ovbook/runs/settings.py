"""Scales, and the parameters of a chapter: what the reader set, filled up from the scale, checked at once."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.runs.fields import number, one_of, plain, repeated, whole
from ovbook.runs.released import Released
from ovbook.runs.specs import model_problems

__all__ = ["FIRST_SEED", "KNOBS", "SCALES", "Parameters", "parameters"]

FIRST_SEED = 100
"""Seeds of repetitions start here. Seeds 0 to 9 were used by the pilots that shaped the rules of judging, so no
verdict may rest on them; world 0 was theirs, too."""

SCALES: dict[str, dict[str, Any]] = {
    "smoke": {
        "model": "olmo:16x2",
        "seeds": 1,
        "worlds": (1,),
        "budgets": (8_192, 16_384, 32_768, 65_536),
        "batch": 8,
        "rate": 6e-3,
        "rows": 8,
        "examples": 32,
        "questions": 16,
        "lessons": 24,
    },
    "laptop": {
        "model": "olmo:32x2",
        "seeds": 5,
        "worlds": (1, 2),
        "budgets": (125_000, 250_000, 500_000, 1_000_000, 2_000_000, 4_000_000),
        "batch": 16,
        "rate": 6e-3,
        "rows": 32,
        "examples": 1600,
        "questions": 64,
        "lessons": 320,
    },
    "gpu": {
        "model": "olmo:64x2",
        "seeds": 8,
        "worlds": (1, 2),
        "budgets": tuple(250_000 * 2**n for n in range(11)),
        "batch": 64,
        "rate": 3e-3,
        "rows": 256,
        "examples": 6400,
        "questions": 512,
        "lessons": 1600,
    },
    "paper": {
        "model": "90m",
        "seeds": 5,
        "worlds": (1, 2),
        "budgets": tuple(250_000_000 * 2**n for n in range(9)),
        "batch": 512,
        "rate": 1e-3,
        "rows": 1024,
        "examples": 25600,
        "questions": 1024,
        "lessons": 1600,
    },
}
"""What each scale fills in where the reader set nothing."""


def _at_least(low: float, *, above: bool = False) -> Callable[[str, Any], Iterator[str]]:
    def check(name: str, value: Any) -> Iterator[str]:
        if not number(value) or value < low or (above and value == low):
            yield f"{name} is {value!r}, but it must be a finite number {'above' if above else 'of at least'} {low:g}"

    return check


def _whole(low: int) -> Callable[[str, Any], Iterator[str]]:
    return lambda name, value: whole(name, value, low)


def _numbers(name: str, value: Any) -> Iterator[str]:
    return repeated(name, value)


def _wholes(low: int) -> Callable[[str, Any], Iterator[str]]:
    def check(name: str, value: Any) -> Iterator[str]:
        found = list(repeated(name, value, low=low))
        if not found and any(not isinstance(item, int) for item in value):
            found = [f"{name} is {value!r}, but it must hold whole numbers"]
        yield from found

    return check


def _names(name: str, value: Any, what: str) -> Iterator[str]:
    if not isinstance(value, tuple) or not value or not all(isinstance(item, str) and item for item in value):
        yield f"{name} is {value!r}, but it must be a list of {what}"


def _corpus(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.startswith(("world:", "file:", "hub:")):
        yield f"{name} is {value!r}, but it must be world:SEED/MIX, file:PATH or hub:NAME[:CONFIG[:SPLIT]]"


def _downstream(name: str, value: Any) -> Iterator[str]:
    from ovbook.world import MIXES

    if value not in MIXES and (
        not isinstance(value, str) or not value.startswith(("world:", "file:", "hub:"))
    ):
        yield f"{name} is {value!r}, but it must be a mix of the tiny worlds ({', '.join(MIXES)}), file:PATH or hub:NAME"


def _shares(name: str, value: Any) -> Iterator[str]:
    found = list(repeated(name, value))
    yield from found
    for item in () if found else value:
        if item > 1:
            yield f"{name} holds {item!r}, but every one must be a share, from 0 to 1"


def _released(name: str, value: Any) -> Iterator[str]:
    wrong = list(_names(name, value, "OWNER/NAME@REVISION"))
    yield from wrong
    for model in () if wrong else value:
        repo, _, revision = model.partition("@")
        try:
            Released(repo=repo, revision=revision or "main")
        except OvbookError as error:
            yield f"{name} holds {model!r}: {error}"


def _task(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"{name} is {value!r}, but it must be a task's name, such as gsm8k or file:FOLDER"


KNOBS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    "scale": lambda name, value: one_of(name, value, SCALES),
    "seeds": _whole(1),
    "worlds": _wholes(0),
    "corpus": _corpus,
    "model": lambda name, value: model_problems(value, 128),
    "released": _released,
    "task": _task,
    "models": lambda name, value: (p for m in value for p in model_problems(m, 128)),
    "budgets": _wholes(1),
    "batch": _whole(1),
    "rate": _at_least(0, above=True),
    "rates": _numbers,
    "gammas": _numbers,
    "relative": _numbers,
    "draws": _whole(1),
    "rows": _whole(1),
    "tasks": lambda name, value: iter(()),
    "examples": _whole(1),
    "questions": _whole(1),
    "lessons": _whole(4),
    "twins": lambda name, value: iter(()),
    "documents": _whole(1),
    "shots": _whole(0),
    "epochs": _at_least(0, above=True),
    "peak": _at_least(0, above=True),
    "exponent": _at_least(0),
    "degrees": _numbers,
    "bits": _wholes(2),
    "shares": _numbers,
    "people": _whole(1),
    "pulls": _numbers,
    "replays": _shares,
    "length": _whole(1),
    "downstream": _downstream,
    "warmups": _shares,
    "multiples": _numbers,
    "form": lambda name, value: one_of(name, value, ("clipped cosine", "cosine")),
    "state": lambda name, value: one_of(name, value, ("reset", "kept", "both")),
    "sam": _at_least(0, above=True),
    "precision": lambda name, value: one_of(name, value, ("float32", "bfloat16")),
    "ending": lambda name, value: one_of(
        name, value, ("annealed", "trunk", "branches", "clipped cosine", "all")
    ),
    "revisions": lambda name, value: _names(name, value, "revisions"),
    "benchmarks": lambda name, value: _names(name, value, "benchmarks"),
    "files": lambda name, value: iter(()),
    "limit": _whole(1),
    "referee": lambda name, value: iter(()),
    "context": _whole(8),
    "device": lambda name, value: iter(()),
    "workers": _whole(1),
}
"""Every parameter a chapter may have, and what is wrong with a value. A new one is one line here."""

_LISTS = {
    "worlds", "budgets", "gammas", "relative", "rates", "tasks", "twins", "models", "degrees", "pulls", "bits", "shares", "replays",
    "warmups", "multiples",
}  # fmt: skip
_TEXT_LISTS = {"released"}
_WHOLE_LISTS = {"worlds", "budgets", "bits"}


class Parameters(Mapping[str, Any]):
    """Parameters of a chapter: ``p.seeds``, ``p.budgets``; they cannot be changed.

    >>> p = Parameters({"scale": "smoke", "seeds": 1})
    >>> p.seeds
    1
    """

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            hint = did_you_mean(name, self._values)
            raise AttributeError(
                f"there is no parameter '{name}'{hint}: there are {', '.join(self)}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise OvbookError(
            f"parameters cannot be changed: set {name} in the parameters cell and run from there"
        )

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> tuple[type[Parameters], tuple[dict[str, Any]]]:
        return Parameters, (self._values,)

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds themselves: `seeds` numbers from `FIRST_SEED` on."""
        return tuple(range(FIRST_SEED, FIRST_SEED + self._values["seeds"]))

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of the upstream corpora: `corpus` if it is given, else the almanac of each world."""
        if self._values.get("corpus"):
            return (self._values["corpus"],)
        return tuple(f"world:{seed}/almanac" for seed in self._values["worlds"])


def parameters(**knobs: Any) -> Parameters:
    """The chapter's parameters: None is filled from the scale, an explicit value beats it.

    Raises:
        OvbookError: one sentence with every unknown name and impossible value. Under plain papermill names that
            the chapter does not have arrive as stray variables; those are found and refused, too.
    """
    values = {name: _spelled(name, value) for name, value in knobs.items()}
    values.setdefault("scale", "laptop")
    problems = [f"there is no parameter '{n}'{did_you_mean(n, KNOBS)}" for n in knobs if n not in KNOBS]
    problems += [
        f"there is no parameter '{n}'{did_you_mean(n, knobs)} in this chapter, which has {', '.join(knobs)}"
        for n in _injected()
        if n not in knobs
    ]
    for name, value in values.items():
        if name in KNOBS and (value is not None or name == "scale"):
            problems += KNOBS[name](name, value)
    if knobs.get("corpus") is not None and knobs.get("worlds") is not None:
        problems.append(
            f"corpus is {knobs['corpus']!r} and worlds is {knobs['worlds']!r}, but only one of the two can be set"
        )
    if problems:
        raise OvbookError(f"these parameters cannot be: {'; '.join(problems)}")
    filled = dict(SCALES[values["scale"]])
    if values.get("corpus") is not None:
        filled["worlds"] = ()
    filled["corpus"] = None
    return Parameters(
        filled | {name: value for name, value in values.items() if value is not None or name not in filled}
    )


def _spelled(name: str, value: Any) -> Any:
    value = plain(value)
    if name in _LISTS and isinstance(value, int | float) and not isinstance(value, bool):
        value = (value,)
    if name in _TEXT_LISTS and isinstance(value, str):
        value = (value,)
    if name in _WHOLE_LISTS and isinstance(value, tuple):
        value = tuple(int(v) if isinstance(v, float) and v.is_integer() else v for v in value)
    return value


def _injected() -> list[str]:
    """Names that papermill assigned in the cell it puts after the chapter's own parameters."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    history = (getattr(shell, "user_ns", None) or {}).get("In") or []
    cells = [cell for cell in history if isinstance(cell, str) and cell.startswith("# Parameters\n")]
    names: list[str] = []
    for cell in cells[-1:]:
        try:
            body = ast.parse(cell).body
        except SyntaxError:
            continue
        targets = [t for line in body if isinstance(line, ast.Assign) for t in line.targets]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names

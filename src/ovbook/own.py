"""Functions of the reader's own, named ``module:function``: found by import, known by the text of their module.

A run's key has to change when such a function does, so what is executed is exactly the text that was hashed, however
often the file is edited while a notebook stays open.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import sha256_bytes

__all__ = ["is_own", "own_function", "own_hash"]


def is_own(name: object) -> bool:
    """Whether `name` is written as ``module:function``."""
    return isinstance(name, str) and ":" in name


def own_function(name: str) -> Callable[..., Any]:
    """The function that `name` names, as the file of its module stands now.

    Raises `OvbookError` when there is no such module or function, or when its source is not a file that another
    process could import (a notebook's own functions are not).
    """
    module, _, function = name.partition(":")
    path = _file_of(name, module)
    space = _executed(module, path, path.read_text(encoding="utf-8"))
    found = space.get(function)
    if not callable(found):
        offered = [n for n, value in space.items() if callable(value) and not n.startswith("_")]
        raise OvbookError(
            f"'{name}': {path.name} has no function '{function}'{did_you_mean(function, offered)}: write one, or "
            f"name one of {', '.join(offered) or 'none so far'}"
        )
    return found


def own_hash(name: str) -> str:
    """SHA-256 of the whole source file of the function's module; what that imports is not looked at."""
    return sha256_bytes(_file_of(name, name.partition(":")[0]).read_text(encoding="utf-8"))


def _file_of(name: str, module: str) -> Path:
    if module == "__main__" or not all(part.isidentifier() for part in module.split(".")):
        raise OvbookError(
            f"'{name}' names no module: put the function into a file such as mine.py, beside your notebook or in a "
            f"folder of sys.path, and write 'mine:{name.partition(':')[2] or 'function'}'"
        )
    importlib.invalidate_caches()  # the file may have been written a moment ago
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a parent that is no package
        spec = None
    if spec is None or not (spec.origin or "").endswith(".py"):
        raise OvbookError(
            f"'{name}': Python finds no source file for the module '{module}': start from the folder that holds "
            f"{module.split('.')[0]}{'' if '.' in module else '.py'}, or add that folder to PYTHONPATH"
        )
    return Path(str(spec.origin))


@functools.lru_cache(maxsize=16)
def _executed(module: str, path: Path, text: str) -> dict[str, Any]:
    """Names of the module after running exactly `text`; the module that others imported is left alone."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    fresh = importlib.util.module_from_spec(spec)
    known = sys.modules.get(module)
    sys.modules[module] = fresh  # dataclasses look their module up while it is executed
    try:
        exec(compile(text, str(path), "exec"), fresh.__dict__)
    except Exception as error:
        raise OvbookError(
            f"the module '{module}' cannot be executed ({type(error).__name__}: {error}): mend {path.name}"
        ) from error
    finally:
        if known is not None:
            sys.modules[module] = known
        else:
            del sys.modules[module]
    return fresh.__dict__

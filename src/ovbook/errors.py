"""The one exception for mistakes a person can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["OvbookError", "did_you_mean"]


class OvbookError(ValueError):
    """A mistake that a reader can mend: one sentence naming the value, what is allowed and what to do.

    The command line prints the sentence and exits with status 2; a notebook shows it without a traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """Called by IPython instead of its own traceback formatter."""
        return [f"ovbook: {self}"]


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest allowed word, or an empty string."""
    near = difflib.get_close_matches(word, list(allowed), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""

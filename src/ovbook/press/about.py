"""What a chapter says of itself in the YAML at the top of its file: what one learns, which papers, what to read first.

    #   ovbook:
    #     learn:
    #       - why the same noise hurts a longer-trained model more
    #     papers: [springer2025overtrained]
    #     after: [01-a-world-you-can-hold]

Jupytext carries the mapping into the notebook's metadata, and papermill leaves it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["About", "about"]

_KEYS = ("learn", "papers", "after")
_LINES, _LETTERS = (3, 4), 90
"""How many lines say what one learns, and how long one may be."""


@dataclass(frozen=True, kw_only=True)
class About:
    """learn: three or four lines; papers: keys of ``references.bib``; after: names of chapters to read first."""

    learn: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def about(notebook: Any, chapter: str) -> About | None:
    """Read the header from the metadata of `notebook`; None where the chapter has none.

    Raises `OvbookError` for a key that is not known or a value of the wrong kind or size.
    """
    said = notebook.metadata.get("ovbook", {})
    if not isinstance(said, Mapping):
        raise OvbookError(f"the header of chapter {chapter} has ovbook: {said!r}: it must be a mapping")
    # An executed notebook keeps its record in the same place, under other names.
    if "source_sha256" not in said:
        for name in said:
            if name not in _KEYS:
                raise OvbookError(
                    f"the header of chapter {chapter} has the key '{name}'{did_you_mean(name, _KEYS)}: under ovbook "
                    f"it may have {', '.join(_KEYS)}"
                )
    if not any(name in said for name in _KEYS):
        return None
    lists = {name: _texts(said.get(name, []), name, chapter) for name in _KEYS}
    learn = lists["learn"]
    if not _LINES[0] <= len(learn) <= _LINES[1]:
        raise OvbookError(
            f"the header of chapter {chapter} has {len(learn)} lines under 'learn': give three or four"
        )
    for line in learn:
        if len(line) > _LETTERS:
            raise OvbookError(
                f"the header of chapter {chapter} has a line of {len(line)} letters under 'learn' ('{line[:40]}…'): at "
                f"most {_LETTERS}"
            )
    return About(**lists)


def _texts(value: Any, name: str, chapter: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise OvbookError(
            f"the header of chapter {chapter} has {name}: {value!r}, but it must be a list of texts (a text with a "
            f"colon or a # needs quotation marks)"
        )
    return tuple(item.strip() for item in value)

"""The names of real text: ``file:PATH[#field=..][#vocab=..]`` and ``hub:NAME[:CONFIG[:SPLIT]][#..]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ovbook.errors import OvbookError, did_you_mean

__all__ = [
    "DEFAULT_DOCUMENTS",
    "DEFAULT_FIELD",
    "DEFAULT_VOCAB",
    "TextName",
    "looks_like_glob",
    "parse_text_name",
]

DEFAULT_FIELD = "text"
"""The column that is read unless `#field=` names another."""

DEFAULT_VOCAB = 1024
"""Size of the vocabulary unless `#vocab=` says otherwise."""

DEFAULT_DOCUMENTS = 20_000
"""A `hub:` corpus is the first 20,000 documents of its split unless `#documents=` says otherwise."""

SMALLEST_VOCAB, LARGEST_VOCAB = 260, 65_536
"""256 bytes and 4 special tokens at least; at most what two bytes a token can hold."""

_OPTIONS = {"file": ("field", "vocab"), "hub": ("field", "vocab", "documents", "revision")}
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


@dataclass(frozen=True, kw_only=True)
class TextName:
    """A corpus name taken apart.

    `scheme` is "file" or "hub". For files `where` is the path, folder, glob or comma-separated list as it was
    written; for the hub it is the data set's name, and `config`, `split`, `revision` and `documents` (the cap
    on how many are taken from the stream) apply.
    """

    scheme: str
    where: str
    field: str = DEFAULT_FIELD
    vocab: int = DEFAULT_VOCAB
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    documents: int = DEFAULT_DOCUMENTS


def parse_text_name(name: str, *, vocab: int | None = None) -> TextName:
    """Take ``file:...`` or ``hub:...`` apart; `vocab` is used where the name has no ``#vocab=``.

    Raises:
        OvbookError: an unknown scheme or option, a malformed hub name, a number out of range.
    """
    scheme, colon, rest = name.partition(":")
    if not colon or scheme not in _OPTIONS:
        raise OvbookError(
            f"corpus '{name}' has no known scheme: write 'world:SEED/MIX', 'file:PATH' or 'hub:NAME'"
            f"{did_you_mean(scheme, ['world', *_OPTIONS])}"
        )
    where, *written = rest.split("#")
    options = _options(name, scheme, written)
    size = _whole(name, "vocab", options.get("vocab", vocab or DEFAULT_VOCAB), SMALLEST_VOCAB, LARGEST_VOCAB)
    field = options.get("field", DEFAULT_FIELD)
    if not where.strip():
        raise OvbookError(f"corpus '{name}' names nothing: write a {_WANTED[scheme]} after '{scheme}:'")
    if scheme == "file":
        return TextName(scheme="file", where=where, field=field, vocab=size)
    parts = where.split(":")
    if len(parts) > 3 or not parts[-1] or not _REPO.fullmatch(parts[0]):
        raise OvbookError(
            f"'{where}' is not a data set's name: write hub:NAME, hub:NAME:CONFIG, hub:NAME:CONFIG:SPLIT or "
            f"hub:NAME::SPLIT, with NAME as on the hub, like 'openai/gsm8k:main:train'"
        )
    return TextName(
        scheme="hub",
        where=parts[0],
        field=field,
        vocab=size,
        config=(parts[1] or None) if len(parts) > 1 else None,
        split=parts[2] if len(parts) > 2 else "train",
        revision=options.get("revision"),
        documents=_whole(name, "documents", options.get("documents", DEFAULT_DOCUMENTS), 1, None),
    )


_WANTED = {"file": "file, folder or glob", "hub": "data set's name"}


def _options(name: str, scheme: str, written: list[str]) -> dict[str, str]:
    allowed = _OPTIONS[scheme]
    options: dict[str, str] = {}
    for option in written:
        key, equals, value = option.partition("=")
        if key not in allowed or not equals or not value:
            raise OvbookError(
                f"'#{option}' in corpus '{name}' is not an option: use "
                f"{', '.join(f'#{o}=...' for o in allowed)}{did_you_mean(key, allowed)}"
            )
        options[key] = value
    return options


def _whole(name: str, key: str, value: str | int, low: int, high: int | None) -> int:
    text = str(value)
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < low or (high is not None and number > high):
        allowed = f"from {low:,} to {high:,}" if high is not None else f"of at least {low:,}"
        raise OvbookError(f"{key} is '{value}' in corpus '{name}': it must be a whole number {allowed}")
    return number


def looks_like_glob(where: str) -> bool:
    """Whether `where` names no existing path and holds a wildcard."""
    return not Path(where).exists() and any(sign in where for sign in "*?[")

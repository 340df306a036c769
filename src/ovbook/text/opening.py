"""From the name of a text to its encoded streams."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from ovbook import hub
from ovbook.files import atomic_write, canonical_json, sha256_bytes
from ovbook.text.documents import Piece, find_files, kind_of, pieces_of
from ovbook.text.encoded import VERSION, Encoded, encode_once, hash_of, read_encoded
from ovbook.text.names import TextName
from ovbook.text.streamed import spool

__all__ = ["default_cache", "open_text"]


def default_cache() -> Path:
    """The folder that ``OVBOOK_STORE`` names, else ``.ovbook`` here."""
    return Path(os.environ.get("OVBOOK_STORE") or ".ovbook")


def open_text(name: TextName, cache_dir: Path | None = None) -> Encoded:
    """The encoded streams of the text that `name` names, made on first use and reused afterwards."""
    corpora = (cache_dir or default_cache()) / "corpora"
    return _open_files(name, corpora) if name.scheme == "file" else _open_hub(name, corpora)


def _key(name: TextName, source: object) -> str:
    settings = {"field": name.field, "vocab": name.vocab, "version": VERSION}
    return sha256_bytes(canonical_json({"source": source, **settings}))


def _open_files(name: TextName, corpora: Path) -> Encoded:
    files = find_files(name.where)
    # Contents and kinds, not paths: a text that moves to another folder is still the same corpus.
    key = _key(name, [[kind_of(file), hash_of(file)] for file in files])

    def passes(scratch: Path) -> Callable[[], Iterator[Piece]]:
        return lambda: (piece for file in files for piece in pieces_of(file, name.field))

    return encode_once(corpora / key, passes, vocab=name.vocab, title=f"file:{name.where}")


def _open_hub(name: TextName, corpora: Path) -> Encoded:
    title = f"hub:{name.where}"
    asked = [name.where, name.config, name.split, name.documents, name.revision]
    if hub.is_commit(name.revision) and (pinned := _known(name.revision, name, corpora)):
        return pinned
    remembered = corpora / "hub" / f"{_key(name, asked)}.json"
    try:
        commit = hub.resolve(name.where, name.revision, kind="dataset")
    except hub.Unreachable as error:
        known = _known(_commit_in(remembered), name, corpora)
        if known is None:
            raise
        warnings.warn(f"{title}: the copy encoded earlier is used, because {error}", stacklevel=3)
        return known
    key = _key(name, [name.where, name.config, name.split, name.documents, commit])
    encoded = encode_once(
        corpora / key, lambda scratch: spool(name, commit, scratch), vocab=name.vocab, title=title
    )
    atomic_write(remembered, json.dumps({"name": title, "commit": commit}))
    return encoded


def _commit_in(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text())["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(commit: str | None, name: TextName, corpora: Path) -> Encoded | None:
    """The encoded copy of the text at `commit`, if there is one."""
    key = _key(name, [name.where, name.config, name.split, name.documents, commit])
    return read_encoded(corpora / key) if commit else None

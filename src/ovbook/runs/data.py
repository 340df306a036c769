"""What a run reads, by name: opened once per process, and known by the hash of its content."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ovbook.files import canonical_json, sha256_bytes, sha256_file

if TYPE_CHECKING:
    from ovbook.corpus import Corpus

__all__ = ["corpus_hash", "corpus_of", "task_hash"]


def corpus_of(name: str, context: int = 128) -> Corpus:
    """The corpus that `name` names, opened once per process unless its files change."""
    return _open(name, context, _trace(name), os.environ.get("OVBOOK_STORE"))


def corpus_hash(name: str, context: int = 128) -> str:
    """Hash of everything that decides the rows of corpus `name`."""
    return corpus_of(name, context).hash


@functools.lru_cache(maxsize=16)
def _open(name: str, context: int, trace: object, store: str | None) -> Corpus:
    from ovbook.corpus import open_corpus

    return open_corpus(name, context=context)


def _trace(name: str) -> object:
    """Names, sizes and times of a file corpus' files: a notebook may stay open while its text is edited."""
    if not name.startswith("file:"):
        return None
    found = []
    for part in name.removeprefix("file:").split("#")[0].split(","):
        path = Path(part.strip())
        paths = [path] if path.exists() else sorted(path.parent.glob(path.name))
        files = [f for p in paths for f in (sorted(p.rglob("*")) if p.is_dir() else [p])]
        found += [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
    return tuple(found)


def task_hash(name: str) -> str | None:
    """Hash of a task's own files (``file:FOLDER``); None where the name says it all."""
    if not name.startswith("file:"):
        return None
    folder = Path(name.removeprefix("file:").split("#")[0])
    files = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    return sha256_bytes(canonical_json([[file.name, sha256_file(file)] for file in files]))

"""Files of a repository at one revision, through the hub's own cache."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from pathlib import Path

from ovbook.files import atomic_write
from ovbook.hub.cache import repo_folder
from ovbook.hub.client import Unreachable, explain, resolve
from ovbook.hub.names import is_commit
from ovbook.hub.patience import library, patience

__all__ = ["download", "list_files"]

_PAUSE_SECONDS = 1.0


def download(repo: str, revision: str | None = None, *, patterns: Iterable[str], kind: str = "model") -> Path:
    """The folder of a repository's files that match `patterns`, at `revision`; what the cache holds is not fetched.

    A download that breaks is resumed where it broke; one that keeps failing is tried again as long as each try
    brings at least one more file, and what has arrived stays in the cache for the next time. A hub that cannot
    be reached is no hindrance where the cache holds a copy: it is used, with a warning unless `revision` is a
    commit.

    Raises:
        Unreachable: no answer, or none that is usable, and no copy in the cache.
        OvbookError: as `hub.resolve`; a disk that is full.
    """
    asked = list(patterns)
    if is_commit(revision) and (copy := _cached(repo, revision, asked, kind)):
        return copy
    try:
        commit = resolve(repo, revision, kind=kind)
    except Unreachable as error:
        copy = _cached(repo, revision, asked, kind)
        if copy is None:
            raise
        warnings.warn(f"{repo}: the copy downloaded earlier is used, because {error}", stacklevel=3)
        return copy
    before = -1
    while True:
        try:
            folder = _fetch(repo, commit, asked, kind)
            if not is_commit(revision):  # so that the name finds this copy when the hub is away
                atomic_write(_cache_of(repo, kind) / "refs" / (revision or "main"), commit)
            return folder
        except Exception as error:
            said = explain(error, repo, revision, kind=kind)
            here = _complete(repo, commit, kind)
            if not isinstance(said, Unreachable):
                raise said from error
            if here <= before:
                kept = f" (the {here} files that have arrived are kept)" if here else ""
                raise Unreachable(f"{said}{kept}") from error
            before = here
            time.sleep(_PAUSE_SECONDS)


def _fetch(repo: str, commit: str, patterns: list[str], kind: str, **options: object) -> Path:
    with patience():
        folder = library().snapshot_download(
            repo, revision=commit, allow_patterns=patterns, repo_type=kind, **options
        )
    return Path(folder)


def _cached(repo: str, revision: str | None, patterns: list[str], kind: str) -> Path | None:
    """The folder in the cache, if every file that matches is there."""
    try:
        folder = _fetch(repo, revision or "main", patterns, kind, local_files_only=True)
    except Exception:  # not there, or a part of it only
        return None
    return folder if any(path for pattern in patterns for path in folder.glob(pattern)) else None


def _cache_of(repo: str, kind: str) -> Path:
    return repo_folder(repo, Path(library().constants.HF_HUB_CACHE), kind)


def _complete(repo: str, commit: str, kind: str) -> int:
    return sum(path.is_file() for path in (_cache_of(repo, kind) / "snapshots" / commit).rglob("*"))


def list_files(repo: str, revision: str | None = None, *, kind: str = "model") -> dict[str, str]:
    """Every file of a repository at `revision`, with the hash of what it holds; nothing is downloaded.

    The hash is the hub's own: SHA-256 for a large file, git's for a small one. Raises as `resolve` does.
    """
    commit = resolve(repo, revision, kind=kind)
    try:
        with patience():
            tree = list(
                library().HfApi().list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind)
            )
    except Exception as error:
        raise explain(error, repo, revision, kind=kind) from error
    files = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
    return {path: str(file.lfs.sha256 if file.lfs else file.blob_id) for path, file in files.items()}

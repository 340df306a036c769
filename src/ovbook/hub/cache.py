"""Checkpoints as revisions of an ordinary hub cache, so that every library that reads one reads ours."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder, atomic_write, canonical_json, sha256_bytes, sha256_file
from ovbook.hub.names import by_step
from ovbook.hub.patience import library

__all__ = ["cached_commit", "cached_names", "cached_revisions", "publish", "remember", "repo_folder"]


def publish(folder_by_revision: Mapping[str, Path], repo: str, cache_dir: Path) -> dict[str, str]:
    """Lay checkpoint folders out as revisions of model `repo` in an ordinary hub cache; return their commits.

    Afterwards ``AutoModelForCausalLM.from_pretrained(repo, revision=..., cache_dir=cache_dir,
    local_files_only=True)`` loads each. "main" is the revision of the last step, unless the mapping names it.
    A commit is a hash of its files' paths and contents, so publishing the same again changes nothing. Files
    are hard-linked where the disk allows it, so a cache beside the store takes no room.

    Raises:
        OvbookError: a repository name without an owner, an empty mapping or folder.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII) or "--" in repo or ".." in repo:
        raise OvbookError(f"'{repo}' is not a repository's name: write it as OWNER/NAME, like 'ovbook/suite'")
    if not folder_by_revision:
        raise OvbookError(f"there is nothing to publish as {repo}: give at least one revision")
    root = repo_folder(repo, cache_dir)
    commits = {name: _snapshot(Path(folder), root) for name, folder in folder_by_revision.items()}
    published = {"main": commits[by_step(set(commits))[-1]], **commits}
    for name, commit in published.items():
        atomic_write(root / "refs" / name, commit)
    return published


def _snapshot(folder: Path, root: Path) -> str:
    files = {p.relative_to(folder): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    if not files:
        raise OvbookError(
            f"the checkpoint folder {folder} is empty or missing: nothing can be published from it"
        )
    commit = sha256_bytes(canonical_json({path.as_posix(): blob for path, blob in files.items()}))[:40]
    for path, blob in files.items():
        _place(folder / path, root / "blobs" / blob)
    snapshot = root / "snapshots" / commit
    if not snapshot.exists():
        with atomic_folder(snapshot) as scratch:
            for path, blob in files.items():
                link = scratch / path
                link.parent.mkdir(parents=True, exist_ok=True)
                # Relative, as the hub's own client does, so that the cache can be moved.
                up = Path(*[".."] * (len(path.parts) + 1))
                os.symlink(up / "blobs" / blob, link)
    return commit


def _place(source: Path, blob: Path) -> None:
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    partial = blob.with_name(f"{blob.name}.partial-{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), partial)
    except OSError:
        shutil.copyfile(source, partial)
    os.replace(partial, blob)


def cached_revisions(repo: str, cache_dir: Path) -> list[str]:
    """Revisions of a model that a hub cache holds, in the order of `list_revisions`; no network."""
    refs = repo_folder(repo, cache_dir) / "refs"
    return by_step({p.relative_to(refs).as_posix() for p in refs.rglob("*") if p.is_file()})


def cached_names(repo: str) -> list[str]:
    """As `cached_revisions`, of the hub libraries' own cache."""
    return cached_revisions(repo, Path(library().constants.HF_HUB_CACHE))


def remember(repo: str, revision: str, commit: str) -> None:
    """Write down in the libraries' own cache what a revision stands for, so that its name works without a hub."""
    place = repo_folder(repo, Path(library().constants.HF_HUB_CACHE)) / "refs" / revision
    if cached_commit(repo, revision) != commit:
        atomic_write(place, commit)


def cached_commit(repo: str, revision: str) -> str | None:
    """The commit that a revision stood for when it was last downloaded into the libraries' own cache."""
    try:
        place = repo_folder(repo, Path(library().constants.HF_HUB_CACHE)) / "refs" / revision
        return place.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def repo_folder(repo: str, cache_dir: Path, kind: str = "model") -> Path:
    """Where a hub cache keeps a repository."""
    return Path(cache_dir) / f"{kind}s--{repo.replace('/', '--')}"

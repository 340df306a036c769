"""Where an executed chapter came from: its stamp (is it still current?) and the record printed beside it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ovbook
from ovbook.files import canonical_json, sha256_bytes, sha256_file
from ovbook.project import Chapter, Project

__all__ = ["commit", "folder_hash", "package_hash", "provenance", "stamp", "versions"]

_PRESS_VERSION = 2
"""Raise by one when a change to the press alters executed notebooks."""

_LIBRARIES = (
    "torch", "numpy", "pyarrow", "safetensors", "transformers", "tokenizers", "datasets", "pandas", "scipy",
    "altair", "vl-convert-python", "ipywidgets", "papermill", "jupytext",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can move a number; read without importing them."""
    found = {"python": platform.python_version(), "ovbook": ovbook.__version__}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def folder_hash(folder: Path, pattern: str = "*", skip: tuple[str, ...] = ()) -> str:
    """One SHA-256 over the relative names and contents of the files in `folder`.

    Files below a folder (or with a name) in `skip` and hidden ones do not count.
    """
    entries = []
    for file in sorted(folder.rglob(pattern)) if folder.is_dir() else []:
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(p in skip or p.startswith(".") or p == "__pycache__" for p in parts):
            entries.append(["/".join(parts), sha256_file(file)])
    return sha256_bytes(canonical_json(entries))


def package_hash() -> str:
    """Hash of what a chapter's kernel can see of the package: all rooms but the press and `cli`."""
    return folder_hash(Path(ovbook.__file__).parent, skip=("press", "cli.py"))


def stamp(project: Project, chapter: Chapter, parameters: Mapping[str, Any]) -> str:
    """Return one hash that changes when running `chapter` again could give another page.

    It covers the chapter's source, its parameters, the package, the committed results and the libraries; not
    the store, whose results are keyed by their own specs.
    """
    return sha256_bytes(
        canonical_json(
            {
                "press": _PRESS_VERSION,
                "source": chapter.source_hash,
                "parameters": dict(parameters),
                "package": package_hash(),
                "results": folder_hash(project.results),
                "libraries": versions(),
            }
        )
    )


def commit(root: Path) -> dict[str, Any]:
    """The commit of the working copy and whether it has changes; both None outside a repository."""

    def git(*words: str) -> str | None:
        try:
            answer = subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return answer.stdout.strip()

    changes = git("status", "--porcelain")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)}


def provenance(
    project: Project,
    chapter: Chapter,
    parameters: Mapping[str, Any],
    *,
    seconds: float,
    peak_bytes: int,
    runs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record written into an executed notebook's metadata under ``ovbook``.

    `seconds` is wall time of the execution, `peak_bytes` the largest sum of resident memory of the kernel and
    its workers that was seen, `runs` the summary of its ledger (`ovbook.runs.ledger`), None without runs.
    """
    return {
        "chapter": chapter.name,
        "executed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "stamp": stamp(project, chapter, parameters),
        "source_sha256": chapter.source_hash,
        "parameters": dict(parameters),
        **commit(project.root),
        "versions": versions(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "seconds": round(seconds, 1),
        "peak_mib": round(peak_bytes / 2**20),
        "runs": None if runs is None else dict(runs),
    }

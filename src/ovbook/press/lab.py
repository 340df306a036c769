"""`make lab`: the reader's own copies of the chapters, never overwritten once they were edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import atomic_write, canonical_json, sha256_bytes
from ovbook.press.convert import to_notebook
from ovbook.project import Chapter, Project

__all__ = ["copy_chapter", "copy_chapters", "open_lab"]

_QUIET = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
"""JupyterLab asks no other host for news or newer versions of itself."""

_DEFAULTS = Path(__file__).parent / "jupyter"
"""A Jupyter configuration folder: defaults of JupyterLab that the reader's own settings still beat."""


def _cells_hash(notebook: Any) -> str:
    """Hash of what the reader may have edited: the cells' kinds and sources, not their outputs."""
    return sha256_bytes(
        canonical_json([[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]])
    )


def copy_chapters(project: Project) -> list[str]:
    """Make or refresh the copies in ``.ovbook/lab`` and return one sentence for each."""
    return [copy_chapter(project, chapter) for chapter in project.chapters()]


def copy_chapter(project: Project, chapter: Chapter) -> str:
    """Make or refresh one copy; an edited one stays, and a newer chapter is laid beside it."""
    import nbformat

    target = project.lab / f"{chapter.name}.ipynb"
    fresh = to_notebook(chapter.path)
    fresh.metadata["ovbook"] = {"source_sha256": chapter.source_hash, "cells_sha256": _cells_hash(fresh)}
    text = nbformat.writes(fresh) + "\n"
    if not target.exists():
        atomic_write(target, text)
        return f"{chapter.name}: copied"
    try:
        mine = json.loads(target.read_text(encoding="utf-8"))
        made_from = mine["metadata"].get("ovbook", {})
        edited = _cells_hash(mine) != made_from.get("cells_sha256")
    except (ValueError, KeyError, TypeError, AttributeError):
        made_from, edited = {}, True
    if made_from.get("source_sha256") == chapter.source_hash:
        return f"{chapter.name}: your copy is up to date" + (" and holds your edits" if edited else "")
    if not edited:
        atomic_write(target, text)
        return f"{chapter.name}: refreshed, the chapter has changed and you had not edited your copy"
    beside = project.lab / f"{chapter.name}-new.ipynb"
    atomic_write(beside, text)
    return (
        f"{chapter.name}: kept as you edited it; the chapter has changed since, its new text is in "
        f"{beside.name}"
    )


def open_lab(project: Project, extra: list[str] | None = None) -> int:
    """Refresh the copies and run JupyterLab on them until it is stopped; return its exit status."""
    chapters = copy_chapters(project)
    if not chapters:
        raise OvbookError(f"there is no chapter in '{project.root / 'chapters'}': expected files NN-name.py")
    for sentence in chapters:
        print(sentence, file=sys.stderr)
    print(
        f"opening JupyterLab on {project.lab}; Ctrl-C stops it, your copies stay", file=sys.stderr, flush=True
    )
    theirs = os.environ.get("JUPYTER_CONFIG_PATH")
    environment = os.environ | {
        "OVBOOK_STORE": str(project.store),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_CONFIG_PATH": os.pathsep.join([*([theirs] if theirs else []), str(_DEFAULTS)]),
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.root_dir",
        str(project.lab),
        *_QUIET,
        *(extra or []),
    ]
    return subprocess.run(command, cwd=project.root, env=environment, check=False).returncode

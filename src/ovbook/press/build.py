"""`make book` and `make render`: what is out of date is executed, then the site is built."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.press.execute import current, execute
from ovbook.press.progress import duration
from ovbook.press.render import render
from ovbook.project import Chapter, Project

__all__ = ["PUBLISHED", "build", "one_at_a_time"]

PUBLISHED = {"scale": "laptop"}
"""The parameters that the published book is executed with."""


@contextlib.contextmanager
def one_at_a_time(project: Project) -> Iterator[None]:
    """Hold the project's build lock, or raise `OvbookError` when another build holds it.

    The operating system frees the lock when its holder ends, however it ends.
    """
    from filelock import FileLock, Timeout

    project.work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.work / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OvbookError(
            f"another build of this book is under way in '{project.root}': wait for it or stop it, then run "
            f"the same command again"
        ) from None
    try:
        yield
    finally:
        lock.release()


def build(project: Project, *, render_only: bool = False) -> Path:
    """Execute what is out of date (unless `render_only`), build the site, return its first page."""
    started = time.monotonic()
    with one_at_a_time(project):
        if not render_only:
            chapters = project.chapters()
            if not chapters:
                raise OvbookError(
                    f"there is no chapter in '{project.root / 'chapters'}': expected files NN-name.py"
                )
            for chapter in chapters:
                _bring_up_to_date(project, chapter)
        page = render(project, say=_say)
    _say(f"finished in {duration(time.monotonic() - started)}")
    return page


def _bring_up_to_date(project: Project, chapter: Chapter) -> None:
    if current(project, chapter, PUBLISHED):
        _say(f"{chapter.name}: unchanged, not run again")
        return
    execute(project, chapter, PUBLISHED, project.executed(chapter))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""From executed chapters to a site. Computes nothing; a chapter not executed becomes a page that says how."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import atomic_write, canonical_json, sha256_bytes, sha256_file
from ovbook.press import vendor
from ovbook.press.convert import title, to_notebook
from ovbook.press.downloads import write_downloads
from ovbook.press.dress import dress
from ovbook.press.execute import read_executed, stale
from ovbook.press.hosts import refuse_foreign
from ovbook.press.lint import problems
from ovbook.press.pages import write_pages
from ovbook.press.pages.status import built_with
from ovbook.press.provenance import folder_hash
from ovbook.project import Chapter, Project

__all__ = ["render"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CONFIGURATION = ("_config.yml", "_toc.yml")


def render(project: Project, *, say: Callable[[str], None] = lambda _: None) -> Path:
    """Build the site from what is there and return the path of its first page.

    Executed chapters pass the lint and must come from the sources that lie beside them: a stale one, or one
    with a problem, raises `OvbookError` and the site in place stays as it was. A missing one becomes a stub
    with the command that computes it. With stubs, Sphinx's warnings (links into pages that are not there) are
    only shown; without, one warning stops the build. A site whose sources have not changed is left alone.
    """
    stubs = _prepare(project)
    wanted = _site_stamp(project)
    first = project.site / "index.html"
    mark = project.site / ".ovbook-site.json"
    if first.is_file() and mark.is_file() and json.loads(mark.read_text()).get("stamp") == wanted:
        say("the pages are up to date")
        return first
    say(f"building the pages ({len(stubs)} of them stubs)" if stubs else "building the pages")
    vendor.verify()
    built = _sphinx(project, strict=not stubs)
    write_downloads(project, built)
    refuse_foreign(built)
    atomic_write(built / ".ovbook-site.json", json.dumps({"stamp": wanted, "stubs": stubs}))
    _swap(built, project.site)
    return first


def _prepare(project: Project) -> list[str]:
    """Gate the executed chapters, write the stubs and the generated pages; return the names of the stubs."""
    import nbformat

    stubs: list[str] = []
    executed: dict[str, Any] = {}
    (project.book / "chapters").mkdir(parents=True, exist_ok=True)
    _drop_leftovers(project)
    for chapter in project.chapters():
        stub = project.executed(chapter).with_suffix(".md")
        notebook = read_executed(project.executed(chapter))
        if notebook is None:
            project.executed(chapter).unlink(missing_ok=True)
            _write_if_changed(stub, _stub(chapter))
            stubs.append(chapter.name)
            continue
        stub.unlink(missing_ok=True)
        if stale(notebook, chapter):
            raise OvbookError(
                f"the executed chapter {chapter.name} is stale, its source has changed since: run 'make "
                f"book' (or remove {project.executed(chapter).relative_to(project.root)} for a stub)"
            )
        if found := problems(notebook):
            raise OvbookError(f"chapter {chapter.name} may not be published: {found[0]}")
        dress(notebook, project, buttons=True)
        _write_if_changed(project.executed(chapter), nbformat.writes(notebook) + "\n")
        executed[chapter.name] = notebook
    write_pages(project, executed)
    return stubs


def _drop_leftovers(project: Project) -> None:
    """Pages of chapters that were renamed or removed would otherwise stay in the site."""
    names = {chapter.name for chapter in project.chapters()}
    for file in (project.book / "chapters").iterdir():
        if file.suffix in (".ipynb", ".md") and file.stem not in names:
            file.unlink()


def _stub(chapter: Chapter) -> str:
    heading = title(to_notebook(chapter.path), chapter.name)
    return (
        f"# {heading}\n\n"
        "```{admonition} Not computed in this copy of the book\n:class: note\n\n"
        "This chapter's figures are computed on your own machine. To compute this one, run\n\n"
        f"    ovbook run {chapter.number} && make render\n\n"
        "or `make book` for all of them. The experiment and the prose can be read in "
        f"`chapters/{chapter.path.name}`.\n```\n"
    )


def _write_if_changed(path: Path, text: str) -> None:
    # Sphinx reads a page again when its time stamp moves.
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        atomic_write(path, text)


def _site_stamp(project: Project) -> str:
    static = Path(__file__).parent
    parts = [sha256_file(project.root / name) for name in _CONFIGURATION]
    pages = [
        folder_hash(project.book, skip=("_build",)),
        folder_hash(project.root / "examples"),
    ]  # shown on a page
    return sha256_bytes(canonical_json([parts, pages, folder_hash(static), built_with()]))


def _sphinx(project: Project, *, strict: bool) -> Path:
    """Run Jupyter Book into the scratch folder and return the folder of pages."""
    target = project.work / "site"
    fresh = target / "_build" / ".press-stamp"
    press = canonical_json([folder_hash(Path(__file__).parent), built_with()])
    if not fresh.is_file() or fresh.read_text() != press:
        shutil.rmtree(target, ignore_errors=True)  # pages drawn by another version of ourselves
    command = [
        sys.executable, "-c", "from jupyter_book.cli.main import main; main()",
        "build", "book", "--config", "_config.yml",
        "--toc", str(project.root / "_toc.yml"), "--path-output", str(target), "-n", "--keep-going", "-q",
    ]  # fmt: skip
    if strict:
        command.append("-W")
    log = project.work / "render.log"
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=project.root,
        env=quiet,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    atomic_write(log, done.stdout)
    pages = target / "_build" / "html"
    if done.returncode != 0 or not (pages / "index.html").is_file():
        complaints = _complaints(done.stdout.splitlines())
        raise OvbookError(
            f"the pages could not be built and the site in place was not touched: {complaints[0]}"
            + (f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else "")
            + f"; the whole log is in {log.relative_to(project.root).as_posix()}"
        )
    atomic_write(fresh, press)
    return pages


def _complaints(lines: Iterable[str]) -> list[str]:
    plain = [_ANSI.sub("", line).strip() for line in lines]
    warned = [line for line in plain if "WARNING" in line or "ERROR" in line]
    raised = [
        line for line in plain if re.search(r"\bError\b|Error:", line) and "There was an error" not in line
    ]
    return [*raised, *warned] or [line for line in plain if line][-1:] or ["Jupyter Book gave no reason"]


def _swap(built: Path, site: Path) -> None:
    """Put a copy of `built` at `site`; a reader sees the old site or the new one."""
    site.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = site.with_name(f"html.partial-{os.getpid()}"), site.with_name(f"html.old-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        shutil.copytree(built, fresh)
        if site.exists():
            os.replace(site, old)
        os.replace(fresh, site)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

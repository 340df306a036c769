"""The branch of notebooks: what Colab opens, and what a reader downloads as a whole.

A branch without history or parents, made without touching the working copy; each publication replaces the last.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import atomic_write
from ovbook.press.citation import citation_file
from ovbook.press.convert import cell_ids, title
from ovbook.press.downloads import clean_notebook, executed_notebook
from ovbook.press.execute import read_executed, stale
from ovbook.press.provenance import commit
from ovbook.press.repository import NOTEBOOKS_BRANCH, Repository, repository_of
from ovbook.project import Project

__all__ = ["INSTALLED", "commit_branch", "install_cell", "version_tag", "write_tree"]

INSTALLED = ("altair", "vl-convert-python", "myst-nb", "rouge-score")
"""What a chapter needs beside the libraries that Colab brings. No version, and no torch: Colab's own are kept."""


def version_tag(root: Path) -> str:
    """The tag at HEAD, one of a publication before others, else the commit itself.

    Raises `OvbookError` outside a repository or with local changes: the notebooks install what is committed.
    """
    state = commit(root)
    if state["commit"] is None:
        raise OvbookError(
            f"'{root}' is not in a git repository with a commit: notebooks name the version they install"
        )
    if state["dirty"]:
        raise OvbookError(
            "the working copy has changes that are not committed: commit them and run 'make book', for the notebooks "
            "install the package as it was committed"
        )
    tags = _git(root, "tag", "--points-at", "HEAD").split()
    published = [tag for tag in tags if tag.startswith("publish")]
    return (published or tags or [state["commit"]])[-1]


def install_cell(repository: Repository, version: str) -> Any:
    """The first cell of a notebook for Colab; anywhere else it does nothing."""
    import nbformat

    source = (
        "# In Colab this installs the book's package and leaves Colab's own libraries as they are.\n"
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install --quiet --no-deps "{repository.install(version)}"\n'
        f"    %pip install --quiet {' '.join(INSTALLED)}"
    )
    return nbformat.v4.new_code_cell(source, metadata={"tags": ["remove-cell"]})


def write_tree(project: Project, folder: Path, version: str) -> list[str]:
    """Fill `folder` with the executed chapters, clean ones in ``clean/``, a README and CITATION.cff; return the names.

    Raises `OvbookError` when the project has no address, or a chapter was not executed from its present source.
    """
    import nbformat

    repository = repository_of(project.root)
    if repository is None:
        raise OvbookError(
            "_config.yml names no repository, and notebooks for Colab install the book's package from there: set "
            "repository: url:"
        )
    titles = {}
    for chapter in project.chapters():
        executed = read_executed(project.executed(chapter))
        if executed is None or stale(executed, chapter):
            raise OvbookError(
                f"chapter {chapter.name} was not executed from its present source: run 'make book'"
            )
        titles[chapter.name] = title(executed, chapter.name)
        for place, notebook in (
            (folder, executed_notebook(project, chapter)),
            (folder / "clean", clean_notebook(chapter)),
        ):
            notebook.cells.insert(0, install_cell(repository, version))
            cell_ids(notebook)
            atomic_write(place / f"{chapter.name}.ipynb", nbformat.writes(notebook) + "\n")
    atomic_write(folder / "README.md", _readme(repository, titles, version))
    atomic_write(folder / "CITATION.cff", citation_file(project.root, repository))
    for name in ("LICENSE", "LICENSE-TEXT"):
        if (project.root / name).is_file():
            atomic_write(folder / name, (project.root / name).read_bytes())
    return list(titles)


def _readme(repository: Repository, titles: dict[str, str], version: str) -> str:
    rows = [
        f"| {name[:2]} | [{heading}]({name}.ipynb) | [without outputs](clean/{name}.ipynb) | "
        f"[Colab]({repository.colab(f'{name}.ipynb')}) |"
        for name, heading in titles.items()
    ]
    return (
        "# The chapters as notebooks\n\n"
        f"Generated from [{repository.name}]({repository.url}) at `{version}`, and replaced with every publication: "
        f"changes belong there. The book itself is at <{repository.pages}>.\n\n"
        "| | executed | clean | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def commit_branch(root: Path, folder: Path, message: str, *, remote: str | None) -> str:
    """Commit the files of `folder` as the only commit of the branch, push it if a `remote` is given; return the commit.

    The objects go into the repository at `root`, with its settings and credentials; its index, its working copy and its
    other branches are not touched.
    """
    with tempfile.TemporaryDirectory(prefix="ovbook-") as scratch:
        own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        there = {"GIT_DIR": _git(root, "rev-parse", "--absolute-git-dir"), "GIT_WORK_TREE": str(folder)}
        _git(root, "add", "--all", "--force", ".", more=own | there, cwd=folder)
        tree = _git(root, "write-tree", more=own)
    made = _git(root, "commit-tree", tree, "-m", message, more=_identity(root))
    _git(root, "update-ref", f"refs/heads/{NOTEBOOKS_BRANCH}", made)
    if remote is not None:
        _git(root, "push", "--force", remote, f"{made}:refs/heads/{NOTEBOOKS_BRANCH}")
    return made


def _identity(root: Path) -> dict[str, str]:
    """A name for machines on which git has none."""
    try:
        _git(root, "config", "user.email")
    except OvbookError:
        who = {"NAME": "ovbook", "EMAIL": "ovbook@localhost"}
        return {
            f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()
        }
    return {}


def _git(root: Path, *words: str, more: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """What git says in `root` (or `cwd`); raises `OvbookError` with its complaint."""
    command = ["git", "-C", str(cwd or root), *words]
    try:
        done = subprocess.run(
            command, env={**os.environ, **(more or {})}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise OvbookError("publishing notebooks needs git, which is not installed here") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        verb = next((word for word in words if not word.startswith("-")), "")
        raise OvbookError(f"git {verb} did not work: {said[:300] or 'no reason given'}")
    return done.stdout.strip()

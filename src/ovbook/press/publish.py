"""What publishing does, step by step: ``python -m ovbook.press.publish STEP``. The files in ``scripts/`` call this.

site DIR            the built site as GitHub Pages serves it
notebooks [REMOTE]  the branch of executed notebooks, pushed to REMOTE
binder DIR          clean notebooks at the smallest scale, for Binder
citation            the address of _config.yml, put into CITATION.cff
key                 one hash of all runs of the published book, to name a cache of results by
links               links to other hosts that do not work
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder, atomic_write, canonical_json, sha256_bytes
from ovbook.press.branch import commit_branch, version_tag, write_tree
from ovbook.press.build import PUBLISHED
from ovbook.press.citation import citation_file
from ovbook.press.convert import title, to_notebook
from ovbook.press.downloads import clean_notebook
from ovbook.press.links import dead_links, outside_links
from ovbook.press.render import render
from ovbook.press.repository import NOTEBOOKS_BRANCH, repository_of
from ovbook.project import Project, find_project

__all__ = ["main", "publish_binder", "publish_citation", "publish_notebooks", "publish_site", "results_key"]

_NOT_SERVED = (".ovbook-site.json", ".buildinfo")


def publish_site(project: Project, target: Path, base: str | None = None) -> None:
    """Put the site into the new folder `target` with what GitHub Pages needs: ``.nojekyll`` and a page for 404.

    base: the path under which it will be served; by default the repository's, "/" without one. Raises `OvbookError`
    when chapters are missing or a link inside the site leads nowhere.
    """
    render(project)
    stubs = json.loads((project.site / ".ovbook-site.json").read_text(encoding="utf-8"))["stubs"]
    if stubs:
        raise OvbookError(f"the site lacks {', '.join(stubs)}: run 'make book' before publishing it")
    if dead := dead_links(project.site):
        more = f" (and {len(dead) - 1} more)" if len(dead) > 1 else ""
        raise OvbookError(f"the site has a dead link: {dead[0]}{more}")
    if base is None:
        repository = repository_of(project.root)
        base = repository.base if repository else "/"
    with atomic_folder(target) as folder:
        shutil.copytree(project.site, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_NOT_SERVED))
        # Without it GitHub leaves out folders whose names begin with an underscore.
        (folder / ".nojekyll").write_text("")
        (folder / "404.html").write_text(_not_found(project, base), encoding="utf-8")


def _not_found(project: Project, base: str) -> str:
    """The page for addresses that are not there. It may be served at any depth, so it stands alone."""
    slash = f"/{base.strip('/')}/".replace("//", "/")
    chapters = "".join(
        f'<li><a href="{slash}chapters/{chapter.name}.html">'
        f"{html.escape(title(to_notebook(chapter.path), chapter.name))}</a></li>"
        for chapter in project.chapters()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Page not found</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;"
        "margin:4rem auto;padding:0 1rem}</style></head><body><h1>This page is not in the book</h1>"
        f'<p>It may have moved. <a href="{slash}index.html">The first page</a>, or a chapter:</p>'
        f"<ul>{chapters}</ul></body></html>\n"
    )


def publish_notebooks(project: Project, remote: str | None) -> str:
    """Commit the branch of notebooks, push it to `remote` if one is given; return a sentence."""
    version = version_tag(project.root)
    with tempfile.TemporaryDirectory(prefix="ovbook-") as scratch:
        names = write_tree(project, Path(scratch), version)
        made = commit_branch(
            project.root, Path(scratch), f"Notebooks of {len(names)} chapters at {version}", remote=remote
        )
    went = f"and pushed to {remote}" if remote else "(not pushed: no remote was given)"
    return (
        f"{len(names)} chapters at {version} are commit {made[:10]} of the branch {NOTEBOOKS_BRANCH} {went}"
    )


def publish_binder(project: Project, folder: Path) -> None:
    """Write every chapter as a clean notebook whose default is the smallest scale into `folder`."""
    import nbformat

    for chapter in project.chapters():
        text = nbformat.writes(clean_notebook(chapter, scale="smoke")) + "\n"
        atomic_write(folder / f"{chapter.name}.ipynb", text)


def publish_citation(project: Project) -> bool:
    """Put the address of ``_config.yml`` into CITATION.cff; return whether the file changed."""
    file = project.root / "CITATION.cff"
    text = citation_file(project.root, repository_of(project.root))
    changed = file.read_text(encoding="utf-8") != text
    if changed:
        atomic_write(file, text)
    return changed


def results_key(project: Project) -> str:
    """One hash over the keys of all runs that the published book asks for."""
    from ovbook.runs.chapter import read_experiment

    keys = {
        spec.key()
        for chapter in project.chapters()
        for spec in read_experiment(chapter.path).runs(PUBLISHED)[0]
    }
    return sha256_bytes(canonical_json(sorted(keys)))


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="publish", description=__doc__.partition("\n")[0])
    steps = top.add_subparsers(dest="step", required=True)
    site = steps.add_parser("site", help="the site, for GitHub Pages")
    site.add_argument("folder", type=Path)
    site.add_argument("--base", help="path under which it is served (default: the repository's)")
    notebooks = steps.add_parser("notebooks", help="the branch of executed notebooks")
    notebooks.add_argument("remote", nargs="?", help="where to push it (a name or an address)")
    binder = steps.add_parser("binder", help="clean notebooks at scale smoke")
    binder.add_argument("folder", type=Path)
    steps.add_parser("citation", help="the address, in CITATION.cff")
    steps.add_parser("key", help="one hash of all runs")
    links = steps.add_parser("links", help="links to other hosts that do not work")
    links.add_argument("--strict", action="store_true", help="exit with status 1 if there are any")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Take one step; return 0, or 2 with one sentence for a mistake that a person can mend."""
    options = _parser().parse_args(arguments)
    try:
        return _take(options, find_project())
    except OvbookError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2


def _take(options: argparse.Namespace, project: Project) -> int:
    if options.step == "site":
        publish_site(project, options.folder, options.base)
        print(f"the site is in {options.folder}")
    elif options.step == "notebooks":
        print(publish_notebooks(project, options.remote))
    elif options.step == "binder":
        publish_binder(project, options.folder)
    elif options.step == "citation":
        print(
            "CITATION.cff was changed" if publish_citation(project) else "CITATION.cff is as _config.yml says"
        )
    elif options.step == "key":
        _say_key(results_key(project))
    elif options.step == "links":
        broken = outside_links(project)
        print("\n".join(broken) or "every link to another host works")
        return int(bool(broken) and options.strict)
    return 0


def _say_key(key: str) -> None:
    print(key)
    # How a step of a GitHub workflow hands a value to the next.
    if file := os.environ.get("GITHUB_OUTPUT"):
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(f"key={key}\n")


if __name__ == "__main__":
    sys.exit(main())

"""Publishing: every step of the workflows is a script, and every script does here what it does there."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
import yaml

from ovbook.errors import OvbookError
from ovbook.files import atomic_write
from ovbook.press import publish
from ovbook.press.branch import INSTALLED, commit_branch, install_cell, version_tag, write_tree
from ovbook.press.build import build
from ovbook.press.convert import to_notebook
from ovbook.press.links import dead_links, outside_links
from ovbook.press.normalise import normalise
from ovbook.press.repository import NOTEBOOKS_BRANCH, Repository
from ovbook.project import Project
from test_press import small_book

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REPOSITORY = Repository(owner="someone", name="lab-book")
SETTING = "\nrepository:\n  url: https://github.com/someone/lab-book\n"

CHAPTER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The first chapter

# %% tags=["parameters"]
scale: str = "laptop"  # how much

# %% tags=["experiment"]
from ovbook.runs import Evaluate, Checkpoint, suite


def experiment(p):
    return [Evaluate(base=Checkpoint(run=run)) for run in suite(p)]
"""
IGNORED = ".ovbook/\nbook/chapters/\nbook/_build/\nbook/_generated/\n__pycache__/\n"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A committed book with an address and one chapter as if executed, and the real scripts."""
    root = tmp_path / "book"
    (root / "chapters").mkdir(parents=True)
    (root / "chapters" / "01-first.py").write_text(CHAPTER)
    (root / "_config.yml").write_text(f'copyright: "2026"{SETTING}')
    (root / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    (root / ".gitignore").write_text(IGNORED)
    shutil.copy(ROOT / "CITATION.cff", root)
    shutil.copytree(ROOT / "scripts", root / "scripts")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "one")
    project = Project(root=root)
    put_executed(project)
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    return project


def put_executed(project):
    chapter = project.chapter("1")
    notebook = to_notebook(chapter.path)
    known = {"chapter": "01-first", "source_sha256": chapter.source_hash, "parameters": {"scale": "laptop"}}
    normalise(notebook, {**known, "seconds": 4.0, "cores": 2, "peak_mib": 200})
    atomic_write(project.executed(chapter), nbformat.writes(notebook))


def script(project, name, *words, **more):
    seen = {**os.environ, "OVBOOK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "src"), **more}
    return subprocess.run(
        [str(project.root / "scripts" / name), *words], capture_output=True, text=True, env=seen, check=False
    )


# -- the branch of notebooks --------------------------------------------------------------------------------


def test_the_notebooks_go_to_a_branch_of_their_own_and_nothing_else_moves(project, tmp_path):
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "--bare", str(bare))
    git(project.root, "tag", "v1")
    git(project.root, "tag", "publish-2026-01")
    before = git(project.root, "rev-parse", "HEAD"), git(project.root, "status", "--porcelain")
    for _ in range(2):  # a second publication replaces the first
        done = script(project, "publish-notebooks", str(bare), GIT_CONFIG_GLOBAL=os.devnull)
        assert done.returncode == 0, done.stderr
    assert "1 chapters at publish-2026-01" in done.stdout
    assert (git(project.root, "rev-parse", "HEAD"), git(project.root, "status", "--porcelain")) == before
    assert git(project.root, "branch", "--show-current") == "main"
    assert git(bare, "for-each-ref", "--format=%(refname)") == f"refs/heads/{NOTEBOOKS_BRANCH}"
    assert git(bare, "rev-list", "--count", NOTEBOOKS_BRANCH) == "1"
    files = git(bare, "ls-tree", "-r", "--name-only", NOTEBOOKS_BRANCH).splitlines()
    assert files == ["01-first.ipynb", "CITATION.cff", "README.md", "clean/01-first.ipynb"]
    for name in ("01-first.ipynb", "clean/01-first.ipynb"):
        notebook = nbformat.reads(git(bare, "show", f"{NOTEBOOKS_BRANCH}:{name}"), as_version=4)
        nbformat.validate(notebook)
        first = notebook.cells[0]
        assert first.metadata["tags"] == ["remove-cell"]
        assert "git+https://github.com/someone/lab-book@publish-2026-01" in first.source
    readme = git(bare, "show", f"{NOTEBOOKS_BRANCH}:README.md")
    assert (
        "[Colab](https://colab.research.google.com/github/someone/lab-book/blob/notebooks/01-first.ipynb)"
        in readme
    )


def test_without_a_tag_the_notebooks_install_the_commit(project):
    assert version_tag(project.root) == git(project.root, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p.root / "_config.yml").write_text("title: T\n"), "names no repository"),
        (lambda p: p.executed(p.chapter("1")).unlink(), "01-first was not executed"),
        (lambda p: p.chapter("1").path.write_text(CHAPTER + "\n1\n"), "01-first was not executed"),
    ],
)
def test_notebooks_that_would_mislead_are_refused(project, tmp_path, spoil, says):
    write_tree(project, tmp_path / "good", "v1")
    spoil(project)
    with pytest.raises(OvbookError, match=says):
        write_tree(project, tmp_path / "bad", "v1")


def test_changes_that_nobody_could_install_are_refused(project, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(project.root)
    (project.root / "new.txt").write_text("x")
    assert publish.main(["notebooks"]) == 2
    assert "not committed" in capsys.readouterr().err
    with pytest.raises(OvbookError, match="not in a git repository"):
        version_tag(tmp_path)


def test_a_remote_that_is_not_there_is_one_sentence(project, tmp_path):
    write_tree(project, tmp_path / "tree", "v1")
    with pytest.raises(OvbookError, match="git push did not work") as caught:
        commit_branch(project.root, tmp_path / "tree", "m", remote=str(tmp_path / "nowhere"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("in_colab", [False, True])
def test_the_first_cell_installs_in_colab_only_and_leaves_torch_alone(monkeypatch, in_colab):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    asked = []
    shell.register_magic_function(asked.append, magic_name="pip")
    if in_colab:
        monkeypatch.setitem(sys.modules, "google.colab", sys)
    shell.run_cell(install_cell(REPOSITORY, "v1").source).raise_error()
    assert bool(asked) is in_colab
    if in_colab:
        assert asked[0] == 'install --quiet --no-deps "ovbook @ git+https://github.com/someone/lab-book@v1"'
        assert asked[1].split()[2:] == list(INSTALLED)
        assert not any("torch" in line or "==" in line for line in asked)


# -- the site -----------------------------------------------------------------------------------------------


def drawn(project, monkeypatch, body="", stubs=()):
    """A site as if it had been drawn."""
    page = f'<html><body id="top"><a href="#top">up</a><a href="https://example.org/x">out</a>{body}</body></html>'
    atomic_write(project.site / "index.html", page)
    atomic_write(project.site / "chapters" / "01-first.html", '<a href="../index.html#top">first</a>')
    atomic_write(project.site / "_static" / "template.html", '<a href="{{ not a page }}">x</a>')
    atomic_write(project.site / ".ovbook-site.json", json.dumps({"stamp": "x", "stubs": list(stubs)}))
    monkeypatch.setattr(publish, "render", lambda project: project.site / "index.html")


def test_the_site_gets_what_github_pages_needs(project, monkeypatch, tmp_path):
    drawn(project, monkeypatch)
    publish.publish_site(project, tmp_path / "out")
    assert (tmp_path / "out" / ".nojekyll").read_bytes() == b""
    assert not (tmp_path / "out" / ".ovbook-site.json").exists()
    lost = (tmp_path / "out" / "404.html").read_text()
    assert re.findall(r'href="([^"]+)"', lost) == ["/lab-book/index.html", "/lab-book/chapters/01-first.html"]
    assert "The first chapter" in lost
    publish.publish_site(project, tmp_path / "root", base="/")
    assert 'href="/index.html"' in (tmp_path / "root" / "404.html").read_text()
    with pytest.raises(OvbookError, match="there already"):
        publish.publish_site(project, tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "stubs", "says"),
    [
        ("", ["01-first"], "the site lacks 01-first"),
        ('<a href="chapters/02.html">x</a>', [], "index.html links to chapters/02.html"),
        ('<img src="_images/none.png">', [], "_images/none.png"),
        ('<a href="chapters/01-first.html#nowhere">x</a>', [], "01-first.html#nowhere"),
    ],
)
def test_an_unfinished_site_is_not_published(project, monkeypatch, tmp_path, body, stubs, says):
    drawn(project, monkeypatch, body, stubs)
    with pytest.raises(OvbookError, match=re.escape(says)):
        publish.publish_site(project, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -- other steps --------------------------------------------------------------------------------------------


def test_the_key_of_the_cache_changes_with_the_runs_and_only_with_them(project, tmp_path):
    def key():
        output = tmp_path / "output"
        output.write_text("")
        done = script(project, "results-key", GITHUB_OUTPUT=str(output))
        assert done.returncode == 0, done.stderr
        assert output.read_text() == f"key={done.stdout.strip()}\n"
        return done.stdout.strip()

    first = key()
    path = project.chapter("1").path
    path.write_text(CHAPTER.replace("The first chapter", "Another title"))
    assert key() == first
    path.write_text(CHAPTER.replace("base=Checkpoint(run=run)", "base=Checkpoint(run=run), rows=8"))
    assert key() != first


def test_the_citation_follows_the_setting(project):
    def said():
        done = script(project, "publish-citation")
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = project.root / "CITATION.cff"
    plain = file.read_text()
    assert "was changed" in said()
    assert yaml.safe_load(file.read_text())["repository-code"] == REPOSITORY.url
    assert "is as _config.yml says" in said()
    (project.root / "_config.yml").write_text("title: T\n")
    assert "was changed" in said()
    assert file.read_text() == plain


def test_binder_gets_every_chapter_at_the_smallest_scale(tmp_path):
    # Everything but pip is real; what it would install is checked below.
    python = tmp_path / "python"
    python.write_text(
        f'#!/usr/bin/env bash\n[ "$2" = pip ] && {{ echo "$@" > "{tmp_path}/pip"; exit 0; }}\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    seen = {**os.environ, "OVBOOK_PYTHON": str(python), "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [str(ROOT / "binder" / "postBuild"), str(tmp_path / "notebooks")],
        capture_output=True,
        text=True,
        env=seen,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--no-deps" in (tmp_path / "pip").read_text()
    made = {path.stem: nbformat.read(path, as_version=4) for path in (tmp_path / "notebooks").iterdir()}
    assert set(made) == {chapter.name for chapter in Project(root=ROOT).chapters()}
    for notebook in made.values():
        cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
        assert "scale: str = 'smoke'" in cell.source


def test_binder_installs_the_pins_of_the_book_and_names_no_registry():
    def pins(name):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        return [line for line in lines if line and not line.startswith("-c")]

    known = {*pins("requirements.txt"), *pins("constraints.txt")}
    wanted = pins("binder/requirements.txt")
    names = {line.split("==")[0] for line in known}
    assert [line for line in wanted if line not in known and line not in names] == []
    assert not any(line.startswith("-") for line in wanted)
    assert any(line.startswith("torch==") for line in wanted)


# -- workflows ----------------------------------------------------------------------------------------------


def steps(path):
    workflow = yaml.safe_load(path.read_text())
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_workflows_for_tests_publishing_and_links():
    assert [path.name for path in WORKFLOWS] == ["links.yml", "publish.yml", "test.yml"]
    triggers = {
        path.stem: yaml.safe_load(path.read_text())[True] for path in WORKFLOWS
    }  # YAML reads `on` as a boolean
    assert triggers["publish"] == {"push": {"tags": ["publish*"]}}
    assert set(triggers["links"]) == {"schedule", "workflow_dispatch"}  # never on a change, so it blocks none


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_step_of_a_workflow_can_be_run_here(path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    run = [step["run"] for step in steps(path) if "run" in step]
    assert run
    for line in run:
        words = line.split()
        if words[0] == "make":
            assert len(words) == 2
            assert words[1] in targets, line
        else:
            file = ROOT / words[0]
            assert file.parent == ROOT / "scripts", line
            assert os.access(file, os.X_OK), line
            assert "\n" not in line.strip()
    for step in steps(path):
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"actions/[\w/-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_every_script_is_taken_by_a_test_of_this_file():
    text = Path(__file__).read_text()
    scripts = sorted((ROOT / "scripts").iterdir())
    assert scripts
    for file in scripts:
        assert os.access(file, os.X_OK)
        assert f'script(project, "{file.name}"' in text, file.name


# -- the whole way ------------------------------------------------------------------------------------------


class _Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path.startswith("/there") else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def host():
    """Another host: /there is there, everything else is not."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Host)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_book_with_an_address_and_without_one(tmp_path, monkeypatch, host):
    pytest.importorskip("jupyter_book")
    project = small_book(tmp_path, monkeypatch)
    monkeypatch.setattr("ovbook.press.provenance.package_hash", lambda: "as it was")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    page = project.site / "chapters" / "01-tiny.html"

    build(project)
    plain = page.read_text()
    assert "github.com" not in plain
    assert "colab" not in plain
    assert 'href="../_notebooks/01-tiny.ipynb" download="01-tiny.ipynb"' in plain
    assert "Knobs of this chapter (3)" in plain
    assert dead_links(project.site) == []
    executed = project.executed(project.chapter("1"))
    ran = nbformat.read(executed, as_version=4).metadata["ovbook"]

    (tmp_path / "_config.yml").write_text((tmp_path / "_config.yml").read_text() + SETTING)
    done = script(project, "publish-site", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "chapters" / "01-tiny.html").read_text()
    colab = "https://colab.research.google.com/github/someone/lab-book/blob/notebooks/01-tiny.ipynb"
    assert text.count(colab) == 1  # ours, and none of the theme's
    assert text.count("mybinder.org/v2/gh/someone/lab-book/main?labpath=notebooks%2F01-tiny.ipynb") == 1
    assert (tmp_path / "out" / "404.html").is_file()
    # The address was set without running the chapter again.
    assert nbformat.read(executed, as_version=4).metadata["ovbook"] == ran

    intro = project.book / "intro.md"
    intro.write_text(intro.read_text() + f"\n[here]({host}/there) and [gone]({host}/gone)\n")
    broken = [line for line in outside_links(project) if host in line]
    assert len(broken) == 1
    assert f"{host}/gone" in broken[0]
    assert script(project, "check-links").returncode == 0
    assert script(project, "check-links", "--strict").returncode == 1

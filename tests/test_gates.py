"""What stops a build: each unfit chapter ends `ovbook build` with one sentence, and the site in place stays as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from ovbook import cli
from ovbook.files import sha256_file
from ovbook.project import Project

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

CHAPTER = '''# %% [markdown]
r"""
# A chapter
"""

# %% tags=["parameters"]
scale: str = "laptop"  # how much to run

# %%
from IPython.display import display

chart = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "title": {"text": "A line", "subtitle": ["n = 1 line; no interval"]},
    "description": "A line that rises from left to right",
    "data": {"values": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]},
    "mark": "line",
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
}
display({"application/vnd.vegalite.v5+json": chart, "text/plain": "A line"}, raw=True)
'''
CDN_WIDGET = """
from ipywidgets import DOMWidget
from traitlets import Unicode

class Globe(DOMWidget):
    _model_name = Unicode("GlobeModel").tag(sync=True)
    _model_module = Unicode("globe-widget").tag(sync=True)
    _model_module_version = Unicode("1.0.0").tag(sync=True)
    _view_name = Unicode("GlobeView").tag(sync=True)
    _view_module = Unicode("globe-widget").tag(sync=True)
    _view_module_version = Unicode("1.0.0").tag(sync=True)

display(Globe())
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A book of one sound chapter, executed and built through the command line."""
    root = tmp_path_factory.mktemp("gates") / "book"
    for folder in ("chapters", "results", "book"):
        (root / folder).mkdir(parents=True)
    (root / "chapters" / "01-sound.py").write_text(CHAPTER)
    (root / "book" / "intro.md").write_text("# A small book\n\n{cite:t}`a2025`\n\n```{bibliography}\n```\n")
    (root / "book" / "references.bib").write_text("@misc{a2025, author={A}, title={T}, year={2025}}\n")
    (root / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n  - file: chapters/01-sound\n")
    shutil.copy(ROOT / "_config.yml", root)
    with pytest.MonkeyPatch.context() as patched:
        _at(root, patched)
        assert cli.main(["build"]) == 0
    return Project(root=root)


def _at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))  # kernels and builders find the package under test
    # Someone may be editing the package while this runs; that would make the sound chapter out of date.
    monkeypatch.setattr("ovbook.press.provenance.package_hash", lambda: "as it was")


@pytest.fixture
def book(sound, tmp_path, monkeypatch):
    """A copy of the sound book that a test may spoil."""
    root = tmp_path / "book"
    shutil.copytree(sound.root, root)
    _at(root, monkeypatch)
    return Project(root=root)


def state(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): sha256_file(file) for file in folder.rglob("*") if file.is_file()
    }


def spoil_output(project: Project, spoil) -> None:
    path = project.executed(project.chapter("1"))
    notebook = nbformat.read(path, as_version=4)
    spoil(notebook, [output for cell in notebook.cells for output in cell.get("outputs", [])])
    nbformat.write(notebook, path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "display({",
            "1 / 0\ndisplay({",
            "('from IPython.display import display'): ZeroDivisionError: division by zero; nothing was published",
        ),
        (
            '    "description": "A line that rises from left to right",\n',
            "",
            "has a chart without a description",
        ),
        (
            "display({",
            "print('written to /home/someone/figure.svg')\ndisplay({",
            "the absolute path /home/someone",
        ),
        ("display({", CDN_WIDGET + "display({", "globe-widget"),
    ],
    ids=["failing", "undescribed", "absolute-path", "widget-from-a-cdn"],
)
def test_an_unfit_chapter_stops_the_build_and_the_site_stays(book, capsys, old, new, says):
    source = book.chapter("1").path
    assert CHAPTER.count(old) == 1
    source.write_text(CHAPTER.replace(old, new))
    before = state(book.site)
    assert cli.main(["build"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("ovbook: ")
    assert says in said
    assert "Traceback" not in said
    assert state(book.site) == before


def _undescribed(notebook, outputs):
    for output in outputs:
        output.get("data", {}).get("application/vnd.vegalite.v5+json", {}).pop("description", None)


def _failed(notebook, outputs):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    code.outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]))


def _path(notebook, outputs):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
    code.outputs.append(
        nbformat.v4.new_output("stream", name="stdout", text="see /home/someone/figure.svg\n")
    )


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(_undescribed, "without a description"), (_failed, "raised ValueError"), (_path, "/home/someone")],
)
def test_an_executed_chapter_that_was_spoilt_afterwards_stops_the_pages(book, capsys, spoil, says):
    spoil_output(book, spoil)
    before = state(book.site)
    assert cli.main(["build", "--render-only"]) == 2
    assert says in capsys.readouterr().err
    assert state(book.site) == before


def test_a_stale_chapter_stops_the_pages(book, capsys):
    book.chapter("1").path.write_text(CHAPTER.replace("# A chapter", "# Another chapter"))
    before = state(book.site)
    assert cli.main(["build", "--render-only"]) == 2
    assert "01-sound is stale, its source has changed since: run 'make book'" in capsys.readouterr().err
    assert state(book.site) == before

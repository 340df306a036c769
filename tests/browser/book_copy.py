"""A copy of this book with its chapters at scale smoke, and two pages more that ask for everything a page may need."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ovbook.press.pages.api import rooms
from ovbook.press.render import render
from ovbook.press.toc import read_toc
from ovbook.project import Project
from smoke_chapters import ROOT, SmokeChapters

FORMULA = "checks/formula"
WIDGET = "checks/widget"

_FORMULA = r"""# A page with formulas

Inside a line stands $\gamma\sigma_0$, and on lines of its own

$$
\ell(\theta + \gamma\varepsilon) \approx \ell(\theta) + \frac{\gamma^2}{2}\,\mathrm{tr}(H\Sigma)
$$ (eq-taylor)

as equation {eq}`eq-taylor` says.
"""


def pages() -> list[str]:
    """Every page that the built copy must consist of: those of the contents, ours, and those that Sphinx adds.

    Only ``index.html`` is not among them: it does nothing but lead to the first page.
    """
    toc = read_toc(Project(root=ROOT))
    names = [*sorted(toc.pages), FORMULA, WIDGET, "search", "genindex", "py-modindex"]
    if "_generated/api/*" in toc.globs:
        names += [f"_generated/api/{room}" for room in rooms()]
    return [f"{name}.html" for name in names]


def build(folder: Path, chapters: SmokeChapters) -> Project:
    """Copy the book to `folder`, put the executed chapters in place and render it as `make render` does."""
    unwanted = shutil.ignore_patterns(
        ".*", "_build", "_generated", "src", "tests", "benchmarks", "__pycache__", "*.egg-info"
    )
    shutil.copytree(ROOT, folder, ignore=unwanted)
    project = Project(root=folder)
    shutil.rmtree(project.book / "chapters", ignore_errors=True)
    (project.book / "chapters").mkdir()
    for chapter in reversed(project.chapters()):  # another process may be executing them from the first on
        shutil.copy(chapters.notebook(chapter.number), project.executed(chapter))
    _add_pages(project)
    render(project)
    return project


def _add_pages(project: Project) -> None:
    (project.book / "checks").mkdir()
    (project.book / f"{FORMULA}.md").write_text(_FORMULA, encoding="utf-8")
    nbformat.write(_widget_page(), project.book / f"{WIDGET}.ipynb")
    path = project.root / "_toc.yml"
    toc = yaml.safe_load(path.read_text(encoding="utf-8"))
    ours = [{"file": FORMULA}, {"file": WIDGET}]
    if "parts" in toc:
        toc["parts"].append({"caption": "Checks", "chapters": ours})
    else:
        toc["chapters"] += ours
    path.write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def _widget_page() -> Any:
    """A notebook as it lies on disk after a kernel has shown two linked widgets and gone."""
    import ipywidgets
    from ipywidgets.embed import dependency_state

    slider = ipywidgets.IntSlider(value=3, min=0, max=9, description="runs")
    copy = ipywidgets.IntText(value=3, description="the same")
    ipywidgets.jslink((slider, "value"), (copy, "value"))
    box = ipywidgets.VBox([slider, copy])
    v4 = nbformat.v4
    shown = {
        "application/vnd.jupyter.widget-view+json": {
            "model_id": box.model_id,
            "version_major": 2,
            "version_minor": 0,
        },
        "text/plain": "VBox",
    }
    cell = v4.new_code_cell("box", execution_count=1, outputs=[v4.new_output("display_data", data=shown)])
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# A page with widgets"), cell])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {
            "version_major": 2,
            "version_minor": 0,
            "state": dependency_state([box]),
        }
    }
    return notebook

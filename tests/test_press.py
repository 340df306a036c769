"""The press: a chapter becomes a page, and nothing unfit does."""

from __future__ import annotations

import base64
import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from ovbook.errors import OvbookError
from ovbook.files import atomic_write
from ovbook.press import build as build_module
from ovbook.press import environment, execute, lab, lint
from ovbook.press.build import PUBLISHED, build, one_at_a_time
from ovbook.press.convert import declared_parameters, tagged, title, to_notebook
from ovbook.press.dress import dress
from ovbook.press.heights import room
from ovbook.press.mime import MIME, container
from ovbook.press.normalise import normalise
from ovbook.press.progress import ChapterLine, last_report
from ovbook.press.render import render
from ovbook.press.scoreboard import rows_as_text
from ovbook.press.serve import server
from ovbook.project import Project, find_project

ROOT = Path(__file__).parent.parent

CHAPTER = '''# ---
# jupyter:
#   jupytext:
#     cell_markers: r"""
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# A tiny chapter

The slope is {glue:text}`slope:.2f`, as {numref}`fig-tiny` shows; $\\gamma$ stays.

```{glue:figure} fig_tiny
:name: fig-tiny

A line of slope {glue:text}`slope:.2f`.
```
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run
slope: float = 2.0  # rise a step
points: list = [1, 2]  # where

# %%
import altair as alt
import pandas as pd
from myst_nb import glue

from ovbook.charts import figure, heading

glue("slope", float(slope), display=False)
print(scale)

# %%
g = alt.param(name="gamma", value=1, bind=alt.binding_range(min=1, max=2, step=1, name="gamma"))
rows = [{"x": x, "g": k, "y": slope * x * k} for x in points for k in (1, 2)]
chart = (
    alt.Chart(alt.Data(values=rows), title=heading("A line", "n = 1 line; no interval"))
    .mark_line()
    .encode(x="x:Q", y="y:Q")
    .add_params(g)
    .transform_filter("datum.g == gamma")
    .properties(description="A straight line that rises by the slope at every step")
)
chart

# %% tags=["remove-output"]
figure("fig_tiny", chart, pd.DataFrame(rows))
'''


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small book of two chapters, made like the real one."""
    return small_book(tmp_path, monkeypatch)


def small_book(folder: Path, monkeypatch) -> Project:
    (folder / "chapters").mkdir()
    (folder / "results").mkdir()
    (folder / "book").mkdir()
    (folder / "chapters" / "01-tiny.py").write_text(CHAPTER)
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "book" / "references.bib").write_text("@misc{a2025, author={A}, title={T}, year={2025}}\n")
    (folder / "book" / "intro.md").write_text(
        "# A small book\n\nSee {cite:t}`a2025`.\n\n```{bibliography}\n```\n"
    )
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: chapters/01-tiny\n  - file: "
        "_generated/scoreboard\n"
    )
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    # The kernels and builders that tests start find the package that is tested, installed or not.
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    return Project(root=folder)


# -- reading chapters ---------------------------------------------------------------------------------------


def test_the_same_source_gives_the_same_notebook(project):
    path = project.chapter("1").path
    first, second = (nbformat.writes(to_notebook(path)) for _ in range(2))
    assert first == second
    notebook = to_notebook(path)
    assert [cell.id for cell in notebook.cells] == [f"cell-{i:03d}" for i in range(len(notebook.cells))]
    assert title(notebook, "none") == "A tiny chapter"
    assert len(tagged(notebook, "parameters")) == 1


def test_parameters_are_read_without_running(project):
    declared = declared_parameters(to_notebook(project.chapter("tiny").path), "01-tiny")
    assert {name: (p.annotation, p.default, p.help) for name, p in declared.items()} == {
        "scale": ("str", "laptop", "how much to run"),
        "slope": ("float", 2.0, "rise a step"),
        "points": ("list", [1, 2], "where"),
    }


@pytest.mark.parametrize("line", ["twice = slope * 2", "import os", "a, b = 1, 2"])
def test_a_parameters_cell_holds_literals_only(project, line):
    path = project.chapter("1").path
    path.write_text(CHAPTER.replace("points: list = [1, 2]", f"{line}\npoints: list = [1, 2]"))
    with pytest.raises(OvbookError, match="01-tiny"):
        declared_parameters(to_notebook(path), "01-tiny")


def test_the_project_is_found_from_below_and_not_from_outside(project, tmp_path_factory):
    assert find_project(project.root / "chapters").root == project.root
    with pytest.raises(OvbookError, match="not inside the book"):
        find_project(tmp_path_factory.mktemp("elsewhere"))


def test_the_press_does_not_import_torch():
    names = [path.stem for path in (ROOT / "src/ovbook/press").glob("*.py") if path.stem != "__init__"]
    rooms = ", ".join(f"ovbook.press.{name}" for name in names)
    code = f"import sys, ovbook.cli, {rooms}; sys.exit(bool({{'torch', 'altair'}} & set(sys.modules)))"
    seen = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=seen, check=False).returncode == 0


# -- charts -------------------------------------------------------------------------------------------------


def spec() -> dict:
    alt = pytest.importorskip("altair")
    slider = alt.param(name="gamma", value=1, bind=alt.binding_range(min=1, max=2, step=1))
    data = alt.Data(values=[{"x": 1, "y": 2, "low": 1, "high": 3}, {"x": 10, "y": 4, "low": 3, "high": 5}])
    base = alt.Chart(data).encode(x=alt.X("x:Q", scale=alt.Scale(type="log")))
    band = base.mark_area().encode(y="low:Q", y2="high:Q")
    line = base.mark_line(point=True).encode(y="y:Q").add_params(slider)
    return (
        (band + line)
        .properties(description="Two points, the second higher </script> <!-- than the first")
        .to_dict()
    )


def test_a_chart_leaves_in_every_form_a_viewer_may_want():
    from ovbook.charts import renderer

    bundle = renderer.mimebundle(spec())
    assert bundle["text/plain"].startswith("Two points")
    assert base64.b64decode(bundle["image/png"])[:8] == b"\x89PNG\r\n\x1a\n"
    assert "text/html" not in bundle  # it would load scripts from another host
    assert renderer.MIME == MIME


def test_the_type_we_claim_for_jupyterlab_is_true():
    import vl_convert

    from ovbook.charts import renderer

    ours = renderer.mimebundle(spec())[MIME]
    assert "/v5.json" in ours["$schema"]
    assert "<svg" in vl_convert.vegalite_to_svg(ours, vl_version="5.20")


def test_a_container_is_labelled_and_inert():
    text = container(spec())
    assert 'role="figure"' in text
    assert 'aria-label="Two points' in text
    inside = re.search(r'<script type="application/json">(.*)</script></div>$', text, re.DOTALL)
    assert inside
    assert "<" not in inside[1]
    assert json.loads(inside[1]) == spec()


def test_a_chart_is_given_about_the_room_it_will_take():
    panel = {"mark": "line", "height": 200}
    slider = {"name": "x", "bind": {"input": "range"}}
    assert (
        room(panel)
        < room(panel | {"title": "A line"})
        < room(panel | {"title": "A line", "params": [slider]})
    )
    assert room({"hconcat": [panel, {"mark": "bar", "height": 300}]}) == room({"mark": "bar", "height": 300})
    assert room({"vconcat": [panel, panel]}) > 2 * room(panel)
    assert room({"facet": {}, "spec": panel}) == room(panel)
    assert room({"mark": "line"}) == room({"mark": "line", "height": {"step": 20}})
    assert 0 < room(panel | {"params": [slider]}, drawn=False) < room(panel)


@pytest.mark.parametrize(("columns", "rows"), [(9, 1), (3, 3), (2, 5), (None, 1)])
def test_each_further_row_of_a_legend_takes_room(columns, rows):
    legend = {"orient": "bottom"} | ({"columns": columns} if columns else {})
    colour = {"field": "kind", "scale": {"domain": list("abcdefghi")}, "legend": legend}
    panel = {"mark": "line", "height": 200}
    layers = {"layer": [panel | {"encoding": {"color": colour}}] * 2, "height": 200}
    assert room(layers) - room(panel) == 16 * (rows - 1)


# -- the lint -----------------------------------------------------------------------------------------------


def clean_notebook():
    v4 = nbformat.v4
    described = {
        "description": "A line that rises from left to right",
        "title": {"text": "A line", "subtitle": ["n = 5 seeds; bands: 95%", "intervals of the mean"]},
        "mark": "line",
        "data": {"values": []},
    }
    outputs = [
        v4.new_output(
            "stream", name="stdout", text="3 runs, 12/34, see a/b/c and https://example.org/home/x\n"
        ),
        v4.new_output("display_data", data={MIME: described, "image/png": "AAAA", "text/plain": "A line"}),
    ]
    cells = [
        v4.new_markdown_cell("# T"),
        v4.new_code_cell("a = 1", execution_count=1),
        v4.new_code_cell("", execution_count=None),
        v4.new_code_cell("chart", execution_count=2, outputs=outputs),
    ]
    return v4.new_notebook(cells=cells)


def _fail(nb):
    nb.cells[3].outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]))


def _exception(nb):
    nb.metadata["papermill"] = {"exception": True}


def _order(nb):
    nb.cells[3].execution_count = 5


def _unrun(nb):
    nb.cells[1].execution_count = None


def _wall(nb):
    nb.cells[3].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="w\n" * 9))


def _path(nb):
    nb.cells[3].outputs[0].text = "saved in '/home/someone/book/x.csv'"


def _path_in_glue(nb):
    nb.cells[3].outputs[1].data["application/papermill.record/text/plain"] = "/tmp/ovbook/x"


def _undescribed(nb):
    nb.cells[3].outputs[1].data[MIME].pop("description")


def _undescribed_glue(nb):
    nb.cells[3].outputs[1].data["application/papermill.record/" + MIME] = {"mark": "line"}


def _big_chart(nb):
    nb.cells[3].outputs[1].data[MIME]["data"]["values"] = [{"x": i, "y": 1 / (i + 1)} for i in range(20_000)]


def _big_page(nb):
    nb.cells[3].outputs[1].data["text/html"] = "x" * (lint.PAGE_BYTES + 1)


def _foreign_renderer(nb):
    nb.cells[3].outputs[1].data["text/html"] = "<script>vegaEmbed('#vis', spec)</script>"


def _unknown_type(nb):
    nb.cells[3].outputs[1].data["application/vnd.vegalite.v6.json"] = {}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_fail, "raised ValueError"),
        (_exception, "ended with an exception"),
        (_order, "execution count 5"),
        (_unrun, "execution count None"),
        (_wall, "9 lines to stderr"),
        (_path, "/home/someone"),
        (_path_in_glue, "/tmp/ovbook"),
        (_undescribed, "without a description"),
        (_undescribed_glue, "without a description"),
        (_big_chart, "thin its data"),
        (_big_page, "its outputs weigh"),
        (_foreign_renderer, "another host"),
        (_unknown_type, "cannot draw"),
    ],
)
def test_the_lint_sees(spoil, says):
    notebook = clean_notebook()
    assert lint.problems(notebook) == []
    spoil(notebook)
    assert any(says in sentence for sentence in lint.problems(notebook))


# -- normalising --------------------------------------------------------------------------------------------


def record(**extra):
    known = {
        "source_sha256": "a" * 64,
        "parameters": {"scale": "laptop"},
        "seconds": 75.0,
        "cores": 2,
        "peak_mib": 700,
    }
    return {**known, **extra}


def test_two_executions_of_the_same_give_the_same_file():
    texts = []
    for moment in ("2026-01-01", "2026-01-02"):
        notebook = clean_notebook()  # random ids each time
        notebook.metadata["papermill"] = {
            "start_time": moment,
            "output_path": f"/tmp/{moment}",
            "parameters": {},
        }
        for cell in notebook.cells:
            cell.metadata["papermill"] = {"start_time": moment}
            cell.metadata["execution"] = {"iopub.execute_input": moment}
        for _ in range(2):  # a second pass changes nothing
            normalise(notebook, record())
            dress(notebook)
        nbformat.validate(notebook)
        texts.append(nbformat.writes(notebook))
    assert texts[0] == texts[1]
    assert "2026-01" not in texts[0]
    assert "scale = 'laptop'" in texts[0]


def test_the_injected_cell_is_kept_but_not_shown():
    notebook = clean_notebook()
    notebook.cells[1].metadata["tags"] = ["injected-parameters"]
    normalise(notebook, record(commit="c" * 40, dirty=True))
    dress(notebook)
    assert any("remove-cell" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert "with local changes" in notebook.cells[-1].source


# -- progress -----------------------------------------------------------------------------------------------


def test_a_half_written_report_does_not_disturb(tmp_path):
    file = tmp_path / "progress.jsonl"
    assert last_report(file) == {}
    file.write_text('{"done": 1, "total": 4, "seconds_left": 30, "label": "suite"}\n{"done": 2, "to')
    assert last_report(file)["done"] == 1


def test_the_line_says_how_far_and_how_long(capsys):
    line = ChapterLine("02", stream=sys.stderr, every=0.0)
    line.update({"done": 3, "total": 12, "seconds_left": 95, "label": "base models"})
    line.end("done in 4 s")
    said = capsys.readouterr().err
    assert "3 of 12 runs, about 1 min 35 s left (base models)" in said
    assert said.endswith("02: done in 4 s\n")


# -- the reader's copies ------------------------------------------------------------------------------------


def test_an_edited_copy_is_never_overwritten(project):
    chapter = project.chapter("1")
    mine = project.lab / "01-tiny.ipynb"
    assert lab.copy_chapter(project, chapter).endswith("copied")
    assert "up to date" in lab.copy_chapter(project, chapter)
    chapter.path.write_text(CHAPTER.replace("A tiny chapter", "A newer chapter"))
    assert "refreshed" in lab.copy_chapter(project, chapter)
    edited = nbformat.read(mine, as_version=4)
    edited.cells[-1].source += "\nprint('mine')"
    nbformat.write(edited, mine)
    chapter.path.write_text(CHAPTER.replace("A tiny chapter", "The newest chapter"))
    assert "kept as you edited it" in lab.copy_chapter(project, chapter)
    assert "print('mine')" in mine.read_text()
    assert "The newest chapter" in (project.lab / "01-tiny-new.ipynb").read_text()
    mine.write_text("not a notebook")
    assert "kept" in lab.copy_chapter(project, chapter)
    assert mine.read_text() == "not a notebook"


# -- serving, locking, setting up ---------------------------------------------------------------------------


def test_the_site_is_served_on_this_machine_only(tmp_path):
    with pytest.raises(OvbookError, match="make book"):
        server(tmp_path)
    (tmp_path / "index.html").write_text("hello")
    with pytest.raises(OvbookError, match="99999"):
        server(tmp_path, port=99999)
    with server(tmp_path, port=0) as running:
        host, port = running.server_address[:2]
        assert host == "127.0.0.1"
        threading.Thread(target=running.serve_forever, daemon=True).start()
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read() == b"hello"
        with pytest.raises(OvbookError, match=f"port {port} cannot be used"):
            server(tmp_path, port=port)
        running.shutdown()


def test_two_builds_at_once_are_refused_in_one_sentence(project):
    with one_at_a_time(project), pytest.raises(OvbookError, match="another build of this book is under way"):
        build(project)
    with one_at_a_time(project):
        pass


def test_set_up_is_done_once_and_again_when_the_pins_change(tmp_path, monkeypatch):
    root, venv = tmp_path, tmp_path / ".venv"
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        (root / name).write_text(f"# {name}\n")
    calls = []
    monkeypatch.setattr(environment, "_pip", lambda venv, what, root: calls.append(what))

    def make(venv):
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(environment, "_make", make)
    environment.set_up(root, venv)
    assert len(calls) == 2
    environment.set_up(root, venv)
    assert len(calls) == 2
    (root / "requirements.txt").write_text("torch==2.13.0\n")
    assert not environment.ready(root, venv)
    environment.set_up(root, venv)
    assert len(calls) == 4


def test_a_failing_installation_says_why_in_one_sentence(tmp_path):
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(environment.SetupError, match=r"pip could not install -r absent\.txt"):
        environment._pip(venv, ["-r", "absent.txt"], tmp_path)


# -- the scoreboard -----------------------------------------------------------------------------------------


def test_the_terminal_shows_one_line_a_claim():
    row = {
        "id": "A1",
        "scale": "laptop",
        "verdict": "reproduced",
        "statistic": 0.125,
        "low": 0.1,
        "high": 0.15,
        "n": 5,
    }
    row |= {"source": "springer2025overtrained", "seeds": [100], "provenance": {}, "unit": "nats"}
    assert re.search(r"A1 +laptop +reproduced +0.125 +0.1 to 0.15 +5", rows_as_text([row]))
    assert "make book" in rows_as_text([])


# -- the whole way ------------------------------------------------------------------------------------------


@pytest.fixture
def plain_scoreboard(monkeypatch):
    """The press is tested apart from the generated pages, which have tests of their own."""

    def one_page(project, executed):
        page = project.book / "_generated" / "scoreboard.md"
        if not page.is_file():
            atomic_write(page, "# Scoreboard\n")

    monkeypatch.setattr("ovbook.press.render.write_pages", one_page)


@pytest.mark.slow
def test_a_chapter_becomes_a_page_and_an_unfit_one_does_not(project, plain_scoreboard, monkeypatch, capsys):
    pytest.importorskip("jupyter_book")
    chapter = project.chapter("1")
    # Someone may be editing the package while this runs.
    monkeypatch.setattr("ovbook.press.provenance.package_hash", lambda: "as it was")

    page = build(project)
    assert page == project.site / "index.html"
    executed = project.executed(chapter)
    text = (project.site / "chapters" / "01-tiny.html").read_text()
    assert text.count('class="ovbook-chart"') == 2
    assert 'aria-label="A straight line that rises' in text
    assert "Fig. 1" in text
    assert ">2.00<" in text
    assert "injected" not in text
    assert "vega" not in "".join(re.findall(r'src="https?://[^"]+"', text))
    assert (project.site / "_vendor" / "ovbook-vega.js").stat().st_size > 500_000
    about = nbformat.read(executed, as_version=4).metadata["ovbook"]
    assert about["parameters"] == PUBLISHED
    assert about["peak_mib"] > 20
    assert about["versions"]["altair"]

    # Unchanged: no kernel, no Sphinx.
    def never(*_, **__):
        raise AssertionError("this was not to run")

    with monkeypatch.context() as m:
        m.setattr(build_module, "execute", never)
        m.setattr("ovbook.press.render._sphinx", never)
        assert build(project) == page
    assert "unchanged, not run again" in capsys.readouterr().err

    before = (project.site / "chapters" / "01-tiny.html").read_bytes(), executed.read_bytes()

    # Stale: the source moved on.
    chapter.path.write_text(CHAPTER.replace("print(scale)", "print(scale, 1 / 0)"))
    with pytest.raises(OvbookError, match="01-tiny is stale"):
        render(project)

    # Failing: named by chapter, cell and error; nothing published.
    with pytest.raises(
        OvbookError, match=r"01-tiny stopped at code cell \d \('import altair.*ZeroDivisionError"
    ) as e:
        build(project)
    assert "\n" not in str(e.value)
    assert before == ((project.site / "chapters" / "01-tiny.html").read_bytes(), executed.read_bytes())
    assert (project.work / "failed" / "01-tiny.ipynb").is_file()

    # Undescribed.
    chapter.path.write_text(CHAPTER)
    spoilt = copy.deepcopy(nbformat.read(executed, as_version=4))
    for cell in spoilt.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).get(MIME, {}).pop("description", None)
    nbformat.write(spoilt, executed)
    with pytest.raises(OvbookError, match="without a description"):
        render(project)


@pytest.mark.slow
def test_a_chapter_that_was_not_computed_is_a_page_that_says_how(project, plain_scoreboard):
    pytest.importorskip("jupyter_book")
    render(project)
    text = (project.site / "chapters" / "01-tiny.html").read_text()
    assert "A tiny chapter" in text
    assert "ovbook run 01" in text


@pytest.mark.slow
def test_the_plain_pipe_does_the_same(project):
    source, out = project.chapter("1").path, project.root / "out.ipynb"
    pipe = (
        f"{sys.executable} -m jupytext --to ipynb -o - {source} | "
        f"{sys.executable} -m papermill - {out} -p scale smoke -k python3 --no-progress-bar"
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, cwd=project.root
    )
    assert done.returncode == 0, done.stderr
    assert "smoke" in out.read_text()


@pytest.mark.slow
def test_ctrl_c_ends_the_kernel_and_says_one_sentence(project):
    import psutil

    marker = project.root / "running"
    body = f"import pathlib, time\npathlib.Path({str(marker)!r}).write_text('x')\ntime.sleep(120)"
    project.chapter("1").path.write_text(CHAPTER.replace("print(scale)", body))
    code = (
        "import sys, pathlib\nfrom ovbook import cli\n"
        "from ovbook.press.execute import execute\n"
        "from ovbook.project import Project\n"
        f"p = Project(root=pathlib.Path({str(project.root)!r}))\n"
        "cli._chapter_values = lambda options: (p, p.chapter('1'), {'slope': 1.0})\n"
        "sys.exit(cli.main(['run', '01', '-p', 'slope=1']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, cwd=project.root
    )
    try:
        waited = time.monotonic()
        while not marker.exists() and time.monotonic() - waited < 60:
            time.sleep(0.2)
        assert marker.exists()
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=45)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "ovbook: interrupted; finished results are kept" in said
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(family, timeout=5)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_an_executed_chapter_that_cannot_be_read_counts_as_absent(project):
    path = project.executed(project.chapter("1"))
    path.parent.mkdir(parents=True)
    path.write_text('{"cells": [')
    assert execute.read_executed(path) is None
    assert not execute.current(project, project.chapter("1"), PUBLISHED)

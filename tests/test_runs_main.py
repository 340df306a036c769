"""``python -m ovbook.runs``: a chapter's experiment cell alone, on a machine without the plotting libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ovbook.errors import OvbookError
from ovbook.project import find_chapter
from ovbook.runs import Store
from ovbook.runs.__main__ import main
from ovbook.runs.chapter import read_experiment

CHAPTER = '''\
# ---
# jupyter: {}
# ---

# %% [markdown]
r"""
# A chapter
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much
seeds: int = None  # repetitions
shift: list = [1, 2]
label: str = "x"
_ = None

# %% tags=["plots"]
import altair
raise RuntimeError("only the experiment cell is run")

# %% tags=["experiment"]
from math import floor
from runs_fakes import Number
from ovbook.runs import Spec

def experiment(p):
    return [Number(value=floor(10 * n + s)) for n in range(p.seeds) for s in SHIFT]

SHIFT = shift

# %%
altair.Chart()
'''

BLOCK = """
import sys
from importlib.machinery import PathFinder

hidden = {"pandas", "altair", "jupytext", "IPython", "papermill", "ipywidgets", "scipy", "transformers", "datasets",
          "matplotlib", "nbformat", "tokenizers"}

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else PathFinder.find_spec(name, path, target)

sys.meta_path = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
for name in hidden:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{name} is not hidden")
from ovbook.runs.__main__ import main
"""


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_TEST_COUNT", str(tmp_path / "count"))
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "chapters"
    folder.mkdir()
    # `label` and `shift` are no knobs of the book: the cell makes what it needs of them
    text = CHAPTER.replace(
        "def experiment",
        "from ovbook.runs import parameters\np = parameters(scale=scale, seeds=seeds)\n\ndef experiment",
    )
    (folder / "05-fakes.py").write_text(text)
    (folder / "06-others.py").write_text("# %%\nx = 1\n")
    return folder / "05-fakes.py"


def test_the_cell_alone_is_run_into_the_named_store(chapter, tmp_path, capsys):
    arguments = ["05", "--scale", "smoke", "--out", "out", "-p", "shift=3", "-p", "seeds=2", "--workers", "1"]
    assert main([*arguments, "--plan"]) == 0
    said = capsys.readouterr().out
    assert "05-fakes at scale smoke on" in said
    assert "2 runs asked for, 0 already stored, 2 to compute" in said
    assert not (tmp_path / "count").exists()
    assert main(arguments) == 0
    assert (tmp_path / "count").read_text().split() == ["3", "13"]
    assert main(arguments) == 0
    assert "2 already stored, 0 to compute" in capsys.readouterr().out
    assert len(list((tmp_path / "out" / "results" / "number").glob("*/*"))) == 2
    assert not (tmp_path / "other").exists()
    assert Store(tmp_path / "out").root.is_dir()


def test_mistakes_are_one_line_and_status_2(chapter, capsys):
    for arguments, part in (
        (["05", "--scale", "big"], "scale is 'big'"),
        (["05", "-p", "sedes=3"], "05-fakes has no parameter 'sedes' (did you mean 'seeds'?)"),
        (["05", "-p", "seeds"], "'-p seeds' is not of the form name=value"),
        (["05", "-p", "seeds=0"], "seeds is 0"),
        (["7"], "there is no chapter '7'"),
        (["0"], "'0' names more than one chapter"),
        (["06"], "06-others.py has no cell tagged parameters or experiment"),
        (["05", "--scale", "smoke", "--device", "tpu"], "device is 'tpu'"),
    ):
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert part in said
        assert said.startswith("ovbook: ")
        assert said.count("\n") == 1


def test_without_p_the_declared_parameters_make_it(chapter):
    text = CHAPTER.replace('label: str = "x"\n', "").replace("shift", "worlds").replace("_ = None\n", "")
    chapter.write_text(text)
    specs, p = read_experiment(find_chapter("05").path).runs({"scale": "smoke"})
    assert [spec.value for spec in specs] == [1, 2]
    assert p.worlds == (1, 2)


def test_errors_point_into_the_chapter(chapter):
    chapter.write_text(chapter.read_text().replace("floor(10", "floor(None"))
    lines = chapter.read_text().splitlines()
    wrong = next(number for number, line in enumerate(lines, 1) if "None *" in line)
    with pytest.raises(TypeError) as said:
        read_experiment(chapter).runs({"scale": "smoke"})
    assert wrong in [entry.lineno + 1 for entry in said.traceback if str(entry.path) == str(chapter)]


def test_a_cell_that_imports_too_much(chapter):
    chapter.write_text(
        chapter.read_text().replace("from math import floor", "from math import floor\nimport no_such_plots")
    )
    with pytest.raises(OvbookError, match="imports no_such_plots"):
        read_experiment(chapter).runs({"scale": "smoke"})


def test_it_needs_no_plotting_libraries(chapter, tmp_path):
    code = BLOCK + ("sys.exit(main(['05', '--scale', 'smoke', '--out', 'out', '--workers', '1']))")
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": paths}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "done: results are in" in ran.stdout
    assert ran.stderr == ""


def test_a_real_experiment_needs_no_plotting_libraries(tmp_path):
    (tmp_path / "real.py").write_text(
        '# %% tags=["parameters"]\nscale: str = "smoke"\nbudgets: list = [8192]\n\n# %% tags=["experiment"]\n'
        "from ovbook.runs import Checkpoint, Perturb, suite\n\n"
        "def experiment(p):\n"
        "    return [Perturb(base=Checkpoint(run=r), gammas=(0.0, 0.4), draws=2, rows=4) for r in suite(p)]\n"
    )
    code = BLOCK + ("sys.exit(main(['real.py', '--out', 'out', '--workers', '1', '--device', 'cpu']))")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "out" / "results" / "perturb").glob("*/*"))) == 1


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_sigterm_stops_with_status_75(chapter, tmp_path):
    import signal
    import time

    text = chapter.read_text().replace("Number(value=floor", "Number(seconds=60.0, value=floor")
    chapter.write_text(text)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-m", "ovbook.runs", "05", "--scale", "smoke", "--out", "out", "--workers", "1"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "count").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 75
    assert said.startswith("ovbook: interrupted with 0 of 2 runs computed and kept")

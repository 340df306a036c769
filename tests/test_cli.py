"""The command line: what it refuses, and in what words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import ovbook
from ovbook import cli
from ovbook.errors import OvbookError
from ovbook.press.serve import server
from ovbook.project import find_chapter, find_project
from ovbook.runs.knobs import Parameter, read_assignments

ROOT = Path(__file__).parent.parent

CHAPTER = '''# %% [markdown]
r"""
# A tiny chapter
"""

# %% tags=["parameters"]
scale: str = "laptop"  # how much to run
seeds: int = None  # how many

# %% tags=["experiment"]
def experiment(p):
    return []
'''


@pytest.fixture
def book(tmp_path, monkeypatch):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "chapters" / "01-tiny.py").write_text(CHAPTER)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    (tmp_path / "benchmarks" / "nothing.py").write_text("import sys\nprint('measured', sys.argv[1:])\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    return tmp_path


@pytest.fixture
def nothing_runs(monkeypatch):
    def never(*_, **__):
        raise AssertionError("something was run")

    monkeypatch.setattr("ovbook.press.execute.execute", never)


DECLARED = {
    p.name: p
    for p in (
        Parameter(name="scale", annotation="str", default="laptop", help=""),
        Parameter(name="seeds", annotation="int", default=None, help=""),
        Parameter(name="rate", annotation="float", default=0.1, help=""),
        Parameter(name="gammas", annotation="list", default=[0.1], help=""),
        Parameter(name="worlds", annotation="list[int] | None", default=None, help=""),
        Parameter(name="fast", annotation="bool", default=False, help=""),
        Parameter(name="free", annotation="", default=None, help=""),
    )
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("scale=gpu", "gpu"),
        ("scale=1", "1"),
        ("scale=file:a=b.txt", "file:a=b.txt"),
        ("seeds=8", 8),
        ("seeds=none", None),
        ("rate=1e-3", 1e-3),
        ("rate=2", 2.0),
        ("gammas=[0.1, 0.2]", [0.1, 0.2]),
        ("gammas=0.1,0.2", [0.1, 0.2]),
        ("gammas=0.1", [0.1]),
        ("worlds=1,2", [1, 2]),
        ("fast=true", True),
        ("free=word", "word"),
    ],
)
def test_values_are_read_by_their_declared_type(text, value):
    name = text.split("=")[0]
    read = read_assignments([text], DECLARED, "02")[name]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["seeds"], "not of the form name=value"),
        (["=3"], "not of the form name=value"),
        (["sedes=3"], "did you mean 'seeds'"),
        (["seeds=many"], "must be of type int"),
        (["seeds=1.5"], "must be of type int"),
        (["seeds=true"], "must be of type int"),
        (["rate=fast"], "must be of type float"),
        (["fast=1"], "must be of type bool"),
        (["seeds=1", "seeds=2"], "given twice"),
    ],
)
def test_what_does_not_fit_is_refused(texts, says):
    with pytest.raises(OvbookError, match=says):
        read_assignments(texts, DECLARED, "02")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "7"], "there is no chapter '7'"),
        (["run", "tinny"], "did you mean 'tiny'"),
        (["run", "01", "-p", "seed=3"], "did you mean 'seeds'"),
        (["run", "01", "-p", "seeds=0"], "seeds"),
        (["run", "01", "-p", "scale=lptop"], "laptop"),
        (["plan", "01", "-p", "scale=huge"], "scale"),
        (["bench", "nothin"], "did you mean 'nothing'"),
        (["serve"], "make book"),
        (["claims", "absent.ipynb"], "there is no notebook"),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_runs(book, nothing_runs, capsys, words, says):
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("ovbook: ")
    assert says in said
    assert said.count("\n") == 1


def test_outside_the_book_it_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build"]) == 2
    assert "not inside the book" in capsys.readouterr().err


def test_a_plan_is_priced_and_nothing_is_computed(book, nothing_runs, capsys):
    path = book / "chapters" / "01-tiny.py"
    path.write_text(
        CHAPTER.replace(
            "    return []",
            "    from ovbook.runs import suite\n\n    return suite(p)",
        )
    )
    assert cli.main(["plan", "01", "-p", "scale=smoke"]) == 0
    assert "run" in capsys.readouterr().out
    assert not (book / ".ovbook" / "runs").exists()


def test_ctrl_c_is_one_sentence(book, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ovbook.press.build.build", interrupted)
    assert cli.main(["build"]) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_with_own_values_does_not_touch_the_book(book, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr("ovbook.press.execute.execute", lambda *words, **named: ran.append((words, named)))
    assert cli.main(["run", "01", "-p", "scale=smoke", "-p", "seeds=2"]) == 0
    (_, chapter, values, output), named = ran[0]
    assert (chapter.name, values) == ("01-tiny", {"scale": "smoke", "seeds": 2})
    assert output == book / ".ovbook" / "notebooks" / "01-tiny--scale-smoke--seeds-2.ipynb"
    assert named == {"publish": False}
    assert cli.main(["run", "tiny"]) == 0
    assert ran[1][0][2:] == ({"scale": "laptop"}, book / "book" / "chapters" / "01-tiny.ipynb")


def test_claims_are_json_for_programs_and_a_table_for_people(book, monkeypatch, capsys):
    row = {
        "id": "A1",
        "scale": "laptop",
        "verdict": "reproduced",
        "statistic": 0.1,
        "low": 0.0,
        "high": 0.2,
        "n": 5,
    }
    monkeypatch.setattr("ovbook.claims.collect", lambda notebooks, results: [row])
    assert cli.main(["claims", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [row]
    assert cli.main(["claims"]) == 0
    assert "A1" in capsys.readouterr().out


def test_benchmarks_are_listed_and_run(book, capfd):
    assert cli.main(["bench"]) == 0
    assert "ovbook bench nothing" in capfd.readouterr().out
    assert cli.main(["bench", "nothing", "--short"]) == 0
    assert "measured ['--short']" in capfd.readouterr().out


def test_the_version_and_the_module_form():
    done = subprocess.run(
        [sys.executable, "-m", "ovbook.cli", "--version"], capture_output=True, text=True, cwd=ROOT / "src"
    )
    assert done.stdout.strip() == f"ovbook {ovbook.__version__}"


def test_options_after_lab_are_jupyterlabs(monkeypatch):
    heard = []
    monkeypatch.setattr("ovbook.press.lab.open_lab", lambda project, rest: heard.append(rest) or 0)
    assert cli.main(["lab", "--no-browser", "--port=1"]) == 0
    assert heard == [["--no-browser", "--port=1"]]


def test_an_unknown_option_elsewhere_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["plan", "02", "--no-such-thing"])
    assert "--no-such-thing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["biuld"], "there is no command 'biuld' (did you mean 'build'?); 'ovbook --help'"),
        (
            ["results", "comapre"],
            "there is no command 'comapre' (did you mean 'compare'?); 'ovbook results --help'",
        ),
        (["zzz"], "there is no command 'zzz'; 'ovbook --help'"),
        (["run"], "CHAPTER is missing; 'ovbook run --help'"),
        ([], "COMMAND is missing; 'ovbook --help'"),
        (["serve", "--port", "x"], "argument --port: invalid int value: 'x'"),
    ],
)
def test_a_misspelt_command_is_one_sentence_with_the_likely_one(capsys, words, says):
    with pytest.raises(SystemExit, match="2"):
        cli.main(words)
    said = capsys.readouterr().err
    assert said.startswith("ovbook: ")
    assert says in said
    assert said.count("\n") == 1


def test_help_says_every_command_in_one_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words, names in (
        (["--help"], ["build", "serve", "lab", "plan", "run", "claims", "results", "check", "bench"]),
        (["results", "--help"], ["compare", "export"]),
    ):
        with pytest.raises(SystemExit, match="0"):
            cli.main(words)
        lines = capsys.readouterr().out.splitlines()
        for name in names:
            at = [i for i, line in enumerate(lines) if line.split()[:1] == [name]]
            assert len(at) == 1
            following = lines[at[0] + 1 :][:1]
            assert not following or not following[0].startswith(" " * 10), f"{name} takes more than a line"


@pytest.fixture
def site(book):
    (book / "book" / "_build" / "html").mkdir(parents=True)
    (book / "book" / "_build" / "html" / "index.html").write_text("<p>the book</p>")
    return book


def test_the_server_says_where_it_is_and_ctrl_c_ends_it_quietly(site):
    command = [sys.executable, "-u", "-m", "ovbook.cli", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, cwd=site, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            address = line.split()[4].rstrip(";")
            assert address.startswith("http://127.0.0.1:")
            assert b"the book" in urllib.request.urlopen(address, timeout=10).read()
            taken = subprocess.run(
                [*command[:-1], address.rstrip("/").rpartition(":")[2]],
                cwd=site, env=environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "")
    assert taken.returncode == 2
    assert "cannot be used" in taken.stderr
    assert taken.stderr.count("\n") == 1


@pytest.mark.parametrize(("words", "opened"), [([], 0), (["--open"], 1)])
def test_a_browser_is_opened_only_when_asked_for(site, monkeypatch, capsys, words, opened):
    seen = []
    monkeypatch.setattr("webbrowser.open", seen.append)
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", lambda self: None)
    assert cli.main(["serve", "--port", "0", *words]) == 0
    assert len(seen) == opened
    assert all(address in capsys.readouterr().out for address in seen)


def test_a_browser_that_hangs_up_is_not_worth_a_word(site, capsys):
    with server(site / "book" / "_build" / "html", 0) as running:
        for error, silent in (
            (BrokenPipeError(), True),
            (ConnectionResetError(), True),
            (KeyError("x"), False),
        ):
            try:
                raise error
            except type(error):
                running.handle_error(None, ("127.0.0.1", 1))
            assert (capsys.readouterr().err == "") is silent


# -- finding a chapter --------------------------------------------------------------------------------------


def test_a_chapter_is_found_by_number_name_beginning_and_path(book):
    (book / "chapters" / "02-other.py").write_text(CHAPTER)
    (book / "chapters" / "notes.py").write_text("")
    (book / "outside.py").write_text(CHAPTER)
    for name in ("1", "01", "tiny", "01-tiny", "01-t", "chapters/01-tiny.py"):
        assert find_chapter(name).name == "01-tiny", name
        assert find_project().chapter(name).name == "01-tiny", name
    assert find_chapter("outside.py").path == book / "outside.py"
    assert find_chapter("2", book / "chapters").name == "02-other"
    with pytest.raises(OvbookError, match="'0' names more than one chapter \\(01-tiny, 02-other\\)"):
        find_chapter("0")
    with pytest.raises(OvbookError, match="there is no chapter 'notes'"):
        find_chapter("notes")
    with pytest.raises(OvbookError, match="there is no chapter ''"):
        find_chapter("")


def test_chapters_are_found_without_the_rest_of_the_book(tmp_path, monkeypatch):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "01-tiny.py").write_text(CHAPTER)
    monkeypatch.chdir(tmp_path / "chapters")
    assert find_chapter("1").path == tmp_path / "chapters" / "01-tiny.py"
    with pytest.raises(OvbookError, match="not inside the book"):
        find_project()
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(OvbookError, match="none here"):
        find_chapter("1")

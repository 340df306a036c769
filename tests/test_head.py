"""What stands above and below a chapter: read from its file and its record, true, and renewed without running."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ovbook.errors import OvbookError
from ovbook.press import dress as dress_module
from ovbook.press.about import About, about
from ovbook.press.anatomy import missing
from ovbook.press.citation import citation_file, cite_chapter, cite_papers
from ovbook.press.convert import to_notebook
from ovbook.press.downloads import clean_notebook, executed_notebook
from ovbook.press.dress import FOOT_TAG, HEAD_TAG, check_header, dress, undress
from ovbook.press.foot import foot
from ovbook.press.head import Page, cost, devices, head
from ovbook.press.lint import problems
from ovbook.press.normalise import normalise
from ovbook.press.reading import reading_minutes, words
from ovbook.press.repository import Repository, repository_of
from ovbook.project import Project
from ovbook.runs import Checkpoint, Evaluate, Perturb, Pretrain, execute
from ovbook.runs.knobs import declared
from ovbook.runs.ledger import VARIABLE, ledger_summary

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.py"))
REPOSITORY = Repository(owner="Someone", name="lab-book")

CHAPTER = '''# ---
# jupyter:
#   jupytext:
#     cell_markers: r"""
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   ovbook:
#     learn:
#       - one thing
#       - another thing
#       - a third thing
#     papers: [springer2025overtrained]
#     after: [01-first]
# ---

# %% [markdown]
r"""
# A small chapter

It was {glue:text}`answer`.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much
seeds: int = None  # repetitions (default: the scale's)
gammas: list = [
    0.0,
    0.25,
]  # noise | in units of the spread

# %%
1 + 1
'''
FIRST = CHAPTER.replace("# A small chapter", "# The first chapter").replace("#     after: [01-first]\n", "")

RUNS = {
    "runs": {"Evaluate": 2, "Pretrain": 2},
    "computed": 0,
    "not_timed": 0,
    "seconds_inside": 1.0,
    "seconds_cpu": 1200.0,
    "seconds_gpu": 0.0,
    "peak_mib": 512,
    "workers": 4,
    "devices": ["cpu (x86_64)"],
    "threads": [1],
    "seeds": [100, 101],
    "data": {"world:1/almanac": "d" * 64},
    "operations": ["evaluate 1", "pretrain 3"],
    "torch": ["2.13.0"],
    "ovbook": ["0.1.0"],
    "started": ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"],
    "keys_sha256": "e" * 64,
}


def record(**extra):
    known = {
        "chapter": "02-small",
        "source_sha256": "a" * 64,
        "parameters": {"scale": "laptop"},
        "commit": "c" * 40,
        "dirty": False,
        "seconds": 40.0,
        "cores": 4,
        "peak_mib": 1024,
        "versions": {"python": "3.11.7"},
        "runs": RUNS,
    }
    return {**known, **extra}


@pytest.fixture
def project(tmp_path):
    """Two chapters, the real bibliography and citation; the second chapter as if executed."""
    for folder in ("chapters", "book/chapters"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "chapters" / "01-first.py").write_text(FIRST)
    (tmp_path / "chapters" / "02-small.py").write_text(CHAPTER)
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    (tmp_path / "_config.yml").write_text('copyright: "2026"\n')
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    project = Project(root=tmp_path)
    notebook = to_notebook(tmp_path / "chapters" / "02-small.py")
    notebook.cells[-1].execution_count = 1
    glued = {"application/papermill.record/text/plain": "'forty-two'"}
    notebook.cells[-1].outputs = [
        nbformat.v4.new_output("display_data", data=glued, metadata={"scrapbook": {"name": "answer"}})
    ]
    normalise(notebook, record(source_sha256=project.chapter("2").source_hash))
    nbformat.write(notebook, project.executed(project.chapter("2")))
    return project


def executed(project):
    return nbformat.read(project.executed(project.chapter("2")), as_version=4)


def with_repository(project):
    (project.root / "_config.yml").write_text("repository:\n  url: https://github.com/Someone/lab-book\n")


# -- the header of a chapter's file -------------------------------------------------------------------------


def test_the_header_is_read_and_a_chapter_may_have_none(project):
    found = about(to_notebook(project.chapter("2").path), "02-small")
    assert found == About(
        learn=("one thing", "another thing", "a third thing"),
        papers=("springer2025overtrained",),
        after=("01-first",),
    )
    assert about(nbformat.v4.new_notebook(), "x") is None


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("learn:", "learns:", "did you mean 'learn'"),
        ("#       - a third thing\n", "", "2 lines under 'learn'"),
        ("a third thing", "a third: thing", "quotation marks"),
        ("a third thing", "thing " * 30, "179 letters"),
        ("springer2025overtrained", "springer2025overtraine", "did you mean 'springer2025overtrained'"),
        ("after: [01-first]", "after: [01-last]", "after: 01-last"),
    ],
)
def test_a_wrong_header_is_one_sentence_before_anything_runs(project, wrong, right, says):
    path = project.chapter("2").path
    path.write_text(CHAPTER.replace(wrong, right))
    with pytest.raises(OvbookError, match=re.escape(says)):
        check_header(to_notebook(path), project, "02-small")


@pytest.mark.slow
def test_the_header_survives_the_plain_pipe(project):
    source, out = project.chapter("2").path, project.root / "out.ipynb"
    pipe = (
        f"{sys.executable} -m jupytext --to ipynb -o - {source} | "
        f"{sys.executable} -m papermill - {out} -p scale smoke -k python3 --no-progress-bar"
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipe], capture_output=True, text=True, cwd=project.root
    )
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(out, as_version=4)
    assert about(notebook, "02-small").learn[0] == "one thing"
    assert notebook.metadata["papermill"]["parameters"] == {"scale": "smoke"}


# -- head and foot ------------------------------------------------------------------------------------------


def test_head_and_foot_are_put_in_once_and_taken_out_again(project):
    notebook = executed(project)
    sources = [cell.source for cell in notebook.cells]
    dress(notebook, project, buttons=True)
    once = nbformat.writes(notebook)
    dress(notebook, project, buttons=True)
    assert nbformat.writes(notebook) == once
    nbformat.validate(notebook)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    assert notebook.cells[0].source == "# A small chapter"
    assert tags[1] == [HEAD_TAG]
    assert tags[-1] == [FOOT_TAG]
    assert notebook.cells[2].source.startswith("It was")
    undress(notebook)
    assert notebook.cells[0].source + "\n\n" + notebook.cells[1].source == sources[0]
    assert [cell.source for cell in notebook.cells[2:]] == sources[1:]


def test_the_head_says_what_is_known(project):
    notebook = executed(project)
    dress(notebook, project, buttons=True)
    text = notebook.cells[1].source
    for line in ("- one thing", "- another thing", "- a third thing"):
        assert line in text
    assert "[The first chapter](01-first.ipynb)" in text
    assert "1 min to read" in text
    assert "<code>ccccccc</code>" in text
    assert "local changes" not in text
    assert "| `seeds` int | `5` | repetitions |" in text
    assert "| `gammas` list | `0,0.25` | noise \\| in units of the spread |" in text
    assert "ovbook run 02 -p seeds=8" in text


@pytest.mark.parametrize("change", [{"dirty": True}])
def test_local_changes_are_admitted(change):
    assert "with local changes" in head(Page(record=record(**change)))
    assert "with local changes" in foot(Page(record=record(**change)))


def test_without_a_repository_there_is_nothing_to_click_but_the_downloads(project):
    notebook = executed(project)
    dress(notebook, project, buttons=True)
    text = notebook.cells[1].source + notebook.cells[-1].source
    links = re.findall(r'<a href="([^"]+)"([^>]*)>', text)
    assert [address for address, _ in links] == [
        "../_notebooks/02-small.ipynb",
        "../_notebooks/clean/02-small.ipynb",
    ]
    assert all('download="02-small.ipynb"' in more for _, more in links)
    assert "http" not in text


def test_one_setting_makes_every_address(project):
    with_repository(project)
    notebook = executed(project)
    dress(notebook, project, buttons=True)
    text = notebook.cells[1].source + notebook.cells[-1].source
    addresses = re.findall(r'<a href="(https[^"]+)"', text)
    assert addresses == [
        f"https://github.com/Someone/lab-book/commit/{'c' * 40}",
        "https://colab.research.google.com/github/Someone/lab-book/blob/notebooks/02-small.ipynb",
        "https://mybinder.org/v2/gh/Someone/lab-book/main?labpath=notebooks%2F02-small.ipynb",
        f"https://github.com/Someone/lab-book/blob/{'c' * 40}/chapters/02-small.py",
        "https://github.com/Someone/lab-book/issues/new?title=02-small%3A%20",
    ]
    assert 'url = "https://someone.github.io/lab-book/chapters/02-small.html"' in text


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("", None),
        ("repository:\n", None),
        ("repository:\n  url: ''\n", None),
        (
            "repository:\n  url: https://github.com/a/b.git\n  branch: trunk\n",
            Repository(owner="a", name="b", branch="trunk"),
        ),
    ],
)
def test_the_setting_is_read(tmp_path, setting, found):
    (tmp_path / "_config.yml").write_text(f"title: T\n{setting}")
    assert repository_of(tmp_path) == found


@pytest.mark.parametrize(
    "wrong", ["repository:\n  url: github.com/a/b\n", "repository: https://github.com/a/b\n"]
)
def test_a_wrong_address_is_refused(tmp_path, wrong):
    (tmp_path / "_config.yml").write_text(wrong)
    with pytest.raises(OvbookError, match="OWNER/NAME"):
        repository_of(tmp_path)


def test_a_site_of_ones_own_lies_at_the_root():
    assert Repository(owner="A", name="a.github.io").base == "/"
    assert REPOSITORY.pages == "https://someone.github.io/lab-book/"


# -- what it costs ------------------------------------------------------------------------------------------


def test_cost_from_nothing_adds_what_the_runs_took():
    # 40 s here, and 1200 s of runs shared by 4 processes.
    said = cost(record())
    assert said == (
        "40 s and 1.0 GiB to run from stored results, about 6 min and 3.0 GiB from nothing on 4 CPU cores"
    )


def test_cost_of_an_execution_that_computed():
    said = cost(record(seconds=340.0, runs={**RUNS, "computed": 4, "seconds_inside": 310.0}))
    assert (
        said == "about 30 s to run from stored results, about 6 min and 1.0 GiB from nothing on 4 CPU cores"
    )


def test_cost_admits_what_was_not_recorded():
    assert "at least 6 min from" in cost(record(runs={**RUNS, "not_timed": 1, "peak_mib": None}))
    gpu = {**RUNS, "devices": ["cuda (NVIDIA H200)"], "seconds_cpu": 0.0, "seconds_gpu": 600.0, "workers": 1}
    assert cost(record(runs=gpu)).endswith("about 11 min and 1.5 GiB from nothing on one NVIDIA H200")
    assert devices(record(runs=gpu)) == "NVIDIA H200"
    assert cost(record(runs=None)) == "40 s and 1.0 GiB to run"


def test_the_foot_holds_the_whole_record():
    text = foot(Page(record=record(machine="x86_64", system="Linux")))
    for part in ("a" * 64, "c" * 40, "d" * 64, "e" * 64, "100, 101", "pretrain 3", "threads a process: 1", "torch 2.13.0",
                 "python 3.11.7", "2026-01-01", "40 s on 4 cores (Linux, x86_64)", "1.00 GiB", "computed 0",
                 "scale = 'laptop'", "2 Evaluate, 2 Pretrain"):  # fmt: skip
        assert part in text, part


def test_every_execute_writes_into_the_ledger_and_a_second_one_computes_nothing(tmp_path, monkeypatch):
    base = Checkpoint(
        run=Pretrain(corpus="world:1/almanac", seed=100, budget=2048, batch=8, model="olmo:16x1")
    )
    specs = [Evaluate(base=base, rows=8), Perturb(base=base, gammas=(0.0, 0.1), draws=2, rows=8)]
    monkeypatch.delenv(VARIABLE, raising=False)
    execute(specs[:1], store=tmp_path / "store")
    summaries = []
    for name in ("one", "two"):
        monkeypatch.setenv(VARIABLE, str(tmp_path / name))
        execute(specs[:1], store=tmp_path / "store")
        execute(specs, store=tmp_path / "store")
        summaries.append(ledger_summary(tmp_path / name))
    first, second = summaries
    assert first["runs"] == {"Evaluate": 1, "Perturb": 1, "Pretrain": 1}
    assert (first["computed"], second["computed"]) == (1, 0)
    assert first["seeds"] == [100]
    assert first["threads"] == [1]
    assert set(first["data"]) == {"world:1/almanac"}
    assert first["seconds_cpu"] > 0
    assert first["peak_mib"] > 50
    assert first["keys_sha256"] == second["keys_sha256"]
    # The same state says the same, but for how long looking took.
    changing = {"computed", "seconds_inside"}
    assert {k: v for k, v in first.items() if k not in changing} == {
        k: v for k, v in second.items() if k not in changing
    }
    assert ledger_summary(tmp_path / "none") is None


def test_results_that_came_without_their_parents_are_not_timed(tmp_path, monkeypatch):
    base = Checkpoint(
        run=Pretrain(corpus="world:1/almanac", seed=100, budget=2048, batch=8, model="olmo:16x1")
    )
    spec = Evaluate(base=base, rows=8)
    execute([spec], store=tmp_path)
    shutil.rmtree(tmp_path / "results" / "pretrain")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "ledger"))
    execute([spec], store=tmp_path)
    assert ledger_summary(tmp_path / "ledger")["not_timed"] == 1


# -- reading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Two words", 2),
        ("A [link](https://example.org/a-b) to {cite}`a2020,b2021` here", 4),
        ("The slope is {glue:text}`slope`.", 4),
        ("```{solution} ex\n:class: dropdown\nMany words that lie folded.\n```\nSeen.", 1),
        ("| a | b |\n|---|---|\n| c | d |", 4),
    ],
)
def test_words_that_a_reader_reads(text, count):
    assert words(text) == count


def test_minutes_count_prose_shown_code_and_charts():
    v4 = nbformat.v4
    chart = v4.new_output("display_data", data={"application/vnd.vegalite.v5+json": {}})
    cells = [
        v4.new_markdown_cell("word " * 2200),
        v4.new_code_cell("name " * 400),
        v4.new_code_cell("name " * 4000, metadata={"tags": ["hide-input"]}, outputs=[chart] * 4),
    ]
    assert reading_minutes(v4.new_notebook(cells=cells)) == 10 + 5 + 2


# -- citing -------------------------------------------------------------------------------------------------


def test_the_citation_is_bibtex_that_can_be_read(project):
    from pybtex.database import parse_string

    text = cite_chapter(project.root, "02-small", "Noise & size", REPOSITORY, "c" * 40)
    bibliography = project.root / "book" / "references.bib"
    bibliography.write_text(bibliography.read_text() + "@misc{odd, title={A \\& B}, year={2020}}\n")
    papers = cite_papers(project.root, ["gupta2023continual", "odd"], "02-small")
    entries = parse_string(text + "\n" + papers, "bibtex").entries
    assert list(entries) == ["ovbook-small", "gupta2023continual", "odd"]
    assert entries["odd"].fields["title"] == "A \\& B"
    fields = entries["ovbook-small"].fields
    assert fields["title"] == "Noise \\& size"
    assert fields["year"] == "2026"
    assert fields["howpublished"].startswith("Chapter 2 of {Trained Too Long?")
    assert "commit cccccccccc" in fields["note"]


def test_citation_cff_says_what_the_setting_says():
    assert (ROOT / "CITATION.cff").read_text() == citation_file(ROOT, repository_of(ROOT)), (
        "run scripts/publish-citation"
    )
    with_address = citation_file(ROOT, REPOSITORY)
    assert 'repository-code: "https://github.com/Someone/lab-book"' in with_address


# -- notebooks to take away ---------------------------------------------------------------------------------


def test_a_downloaded_notebook_has_its_numbers_and_no_buttons_of_the_page(project):
    notebook = executed_notebook(project, project.chapter("2"))
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "It was forty-two." in text
    assert "_notebooks" not in text
    assert "What you will learn" in text


def test_a_clean_notebook_takes_other_defaults(project):
    notebook = clean_notebook(project.chapter("2"), scale="smoke", seeds=3)
    source = next(c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    found = declared(source, "02-small")
    assert found["scale"].default == "smoke"
    assert found["seeds"].default == 3
    assert found["gammas"].default == [0.0, 0.25]
    assert found["scale"].help == "how much"
    assert not any(cell.get("outputs") for cell in notebook.cells)


# -- anatomy ------------------------------------------------------------------------------------------------

EXERCISE = "```{exercise}\n:label: ex-%s\nTry.\n```\n\n```{solution} ex-%s\n:class: dropdown\nSo.\n```\n\n"
TABLE = "| | the paper | this chapter | source |\n|---|---|---|---|\n| model | big | small | section 1 |\n\n"
WHOLE = TABLE + "".join(EXERCISE % (n, n) for n in "abc")


def chapter_of(prose, **header):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(prose)])
    notebook.metadata["ovbook"] = {"learn": ["a"], "papers": ["p"], **header}
    return notebook


@pytest.mark.parametrize(
    ("prose", "says"),
    [
        (WHOLE.replace(EXERCISE % ("c", "c"), ""), "2 exercises"),
        (WHOLE.replace("{solution} ex-b", "{solution} ex-z"), "ex-b has no solution"),
        (WHOLE.replace(":class: dropdown\n", "", 1), "ex-a lies open"),
        (WHOLE.replace(":label: ex-a\n", "", 1), "no :label:"),
        (WHOLE.replace(TABLE, ""), "no table"),
        (WHOLE.replace("| section 1 |", "| |"), "no source for 'model'"),
        (WHOLE.replace(" source |", " note |"), "no column 'source'"),
    ],
)
def test_the_lint_sees_what_a_chapter_lacks(prose, says):
    assert problems(chapter_of(WHOLE)) == []
    assert any(says in sentence for sentence in problems(chapter_of(prose)))


def test_a_chapter_that_tests_no_paper_needs_no_table():
    assert list(missing(chapter_of(WHOLE.replace(TABLE, ""), papers=[]))) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_a_header_and_what_a_reader_needs(path):
    notebook = to_notebook(path)
    check_header(notebook, Project(root=ROOT), path.stem)
    assert about(notebook, path.stem) is not None
    assert list(missing(notebook)) == []


# -- renewing -----------------------------------------------------------------------------------------------


def test_drawing_the_pages_renews_head_and_foot_and_lays_the_downloads_beside_them(project, monkeypatch):
    from ovbook.press import render as render_module

    (project.root / "chapters" / "01-first.py").unlink()
    path = project.chapter("2").path
    monkeypatch.setattr(render_module, "write_pages", lambda project, executed: None)
    path.write_text(
        CHAPTER.replace("#     after: [01-first]\n", "").replace(
            '"""\n\n# %% tags', WHOLE + '"""\n\n# %% tags'
        )
    )
    notebook = to_notebook(path)
    notebook.cells[-1].execution_count = 2
    notebook.cells[1].execution_count = 1
    normalise(notebook, record(source_sha256=project.chapter("2").source_hash))
    dress(notebook, project, buttons=True)
    target = project.executed(project.chapter("2"))
    nbformat.write(notebook, target)
    assert "colab" not in target.read_text()

    def never_run(*_, **__):
        raise AssertionError("nothing is executed while pages are drawn")

    def drawn(project, *, strict):
        folder = project.work / "pages"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text("x")
        return folder

    monkeypatch.setattr("ovbook.press.execute.execute", never_run)
    monkeypatch.setattr(render_module, "_sphinx", drawn)
    with_repository(project)
    render_module.render(project)
    assert "colab.research.google.com" in target.read_text()
    before = target.stat().st_mtime_ns
    render_module.render(project)
    assert target.stat().st_mtime_ns == before
    for name in ("02-small.ipynb", "clean/02-small.ipynb"):
        assert json.loads((project.site / "_notebooks" / name).read_text())["cells"]


def test_a_record_without_runs_still_gets_a_head():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("No title.")])
    notebook.metadata["ovbook"] = record(runs=None)
    dress_module.dress(notebook)
    assert [c.metadata.get("tags") for c in notebook.cells] == [[HEAD_TAG], None, [FOOT_TAG]]

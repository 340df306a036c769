"""The generated pages: what they say follows from the notebooks, the claims, the bibliography and the package."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from ovbook import claims
from ovbook.claims.registry import IDS
from ovbook.errors import OvbookError
from ovbook.press import pages
from ovbook.press.mime import MIME
from ovbook.press.pages import api, bibliography, changes, gallery, papers, scoreboard, status, text
from ovbook.press.pages.book import gather, judged_in
from ovbook.press.pages.extension import labelled, signatures
from ovbook.press.render import render
from ovbook.press.toc import check_toc, read_toc
from ovbook.project import Project

ROOT = Path(__file__).parent.parent
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
TOC = """\
format: jb-book
root: intro
parts:
  - caption: "Part A: Shaking"
    numbered: true
    chapters:
      - file: chapters/01-first
      - file: chapters/02-second
  - caption: About
    chapters:
      - file: _generated/scoreboard
      - file: _generated/gallery
      - file: _generated/papers
      - file: _generated/changes
      - file: _generated/status
      - file: _generated/api
        sections:
          - glob: _generated/api/*
"""
WITHOUT_API = TOC[: TOC.index("      - file: _generated/api")]
FIRST = '''# %% [markdown]
r"""
# The first chapter

## What the paper did, and what we do

See {cite}`springer2025overtrained`.

```{glue:figure} fig_rise
:name: fig-rise

How to read it.
```
"""

# %%
a1, a2 = (judge(name, table) for name in ("A1", "A2"))
'''
SECOND = '# %% [markdown]\nr"""\n# The second | chapter\n"""\n\n# %%\nb1 = claims.judge("B1", table)\n'


def row(claim: str, scale: str = "laptop", verdict: str = "reproduced", **more: object) -> dict:
    judged = verdict in ("reproduced", "not reproduced", "inconclusive")
    return {
        "id": claim,
        "source": claims.claim(claim).source,
        "scale": scale,
        "verdict": verdict,
        "statistic": 0.125 if judged else None,
        "low": 0.1 if judged else None,
        "high": 0.15 if judged else None,
        "n": 5,
        "seeds": [100],
        "unit": "nats",
        "statistic_name": "slope of something",
        "provenance": {},
    } | more


def chart(title: object, description: str) -> dict:
    return {MIME: {"title": title, "description": description}, "image/png": base64.b64encode(PNG).decode()}


def glued(name: str, data: dict) -> dict:
    prefix = "application/papermill.record/"
    return nbformat.v4.new_output(
        "display_data",
        data={prefix + mime: value for mime, value in data.items()},
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )


def shown(data: dict) -> dict:
    return nbformat.v4.new_output("display_data", data=data)


RUNS = {
    "runs": {"Pretrain": 60, "Perturb": 120}, "computed": 0, "seconds_inside": 1.0, "seconds_cpu": 600.0,
    "seconds_gpu": 0.0, "workers": 2, "devices": ["cpu"], "peak_mib": 512,
}  # fmt: skip


def first_notebook() -> nbformat.NotebookNode:
    """An executed chapter: a glued figure, the same chart shown, a hidden one, one of its own, two verdicts."""
    v4 = nbformat.v4
    rise = chart({"text": ["It rises", "always"], "subtitle": "n = 5"}, "A line that rises")
    box = '<div class="ovbook-verdict" id="verdict-A1"></div>'
    outputs = {
        "figure()": [glued("fig_rise", rise), glued("a_number", {"text/plain": "5"})],
        "again": [shown(rise)],
        "hidden": [shown(chart("Not for readers", "A chart in a hidden cell"))],
        "plain": [shown(chart("It | falls", "A line that falls"))],
        "a1": [shown({claims.MIME: row("A1"), "text/html": box, "text/plain": ""})],
        "a2": [shown({claims.MIME: row("A2", verdict="inconclusive"), "text/html": "", "text/plain": ""})],
    }
    prose = FIRST.split('r"""')[1].split('"""')[0].strip()
    cells = [v4.new_markdown_cell(prose)]
    for count, (source, found) in enumerate(outputs.items(), start=1):
        cells.append(v4.new_code_cell(source, outputs=found, execution_count=count))
    cells[1].metadata["tags"] = ["remove-output"]
    cells[3].metadata["tags"] = ["remove-cell"]
    notebook = v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["ovbook"] = {
        "chapter": "01-first", "executed_at": "2026-11-21T09:46:52+00:00", "parameters": {"scale": "laptop"},
        "commit": "0123456789abcdef", "dirty": True, "versions": {"torch": "2.13.0", "python": "3.11.7"},
        "machine": "x86_64", "system": "Linux", "cores": 2, "seconds": 61.0, "peak_mib": 1024, "runs": RUNS,
        "source_sha256": "ab" * 32,
    }  # fmt: skip
    return notebook


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A book of two chapters, of which the first lies executed."""
    for folder in ("chapters", "results", "book/chapters"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text(TOC)
    (tmp_path / "chapters" / "01-first.py").write_text(FIRST)
    (tmp_path / "chapters" / "02-second.py").write_text(SECOND)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "book" / "intro.md").write_text("# A small book\n\n```{bibliography}\n:all:\n```\n")
    (tmp_path / "book" / "chapters" / "02-second.md").write_text("# The second chapter\n\nA stub.\n")
    nbformat.write(first_notebook(), tmp_path / "book" / "chapters" / "01-first.ipynb")
    return Project(root=tmp_path)


@pytest.fixture
def book(project):
    return gather(project, {"01-first": first_notebook()})


def rows_of(page: str) -> dict[str, str]:
    """First cell -> the whole line, of every table in a page."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return {line.split("|")[1].strip().strip("*"): line for line in lines}


def section(page: str, heading: str) -> str:
    return page.split(heading, 1)[1].split("\n## ", 1)[0]


# -- the scoreboard -----------------------------------------------------------------------------------------


def test_every_claim_has_its_row_under_its_part_and_chapter(book):
    page = scoreboard.scoreboard(book)
    found = rows_of(page)
    assert sorted(name for name in found if name in IDS) == sorted(IDS)
    assert "0.125 \\[0.1, 0.15\\] nats<br><small>slope of something</small> | 5 | `laptop` |" in found["A1"]
    assert found["A1"].index("reproduced") < found["A1"].index("0.125")
    part = section(page, "## Part A: Overtraining")
    assert "### Chapter 1: [The first chapter](../chapters/01-first)\n" in part
    assert part.index("Chapter 1") < part.index("**A1**") < part.index("**A2**") < part.index("**A3**")
    assert "### Chapter 2: [The second \\| chapter](../chapters/02-second), not computed in this copy" in page
    assert "not run yet" in found["B1"]


def test_a_verdict_leads_to_its_box_only_where_there_is_one(book):
    found = rows_of(scoreboard.scoreboard(book))
    assert 'href="../chapters/01-first.html#verdict-A1"' in found["A1"]
    assert "href" not in found["A2"]
    for claim, sign in (("A1", "✓ reproduced"), ("A2", "? inconclusive")):
        assert f">{sign}</span>" in found[claim]


def test_verdicts_from_elsewhere_stand_beside_with_their_scale(project):
    (project.results / "gpu.verdicts.json").write_text(json.dumps([row("A1", "gpu", "not reproduced")]))
    book = gather(project, {"01-first": first_notebook()})
    lines = [line for line in scoreboard.scoreboard(book).splitlines() if line.startswith("| **A1**")]
    assert [re.findall(r"`(\w+)`", line) for line in lines] == [["laptop"], ["gpu"]]
    assert "href" not in lines[1]
    summary = rows_of(scoreboard.scoreboard(book))
    assert summary["`laptop`"] == "| `laptop` | 1 | 0 | 1 | 0 | at most 0.1 |"
    assert summary["`gpu`"] == "| `gpu` | 0 | 1 | 0 | 0 | at most 0.05 |"


def test_the_page_says_what_chance_would_give_and_how_to_begin(book, project):
    assert "at most 0.1 wrong ones of either kind" in scoreboard.scoreboard(book)
    nothing = scoreboard.scoreboard(gather(project, {}))
    assert "`make book`" in nothing
    assert "by chance" not in nothing


def test_the_claims_of_a_chapter_are_read_off_its_source():
    assert judged_in(FIRST) == ["A1", "A2"]
    assert judged_in(SECOND) == ["B1"]
    assert judged_in('text = "A3"\nx = claim("A4")\n') == []
    assert judged_in("%magic\n") == []


def test_the_real_chapters_judge_what_their_pages_say():
    found = {path.name[:2]: judged_in(path.read_text()) for path in sorted((ROOT / "chapters").glob("*.py"))}
    assert (found["01"], found["02"]) == (["A0"], ["A1", "A2", "A3"])


# -- status -------------------------------------------------------------------------------------------------


def test_the_status_says_when_where_and_how_long(book):
    page = status.status(book)
    line = next(line for line in page.splitlines() if line.startswith("| [1. The first chapter]"))
    assert "2026-11-21 09:46 UTC | 61 s | 6 min | 180 | 6 | 2.0 GiB |" in line
    assert "Linux on x86\\_64, 2 cores, runs on CPU | 1 |" in page
    assert "`scale = 'laptop'` | `ababababab` | `0123456789` with local changes |" in page
    assert "1 of 2 chapters are computed" in page
    assert "[chapter 2](../chapters/02-second), `ovbook run 02` does it" in page
    assert "| `torch` | 2.13.0 |  |" in page
    assert re.search(r"\| `sphinx` \|  \| \d+\.\d+", page)


def test_a_part_of_several_chapters_is_added_up(project):
    two = {"01-first": first_notebook(), "02-second": first_notebook()}
    shutil.copy(project.root / "book/chapters/01-first.ipynb", project.root / "book/chapters/02-second.ipynb")
    page = status.status(gather(project, two))
    assert "| **Part A: Shaking** |  | 2 min | at most 12 min | at most 360 | 12 | 2.0 GiB |" in page


def test_an_old_record_says_what_it_does_not_hold(project):
    notebook = first_notebook()
    for key in ("executed_at", "runs", "commit"):
        del notebook.metadata["ovbook"][key]
    page = status.status(gather(project, {"01-first": notebook}))
    assert "not recorded | 61 s | not recorded | not recorded |" in page
    assert "outside a repository" in page


# -- the gallery --------------------------------------------------------------------------------------------


def test_the_gallery_shows_each_chart_that_readers_see_once(book):
    found = gallery.figures(book.chapters[0])
    assert [(figure.file, figure.label, figure.title) for figure in found] == [
        ("01-first-fig-rise.png", "fig-rise", "It rises always"),
        ("01-first-chart-2.png", "", "It | falls"),
    ]
    assert gallery.pictures(book) == {figure.file: PNG for figure in found}
    page = gallery.gallery(book)
    assert ":alt: A line that rises\n" in page
    assert ":target: ../chapters/01-first.html#fig-rise\n" in page
    assert "{numref}`fig-rise`. It rises always" in page
    assert "It \\| falls" in page
    assert "Not for readers" not in page
    assert "`ovbook run 02` draws" in page


def test_a_chart_of_several_parts_takes_the_title_of_the_first():
    assert gallery._title({"hconcat": [{"mark": "line"}, {"layer": [{"title": "Inside"}]}]}) == "Inside"
    assert gallery._title({"mark": "line"}) == ""


# -- papers -------------------------------------------------------------------------------------------------


def test_every_paper_and_every_claim_is_in_the_index(book):
    page = papers.paper_index(book)
    assert [name for name in rows_of(page) if name in IDS] == sorted(IDS, key=lambda i: "ABCRD".index(i[0]))
    for paper in book.papers.values():
        assert text.plain(paper.short) in page
    assert {claim.source for claim in claims.load_claims().claims.values()} <= set(book.papers)
    first = section(page, "## Springer et al. (2025)")
    assert "https://arxiv.org/abs/2503.19206" in first
    assert (
        'href="../chapters/01-first.html#what-the-paper-did-and-what-we-do">chapter 1, The first chapter'
        in first
    )
    found = rows_of(page)
    assert "in [chapter 1](../chapters/01-first): 0.125 \\[0.1, 0.15\\] nats, 5 seeds" in found["A1"]
    assert found["B1"].rstrip(" |").endswith("not computed yet in [chapter 2](../chapters/02-second)")
    assert "not run yet" in found["D8"]
    assert "more than 2% worse on several benchmarks" in found["A9"]


def test_a_bibliography_is_read_with_its_accents(tmp_path):
    file = tmp_path / "references.bib"
    file.write_text(
        "@misc{one, author={Th{\\'e}rien, Beno and Roe, Ann}, title={A {LLM}}, year={2024}, note={arXiv:2403.08763}}\n"
        "@misc{many, author={Roe, Ann and others}, title={B}, year={2025}, url={https://example.org/b}}\n"
    )
    found = bibliography.papers(file)
    assert (found["one"].short, found["one"].title) == ("Thérien and Roe (2024)", "A LLM")
    assert found["one"].address == "https://arxiv.org/abs/2403.08763"
    assert (found["many"].short, found["many"].address) == ("Roe et al. (2025)", "https://example.org/b")
    file.write_text("@misc{one, title={unfinished")
    with pytest.raises(OvbookError, match=r"references\.bib is not BibTeX"):
        bibliography.papers(file)
    assert bibliography.cited("x {cite:t}`one, many` y {cite}`three`") == {"one", "many", "three"}


# -- changes and errata -------------------------------------------------------------------------------------


def test_every_change_of_a_rule_is_listed_with_what_had_been_seen(book):
    page = changes.changes_and_errata(book)
    assert page.count("| 20") == len(claims.changes()) > 0
    for change in claims.changes():
        seen = "seen" if change["results_seen"] else "not seen"
        assert f"{text.say(change['reason'])} | {seen} |" in page
    assert "None yet" in section(page, "## Errata")


def test_errata_are_listed_newest_first_and_must_be_whole(book):
    file = book.root / "book" / "errata.toml"
    entry = '[[errata]]\ndate = {}\npage = "Chapter 1"\nwas = "it *fell*"\nnow = "it rose"\nwhy = "a sign"\nverdicts = "unmoved"\n'
    file.write_text(entry.format("2027-01-02") + entry.format("2027-02-03"))
    page = changes.changes_and_errata(book)
    assert page.index("| 2027-02-03 | Chapter 1 | it \\*fell\\* | it rose") < page.index("| 2027-01-02 |")
    assert "None yet" not in section(page, "## Errata")
    file.write_text(entry.format("2027-01-02").replace('why = "a sign"\n', ""))
    with pytest.raises(OvbookError, match="it needs date, page, was, now, why, verdicts"):
        changes.changes_and_errata(book)
    file.write_text("[[errata]\n")
    with pytest.raises(OvbookError, match=r"errata\.toml is not TOML"):
        changes.changes_and_errata(book)


def test_the_errata_of_this_book_can_be_read():
    assert isinstance(changes.read_errata(ROOT / "book" / "errata.toml"), list)


# -- the reference ------------------------------------------------------------------------------------------

ROOMS = api.rooms()


def test_every_room_that_a_reader_imports_has_its_page(book):
    source = ROOT / "src" / "ovbook"
    there = {path.stem for path in source.glob("*.py") if not path.stem.startswith("__")}
    there |= {path.parent.name for path in source.glob("*/__init__.py")}
    assert set(ROOMS) == there - {"cli", "files", "press", "project"}
    index = api.api_index(book)
    for room in ROOMS:
        assert f"[`ovbook.{room}`](api/{room}.md)" in index


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_a_docstring_and_an_entry(room):
    page = "\n".join(api._room(ROOMS[room]))
    names = api.public_names(ROOMS[room])
    assert names
    for name, target in names.items():
        assert target.docstring, f"ovbook.{room}.{name} has no docstring"
        entry = re.search(rf"^`````\{{py:(class|function|data)\}} {name}(\(.*)?$", page, re.MULTILINE)
        assert entry, f"{name} has no entry"
        assert api.markdown(target.docstring.value) in page


def test_a_signature_reads_as_in_the_source(tmp_path):
    package = tmp_path / "ovbook"
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "room" / "__init__.py").write_text(
        '"""A room."""\nfrom ovbook.room.go import go, stay\n__all__ = ["go", "stay"]\n'
    )
    (package / "room" / "go.py").write_text(
        'def go(a, /, b: int = 1, *rest: str, c: list[int] | None = None, **more) -> dict[str, int]:\n    """Go."""\n'
        'def stay(*, x: int = 0) -> None:\n    """Stay."""\n'
    )
    module = api.rooms(tmp_path)["room"]
    found = api.public_names(module)["go"]
    kind, head, _ = api._head(found, "go")
    assert (kind, head) == (
        "function",
        "go(a, /, b: int = 1, *rest: str, c: list[int] | None = None, **more) -> dict[str, int]",
    )
    assert api._head(api.public_names(module)["stay"], "stay")[1] == "stay(*, x: int = 0) -> None"
    (package / "room" / "__init__.py").write_text('"""A room."""\nfrom numpy import pi\n__all__ = ["pi"]\n')
    with pytest.raises(OvbookError, match="offers 'pi' in its __all__"):
        api.public_names(api.rooms(tmp_path)["room"])


def test_docstrings_become_markdown():
    made = api.markdown(
        "Text of <b> and ``{glue:text}`x```, with a * b.\n\ngammas: sizes, in\n    units; 0 is none.\n\nArgs:\n"
        "    x, y: both.\n    z: the last.\n\nAs in ::\n\n    f(1)\n\n    f(2)\n\n>>> f(3)\n4\n\nRuns: specs."
    )
    assert made == (
        "Text of \\<b> and ``` {glue:text}`x` ```, with a \\* b.\n\n`gammas`\n: sizes, in units; 0 is none.\n\n`x, y`\n: "
        "both.\n\n`z`\n: the last.\n\nAs in:\n\n~~~python\nf(1)\n\nf(2)\n~~~\n\n```pycon\n>>> f(3)\n4\n```\n\nRuns: specs."
    )


# -- contents -----------------------------------------------------------------------------------------------


def test_a_chapter_outside_the_contents_is_one_sentence(project):
    (project.root / "chapters" / "03-third.py").write_text(SECOND)
    (project.root / "_toc.yml").write_text(WITHOUT_API)
    with pytest.raises(
        OvbookError, match=r"chapters/03-third\.py is not in _toc\.yml.*'- file: chapters/03-third'"
    ):
        pages.write_pages(project, {})


def test_an_entry_without_a_file_is_one_sentence(project):
    (project.root / "_toc.yml").write_text(WITHOUT_API.replace("_generated/papers", "_generated/paper"))
    with pytest.raises(OvbookError, match=r"lists '_generated/paper', and there is no such page"):
        pages.write_pages(project, {})
    (project.root / "_toc.yml").write_text(WITHOUT_API + "      - file: chapters/04-fourth\n")
    with pytest.raises(OvbookError, match=r"add chapters/04-fourth\.py, or take the line out"):
        pages.write_pages(project, {})


def test_contents_that_are_no_contents_are_one_sentence(project):
    (project.root / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n  - fil: x\n")
    with pytest.raises(OvbookError, match=r"_toc\.yml cannot be read as a table of contents") as error:
        read_toc(project)
    assert "\n" not in str(error.value)


def test_the_contents_of_this_book_hold_every_chapter_and_generated_page():
    toc = read_toc(Project(root=ROOT))
    assert {f"_generated/{name}" for name, _ in pages.PAGES} <= toc.pages
    chapters = Project(root=ROOT).chapters()
    assert {f"chapters/{chapter.name}" for chapter in chapters} <= toc.pages
    for chapter in chapters:
        assert toc.part_of[f"chapters/{chapter.name}"].startswith("Part ")
    # The site counts chapters as they come; their files, commands and the generated pages use the files' numbers.
    listed = [page for page in toc.part_of if page.startswith("chapters/")]
    assert [int(page[9:11]) for page in listed] == list(range(1, len(chapters) + 1))


def test_only_pages_of_the_contents_are_written_and_leftovers_go(project):
    (project.root / "_toc.yml").write_text(
        re.sub(
            r"      - file: _generated/(gallery|papers|changes|api)\n(        .*\n|          .*\n)*", "", TOC
        )
    )
    old = project.book / "_generated" / "figures" / "old.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(PNG)
    pages.write_pages(project, {"01-first": first_notebook()})
    there = {
        path.relative_to(project.book / "_generated").as_posix()
        for path in (project.book / "_generated").rglob("*.*")
    }
    assert there == {"scoreboard.md", "status.md"}
    assert "](papers.md)" not in (project.book / "_generated" / "scoreboard.md").read_text()
    before = (project.book / "_generated" / "scoreboard.md").stat().st_mtime_ns
    pages.write_pages(project, {"01-first": first_notebook()})
    assert (project.book / "_generated" / "scoreboard.md").stat().st_mtime_ns == before


def test_the_pages_need_no_torch():
    code = (
        "import sys, ovbook.press.pages, ovbook.press.toc; from ovbook.press.pages import api; api.rooms(); "
    )
    code += "sys.exit(bool({'torch', 'altair', 'sphinx'} & set(sys.modules)))"
    seen = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=seen, check=False).returncode == 0


# -- in Sphinx ----------------------------------------------------------------------------------------------


def test_cells_of_a_card_table_carry_their_columns_name():
    body = (
        '<table class="ovbook-cards table"><thead><tr><th><p>claim</p></th><th><p>n</p></th></tr></thead>'
        "<tbody><tr><td><p>A1</p></td><td><p>5</p></td></tr></tbody></table><table><tr><td>1</td></tr></table>"
    )
    made = labelled(body)
    assert '<td data-label="claim" role="cell"><p>A1</p></td><td data-label="n" role="cell">' in made
    assert made.count('role="columnheader"') == 2
    assert made.endswith("<table><tr><td>1</td></tr></table>")
    assert labelled("<p>no table</p>") == "<p>no table</p>"


def test_a_long_signature_is_no_definition_list():
    body = '<dl class="py"><dt class="sig sig-object py">f(<dl><dd><em>a</em>,</dd></dl>)</dt><dd><p>What.</p></dd></dl>'
    made = signatures(body)
    assert made.count("<dl") == made.count("<dd") == 1
    assert (
        '<div class="ovbook-parameters"><div class="ovbook-parameter"><em>a</em>,</div></div>)</dt><dd>'
        in made
    )


@pytest.mark.slow
def test_the_pages_build_without_a_warning_and_lead_to_each_other(project, monkeypatch):
    pytest.importorskip("jupyter_book")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setattr("ovbook.press.render.stale", lambda notebook, chapter: False)
    monkeypatch.setattr("ovbook.press.render.problems", lambda notebook: [])
    monkeypatch.setattr("ovbook.press.render.dress", lambda *_, **__: None)
    monkeypatch.setattr("ovbook.press.render.write_downloads", lambda *_: None)
    (project.root / "chapters" / "02-second.py").unlink()  # without a stub, a warning is an error
    (project.root / "_toc.yml").write_text(TOC.replace("      - file: chapters/02-second\n", ""))
    site = render(project).parent
    names = ("scoreboard", "gallery", "papers", "changes", "status", "api")
    made = {name: (site / "_generated" / f"{name}.html").read_text() for name in names}
    assert 'data-label="verdict"' in made["scoreboard"]
    assert "ovbook-pages.js" in made["scoreboard"]
    assert 'href="../chapters/01-first.html#verdict-A1"' in made["scoreboard"]
    chapter = (site / "chapters" / "01-first.html").read_text()
    for anchor in ("verdict-A1", "what-the-paper-did-and-what-we-do", "fig-rise"):
        assert f'id="{anchor}"' in chapter
    assert "ovbook-pages" not in chapter
    assert "Fig. 1.1" in made["gallery"]
    assert 'alt="A line that rises"' in made["gallery"]
    runs = (site / "_generated" / "api" / "runs.html").read_text()
    assert 'id="ovbook.runs.execute"' in runs
    assert 'href="#ovbook.runs.Results"' in runs
    assert (site / "objects.inv").is_file()


def test_check_toc_is_content_with_pages_that_a_pattern_brings(project):
    (project.root / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n  - glob: chapters/*\n")
    check_toc(project, read_toc(project))

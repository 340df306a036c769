"""`ovbook check`: each thing that would be wrong in a commit is one line, and a clean book says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ovbook import claims, cli
from test_reference import losses
from test_results import executed

ROOT = Path(__file__).parent.parent

CHAPTER = '''# %% [markdown]
r"""
# A chapter

As {cite:t}`one2025` says.

## Part

```
# not a heading
```
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run
gammas: list = [0.0, 0.2]  # sizes of noise

# %% tags=["experiment"]
from math import floor

from ovbook.runs import suite


def experiment(p):
    return suite(p)


# %%
from ovbook.claims import claim, judge

a0, = (judge(name, table, scale=p.scale) for name in ("A0",))
claim("A1").gamma
'''


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A small book without a mistake, and without anything executed."""
    for name in ("chapters", "results", "book"):
        (tmp_path / name).mkdir()
    (tmp_path / "chapters" / "01-first.py").write_text(CHAPTER)
    (tmp_path / "book" / "intro.md").write_text("# Welcome\n\nSee {cite}`one2025, two2026`.\n")
    (tmp_path / "book" / "references.bib").write_text("@misc{one2025,\n}\n@article{two2026, year={2026}}\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n- file: chapters/01-first\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    return tmp_path


def problems(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The lines of `ovbook check`; its exit status agrees with them."""
    status = cli.main(["check", *words])
    said = capsys.readouterr().out.splitlines()
    assert status == (0 if said == ["nothing to mend"] else 1)
    return [line for line in said if line != "nothing to mend"]


def test_a_clean_book_has_nothing_to_mend(book, capsys):
    assert problems(capsys) == []
    assert problems(capsys, "1") == []


def test_the_books_own_sources_are_clean(capsys, monkeypatch):
    """Sources and results; executed copies may lie about in any state, and a rule may be about to be committed."""
    monkeypatch.chdir(ROOT)
    found = [line for line in problems(capsys) if not line.startswith("book/chapters/")]
    assert [line for line in found if "is not committed as it stands" not in line] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('tags=["parameters", "hide-input"]', "", "has 0 cells tagged 'parameters': it needs exactly one"),
        ("gammas: list =", "gammas =", "parameter 'gammas' has no type: write 'gammas: int = ...'"),
        ("  # sizes of noise", "", "parameter 'gammas' has no comment: say after a # what it does"),
        ("gammas: list", "gamas: list", "parameter 'gamas' is no knob of the book (did you mean 'gammas'?)"),
        ("[0.0, 0.2]", "[0.2, -1]", "its own defaults are refused"),
        ("[0.0, 0.2]", "[0.0] * 2", "parameter 'gammas' of chapter 01-first is computed"),
        ('tags=["experiment"]', "", "has 0 cells tagged 'experiment'"),
        ("def experiment(p)", "def runs(p)", "defines no experiment(p)"),
        ("from math import floor", "import numpy as np", "the experiment cell imports numpy"),
        ("    return suite(p)", "    from ovbook import stats\n    return suite(p)", "imports ovbook.stats"),
        ("from ovbook.runs import suite", "from ovbook.runs.suite import suite", None),
        ("    return suite(p)", "    return suite(p", "is not Python"),
        ('("A0",)', '("A0", "A99")', "unknown claim 'A99'"),
        (
            '("A0",)',
            '("A3",)',
            "claim A3 is declared for gammas 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, which the default",
        ),
        ("one2025", "won2025", "it cites 'won2025', which book/references.bib lacks"),
        ("# A chapter", "## A chapter", "its first heading is 'A chapter', and not one title of level 1"),
        ("## Part", "#### Part", "heading 'Part' of level 4 follows one of level 1"),
        ("## Part", "# Part", "it has 2 titles of level 1, the second 'Part'"),
    ],
)
def test_a_mistake_in_a_chapter_is_one_line_that_names_the_file(book, capsys, old, new, says):
    path = book / "chapters" / "01-first.py"
    assert old in CHAPTER
    path.write_text(CHAPTER.replace(old, new, 1))
    found = problems(capsys)
    if says is None:
        assert found == []
        return
    named = [line for line in found if says in line]
    assert len(named) == 1, found
    assert named[0].startswith("chapters/01-first.py: ")


def test_only_a_whole_rule_may_be_judged_and_any_claim_be_named(book, capsys):
    known = claims.load_claims().claims
    name = next(name for name, one in known.items() if one.rule_status != "complete")
    path = book / "chapters" / "01-first.py"
    path.write_text(CHAPTER.replace('claim("A1")', f'claim("{name}")'))
    assert problems(capsys) == []
    path.write_text(CHAPTER.replace('("A0",)', f'("{name}",)'))
    found = problems(capsys)
    assert len(found) == 1
    assert f"claim {name} is judged and has no whole rule yet ({known[name].rule_status}" in found[0]


def test_pages_and_the_table_of_contents_are_looked_at(book, capsys):
    (book / "chapters" / "02-second.py").write_text(CHAPTER)
    (book / "book" / "intro.md").write_text("# Welcome\n\nSee {cite}`three`.\n")
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n- file: chapters/01-first\n- file: absent\n- file: _generated/x\n"
    )
    found = problems(capsys)
    assert len(found) == 3, found
    assert found[0].startswith(
        "_toc.yml: it does not list chapter 02-second: add the line '- file: chapters/02-second'"
    )
    assert found[1].startswith("_toc.yml: it lists 'absent'")
    assert found[2].startswith("book/intro.md: it cites 'three'")
    assert [line.partition(":")[0] for line in problems(capsys, "1")] == []
    (book / "_toc.yml").write_text("format: jb-book\nroot: [\n")
    assert len([line for line in problems(capsys, "1") if "_toc.yml cannot be read" in line]) == 1


def test_an_executed_copy_must_be_fresh_fit_and_judged_by_the_rule_as_it_stands(book, capsys):
    row = claims.judge("A0", losses(), scale="laptop").row()
    copy = executed(book, "01-first", row)
    notebook = json.loads(copy.read_text())
    notebook["cells"][0]["execution_count"] = 1
    copy.write_text(json.dumps(notebook))
    assert problems(capsys) == []
    notebook["cells"][0]["outputs"][0]["data"][claims.MIME]["provenance"]["rule"] = "0" * 16
    notebook["cells"][0]["execution_count"] = 7
    copy.write_text(json.dumps(notebook))
    found = problems(capsys, "1")
    assert [line.partition(": ")[0] for line in found] == ["book/chapters/01-first.ipynb"] * 2
    assert "carries execution count 7" in found[0]
    assert "its verdict on A0 was given under another version of the rule" in found[1]
    (book / "chapters" / "01-first.py").write_text(CHAPTER + "\n# a remark\n")
    stale = problems(capsys, "1")
    assert len(stale) == 1
    assert "its source has changed since it was executed" in stale[0]
    copy.write_text("{")
    assert "cannot be read as a notebook" in problems(capsys)[0]


def test_results_must_fit_the_claims_and_their_own_record(book, capsys):
    table = {"columns": [{"name": "x", "decimals": 0}], "rows": [[1]]}
    chart = {"usermeta": {"ovbook": {"name": "damage", "table": table}}}
    executed(book, "01-first", claims.judge("A0", losses(), scale="laptop").row(), chart=chart)
    assert cli.main(["results", "export"]) == 0
    shutil.rmtree(book / "book" / "chapters")
    capsys.readouterr()
    assert problems(capsys) == []
    file, folder = book / "results" / "laptop.verdicts.json", book / "results" / "laptop" / "01-first"
    rows = json.loads(file.read_text())
    rows[0]["provenance"] |= {"rule": "0" * 16, "chapter": "09-gone"}
    file.write_text(json.dumps(rows))
    (folder / "damage.csv").write_text("x\n2\n")
    (folder / "more.csv").write_text("x\n2\n")
    (book / "results" / "laptop" / "09-gone").mkdir()
    said = "\n".join(problems(capsys))
    for part in (
        "results/laptop.verdicts.json: A0 was judged under another version of its rule",
        "results/laptop.verdicts.json: A0 comes from chapter 09-gone",
        "results/laptop/01-first: damage.csv is not what was exported",
        "results/laptop/01-first: more.csv is not listed in provenance.json",
        "results/laptop/09-gone: there is no such chapter",
    ):
        assert part in said
    (folder / "damage.csv").unlink()
    assert "damage.csv is listed in provenance.json and is not there" in "\n".join(problems(capsys, "1"))
    (folder / "provenance.json").unlink()
    assert "provenance.json is missing" in "\n".join(problems(capsys, "1"))
    file.write_text(json.dumps([rows[0] | {"scale": "gpu"}]))
    assert "move it into gpu.verdicts.json" in "\n".join(problems(capsys))
    file.write_text("[")
    assert "results: cannot read" in "\n".join(problems(capsys))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_rule_must_be_committed_before_its_results_are_seen(book, capsys):
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=book, check=True, capture_output=True)

    rules = (ROOT / "src" / "ovbook" / "claims.toml").read_text()
    path = book / "src" / "ovbook" / "claims.toml"
    path.parent.mkdir(parents=True)
    path.write_text(rules.replace("smallest_effect = 0.02", "smallest_effect = 0.01", 1))
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "an earlier rule")
    assert "the rule of claim A0 is not committed as it stands" in problems(capsys)[0]
    path.write_text(rules)
    git("commit", "-qam", "the rule")
    assert problems(capsys) == []

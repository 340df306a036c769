"""`ovbook results`: reference rows and tables out of executed chapters, and own runs beside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ovbook import claims, cli
from ovbook.claims.reference import interval_of
from ovbook.files import sha256_file
from ovbook.stats import welch_interval
from test_reference import losses

TABLE = {
    "columns": [{"name": "pre-training tokens", "decimals": 0}, {"name": "mean, in nats", "decimals": 3}],
    "rows": [[250_000, 3.123456789], [500_000, None]],
}


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A copy of the book with two chapters, nothing executed and no reference."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "results").mkdir()
    for name in ("01-first", "02-second"):
        (tmp_path / "chapters" / f"{name}.py").write_text(f"# {name}\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVBOOK_STORE", raising=False)
    return tmp_path


def executed(
    book: Path,
    chapter: str,
    *rows: dict[str, Any],
    to: Path | None = None,
    chart: Any = None,
    **parameters: Any,
) -> Path:
    """An executed copy of `chapter` that holds `rows`, as the press would have left it."""
    outputs = [nbformat.v4.new_output("display_data", data={claims.MIME: row}) for row in rows]
    if chart is not None:
        glued = {"application/papermill.record/application/vnd.vegalite.v5+json": chart}
        outputs.append(nbformat.v4.new_output("display_data", data=glued))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    source = sha256_file(book / "chapters" / f"{chapter}.py")
    notebook.metadata["ovbook"] = {
        "chapter": chapter,
        "source_sha256": source,
        "commit": "c0ffee",
        "dirty": False,
        "versions": {"torch": "2.13.0"},
        "machine": "x86_64",
        "parameters": parameters or {"scale": "laptop"},
    }
    target = to or book / "book" / "chapters" / f"{chapter}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target


def verdict(claim: str = "A0", scale: str = "laptop", **made: Any) -> dict[str, Any]:
    return claims.judge(claim, losses(**made), scale=scale).row()


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["results", *words])
    said = capsys.readouterr()
    return status, said.out, said.err


# -- export -------------------------------------------------------------------------------------------------


def test_verdicts_and_tables_go_out_with_where_they_came_from(book, capsys):
    chart = {"usermeta": {"ovbook": {"name": "damage", "table": TABLE}}}
    executed(book, "01-first", verdict(), chart=chart)
    status, said, _ = asked(capsys, "export", "1")
    assert (status, "01-first: 1 verdict, 1 table" in said) == (0, True)
    rows = json.loads((book / "results" / "laptop.verdicts.json").read_text())
    assert [row["id"] for row in rows] == ["A0"]
    assert rows[0]["statistic"] == verdict()["statistic"]  # to the last bit
    came = rows[0]["provenance"]
    assert (came["commit"], came["versions"], came["machine"]) == ("c0ffee", {"torch": "2.13.0"}, "x86_64")
    assert came["setting"] == verdict()["provenance"]["setting"]
    assert came["date"][:2] == "20"
    folder = book / "results" / "laptop" / "01-first"
    with open(folder / "damage.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["pre-training tokens", "mean, in nats"],
            ["250000", "3.123457"],
            ["500000", ""],
        ]
    record = json.loads((folder / "provenance.json").read_text())
    assert record["tables"] == {"damage.csv": sha256_file(folder / "damage.csv")}
    assert (record["chapter"], record["seeds"], record["worlds"]) == (
        "01-first",
        [100, 101, 102, 103, 104],
        ["1", "2"],
    )


def test_what_was_exported_is_a_reference_that_a_second_export_leaves_alone(book, capsys):
    executed(book, "01-first", verdict(), chart={"usermeta": {"ovbook": {"name": "damage", "table": TABLE}}})
    asked(capsys, "export", "1")
    files = {path: path.read_bytes() for path in (book / "results").rglob("*") if path.is_file()}
    assert asked(capsys, "export", "1")[0] == 0
    assert {path: path.read_bytes() for path in (book / "results").rglob("*") if path.is_file()} == files
    assert asked(capsys)[1].startswith("laptop: 1 verdict (A0), 1 table; computed 20")
    status, said, _ = asked(capsys, "compare")
    assert status == 0
    assert "1 compared in the setting of the reference: 1 identical" in said


def test_rows_of_other_chapters_stay_and_tables_that_are_gone_go(book, capsys):
    executed(book, "01-first", verdict(), chart={"usermeta": {"ovbook": {"name": "old", "table": TABLE}}})
    asked(capsys, "export", "1")
    executed(book, "02-second", verdict() | {"id": "A1"})
    executed(
        book, "01-first", verdict(noise=5), chart={"usermeta": {"ovbook": {"name": "new", "table": TABLE}}}
    )
    assert asked(capsys, "export", "--to", "elsewhere")[0] == 0
    assert asked(capsys, "export", "2")[0] == 0
    rows = json.loads((book / "results" / "laptop.verdicts.json").read_text())
    assert [(row["id"], row["provenance"]["chapter"]) for row in rows] == [
        ("A0", "01-first"),
        ("A1", "02-second"),
    ]
    assert asked(capsys, "export", "1")[0] == 0
    assert [path.name for path in (book / "results").rglob("*.csv")] == ["new.csv"]
    assert (book / "elsewhere" / "laptop" / "01-first" / "new.csv").is_file()


def test_a_row_that_does_not_name_its_chapter_is_replaced_and_not_doubled(book, capsys):
    (book / "results" / "laptop.verdicts.json").write_text(
        json.dumps([verdict(noise=9), verdict() | {"id": "A2"}])
    )
    executed(book, "01-first", verdict())
    assert asked(capsys, "export", "1")[0] == 0
    rows = json.loads((book / "results" / "laptop.verdicts.json").read_text())
    assert [(row["id"], row["provenance"].get("chapter")) for row in rows] == [
        ("A0", "01-first"),
        ("A2", None),
    ]


def test_a_run_at_another_scale_is_taken_from_the_own_runs(book, capsys):
    executed(book, "01-first", verdict())
    own = book / ".ovbook" / "notebooks" / "01-first--scale-gpu.ipynb"
    executed(book, "01-first", verdict(scale="gpu"), to=own, scale="gpu")
    assert asked(capsys, "export", "1", "--scale", "gpu")[0] == 0
    rows = json.loads((book / "results" / "gpu.verdicts.json").read_text())
    assert [row["scale"] for row in rows] == ["gpu"]
    assert not (book / "results" / "laptop.verdicts.json").exists()


def test_a_table_that_is_too_large_is_left_out_and_named(book, capsys):
    rows = [[float(i) / 7, float(i) / 3] for i in range(1500)]
    chart = {"usermeta": {"ovbook": {"name": "huge", "table": TABLE | {"rows": rows}}}}
    executed(book, "01-first", verdict(), chart=chart)
    status, said, _ = asked(capsys, "export", "1")
    assert status == 0
    assert "0 tables, left out for their size: huge" in said
    assert list((book / "results").rglob("*.csv")) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["export", "1"],
            "01-first cannot be exported at laptop, its run there has values of its own (seeds = 3)",
        ),
        (["export", "2"], "02-second cannot be exported at laptop, it is not executed at that scale here"),
        (["export", "--scale", "smoke"], "'smoke' is no scale that a reference can have"),
        (["export", "--scale", "lptop"], "did you mean 'laptop'"),
        (["export", "1", "--to", "_toc.yml"], "'_toc.yml' is a file"),
        (["export", "7"], "there is no chapter '7'"),
        (["compare", "2"], "02-second is not executed here"),
        (["compare", "absent.ipynb"], "there is no notebook 'absent.ipynb'"),
        (["compare", "chapters"], "there is no notebook in 'chapters'"),
        (["compare"], "results/ holds no reference for A0"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(book, capsys, words, says):
    executed(book, "01-first", verdict(), scale="laptop", seeds=3)
    status, _, said = asked(capsys, *words)
    assert status == 2
    assert says in said
    assert said.count("\n") == 1
    assert list((book / "results").rglob("*")) == []


def test_a_stale_run_is_no_reference(book, capsys):
    executed(book, "01-first", verdict())
    (book / "chapters" / "01-first.py").write_text("# other words\n")
    assert asked(capsys, "export", "1")[0] == 2


# -- compare ------------------------------------------------------------------------------------------------


@pytest.fixture
def reference(book):
    """`book` with a reference for A0 at laptop."""
    (book / "results" / "laptop.verdicts.json").write_text(json.dumps([verdict()]))
    return book


@pytest.mark.parametrize(
    ("made", "status", "says"),
    [
        ({}, 0, "1 identical"),
        ({"noise": 2}, 0, "same seeds; machines"),
        ({"noise": 3, "seeds": range(200, 205)}, 0, "1 within the interval of the difference"),
        ({"noise": 2, "model": "b:2x2"}, 2, "another setting: model b:2x2, there a:1x1"),
        ({"noise": 2, "worlds": (3, 4)}, 2, "nothing that should agree"),
    ],
)
def test_the_exit_status_says_whether_own_values_agree(reference, capsys, made, status, says):
    executed(reference, "01-first", verdict(**made))
    found, said, _ = asked(capsys, "compare")
    assert (found, says in said) == (status, True), said


def test_a_difference_that_excludes_0_or_another_verdict_is_a_disagreement(reference, capsys):
    off = verdict(noise=2)
    for name in ("statistic", "low", "high"):
        off[name] -= 0.1
    executed(reference, "01-first", off)
    assert asked(capsys, "compare")[0] == 1
    executed(reference, "01-first", verdict(noise=2) | {"verdict": "inconclusive"})
    status, said, _ = asked(capsys, "compare", "1")
    assert status == 1
    assert "inconclusive; there reproduced" in said
    assert "1 in disagreement (1 with another verdict)" in said


def test_chance_is_shared_among_all_that_is_compared(reference, capsys):
    """A difference just past its own 95% interval counts alone, and not as one of five."""
    own, there = verdict(noise=2), verdict()
    gap = welch_interval(interval_of(own), interval_of(there))
    shift = 1.05 * (gap.high - gap.mean) - gap.mean
    for name in ("statistic", "low", "high"):
        own[name] += shift
    executed(reference, "01-first", own)
    assert asked(capsys, "compare")[0] == 1
    folder = reference / "many"
    executed(reference, "01-first", own, to=folder / "0.ipynb")
    for number in range(1, 5):
        executed(reference, "01-first", there, to=folder / f"{number}.ipynb")
    assert asked(capsys, "compare", "many")[0] == 0


def test_own_runs_of_a_chapter_are_compared_one_by_one_and_as_json(reference, capsys):
    executed(reference, "01-first", verdict())
    own = reference / ".ovbook" / "notebooks" / "01-first--scale-smoke.ipynb"
    executed(reference, "01-first", verdict(scale="smoke", seeds=[100]), to=own, scale="smoke")
    status, said, _ = asked(capsys, "compare", "1", "--json")
    assert status == 0
    rows = json.loads(said)
    assert [(row["from"], row["kind"], row["agrees"]) for row in rows] == [
        ("01-first.ipynb", "identical", True),
        ("01-first--scale-smoke.ipynb", "other scale", None),
    ]
    assert rows[0]["difference"]["mean"] == 0
    assert rows[1]["difference"] is None
    assert rows[1]["reference"]["scale"] == "laptop"
    assert asked(capsys, "compare", str(own))[0] == 2  # nothing there should agree


def test_results_say_what_they_hold(book, capsys):
    assert "holds no reference yet" in asked(capsys)[1]

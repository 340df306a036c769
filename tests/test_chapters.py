"""The chapters themselves, at the smallest scale: they run, they judge nothing, and they take real text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ovbook import cli
from ovbook.claims import MIME

ROOT = Path(__file__).parents[1]
TEXT = os.environ.get("OVBOOK_TEXT_DIR")


def executed(tmp_path, monkeypatch, chapter, *parameters):
    """The notebook of a chapter run through the command line, with its verdicts by claim."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "store"))
    target = tmp_path / "out.ipynb"
    asked = [word for parameter in parameters for word in ("-p", parameter)]
    assert cli.main(["run", chapter, *asked, "--out", str(target)]) == 0
    return read(target)


def read(path):
    """An executed notebook, with its verdicts by claim."""
    notebook = json.loads(path.read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    rows = [output["data"][MIME] for output in outputs if MIME in output.get("data", {})]
    return notebook, {row["id"]: row for row in rows}


@pytest.mark.parametrize(
    ("chapter", "claims"),
    [
        ("01", {"A0"}),
        ("02", {"A1", "A2", "A3"}),
        ("03", {"A4", "A5", "A6", "A7", "A8", "A12", "A13"}),
        ("07", {"A11"}),
        ("08", {"A9", "A10"}),
        ("09", {"B1", "B2", "B3", "B7"}),
        ("10", {"B4", "B5", "B6"}),
        ("13", {"C1", "C2"}),
        ("14", {"C3", "C4", "C5", "C6", "C7", "C8", "C13", "R4"}),
        ("15", {"C9", "C10"}),
        ("16", {"C11", "C12"}),
    ],
)
def test_a_chapter_at_smoke_runs_and_judges_nothing(smoke_chapters, chapter, claims):
    _, verdicts = read(smoke_chapters.notebook(chapter))
    assert set(verdicts) == claims
    assert {row["verdict"] for row in verdicts.values()} == {"not tested at this scale"}


def test_chapter_2_on_real_text_by_parameters_alone(tmp_path, monkeypatch):
    if TEXT:
        text = Path(TEXT) / "wikitext-2" / "valid.txt"
    else:
        text = tmp_path / "text.txt"
        text.write_text("The lobster is blue, and the sea is wide. It was late in the year. " * 4000)
    notebook, verdicts = executed(
        tmp_path,
        monkeypatch,
        "02",
        "scale=smoke",
        f"corpus=file:{text}",
        "budgets=65536,131072,1048576",
        "model=olmo:16x1",
    )
    page = json.dumps(notebook, ensure_ascii=False)
    assert "This text is finite, and these budgets repeat it" in page
    assert "×" in page
    assert {row["verdict"] for row in verdicts.values()} == {"not tested at this scale"}


def test_a_mistake_is_refused_before_anything_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "store"))
    assert cli.main(["run", "02", "-p", "scale=laptopp", "-p", "gammas=0.1,-0.2"]) == 2
    said = capsys.readouterr().err
    assert "laptopp" in said
    assert "gammas" in said
    assert not (tmp_path / "store").exists()


def test_chapter_4_judges_nothing_and_its_formulae_agree_with_simulation(smoke_chapters):
    notebook, verdicts = read(smoke_chapters.notebook("04"))
    assert verdicts == {}
    assert "All lie within the 2% declared above." in json.dumps(notebook)


def test_chapter_5_judges_nothing_and_compares_at_the_same_tokens(smoke_chapters):
    notebook, verdicts = read(smoke_chapters.notebook("05"))
    assert verdicts == {}
    page = json.dumps(notebook, ensure_ascii=False)
    assert "(one seed) nats (undecided)" in page
    assert "an effect)" not in page  # of one seed nothing can be said


def test_chapter_6_judges_nothing_and_measures_all_six_ways(smoke_chapters):
    notebook, verdicts = read(smoke_chapters.notebook("06"))
    assert verdicts == {}
    page = json.dumps(notebook, ensure_ascii=False)
    for way in ("quantisation", "pruning", "tuning and averaging", "editing", "unlearning", "verifier"):
        assert f"{way} " in page
    assert page.count("(one seed) nats per doubling, undecided") == 6
    assert "With one seed nothing is decided" in page
    assert "if read by the same rule" in page  # rounding was known before and is not counted


@pytest.mark.slow
def test_chapter_6_on_real_text_rounds_and_prunes(tmp_path, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("The lobster is blue, and the sea is wide. It was late in the year. " * 4000)
    asked = ("scale=smoke", f"corpus=file:{text}", "budgets=8192,16384", "model=olmo:16x1")
    notebook, _ = executed(tmp_path, monkeypatch, "06", *asked)
    page = json.dumps(notebook, ensure_ascii=False)
    assert "so nothing is edited on this corpus" in page
    assert "pruning " in page


def test_chapter_7_compares_remedies_and_calls_none_better_on_one_seed(smoke_chapters):
    notebook, _ = read(smoke_chapters.notebook("07"))
    page = json.dumps(notebook, ensure_ascii=False)
    assert "one seed does not say." in page
    assert "Better: " not in page
    for name in ("WiSE-FT 50%", "LoRA 2", "replay 0.5%", "plain, twice the tokens"):
        assert name in page


@pytest.mark.parametrize("chapter", ["09", "10"])
def test_one_seed_decides_nothing_and_the_page_says_so(smoke_chapters, chapter):
    notebook, _ = read(smoke_chapters.notebook(chapter))
    page = json.dumps(notebook, ensure_ascii=False)
    assert "One seed decides nothing; here is how it is measured" in page
    assert "would decide the claims' main numbers" not in page  # one seed shows no spread


@pytest.mark.slow
def test_chapter_9_on_real_questions_by_parameters_alone(tmp_path, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("The lobster is blue, and the sea is wide. Two and two are four. " * 4000)
    folder = tmp_path / "sums"
    folder.mkdir()
    for split, first in (("train", 0), ("validation", 40), ("test", 80)):
        rows = [
            {"question": f"What are {n} and {n + 3}?", "answer": f"They are {2 * n + 3}."}
            for n in range(first, first + 40)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    notebook, verdicts = executed(
        tmp_path, monkeypatch, "09", "scale=smoke", f"corpus=file:{text}", f"task=file:{folder}", "lessons=16"
    )
    assert set(verdicts) == {"B1", "B2", "B3", "B7"}
    assert "Not run on this data." in json.dumps(notebook)


def test_chapter_11_judges_nothing_and_says_so_of_one_seed(smoke_chapters):
    notebook, verdicts = read(smoke_chapters.notebook("11"))
    assert verdicts == {}
    page = json.dumps(notebook, ensure_ascii=False)
    assert "These runs do not decide it" in page
    assert "an effect)" not in page  # of one seed nothing can be said


def test_chapter_12_judges_nothing_and_tries_every_choice(smoke_chapters):
    notebook, verdicts = read(smoke_chapters.notebook("12"))
    assert verdicts == {}
    page = json.dumps(notebook, ensure_ascii=False)
    assert "These runs do not decide it" in page
    assert (
        "none is better than a random quarter by our rule and none is worse" in page
    )  # of one seed nothing can be said
    for choice in ("easiest", "hardest", "influence", "gain", "unlike", "gain, by label"):
        assert f"“{choice}”" in page


def test_chapter_13_continues_real_text_by_parameters_alone(tmp_path, monkeypatch):
    """From one text to another: no world, so its claims are judged on one corpus, and at this scale not at all."""
    if TEXT:
        first, then = (
            Path(TEXT) / "wikitext-2" / "valid.txt",
            f"{Path(TEXT) / 'gsm8k' / 'train.jsonl'}#field=question",
        )
    else:
        first, then = tmp_path / "first.txt", tmp_path / "then.txt"
        first.write_text("The lobster is blue, and the sea is wide. It was late in the year. " * 4000)
        Path(then).write_text("Anna has 3 apples and buys 4 more. How many has she now? " * 4000)
    notebook, verdicts = executed(
        tmp_path,
        monkeypatch,
        "13",
        "scale=smoke",
        f"corpus=file:{first}#vocab=400",
        f"downstream=file:{then}",
    )
    assert {row["verdict"] for row in verdicts.values()} == {"not tested at this scale"}
    assert "old text" in json.dumps(notebook)


def test_chapter_16_continues_every_start_and_declares_nothing_on_one_seed(smoke_chapters):
    notebook, _ = read(smoke_chapters.notebook("16"))
    page = json.dumps(notebook, ensure_ascii=False)
    for start in ("from scratch", "early: 4.58k", "middle: 12.4k", "last: 65.5k"):
        assert start in page
    for shift in ("new text, weak shift", "old text, strong shift"):
        assert shift in page
    assert page.count("(one seed): undecided") == 5
    assert "One seed decides nothing." in page
    assert "an effect" not in page.split("contrasts_said")[-1][:600]


@pytest.mark.slow
def test_chapter_16_on_real_text_continues_and_tunes_nothing(tmp_path, monkeypatch):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("The lobster is blue, and the sea is wide. It was late in the year. " * 4000)
    new.write_text("A train left the station at noon, with two people and a dog in it. " * 4000)
    texts = (f"corpus=file:{old}", f"downstream=file:{new}")
    asked = ("scale=smoke", *texts, "budgets=8192,16384", "model=olmo:16x1")
    notebook, verdicts = executed(tmp_path, monkeypatch, "16", *asked)
    page = json.dumps(notebook, ensure_ascii=False)
    assert "On this corpus nothing was fine-tuned" in page
    assert "strong shift" not in page.split("four_said")[-1][:400]
    assert {row["verdict"] for row in verdicts.values()} == {"not tested at this scale"}

"""Results on pages without code: nothing typed, nothing stale; and prose whose numbers could drift."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ovbook.claims import collect
from ovbook.errors import OvbookError
from ovbook.models import parameter_count, parse_model
from ovbook.press.language import marked
from ovbook.press.quoting import chart_spec, quoted
from ovbook.runs import SCALES
from ovbook.world import World
from ovbook.world.mixes import overlap

ROOT = Path(__file__).parent.parent


def row(claim: str = "A2", scale: str = "laptop", verdict: str = "reproduced", **numbers: float) -> dict:
    found = {"statistic": -0.344, "low": -0.4, "high": -0.31, "n": 5} | numbers
    return {"id": claim, "scale": scale, "verdict": verdict, **found}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("A2", "reproduced"),
        ("A2, zh", "复现"),
        ("A2 statistic:.2f", "−0.34"),
        ("A2 size:.1f", "0.3"),
        ("A2 interval:.2f", "[−0.40, −0.31]"),
        ("A2 n", "5"),
        ("A2 scale", "laptop"),
        ("A2 gamma", "0.3"),
        ("A5", "not run yet"),
        ("A5, zh", "尚未运行"),
        ("A5 statistic:.2f", "(not run)"),
        ("part A", "2 of 14 claims are judged: 1 reproduced, 1 inconclusive"),
        ("part A, zh", "共 14 条论断，已裁定 2 条：复现 1 条，无定论 1 条"),
        ("part B", "none of 7 claims is judged"),
    ],
)
def test_what_stands_for_a_quotation(asked, said):
    rows = [row(), row("A1", verdict="inconclusive"), row(scale="gpu", verdict="not reproduced")]
    assert quoted(asked, rows) == said


def test_the_published_scale_speaks_first_and_smoke_never():
    assert quoted("A2", [row(scale="gpu", verdict="not reproduced")]) == "not reproduced"
    assert quoted("A2", [row(scale="smoke", verdict="not tested at this scale")]) == "not run yet"


def test_a_claim_that_was_not_tested_has_a_word_and_no_number():
    rows = [row(verdict="not tested at this scale", statistic=None, low=None, high=None)]
    assert quoted("A2", rows) == "not tested at this scale"
    assert quoted("A2 statistic:.2f", rows) == "(not run)"
    assert quoted("part A", rows) == "none of 14 claims is judged"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("A2 statistics", r"no 'statistics' \(did you mean 'statistic'\?\)"),
        ("A2 low:zz", "'zz' is no format for a number"),
        ("A2, de", "after a comma one of en, zh"),
        ("the second", "asks for no verdict"),
        ("A99", "unknown claim 'A99'"),
        ("part Q", "there is no part Q"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(asked, said):
    with pytest.raises(OvbookError, match=said):
        quoted(asked, [row()])


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("*.md")), ids=lambda page: page.name)
def test_all_quotations_of_the_book_can_be_made(page):
    rows = collect([], ROOT / "results")
    for asked in re.findall(r"\{verdict\}`([^`]+)`", page.read_text(encoding="utf-8")):
        assert quoted(asked, rows), asked


def test_a_chart_is_found_by_the_name_it_was_glued_under():
    def output(name, mime):
        spec = {"description": name}
        return {
            "metadata": {"scrapbook": {"name": name}},
            "data": {mime: json.dumps(spec), "text/plain": "x"},
        }

    prefix = "application/papermill.record/"
    outputs = [
        output("size", prefix + "text/plain"),
        output("fig_b", prefix + "application/vnd.vegalite.v5+json"),
    ]
    notebook = {"cells": [{}, {"outputs": outputs}]}
    assert chart_spec(notebook, "fig_b") == {"description": "fig_b"}
    assert chart_spec(notebook, "size") is None
    assert chart_spec(notebook, "fig_a") is None


def test_a_page_in_another_language_says_so():
    assert marked("<p>好</p>", "zh-Hans") == '<div lang="zh-Hans"><p>好</p></div>'
    front = (ROOT / "book" / "abstract-zh.md").read_text(encoding="utf-8").split("---")[1]
    assert "lang: zh-Hans" in front


# --- numbers that somebody did type


def reference() -> dict[str, dict]:
    return {row["id"]: row for row in json.loads((ROOT / "results" / "laptop.verdicts.json").read_text())}


def test_the_numbers_that_the_readme_promises_are_the_reference_runs():
    text, rows = " ".join((ROOT / "README.md").read_text().split()), reference()
    promised = re.search(r"Expect ([A-Z\d, and]+) \*reproduced\*", text)
    assert promised
    assert set(re.findall(r"[A-Z]\d+", promised[1])) == {
        i for i, r in rows.items() if r["verdict"] == "reproduced"
    }
    assert f"falling by about {-rows['A0']['statistic']:.2f} nats per doubling of the budget (A0)" in text
    assert f"about {rows['A2']['statistic']:.2f} higher after 4M tokens than at its best (A2)" in text
    laptop = SCALES["laptop"]
    # Of each seed in each world: a run and a branch for every budget, a trunk, chapter 5's two longer decays, chapter 7's
    # sharpness-aware run, chapter 8's one long run, part B's larger base and part C's.
    models = laptop["seeds"] * len(laptop["worlds"]) * (2 * len(laptop["budgets"]) + 1 + 2 + 1 + 1 + 1 + 1)
    assert f"It trains {models} small models, fine-tunes them" in text
    judged = [row for row in rows.values() if row["verdict"] != "not tested at this scale"]
    assert f"judges {number_word(len(judged))} claims." in text
    assert max(laptop["budgets"]) == 4_000_000


def number_word(number: int) -> str:
    words = [
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ]
    return words[number] if number < len(words) else str(number)


def test_the_numbers_of_the_glossary_are_those_of_the_world_and_the_model():
    text = (ROOT / "book" / "glossary.md").read_text()
    world = World(seed=1)
    assert f"{overlap('almanac', 'gazette')['sections']:.0%} of it could stand in the almanac" in " ".join(
        text.split()
    )
    size = parameter_count(
        parse_model(SCALES["laptop"]["model"], vocab=len(world.vocab), context=world.context)
    )
    assert f"| {size:,} numbers for the model of chapters 1 and 2 |" in text
    assert f"{world.context} tokens, the first of which" in text

"""What would decide an undecided claim: said for those that have a bound, and for no other."""

from __future__ import annotations

import pytest

from ovbook.claims import Verdict, what_would_decide


def verdict(name: str = "B1", word: str = "inconclusive", **numbers: float | None) -> Verdict:
    found = {"statistic": -0.09, "low": -0.21, "high": 0.03} | numbers
    said = dict.fromkeys(("part", "source", "sentence", "statistic_name", "unit", "rule", "reason"), "")
    return Verdict(
        id=name, scale="laptop", verdict=word, n=5, seeds=(1, 2, 3, 4, 5), worlds=("1", "2"), **said, **found
    )


def test_seeds_and_spread_of_each_undecided_claim():
    text = what_would_decide(verdict(), verdict("B3", statistic=0.016, low=0.007, high=0.025))
    assert "about 25 seeds (or 5 with 33% of the spread) in favour of B1; about" in text
    assert text.endswith("against B3.")


def test_a_number_past_its_bound_is_no_matter_of_seeds():
    text = what_would_decide(verdict("B2", statistic=0.2, low=0.1, high=0.3))
    assert text == "The main number of B2 is past its bound; another part of the rule is not."


@pytest.mark.parametrize(
    "decided",
    [
        verdict(word="reproduced"),
        verdict("C1"),
        verdict(statistic=None, low=None, high=None),
    ],
)
def test_what_is_decided_or_has_no_one_bound_is_left_out(decided):
    assert what_would_decide(decided) == ""

"""A verdict beside its reference: the right kind of comparison, the right interval, and words that say so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ovbook import claims
from ovbook.claims.reference import committed, compare
from ovbook.claims.setting import changed, setting
from ovbook.stats import Interval, mean_interval, welch_interval

TOKENS = [250_000, 500_000, 1_000_000, 2_000_000]


def losses(
    *, seeds: Any = range(100, 105), worlds: Any = (1, 2), noise: int = 1, model: str = "a:1x1"
) -> pd.DataFrame:
    """Base losses that fall by about 0.3 nats a doubling, with seeds of their own spread."""
    places = pd.MultiIndex.from_product([worlds, seeds, TOKENS], names=["world", "seed", "tokens"])
    frame = places.to_frame(index=False)
    generator = np.random.default_rng(noise)
    frame["loss"] = 3 - 0.3 * np.log2(frame["tokens"] / TOKENS[0]) + generator.normal(0, 0.02, len(frame))
    return frame.assign(model=model, parameters=len(model), rows=32, diverged=False)


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder that is no copy of the book."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def row(frame: pd.DataFrame, scale: str = "laptop", claim: str = "A0") -> dict[str, Any]:
    return claims.judge(claim, frame, scale=scale).row()


# -- Welch's interval ---------------------------------------------------------------------------------------


def test_welchs_interval_is_scipys():
    scipy_stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(7)
    first, second = generator.normal(1, 0.5, 5), generator.normal(0.8, 0.1, 9)
    ours = welch_interval(mean_interval(first), mean_interval(second))
    theirs = scipy_stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-10)
    assert ours.mean == pytest.approx(first.mean() - second.mean())
    assert ours.n == 5
    wider = welch_interval(mean_interval(first, level=0.8), mean_interval(second, level=0.99), level=0.99)
    theirs = scipy_stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.99)
    assert (wider.low, wider.high) == pytest.approx((theirs.low, theirs.high), rel=1e-10)


def test_welchs_interval_covers_as_it_says():
    generator = np.random.default_rng(11)
    inside = 0
    for _ in range(1000):
        gap = welch_interval(
            mean_interval(generator.normal(2, 1.0, 5)), mean_interval(generator.normal(2, 0.3, 8))
        )
        inside += gap.low <= 0 <= gap.high
    assert 0.93 <= inside / 1000 <= 0.975


def test_without_spread_or_with_one_seed_the_interval_says_so():
    still = Interval(mean=2.0, low=2.0, high=2.0, n=5)
    gap = welch_interval(still, Interval(mean=1.5, low=1.5, high=1.5, n=5))
    assert (gap.mean, gap.low, gap.high) == (0.5, 0.5, 0.5)
    alone = welch_interval(still, mean_interval([1.0]))
    assert (alone.low, alone.high) == (-np.inf, np.inf)


# -- what a run was made with -------------------------------------------------------------------------------


def test_what_every_seed_shares_is_the_setting_and_what_was_measured_is_not():
    frame = losses().assign(truth=np.arange(40) * 0.1)
    found = setting(frame)
    assert found == {"tokens": TOKENS, "model": ["a:1x1"], "rows": [32]}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    frame.loc[0, "rows"] = 64  # one seed was measured otherwise: no setting of the run
    assert "rows" not in setting(frame)
    assert "tokens" not in setting(frame, measured=("tokens",))


def test_long_lists_are_summed_up():
    frame = pd.DataFrame({"world": 1, "seed": np.repeat([100, 101], 40), "step": np.tile(np.arange(40), 2)})
    assert setting(frame) == {"step": ["40 values from 0 to 39"]}


def test_only_what_both_name_can_differ():
    assert changed({"model": ["a"], "rows": [1], "new": [2]}, {"model": ["b"], "rows": [1]}) == {
        "model": (["a"], ["b"])
    }


def test_a_verdict_records_its_setting(outside):
    assert row(losses())["provenance"]["setting"]["model"] == ["a:1x1"]


# -- kinds of comparison ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "kind", "says"),
    [
        ({}, "identical", None),
        ({"noise": 2}, "seeds alike", "same seeds; machines and library versions round differently"),
        ({"seeds": range(200, 206), "noise": 2}, "other seeds", "other seeds"),
        ({"seeds": range(100, 108), "noise": 2}, "other seeds", "5 seeds in common"),
        ({"worlds": (3, 4), "noise": 2}, "other worlds", "worlds: here 3, 4; there 1, 2"),
        ({"model": "b:2x2", "noise": 2}, "other setting", "another setting: model b:2x2, there a:1x1"),
    ],
)
def test_the_comparison_names_its_kind(outside, own, kind, says):
    found = compare(row(losses(**own)), row(losses()))
    assert found.kind == kind
    assert found.same_experiment is (kind in ("identical", "seeds alike", "other seeds"))
    assert found.difference is not None
    assert found.difference.mean == found.own["statistic"] - found.reference["statistic"]
    if says:
        assert f"({says})" in str(found)
        assert "Reference run: −0.2" in str(found)
        assert "also reproduced" in str(found)


def test_between_scales_rules_and_without_a_number_no_difference_is_taken(outside):
    reference = row(losses())
    other = compare(row(losses(), scale="gpu"), reference)
    assert (other.kind, other.difference) == ("other scale", None)
    assert str(other).startswith("Reference at laptop, another setting: −0.2")
    older = reference | {"provenance": reference["provenance"] | {"rule": "0" * 16}}
    changed_rule = compare(row(losses()), older)
    assert (changed_rule.kind, changed_rule.difference) == ("other rule", None)
    assert "under another version of the rule" in str(changed_rule)
    alone = compare(row(losses(seeds=[100])), reference)
    assert (alone.kind, alone.difference) == ("no number", None)


def test_a_reference_without_a_setting_is_not_said_to_be_the_same(outside):
    reference = row(losses())
    reference["provenance"].pop("setting")
    assert "its setting was not recorded" in str(compare(row(losses(noise=2)), reference))


def test_the_reference_of_a_least_certain_rival_is_another_quantity(outside):
    reference = row(losses()) | {"statistic_name": "slope at another boundary"}
    assert compare(row(losses()), reference).kind == "other setting"


# -- in the box ---------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A copy of the book with a reference at laptop."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "_toc.yml").write_text("root: intro\n")
    reference = row(losses())
    (tmp_path / "results" / "laptop.verdicts.json").write_text(json.dumps([reference]))
    monkeypatch.chdir(tmp_path / "chapters")  # a kernel may start below the root
    return tmp_path


def test_the_reference_run_itself_adds_no_line(book):
    found = claims.judge("A0", losses(), scale="laptop")
    assert "5 seeds × 2 worlds, equal to the reference run" in found.to_html()
    assert "ovbook-reference" not in found.to_html()
    assert "Difference" not in str(found)


def test_another_run_stands_beside_the_reference_in_every_form(book):
    bundle = claims.judge("A0", losses(noise=2), scale="laptop")._repr_mimebundle_()
    for form in ("text/plain", "text/html", "text/markdown"):
        assert "Reference run: −0.2" in bundle[form]
        assert "Difference" in bundle[form]
        assert "equal to" not in bundle[form]
    assert bundle["text/html"].count('class="ovbook-reference"') == 1
    assert "beside" not in bundle[claims.MIME]
    line = bundle["text/html"].partition('<p class="ovbook-reference"')[2].partition("</p>")[0]
    assert not any(word in line for word in ("#", "rgb", "color:", "background"))  # the page's own colours


def test_another_scale_shows_the_reference_as_another_setting(book):
    smoke = claims.judge("A0", losses(seeds=[100]), scale="smoke")
    assert "Reference at laptop, another setting: −0.2" in smoke.to_html()
    assert "Difference" not in smoke.to_html()


def test_the_reference_of_the_own_scale_stands_alone_and_else_there_is_one_of_each(book):
    (book / "results" / "gpu.verdicts.json").write_text(json.dumps([row(losses(noise=4), scale="gpu")]))
    own = claims.judge("A0", losses(noise=2), scale="laptop")
    assert [one.reference["scale"] for one in own.beside] == ["laptop"]
    paper = claims.judge("A0", losses(noise=2), scale="paper")
    assert sorted(one.reference["scale"] for one in paper.beside) == ["gpu", "laptop"]


def test_a_reference_never_changes_a_verdict(book):
    inside = claims.judge("A0", losses(noise=2), scale="laptop").row()
    (book / "results" / "laptop.verdicts.json").unlink()
    assert claims.judge("A0", losses(noise=2), scale="laptop").row() == inside


def test_outside_the_book_there_is_nothing_beside(outside):
    assert committed() == []
    assert claims.judge("A0", losses(), scale="laptop").beside == ()

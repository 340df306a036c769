"""Claims: the file is whole, and each kind of rule gives each verdict on a known truth, rarely by chance."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ovbook import claims
from ovbook.claims import registry, rules
from ovbook.claims.decide import Evidence, Part, decide
from ovbook.errors import OvbookError

TOKENS = [2.0**k * 250_000 for k in range(6)]
GAMMAS = [0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
WORLDS, SEEDS = ["1", "2"], range(5)
PACKAGED = files("ovbook").joinpath("claims.toml").read_text(encoding="utf-8")


def _with_test_settings(text: str) -> str:
    """The packaged rules with this file's own gammas and no pilots: the book may choose others at any time."""
    for claim_id, old, new in (
        ("A1", r"\ngamma = [\d.]+", "\ngamma = 0.4"),
        ("A2", r"\ngamma = [\d.]+", "\ngamma = 0.6"),
        ("A3", r"\ngammas = \[.*?\]", "\ngammas = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]"),
        ("pilots", r"\nseeds = .*\nworlds = .*", "\nseeds = []\nworlds = []"),
    ):
        before, header, after = text.partition(f"[{claim_id}]\n")
        after, found = re.subn(old, new, "\n" + after, count=1)
        assert found == 1, claim_id
        text = before + header + after.removeprefix("\n")
    return text


TEXT = _with_test_settings(PACKAGED)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.read_claims(TEXT)
    monkeypatch.setattr(registry, "_packaged", lambda: known)


def test_the_packaged_file_is_whole_and_its_pilots_are_named() -> None:
    book = registry.read_claims(PACKAGED)
    assert len(book.claims) == 48
    assert book.pilot_seeds >= {0}
    assert book.pilot_worlds == {"0"}


def rng(purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([20250402, purpose]))


def grid(noise: float = 0.02, *, seeds: Any = SEEDS, worlds: Any = WORLDS, **axes: Any) -> pd.DataFrame:
    """Every combination of worlds, seeds and `axes`; ``e`` is noise, ``level`` a seed's own shared offset."""
    places = pd.MultiIndex.from_product([worlds, seeds, *axes.values()], names=["world", "seed", *axes])
    frame = places.to_frame(index=False)
    generator = rng(len(frame))
    frame["e"] = generator.normal(0, noise, len(frame))
    frame["level"] = frame["seed"].map(
        dict(zip(seeds, generator.normal(0, 0.3, len(list(seeds))), strict=True))
    )
    return frame


def perturbed(sensitivity: float = 0.7, growth: float = 0.5, **options: Any) -> pd.DataFrame:
    """Losses under noise: base 2 + 1.5/√u and an increase of sensitivity·γ²·u^growth, u = tokens / 250k.

    With growth 0.5 the minimum lies at u = 1.5 / (sensitivity γ²): two doublings earlier per doubling of γ.
    """
    frame = grid(**options, tokens=TOKENS, gamma=GAMMAS, draw=[0, 1])
    u = frame["tokens"] / 250_000
    frame["loss"] = (
        2 + 1.5 / np.sqrt(u) + sensitivity * frame["gamma"] ** 2 * u**growth + frame["level"] + frame["e"]
    )
    return frame.assign(untrained=6.0)[lambda f: (f["gamma"] > 0) | (f["draw"] == 0)]


def verdict(claim_id: str, frame: pd.DataFrame, **options: Any) -> claims.Verdict:
    return claims.judge(claim_id, frame, **({"scale": "laptop"} | options))


def complete(claim_id: str, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Fill in the open settings of a claim, as its chapter will."""
    known = claims.claim(claim_id)
    filled = {
        name: getattr(known, name)
        for name in registry.Claim.__dataclass_fields__
        if name not in ("open", "settings")
    } | {"rule_status": "complete", "settings": dict(known.settings) | settings}
    book = claims.load_claims()
    changed = registry.Claims(
        dict(book.claims) | {claim_id: registry.Claim(**filled)}, book.citations, (), frozenset(), frozenset()
    )
    monkeypatch.setattr(registry, "_packaged", lambda: changed)


# --- the file ---


def test_every_claim_of_the_sources_is_there_in_order() -> None:
    ids = list(claims.load_claims().claims)
    assert len(ids) == 48
    assert ids[:2] + ids[13:15] + ids[-1:] == ["A0", "A1", "A13", "B1", "D8"]


def test_every_source_has_a_citation_and_every_number_a_tag() -> None:
    for known in claims.load_claims().claims.values():
        assert known.source in claims.citations()
        assert known.tag in set("PRASDM"), known.id
        assert known.sentence.endswith("."), known.id


def test_written_rules_name_their_smallest_effect_in_words() -> None:
    for known in claims.load_claims().claims.values():
        if known.rule_status == "complete" and not known.rule.startswith("As "):
            assert f"{known.smallest_effect:g}" in known.rule, known.id
            assert "Reproduced if" in known.rule, known.id


def test_the_claims_of_the_first_chapters_can_be_judged() -> None:
    for name in ("A0", "A1", "A2", "A3"):
        assert claims.claim(name).rule_status == "complete"
        assert claims.claim(name).pilots_seen
    assert claims.claim("A1").gamma < claims.claim("A2").gamma
    assert len(claims.claim("A3").gammas) >= 3


def test_an_unknown_claim_suggests_the_nearest() -> None:
    with pytest.raises(OvbookError, match=r"unknown claim 'a1' .*did you mean 'A1'"):
        claims.claim("a1")


def test_an_unknown_setting_of_a_claim_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="did you mean 'gamma'"):
        _ = claims.claim("A1").gama


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[A2]", "[A99]", r"unknown claims \['A99'\], missing claims \['A2'\]"),
        ("guard = true", "gaurd = true", "'gaurd' .*did you mean 'guard'"),
        ('test = "u shape"', 'test = "u-shape"', "did you mean 'u shape'"),
        ("smallest_effect = 0.03", "smallest_effect = 0", "must be above 0"),
        ('direction = "down"', 'direction = "lower"', "up or down"),
        ('source = "sun2024amuro"', 'source = "sun2024amoru"', "did you mean 'sun2024amuro'"),
        ('open = ["task", "rate"]\n', "", "must list in `open`"),
        ('expected = "U-shaped, minimum at an interior budget"\n', "", "A2 lacks expected"),
        ("[pilots]", '[[changes]]\nclaim = "A1"\n[pilots]', "a change needs date"),
    ],
)
def test_mistakes_in_the_file_are_one_sentence(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(OvbookError, match=message):
        registry.read_claims(TEXT.replace(old, new, 1))


def test_the_rule_hash_moves_with_what_decides_and_only_then() -> None:
    base = claims.claim("A1").rule_hash
    changed = registry.read_claims(TEXT.replace("gamma = 0.4", "gamma = 0.5")).claims["A1"]
    reworded = registry.read_claims(TEXT.replace("costs a longer-trained model more.", "hurts more.")).claims[
        "A1"
    ]
    assert changed.rule_hash != base
    assert reworded.rule_hash == base


# --- A0 to A3 on a known truth ---


def test_a_true_effect_is_reproduced_in_all_four() -> None:
    frame = perturbed()
    base = frame[frame["gamma"] == 0]
    assert verdict("A0", base).verdict == "reproduced"
    slope = verdict("A1", frame)
    assert slope.verdict == "reproduced"
    assert slope.low < 0.7 * 0.16 * np.polyfit(range(6), np.sqrt(2.0 ** np.arange(6)), 1)[0] < slope.high
    assert verdict("A2", frame).verdict == "reproduced"
    inflections = verdict("A3", frame)
    assert inflections.verdict == "reproduced"
    assert inflections.statistic == pytest.approx(-2, abs=0.4)
    assert "left out: gamma 0.3" in inflections.reason  # its minimum is at the border


def test_the_opposite_truth_is_not_reproduced() -> None:
    shrinking = perturbed(growth=-0.3)
    assert verdict("A1", shrinking).verdict == "not reproduced"
    assert verdict("A2", shrinking).verdict == "not reproduced"
    rising = grid(tokens=TOKENS).assign(loss=lambda f: 2 + 0.1 * np.log2(f["tokens"]) + f["e"])
    assert verdict("A0", rising).verdict == "not reproduced"


def test_no_effect_at_all_is_not_reproduced_and_noise_is_inconclusive() -> None:
    flat = perturbed(growth=0.0, noise=0.005)
    assert verdict("A1", flat).verdict == "not reproduced"
    assert verdict("A1", perturbed(growth=0.0, noise=0.5)).verdict == "inconclusive"


def test_an_inflection_that_does_not_move_is_not_reproduced() -> None:
    frame = perturbed(noise=0.005)
    u = np.log2(frame["tokens"] / 250_000)
    still = frame.assign(loss=2 + (u - 2.4) ** 2 + frame["gamma"] + frame["e"])
    found = verdict("A3", still)
    assert found.verdict == "not reproduced"
    assert found.statistic == pytest.approx(0, abs=0.05)


def test_too_few_interior_minima_are_inconclusive_with_numbers() -> None:
    found = verdict("A3", perturbed(sensitivity=0.05))
    assert found.verdict == "inconclusive"
    assert "fewer than 3 values of gamma" in found.reason
    assert found.low is not None
    assert np.isfinite([found.low, found.high]).all()


def test_a_minimum_at_the_first_budget_is_no_u_but_refutes_nothing() -> None:
    found = verdict("A2", perturbed(sensitivity=20.0))
    assert found.verdict == "inconclusive"
    assert "fall from the first budget" in found.reason


def test_a_clear_step_back_refutes_a_trend_and_an_unclear_one_only_blocks_it() -> None:
    steps = dict(zip(TOKENS, [3.0, 2.8, 2.6, 2.75, 2.2, 2.0], strict=True))
    sharp = grid(noise=0.005, tokens=TOKENS).assign(
        loss=lambda f: f["tokens"].map(steps) + f["level"] + f["e"]
    )
    found = verdict("A0", sharp)
    assert found.verdict == "not reproduced"
    assert "goes the other way by 0.152 from 1,000,000 to 2,000,000" in found.reason
    assert found.high < -0.02  # the slope alone would have passed
    blurred = sharp.assign(loss=sharp["loss"] + sharp["e"] * 20)
    assert verdict("A0", blurred).verdict == "inconclusive"


def test_the_worlds_must_agree() -> None:
    frame = perturbed(noise=0.01)
    up = frame["world"] == "1"
    u = frame["tokens"] / 250_000
    frame["loss"] += np.where(up, 0.3, -0.02) * frame["gamma"] * np.log2(u)
    frame.loc[~up, "loss"] -= 0.7 * frame["gamma"][~up] ** 2 * np.sqrt(u[~up])
    found = verdict("A1", frame)
    assert found.low > 0.01  # pooled it would pass
    assert found.verdict == "inconclusive"
    assert "every world" in found.reason
    assert set(found.per_world) == {"1", "2"}


def test_one_tiny_world_is_not_enough_and_one_real_text_is() -> None:
    one = perturbed(worlds=["1"])
    assert verdict("A1", one).verdict == "inconclusive"
    text = one.drop(columns="world").assign(corpus="file:novels.txt", epochs=0.8)
    assert verdict("A1", text).verdict == "reproduced"


def test_a_repeated_text_has_no_verdict_in_part_a() -> None:
    text = perturbed(worlds=["1"]).drop(columns="world").assign(corpus="file:novels.txt", epochs=2.5)
    found = verdict("A1", text)
    assert found.verdict == "not tested at this scale"
    assert "×2.5" in found.reason


def test_saturation_takes_budgets_away() -> None:
    frame = perturbed(sensitivity=1.2).assign(untrained=4.3)
    found = verdict("A1", frame)
    assert "saturated and left out: tokens 8,000,000" in found.reason
    found = verdict("A1", perturbed(sensitivity=12.0).assign(untrained=4.2))
    assert found.verdict == "inconclusive"
    assert "fewer than 3 to judge" in found.reason


# --- what cannot be judged ---


def test_smoke_judges_nothing() -> None:
    found = verdict("A1", perturbed(seeds=[0]), scale="smoke")
    assert found.verdict == "not tested at this scale"
    assert (found.statistic, found.low, found.high, found.n) == (None, None, None, 1)


def test_few_seeds_are_inconclusive_with_an_interval_and_one_gives_none() -> None:
    found = verdict("A1", perturbed(seeds=range(4)))
    assert (found.verdict, found.n) == ("inconclusive", 4)
    assert found.low is not None
    assert "4 seeds are fewer than the 5" in found.reason
    assert verdict("A1", perturbed(seeds=[3])).verdict == "not tested at this scale"


@pytest.mark.parametrize("name", ["A2", "A3"])
def test_one_seed_never_breaks_a_chapter(name: str) -> None:
    assert verdict(name, perturbed(seeds=[3])).verdict == "not tested at this scale"


def test_seeds_missing_from_the_table_are_noticed() -> None:
    found = verdict("A1", perturbed(), seeds_expected=8)
    assert found.verdict == "inconclusive"
    assert "3 of 8 seeds are missing" in found.reason


def test_a_diverged_seed_is_left_out_and_named() -> None:
    frame = perturbed(seeds=range(8))
    frame.loc[(frame["seed"] == 2) & (frame["world"] == "2") & (frame["tokens"] == TOKENS[5]), "loss"] = (
        np.nan
    )
    for name in ("A1", "A2", "A3"):
        found = verdict(name, frame)
        assert (found.verdict, found.n, found.diverged) == ("reproduced", 7, (2,)), name
        assert "seeds 2" in found.reason
    frame.loc[frame["seed"].isin([3, 4]), "loss"] = np.inf
    assert "3 of 8 seeds diverged" in verdict("A1", frame).reason
    frame["loss"] = np.nan
    assert verdict("A1", frame).verdict == "not tested at this scale"


def test_other_gammas_than_the_declared_one_are_not_tested() -> None:
    frame = perturbed()
    found = verdict("A1", frame[frame["gamma"] != 0.4])
    assert found.verdict == "not tested at this scale"
    assert "declared for gamma 0.4" in found.reason


def test_gammas_are_matched_as_people_read_them() -> None:
    frame = perturbed()
    frame["gamma"] = frame["gamma"].where(frame["gamma"] != 0.3, 0.1 + 0.2)
    assert verdict("A3", frame).verdict == "reproduced"


def test_the_pilots_own_seeds_and_worlds_are_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    book = claims.load_claims()
    pilots = registry.Claims(book.claims, book.citations, (), frozenset({4}), frozenset({"2"}))
    monkeypatch.setattr(registry, "_packaged", lambda: pilots)
    found = verdict("A1", perturbed())
    assert found.verdict == "not tested at this scale"
    assert "seed 4, world 2" in found.reason


def test_bad_calls_are_one_sentence() -> None:
    with pytest.raises(OvbookError, match="no column untrained"):
        verdict("A1", perturbed().drop(columns="untrained"))
    with pytest.raises(OvbookError, match=r"unknown scale 'labtop' .*laptop"):
        verdict("A1", perturbed(), scale="labtop")
    with pytest.raises(OvbookError, match="no complete rule yet"):
        verdict("D1", perturbed())
    with pytest.raises(OvbookError, match="tasks to be set"):
        verdict("D8", perturbed())
    with pytest.raises(OvbookError, match="no rows"):
        verdict("A1", pd.DataFrame())
    frame = perturbed()
    with pytest.raises(OvbookError, match=r"gamma 0.4 for world 1, seed 3"):
        verdict("A1", frame[~((frame["seed"] == 3) & (frame["world"] == "1") & (frame["gamma"] == 0.4))])


# --- the other kinds of rule ---


def test_mean_must_hold_at_every_level() -> None:
    frame = grid(boundary=[1, 2]).assign(jump=lambda f: -0.2 + f["e"])
    assert verdict("B1", frame).verdict == "reproduced"
    frame.loc[frame["boundary"] == 2, "jump"] += 0.2
    found = verdict("B1", frame)
    assert found.verdict == "not reproduced"
    assert "boundary 2" in found.statistic_name  # the least favourable level is the one shown


def test_secondary_parts_count() -> None:
    frame = grid().assign(opening=lambda f: 0.3 + f["e"], gap_end=lambda f: f["e"])
    assert verdict("B2", frame).verdict == "reproduced"
    assert verdict("B2", frame.assign(gap_end=frame["gap_end"] + 0.2)).verdict == "not reproduced"
    assert verdict("B2", frame.assign(gap_end=frame["gap_end"] + 0.05)).verdict == "inconclusive"


def test_contrast_is_within_the_seed() -> None:
    frame = grid(noise=0.005, schedule=["constant", "re-warmed"])
    constant = frame["schedule"] == "constant"
    frame["end"] = 3 + frame["level"] + 0.05 * constant + frame["e"]
    frame["early"] = 3 + frame["level"] - 0.05 * constant + frame["e"]
    assert verdict("C5", frame).verdict == "reproduced"
    flipped = frame.assign(schedule=frame["schedule"].map({"constant": "re-warmed", "re-warmed": "constant"}))
    assert verdict("C5", flipped).verdict == "not reproduced"
    assert verdict("C5", frame[constant]).verdict == "not tested at this scale"


def test_equivalence_of_several_arms() -> None:
    frame = grid(noise=0.005, warmup=[0.0, 0.005, 0.01, 0.02], set=["old", "new"])
    frame["loss"] = 3 + frame["level"] + frame["e"]
    found = verdict("C1", frame)
    assert found.verdict == "reproduced"
    worse = frame.assign(loss=frame["loss"] + 0.1 * ((frame["warmup"] == 0.02) & (frame["set"] == "old")))
    found = verdict("C1", worse)
    assert found.verdict == "not reproduced"
    assert "warmup 0.02 against 0.01 at set old" in found.statistic_name
    noisy = frame.assign(loss=frame["loss"] + 20 * frame["e"])
    assert verdict("C1", noisy).verdict == "inconclusive"  # five seeds cannot show equality here


def test_at_most() -> None:
    frame = grid(noise=0.003, replay=[0.0, 0.1])
    for cost, word in ((0.005, "reproduced"), (0.02, "inconclusive"), (0.05, "not reproduced")):
        assert verdict("R2", frame.assign(new=3 + cost * (frame["replay"] > 0) + frame["e"])).verdict == word


def test_trend_over_rates_and_its_secondary_part() -> None:
    frame = grid(noise=0.005, rate_multiple=[0.5, 1.0, 2.0])
    frame["peak_rise"] = 0.2 + 0.1 * np.log2(frame["rate_multiple"]) + frame["e"]
    assert verdict("C9", frame.assign(end_rise=0.05 + frame["e"])).verdict == "reproduced"
    assert verdict("C9", frame.assign(end_rise=frame["e"])).verdict == "not reproduced"  # it recovered


def test_inflection_shift_at_the_border() -> None:
    rule = claims.claim("A11")
    frame = grid(noise=0.01, tokens=TOKENS, pull=[0.0, 10.0], task=rule.tasks, rate=[rule.rate])
    u = np.log2(frame["tokens"] / 250_000)
    held = frame["pull"] > 0
    frame["answer_loss"] = 1 + 0.3 * held + frame["e"]
    frame["loss"] = 0.3 * (u - 1.5 - 1.5 * held) ** 2 + frame["e"]
    assert verdict("A11", frame).verdict == "reproduced"
    frame["loss"] = 0.3 * (u - 1.5 - 9 * held) ** 2 + frame["e"]
    found = verdict("A11", frame)
    assert found.verdict == "reproduced"
    assert "at least this large" in found.reason
    frame["loss"] = 0.3 * (u - 8) ** 2 + frame["e"]  # both beyond the grid: nothing is known
    assert verdict("A11", frame).verdict == "inconclusive"


def test_gain_of_a_flat_task(monkeypatch: pytest.MonkeyPatch) -> None:
    complete("D2", monkeypatch, task="topic", rate=1e-3)
    frame = grid(tokens=TOKENS, task=["topic", "mood"], rate=[1e-3])
    u = np.log2(frame["tokens"] / 250_000)
    frame["gain"], frame["score"] = 0.7 * np.minimum(u, 3) / 3 + frame["e"], 0.12 + frame["e"]
    assert verdict("D2", frame).verdict == "reproduced"
    assert verdict("D2", frame.assign(score=0.1 * u)).verdict == "not reproduced"


@pytest.mark.parametrize(
    "name", [n for n, c in claims.load_claims().claims.items() if c.rule_status == "complete"]
)
def test_every_complete_rule_runs_and_never_reproduces_pure_noise(name: str) -> None:
    """Each rule meets a table with its columns, all values noise around zero: a mean or slope of nothing."""
    known, axes = claims.claim(name), {}
    for column in claims.columns_needed(known):
        if column in (
            known.settings.get("x"),
            known.settings.get("arm"),
            known.settings.get("each"),
            "gamma",
        ):
            named = known.settings.get("levels") or known.settings.get(f"{column}s")
            if column == known.settings.get("arm"):
                named = [*known.arms, *([known.reference] if "reference" in known.settings else [])]
            usual = {
                "tokens": TOKENS, "gamma": GAMMAS, "boundary": [1, 2], "set": ["old", "new"],
                "misalignment": [2.0, 4.0, 8.0],
            }  # fmt: skip
            axes[column] = named or usual[column]
    if "tasks" in known.settings:
        axes["task"] = known.tasks
    if "rate" in known.settings and "rate" not in axes:
        axes["rate"] = [known.rate]
    if known.test.startswith("inflection"):
        axes["tokens"] = TOKENS
    frame = grid(**axes)
    generator = rng(99)
    for column in claims.columns_needed(known):
        if column not in frame:
            frame[column] = generator.normal(0, 0.3, len(frame))
    found = verdict(name, frame.assign(untrained=9.0))
    if known.test not in ("equivalence", "at most"):
        assert found.verdict in ("inconclusive", "not reproduced")
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.high


def test_a_tuned_value_at_the_end_of_its_range_decides_nothing() -> None:
    frame = grid(noise=0.01, tokens=TOKENS, task=claims.claim("A7").tasks)
    u = np.log2(frame["tokens"] / 250_000)
    frame["loss"] = 0.3 * (u - 2) ** 2 + frame["e"]
    assert verdict("A7", frame.assign(at_border=False)).verdict == "reproduced"
    found = verdict("A7", frame.assign(at_border=frame["tokens"] == TOKENS[-1]))
    assert found.verdict == "inconclusive"
    assert "end of its range" in found.reason


# --- how often chance decides ---

EXPERIMENTS = 1000


def shares(words: list[str]) -> dict[str, float]:
    return {word: words.count(word) / len(words) for word in claims.VERDICTS}


def test_a_trend_exactly_at_the_smallest_effect_is_decided_rarely() -> None:
    known = claims.claim("A0")
    generator = rng(1)
    curve = -0.02 * np.arange(6)
    words = [
        decide(rules.trend_evidence(known, curve + generator.normal(0, 0.02, (2, 5, 6)), TOKENS)).verdict
        for _ in range(EXPERIMENTS)
    ]
    found = shares(words)
    assert found["reproduced"] < 0.05
    assert found["not reproduced"] < 0.05


def test_a_trend_of_twice_the_smallest_effect_is_usually_found() -> None:
    known = claims.claim("A0")
    generator = rng(2)
    words = [
        decide(
            rules.trend_evidence(known, -0.04 * np.arange(6) + generator.normal(0, 0.015, (2, 5, 6)), TOKENS)
        ).verdict
        for _ in range(EXPERIMENTS)
    ]
    found = shares(words)
    assert found["reproduced"] > 0.9
    assert found["not reproduced"] < 0.01


@pytest.mark.parametrize(
    "curve",
    [
        [0.0] * 6,
        [0.5, 0.4, 0.3, 0.2, 0.1, 0.0],
        [0.5, 0.2, 0.1, 0.0, 0.0, 0.03],
        [0.5, 0.3, 0.2, 0.1, 0.0, 0.03],
    ],
)
def test_a_u_is_rarely_seen_where_there_is_none(curve: list[float]) -> None:
    """Flat, falling, and rising by exactly the smallest effect."""
    known = claims.claim("A2")
    generator = rng(3)
    words = [
        decide(
            rules.u_evidence(known, np.array(curve) + generator.normal(0, 0.05, (2, 5, 6)), TOKENS)
        ).verdict
        for _ in range(EXPERIMENTS)
    ]
    assert shares(words)["reproduced"] < 0.05
    if curve[-1] > 0:
        assert shares(words)["not reproduced"] < 0.05  # a rise of exactly the smallest effect refutes nothing


def test_a_u_is_rarely_denied_where_there_is_one() -> None:
    known = claims.claim("A2")
    generator = rng(4)
    curve = np.array([0.5, 0.2, 0.0, 0.1, 0.2, 0.4])
    words = [
        decide(rules.u_evidence(known, curve + generator.normal(0, 0.05, (2, 5, 6)), TOKENS)).verdict
        for _ in range(EXPERIMENTS)
    ]
    assert shares(words)["reproduced"] > 0.95


def test_a_moving_inflection_is_rarely_seen_where_it_stands_still() -> None:
    """The minimum stands inside, or near the border, where censoring is frequent."""
    known = claims.claim("A3")
    generator = rng(5)
    for place in (2.5, 4.4):
        curve = 0.1 * (np.arange(6) - place) ** 2
        words = [
            decide(
                rules.inflection_evidence(
                    known, curve + generator.normal(0, 0.05, (2, 5, 6, 6)), TOKENS, known.gammas
                )
            ).verdict
            for _ in range(EXPERIMENTS // 2)
        ]
        assert shares(words)["reproduced"] < 0.05


def test_equality_is_rarely_claimed_at_the_margin() -> None:
    generator = rng(6)
    words = [
        decide(
            Evidence(
                parts=[Part(name="d", values=0.02 + generator.normal(0, 0.005, (2, 5)), low=-0.02, high=0.02)]
            )
        ).verdict
        for _ in range(EXPERIMENTS)
    ]
    found = shares(words)
    assert found["reproduced"] < 0.04
    assert found["not reproduced"] < 0.04


def test_many_parts_refute_no_more_often_than_one() -> None:
    generator = rng(7)
    words = [
        decide(
            Evidence(
                parts=[
                    Part(name=str(k), values=0.1 + generator.normal(0, 0.05, (2, 5)), low=0.1)
                    for k in range(6)
                ]
            )
        ).verdict
        for _ in range(EXPERIMENTS)
    ]
    assert shares(words)["not reproduced"] < 0.05


# --- how a verdict looks, and finding it again ---


def test_the_bundle_says_it_in_words_and_holds_the_row() -> None:
    found = verdict("A1", perturbed(), provenance={"commit": "abc"})
    bundle = found._repr_mimebundle_()
    row = bundle[claims.MIME]
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["id"], row["n"], row["seeds"], row["worlds"]) == ("A1", 5, [0, 1, 2, 3, 4], ["1", "2"])
    assert row["provenance"]["commit"] == "abc"
    assert row["provenance"]["rule"] == claims.claim("A1").rule_hash
    for form in ("text/plain", "text/html", "text/markdown"):
        assert "✓" in bundle[form]
        assert "reproduced" in bundle[form]
        assert "5 seeds × 2 worlds" in bundle[form]
    assert claims.claim("A1").rule in bundle["text/html"]
    assert "<details>" in bundle["text/html"]


def test_the_box_takes_the_pages_colours() -> None:
    box = verdict("A1", perturbed()).to_html()
    assert "#" not in box
    assert "rgb" not in box
    assert "color:" not in box
    assert "background" not in box


def test_ipython_shows_the_bundle() -> None:
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    data, _ = formatter.format(verdict("A2", perturbed()))
    assert data[claims.MIME]["id"] == "A2"
    assert "text/html" in data


def test_numbers_read_well() -> None:
    from ovbook.claims.verdict import number

    assert [number(v) for v in (0.0234567, -1.5, 1234.5, 2e-7, -0.0)] == [
        "0.0235",
        "−1.5",
        "1230",
        "2e−07",
        "0",
    ]


def notebook(path: Path, *rows: dict[str, Any], end: str | None = None) -> Path:
    cells = [
        {"cell_type": "markdown", "source": "text"},
        *(
            {
                "cell_type": "code",
                "outputs": [{"output_type": "stream"}, {"data": {"text/plain": "", claims.MIME: row}}],
            }
            for row in rows
        ),
    ]
    metadata = {"papermill": {"end_time": end}} if end else {}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}))
    return path


def test_collect_keeps_one_row_per_claim_and_scale(tmp_path: Path) -> None:
    row = verdict("A1", perturbed()).row()
    early = notebook(tmp_path / "b.ipynb", row | {"n": 5}, end="2026-01-01T10:00:00+00:00")
    late = notebook(tmp_path / "a.ipynb", row | {"n": 6}, end="2026-01-02T10:00:00")
    results = tmp_path / "results"
    results.mkdir()
    (results / "gpu.verdicts.json").write_text(
        json.dumps([row | {"n": 7}, row | {"scale": "gpu", "n": 8}, row | {"id": "A0", "n": 9}])
    )
    found = claims.collect([late, early], results)
    assert [(r["id"], r["scale"], r["n"]) for r in found] == [
        ("A0", "laptop", 9),
        ("A1", "gpu", 8),
        ("A1", "laptop", 6),
    ]


def test_without_papermills_note_the_newer_file_wins(tmp_path: Path) -> None:
    row = verdict("A1", perturbed()).row()
    old, new = notebook(tmp_path / "z.ipynb", row | {"n": 5}), notebook(tmp_path / "a.ipynb", row | {"n": 6})
    os.utime(old, (1, 1))
    assert claims.collect([new, old])[0]["n"] == 6


def test_collect_refuses_broken_files_by_name(tmp_path: Path) -> None:
    (tmp_path / "half.ipynb").write_text('{"cells": [')
    with pytest.raises(OvbookError, match=r"half\.ipynb"):
        claims.collect([tmp_path / "half.ipynb"])
    row = verdict("A1", perturbed()).row()
    with pytest.raises(OvbookError, match="without an interval"):
        claims.collect([notebook(tmp_path / "a.ipynb", row | {"low": None})])
    with pytest.raises(OvbookError, match="claim 'A99'"):
        claims.collect([notebook(tmp_path / "a.ipynb", row | {"id": "A99"})])


def test_the_scoreboard_shows_every_claim() -> None:
    rows = [verdict("A1", perturbed()).row(), verdict("A2", perturbed(), scale="smoke").row()]
    board = claims.scoreboard(rows)
    assert len(board) == 48 * 3
    shown = board.set_index(["id", "scale"])
    assert shown.loc[("A1", "laptop"), "verdict"] == "✓ reproduced"
    assert "nats/token per doubling" in shown.loc[("A1", "laptop"), "result"]
    assert (board["verdict"] == "not run yet").sum() == 48 * 3 - 1


def test_a_verdict_under_an_older_rule_is_marked() -> None:
    row = verdict("A1", perturbed()).row()
    row["provenance"]["rule"] = "0" * 16
    board = claims.scoreboard([row]).set_index(["id", "scale"])
    assert "earlier version" in board.loc[("A1", "laptop"), "note"]


def test_what_chance_would_give() -> None:
    judged = verdict("A1", perturbed()).row()
    rows = [judged | {"id": f"C{n}"} for n in range(1, 11)] + [
        verdict("A2", perturbed(), scale="smoke").row()
    ]
    found = claims.expected_by_chance(rows)
    assert found["tests"] == 10
    assert found["each"] == pytest.approx(0.5)
    assert "Of 10 judged claims 10 are reproduced" in found["sentence"]

"""judge: a claim and a table in, a verdict out."""

from __future__ import annotations

import dataclasses
import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

from ovbook.claims.decide import SEEDS_NEEDED, WORLDS_NEEDED, Decision, decide
from ovbook.claims.reference import beside, committed
from ovbook.claims.registry import Claim, Claims, claim, load_claims
from ovbook.claims.rules import RULES, columns_needed
from ovbook.claims.setting import setting
from ovbook.claims.tables import NotRun, select
from ovbook.claims.verdict import Verdict
from ovbook.errors import OvbookError, did_you_mean
from ovbook.stats import with_world

__all__ = ["SCALES", "judge", "untested"]

SCALES = ("smoke", "laptop", "gpu", "paper")


_WHOLLY = "the interval lies wholly where the claim puts it, and so does the mean of every world"


def _provenance(rule: Claim, extra: Mapping[str, Any] | None) -> dict[str, Any]:
    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "unknown"

    return {
        "rule": rule.rule_hash,
        "pilots_seen": rule.pilots_seen,
        "ovbook": of("ovbook"),
        "scipy": of("scipy"),
        "python": platform.python_version(),
        **(extra or {}),
    }


def _no_right(rule: Claim, frame: pd.DataFrame, scale: str, book: Claims) -> str | None:
    """Why this table cannot give a verdict at all, or None."""
    if scale == "smoke":
        return "the smoke scale only shows that everything runs; nothing is judged on it"
    if "epochs" in frame and rule.part == "A":
        most = float(frame["epochs"].astype(float).max())
        if most > 1:
            return (
                f"the text was repeated (×{most:.3g}), and repetition would be confounded with training "
                f"for longer; use a longer text, or smaller budgets"
            )
    seeds = book.pilot_seeds & {int(seed) for seed in frame["seed"].unique()}
    worlds = book.pilot_worlds & set(frame["world"])
    if rule.pilots_seen and (seeds or worlds):
        named = [*(f"seed {s}" for s in sorted(seeds)), *(f"world {w}" for w in sorted(worlds))]
        return f"the rule was set after looking at {', '.join(named)}; it is judged on others"
    return None


def _worlds_needed(frame: pd.DataFrame) -> int:
    """Two tiny worlds, which are draws of one generator; a real text stands for itself."""
    if "corpus" in frame and not frame["corpus"].map(lambda name: str(name).startswith("world:")).any():
        return 1
    return WORLDS_NEEDED


def _derived(frame: pd.DataFrame) -> set[str]:
    """Columns that need not be there because others give them."""
    return {"base"} if "gamma" in frame else set()


def judge(
    claim_id: str,
    frame: pd.DataFrame,
    *,
    scale: str,
    seeds_expected: int | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Verdict:
    """Judge one claim on a table by the rule in claims.toml.

    `frame` has one row a measurement: ``world`` (or ``corpus``), ``seed``, and what
    ``columns_needed(claim(claim_id))`` names. Draws, tasks and examples are averaged inside the seed; other
    columns are ignored, except that two rows may not share their place. A column ``diverged`` marks lost
    runs, ``at_border`` rows whose tuned setting lies at the end of its range, ``epochs`` says how often a text was repeated. `seeds_expected` guards against runs that are
    missing from the table altogether. Raises OvbookError for a table that lacks a column or a run, and for
    a claim whose rule is not written yet; settings that the reader changed away from the declared ones give
    "not tested". In a copy of the book the verdict carries its comparison with the rows of ``results/``.
    """
    rule, book = claim(claim_id), load_claims()
    if scale not in SCALES:
        raise OvbookError(
            f"unknown scale '{scale}'{did_you_mean(scale, SCALES)}: it is one of {', '.join(SCALES)}"
        )
    if rule.rule_status != "complete":
        still = f" ({', '.join(rule.open)} to be set in claims.toml)" if rule.open else ""
        raise OvbookError(
            f"claim {rule.id} has no complete rule yet: '{rule.rule_status}'{still}; commit it first"
        )
    if "seed" not in frame or frame.empty:
        raise OvbookError(
            f"the table for claim {rule.id} has no rows or no column seed: one number per seed is judged"
        )
    missing = [name for name in columns_needed(rule) if name not in frame and name not in _derived(frame)]
    if missing:
        raise OvbookError(
            f"the table for claim {rule.id} has no column {', '.join(missing)}: its rule reads "
            f"{', '.join(columns_needed(rule))}, beside world (or corpus) and seed"
        )
    frame = with_world(frame)
    seeds = sorted(int(seed) for seed in frame["seed"].unique())
    worlds = sorted(frame["world"].unique())
    common: dict[str, Any] = {
        "id": rule.id,
        "part": rule.part,
        "source": rule.source,
        "scale": scale,
        "sentence": rule.sentence,
        "statistic_name": rule.statistic,
        "unit": rule.unit,
        "rule": rule.rule,
        "worlds": tuple(str(world) for world in worlds),
        "provenance": _provenance(rule, provenance),
    }

    def not_tested(reason: str) -> Verdict:
        return Verdict(
            **common, verdict="not tested at this scale", n=len(seeds), seeds=tuple(seeds), reason=reason
        )

    reason = _no_right(rule, frame, scale, book)
    if reason:
        return _with_reference(not_tested(reason))
    try:
        chosen = select(rule, frame)
    except NotRun as absent:
        return _with_reference(not_tested(str(absent)))
    common["provenance"]["setting"] = setting(chosen, measured=_measured(rule))
    try:
        evidence = RULES[rule.test](rule, chosen)
    except NotRun as absent:
        return _with_reference(not_tested(str(absent)))
    if "at_border" in chosen and chosen["at_border"].any():
        edge = "a value that was tuned lies at the end of its range, so its best may lie outside"
        evidence = dataclasses.replace(evidence, undecidable=[*evidence.undecidable, edge])
    decision = decide(evidence, worlds_needed=_worlds_needed(frame))
    return _with_reference(_verdict(rule, decision, seeds, seeds_expected, common))


def untested(claim_id: str, *, scale: str, reason: str) -> Verdict:
    """A claim that needs more than this scale runs: "not tested at this scale", and why, in a sentence.

    Give the command that would test it in `reason`; the row stands on the Scoreboard like any other.
    """
    rule = claim(claim_id)
    if scale not in SCALES:
        raise OvbookError(
            f"unknown scale '{scale}'{did_you_mean(scale, SCALES)}: it is one of {', '.join(SCALES)}"
        )
    return Verdict(
        id=rule.id,
        part=rule.part,
        source=rule.source,
        scale=scale,
        verdict="not tested at this scale",
        sentence=rule.sentence,
        statistic_name=rule.statistic,
        unit=rule.unit,
        rule=rule.rule,
        n=0,
        seeds=(),
        worlds=(),
        reason=reason,
        provenance=_provenance(rule, None),
    )


def _measured(rule: Claim) -> tuple[str, ...]:
    """Columns that hold outcomes, whatever values they happen to take."""
    also = (entry["value"] for entry in rule.settings.get("also", ()))
    return ("loss", "base", "increase", "untrained", rule.value, *also)


def _with_reference(verdict: Verdict) -> Verdict:
    return dataclasses.replace(verdict, beside=beside(verdict.row(), committed()))


def _verdict(
    rule: Claim, decision: Decision, seeds: list[int], expected: int | None, common: dict[str, Any]
) -> Verdict:
    used = tuple(seeds[i] for i in decision.used)
    lost = tuple(seeds[i] for i in decision.lost)
    reasons, word = list(decision.reasons), decision.verdict
    if expected is not None and len(seeds) < expected and word != "not tested at this scale":
        reasons.insert(0, f"{expected - len(seeds)} of {expected} seeds are missing from the table")
        word = "inconclusive"
    if lost:
        reasons.append(f"diverged and left out: seeds {', '.join(map(str, lost))}")
    found = decision.interval
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        word = "not tested at this scale"
        reasons.insert(0, f"{len(used)} usable seeds give no interval; at least {SEEDS_NEEDED} are needed")
        return Verdict(
            **common, verdict=word, n=len(used), seeds=used, diverged=lost, reason="; ".join(reasons)
        )
    common = common | {"statistic_name": decision.part.name}
    return Verdict(
        **common,
        verdict=word,
        statistic=found.mean,
        low=found.low,
        high=found.high,
        n=found.n,
        seeds=used,
        diverged=lost,
        per_world=dict(zip(common["worlds"], decision.world_means, strict=True)),
        reason="; ".join([_WHOLLY, *reasons] if word == "reproduced" else reasons or [_WHOLLY]),
    )

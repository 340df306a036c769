"""A verdict beside the reference runs of ``results/``: how far apart, and whether they are the same experiment.

Nothing here judges: the rule has spoken before, and a verdict never depends on a reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ovbook.claims.registry import claim
from ovbook.claims.scoreboard import collect
from ovbook.claims.setting import changed
from ovbook.claims.verdict import number
from ovbook.errors import OvbookError
from ovbook.project import find_project
from ovbook.stats import Interval, welch_interval

__all__ = ["Comparison", "beside", "committed", "compare", "interval_of", "signed"]

Row = Mapping[str, Any]
_NAMED = 3
"""Settings that differ are named up to this many; the rest is counted."""


def signed(value: float) -> str:
    """A difference as people write it: +0.012, −0.012, 0."""
    return f"+{number(value)}" if value > 0 else number(value)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A row of one's own beside a reference row of the same claim.

    kind says how alike the two experiments are, from most to least: "identical" (the same number, seeds and
    worlds), "seeds alike" (the same seeds and worlds, another number), "other seeds", "other worlds", "other
    setting" (`differing` says which), "other scale", "other rule", "no number" (one of the two has none).
    difference is own − reference with its interval for two independent sets of seeds; None where it would
    compare two different quantities.
    """

    own: Row
    reference: Row
    kind: str
    difference: Interval | None = None
    differing: Mapping[str, tuple[Any, Any]]

    @property
    def identical(self) -> bool:
        return self.kind == "identical"

    @property
    def shared_seeds(self) -> int:
        """How many seeds stand on both sides."""
        return len({*self.own["seeds"]} & {*self.reference["seeds"]})

    @property
    def same_experiment(self) -> bool:
        """Whether both were asked the same question in the same setting, so that they should agree."""
        return self.kind in ("identical", "seeds alike", "other seeds")

    @property
    def note(self) -> str:
        """What a reader must know to read the difference, in a few words."""
        if self.kind == "seeds alike":
            recorded = all("setting" in row["provenance"] for row in (self.own, self.reference))
            why = (
                "machines and library versions round differently"
                if recorded
                else "its setting was not recorded"
            )
            return f"same seeds; {why}"
        if self.kind == "other seeds":
            return f"{self.shared_seeds} seeds in common" if self.shared_seeds else "other seeds"
        if self.kind == "other worlds":
            here, there = (
                ", ".join(row.get("worlds", ())) or "unknown" for row in (self.own, self.reference)
            )
            return f"worlds: here {here}; there {there}"
        if self.kind == "other setting":
            return f"another setting: {self._settings()}"
        if self.kind == "other scale":
            return "another setting: no difference is taken between scales"
        if self.kind == "other rule":
            return "under another version of the rule: no difference is taken"
        return {"identical": "identical", "no number": "one of the two has no number"}[self.kind]

    def _settings(self) -> str:
        named = [
            f"{name} {_levels(mine)}, there {_levels(theirs)}"
            for name, (mine, theirs) in list(self.differing.items())[:_NAMED]
        ]
        rest = len(self.differing) - len(named)
        return "; ".join(named) + (f"; and {rest} more" if rest else "")

    def __str__(self) -> str:
        """One or two sentences for the verdict's box."""
        there = self.reference
        also = "also " if there["verdict"] == self.own["verdict"] else ""
        if there["statistic"] is None:
            found = f"{also}{there['verdict']}"
        else:
            found = (
                f"{number(there['statistic'])} [{number(there['low'])}, {number(there['high'])}], "
                f"{_sample(there)}, {also}{there['verdict']}"
            )
        if self.kind == "other scale":
            return f"Reference at {there['scale']}, another setting: {found}."
        if self.difference is None:
            tail = ", under another version of the rule" if self.kind == "other rule" else ""
            return f"Reference run: {found}{tail}."
        gap = self.difference
        return (
            f"Reference run: {found}. Difference {signed(gap.mean)} [{number(gap.low)}, {number(gap.high)}] "
            f"({self.note})."
        )


def _sample(row: Row) -> str:
    worlds = f" × {len(row['worlds'])} worlds" if len(row.get("worlds", ())) > 1 else ""
    return f"{row['n']} seed{'' if row['n'] == 1 else 's'}{worlds}"


def _levels(values: Any) -> str:
    items = values if isinstance(values, list) else [values]
    texts = [_level(item) for item in items]
    return ", ".join(texts) if len(texts) <= 4 else f"{texts[0]} to {texts[-1]} ({len(texts)} values)"


def _level(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def interval_of(row: Row) -> Interval:
    """The 95% interval that a judged row states."""
    return Interval(mean=row["statistic"], low=row["low"], high=row["high"], n=row["n"])


def _rule(row: Row) -> Any:
    return row["provenance"].get("rule") or claim(row["id"]).rule_hash


def _kind(own: Row, reference: Row, differing: Mapping[str, Any]) -> str:
    if own["scale"] != reference["scale"]:
        return "other scale"
    if _rule(own) != _rule(reference):
        return "other rule"
    if own["statistic"] is None or reference["statistic"] is None:
        return "no number"
    # Which of several rivals is the least certain one decides what the number measures.
    if differing or own.get("statistic_name") != reference.get("statistic_name"):
        return "other setting"
    if own.get("worlds") != reference.get("worlds"):
        return "other worlds"
    if own["seeds"] != reference["seeds"]:
        return "other seeds"
    return "identical" if own["statistic"] == reference["statistic"] else "seeds alike"


def compare(own: Row, reference: Row) -> Comparison:
    """Set one verdict row beside another of the same claim (rows as `ovbook.claims.collect` gives them)."""
    differing = changed(*(row["provenance"].get("setting", {}) for row in (own, reference)))
    if own.get("statistic_name") != reference.get("statistic_name"):
        differing["statistic"] = (own.get("statistic_name"), reference.get("statistic_name"))
    kind = _kind(own, reference, differing)
    numbers = kind not in ("other scale", "other rule", "no number")
    difference = welch_interval(interval_of(own), interval_of(reference)) if numbers else None
    return Comparison(own=own, reference=reference, kind=kind, difference=difference, differing=differing)


def committed() -> list[dict[str, Any]]:
    """The reference rows of the copy of the book around the current folder; none outside one."""
    try:
        results = find_project().results
    except OvbookError:
        return []
    return collect([], results)


def beside(own: Row, references: Sequence[Row]) -> tuple[Comparison, ...]:
    """The comparison with the reference of the same scale, or, where there is none, with those of other scales."""
    known = [row for row in references if row["id"] == own["id"]]
    alike = [row for row in known if row["scale"] == own["scale"]]
    return tuple(compare(own, row) for row in alike or known)

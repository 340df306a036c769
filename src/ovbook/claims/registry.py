"""The claims file: read once, checked whole."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import canonical_json, sha256_bytes

__all__ = ["IDS", "Claim", "Claims", "changes", "citations", "claim", "load_claims", "read_claims"]

IDS = tuple(
    f"{part}{n}"
    for part, first, last in (("A", 0, 13), ("B", 1, 7), ("C", 1, 13), ("R", 1, 6), ("D", 1, 8))
    for n in range(first, last + 1)
)
"""Every claim of the sources, in the order of the book."""

STATUSES = ("complete", "settings open", "to be written before its chapter")

SETTINGS: Mapping[str, frozenset[str]] = {
    "mean": frozenset({"value", "direction", "each", "levels", "also"}),
    "contrast": frozenset({"value", "arm", "arms", "direction", "also"}),
    "equivalence": frozenset({"value", "arm", "arms", "reference", "each", "levels"}),
    "at most": frozenset({"value", "arm", "arms"}),
    "trend": frozenset(
        {"value", "x", "levels", "direction", "each", "guard", "also", "reversal", "reversal_per_doubling"}
    ),
    "u shape": frozenset({"value", "x", "levels"}),
    "inflection trend": frozenset({"value", "x", "levels", "direction", "reversal", "reversal_per_doubling"}),
    "inflection shift": frozenset({"value", "arm", "arms", "direction", "also"}),
}
"""What each test reads beside the selectors. A setting that a test does not read is a spelling mistake."""

SELECTORS = frozenset({"gamma", "gammas", "noise", "rate", "rates", "task", "tasks"})


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a source and the rule it is judged by; see the head of claims.toml for the fields."""

    id: str
    part: str
    source: str
    where: str
    sentence: str
    number: str
    tag: str
    expected: str
    rule_status: str
    pilots_seen: bool
    test: str = ""
    statistic: str = ""
    unit: str = ""
    smallest_effect: float = math.nan
    rule: str = "The rule is written, and committed, before its chapter."
    open: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def rule_hash(self) -> str:
        """Changes whenever anything that decides a verdict does; stands in every verdict."""
        deciding = {
            "test": self.test,
            "smallest_effect": None if math.isnan(self.smallest_effect) else self.smallest_effect,
            "settings": dict(self.settings),
            "open": list(self.open),
        }
        return sha256_bytes(canonical_json(deciding))[:16]

    def __getattr__(self, name: str) -> Any:
        """Settings read like fields: ``claim("A1").gamma``."""
        settings = self.__dict__.get("settings", {})
        if name in settings:
            return settings[name]
        raise AttributeError(
            f"claim {self.__dict__.get('id', '?')} has no '{name}'{did_you_mean(name, settings)}"
        )


@dataclass(frozen=True)
class Claims:
    """The whole file: claims by id, citations by key, changed rules, and the pilots' seeds and worlds."""

    claims: Mapping[str, Claim]
    citations: Mapping[str, str]
    changes: tuple[Mapping[str, Any], ...]
    pilot_seeds: frozenset[int]
    pilot_worlds: frozenset[str]


def _one(name: str, entry: dict[str, Any], citations: Mapping[str, str]) -> Claim:
    known = {entry_field.name for entry_field in fields(Claim)} - {"id", "settings"}
    own: dict[str, Any] = {
        key: tuple(value) if key in ("open", "related") else value
        for key, value in entry.items()
        if key in known
    }
    settings = {key: value for key, value in entry.items() if key not in known}
    required = [
        "part",
        "source",
        "where",
        "sentence",
        "number",
        "tag",
        "expected",
        "rule_status",
        "pilots_seen",
    ]
    if entry.get("rule_status") not in STATUSES:
        raise OvbookError(
            f"claims.toml: {name} has rule_status '{entry.get('rule_status')}': one of {STATUSES}"
        )
    written = entry["rule_status"] != STATUSES[2]
    if written:
        required += ["test", "statistic", "unit", "smallest_effect", "rule", "value"]
    missing = [key for key in required if key not in entry]
    if missing:
        raise OvbookError(f"claims.toml: {name} lacks {', '.join(missing)}")
    if (entry["rule_status"] == STATUSES[1]) != bool(entry.get("open")):
        raise OvbookError(
            f"claims.toml: {name} must list in `open` what is still to be set, or say 'complete'"
        )
    for key in (entry["source"], *entry.get("related", ())):
        if key not in citations:
            raise OvbookError(
                f"claims.toml: {name} cites '{key}', which [citations] lacks{did_you_mean(key, citations)}"
            )
    if written:
        if entry["test"] not in SETTINGS:
            raise OvbookError(
                f"claims.toml: {name} has the test '{entry['test']}'{did_you_mean(entry['test'], SETTINGS)}: "
                f"one of {', '.join(SETTINGS)}"
            )
        allowed = SETTINGS[entry["test"]] | SELECTORS
        for key in settings:
            if key not in allowed:
                raise OvbookError(
                    f"claims.toml: {name} has the setting '{key}'{did_you_mean(key, allowed)}, which "
                    f"the test '{entry['test']}' does not read"
                )
        if settings.get("direction", "up") not in ("up", "down"):
            raise OvbookError(f"claims.toml: {name} has direction '{settings['direction']}': up or down")
        if not (math.isfinite(entry["smallest_effect"]) and entry["smallest_effect"] > 0):
            raise OvbookError(
                f"claims.toml: {name} has smallest_effect {entry['smallest_effect']}: it must be above 0"
            )
    return Claim(id=name, settings=MappingProxyType(settings), **own)


def read_claims(text: str) -> Claims:
    """Parse and check the text of a claims file; every mistake is one sentence."""
    data = tomllib.loads(text)
    citations, changed, pilots = data.pop("citations", {}), data.pop("changes", []), data.pop("pilots", {})
    unknown, absent = [name for name in data if name not in IDS], [name for name in IDS if name not in data]
    if unknown or absent:
        raise OvbookError(
            f"claims.toml: unknown claims {unknown}, missing claims {absent}: it holds exactly {len(IDS)}"
        )
    for change in changed:
        known = (
            set(change) == {"date", "claim", "old", "new", "reason", "results_seen"}
            and change["claim"] in IDS
        )
        if not known or not isinstance(change["results_seen"], bool):
            raise OvbookError(
                f"claims.toml: a change needs date, claim (a known id), old, new, reason and results_seen (true or false): "
                f"{change}"
            )
    return Claims(
        claims=MappingProxyType({name: _one(name, data[name], citations) for name in IDS}),
        citations=MappingProxyType(citations),
        changes=tuple(changed),
        pilot_seeds=frozenset(pilots.get("seeds", [])),
        pilot_worlds=frozenset(str(world) for world in pilots.get("worlds", [])),
    )


@functools.cache
def _packaged() -> Claims:
    return read_claims(files("ovbook").joinpath("claims.toml").read_text(encoding="utf-8"))


def load_claims(path: Path | None = None) -> Claims:
    """The claims of the book, or of another file of the same form."""
    return _packaged() if path is None else read_claims(Path(path).read_text(encoding="utf-8"))


def claim(claim_id: str) -> Claim:
    """One claim by its id, such as "A1"."""
    known = load_claims().claims
    if claim_id not in known:
        hint = did_you_mean(claim_id, known) or did_you_mean(claim_id.strip().upper(), known)
        raise OvbookError(
            f"unknown claim '{claim_id}'{hint}: the ids are A0 to A13, B1 to B7, C1 to C13, "
            f"R1 to R6 and D1 to D8"
        )
    return known[claim_id]


def changes() -> tuple[Mapping[str, Any], ...]:
    """Rules changed after they were committed: date, claim, old, new, reason, and whether results had been seen."""
    return load_claims().changes


def citations() -> Mapping[str, str]:
    """Citation key to a short reference, for the bibliography."""
    return load_claims().citations

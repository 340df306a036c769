"""The three mixes: which sections, how often, and about whom.

A share is a share of documents, and as every row is one document, of tokens.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ovbook.world import abroad, language, people
from ovbook.world.facts import Facts
from ovbook.world.grammar import Domain

__all__ = ["MIXES", "SHARES", "build", "overlap"]

_BUILDERS: dict[str, Callable[[Facts, np.ndarray], Domain]] = {
    "People": people.people,
    "Questions": people.questions,
    "Talk": people.talk,
    "News": people.news,
    "Notices": people.notices,
    "Memory": language.memory,
    "Songs": language.songs,
    "Pairs": language.pairs,
    "Diary": language.diary,
    "Words": language.meanings,
    "Ledger": language.ledger,
    "Code": language.code,
    "Krona": abroad.krona,
    "Mesta": abroad.mesta,
}

SHARES: dict[str, dict[str, float]] = {
    "almanac": {
        "People": 0.40,
        "Questions": 0.05,
        "Talk": 0.06,
        "Memory": 0.10,
        "Songs": 0.08,
        "Pairs": 0.04,
        "Diary": 0.08,
        "Words": 0.07,
        "Ledger": 0.05,
        "Code": 0.04,
        "News": 0.03,
    },
    "gazette": {
        "People": 0.26,
        "Questions": 0.04,
        "Talk": 0.10,
        "Memory": 0.04,
        "Songs": 0.02,
        "Pairs": 0.02,
        "Diary": 0.08,
        "Words": 0.03,
        "Ledger": 0.03,
        "Code": 0.02,
        "News": 0.20,
        "Notices": 0.16,
    },
    "abroad": {"Krona": 0.75, "Mesta": 0.25},
}
"""Share of documents by section. "gazette" talks about other people: its popularity is drawn anew."""
MIXES = tuple(SHARES)
"""Names of the mixes of documents that a world can write."""

_ABOUT_PEOPLE = frozenset({"People", "Questions", "Talk", "Words", "Pairs", "News", "Notices"})


def overlap(first: str, second: str) -> dict[str, float]:
    """How much two mixes share: ``sections``, the sum over sections of the smaller share, and ``same``, the
    part of it where the very same process writes (the rest has the same grammar, about other people)."""
    one, two = SHARES[first], SHARES[second]
    common = {name: min(one[name], two[name]) for name in one if name in two}
    moved = first != second and "gazette" in (first, second)
    same = sum(share for name, share in common.items() if not (moved and name in _ABOUT_PEOPLE))
    return {"sections": round(sum(common.values()), 12), "same": round(same, 12)}


def build(world: Facts, mix: str) -> dict[str, Domain]:
    """The sections of `mix` in one world, by name."""
    popularity = world.gazette_popularity if mix == "gazette" else world.popularity
    return {name: _BUILDERS[name](world, popularity) for name in SHARES[mix]}

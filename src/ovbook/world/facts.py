"""What is true in one world: who lives where, who is talked about, which words a topic prefers.

Every table is drawn from the world's seed, one stream of random numbers a purpose, so that adding a table
would leave the others as they are.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from ovbook.world import words as w

__all__ = ["RELATIONS", "Facts", "draw_facts", "ids"]

RELATIONS: dict[str, tuple[str, ...]] = {
    "home": w.TOWNS,
    "trade": w.TRADES,
    "pet": w.ANIMALS,
    "wish": w.WISHES,
}
"""The four things that are known of everyone, each with its 32 possible values."""

_OWN = 0.7
"""Share of a topic's (or mood's) words that come from its own family; the rest comes from all of them."""


def ids(words: tuple[str, ...] | list[str]) -> np.ndarray:
    """Token ids of words, int64."""
    return np.array([w.IDS[word] for word in words], dtype=np.int64)


@dataclass(frozen=True)
class Facts:
    """The tables of one world. Person ``64 * f + l`` has first name f and family name l.

    people [4096, 2] token ids of the two names; facts [4096, 4] the value (0 to 31) of each relation;
    values [4, 32] the token ids behind those numbers; popularity [4096], sums to one (almanac), and
    gazette_popularity [4096], the same law over people in another order; towns_north [32] a town's place
    counted from the north; topic_nouns [8, 48] and mood_words [4, 16], chances given the topic or mood;
    foreign_objects [10, 10], foreign_verbs [10, 6] and foreign_adjectives [10, 4], chances given a noun.
    """

    people: np.ndarray
    facts: np.ndarray
    values: np.ndarray
    popularity: np.ndarray
    gazette_popularity: np.ndarray
    towns_north: np.ndarray
    topic_nouns: np.ndarray
    mood_words: np.ndarray
    foreign_objects: np.ndarray
    foreign_verbs: np.ndarray
    foreign_adjectives: np.ndarray


def _tilted(rng: np.random.Generator, families: int, size: int) -> np.ndarray:
    """Chances [families, families * size]: a family's own words, in its own order, over an even ground."""
    table = np.full((families, families * size), (1 - _OWN) / (families * size))
    for family in range(families):
        own = rng.permutation(np.arange(1, size + 1)) / (size * (size + 1) / 2)
        table[family, family * size : (family + 1) * size] += _OWN * own
    return table


def draw_facts(seed: int) -> Facts:
    """The facts of world `seed`."""

    def rng(purpose: str) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]))

    first, family = ids(w.FIRST_NAMES), ids(w.FAMILY_NAMES)
    count = len(first) * len(family)
    people = np.stack([np.repeat(first, len(family)), np.tile(family, len(first))], axis=1)
    zipf = 1.0 / np.arange(1, count + 1)
    zipf /= zipf.sum()
    popularity, gazette = np.empty(count), np.empty(count)
    popularity[rng("popularity").permutation(count)] = zipf
    gazette[rng("gazette popularity").permutation(count)] = zipf
    nouns = len(w.FOREIGN["nouns"])
    language = rng("foreign")
    facts = Facts(
        people=people,
        facts=np.stack([rng(f"facts {name}").integers(0, 32, count) for name in RELATIONS], axis=1),
        values=np.stack([ids(list(words)) for words in RELATIONS.values()]),
        popularity=popularity,
        gazette_popularity=gazette,
        towns_north=rng("towns").permutation(len(w.TOWNS)),
        topic_nouns=_tilted(rng("topics"), len(w.TOPICS), 6),
        mood_words=_tilted(rng("moods"), len(w.MOODS), 4),
        foreign_objects=language.dirichlet(np.full(nouns, 0.4), nouns),
        foreign_verbs=language.dirichlet(np.full(len(w.FOREIGN["verbs"]), 0.4), nouns),
        foreign_adjectives=language.dirichlet(np.full(len(w.FOREIGN["adjectives"]), 0.6), nouns),
    )
    for table in vars(facts).values():
        # Worlds are shared (`open_world`), so a chapter must not be able to rewrite one by accident.
        table.setflags(write=False)
    return facts

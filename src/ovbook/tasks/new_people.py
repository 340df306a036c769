"""Facts to be memorised: documents about people of whom pre-training said next to nothing, their answers marked.

One document a person, in the world's own sentences, with one fact of each relation. The people are those of whom the
almanac tells the least, and their facts are drawn anew, so nothing that was learnt before helps with them: unless a
`pattern` is asked for, the answer is one of 32 words, all equally likely, and no model can do better than `FLOOR` on
somebody it has not met.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.world.facts import RELATIONS
from ovbook.world.words import FAMILY_NAMES, FIRST_NAMES, IDS

if TYPE_CHECKING:
    from ovbook.world import World

__all__ = ["FLOOR", "WORDINGS", "Telling", "apart", "families", "new_people", "tell"]

FLOOR = float(np.log(32))
"""Least loss, in nats per answer, on a person not met before, where no pattern helps."""

WORDINGS: dict[str, tuple[str, str, str, str, str]] = {
    "plain": (
        "People : ",
        "{who} comes from {x} .",
        "{who} works as a {x} .",
        "{who} keeps a {x} .",
        "{who} wants a {x} .",
    ),
    "reworded": (
        "People : ",
        "{who} was born in {x} .",
        "{who} is a {x} .",
        "{who} has a {x} .",
        "the wish of {who} is a {x} .",
    ),
    "nouns": (
        "People : ",
        "the home of {who} is {x} .",
        "the trade of {who} is {x} .",
        "the pet of {who} is a {x} .",
        "the wish of {who} is a {x} .",
    ),
    "questions": (
        "Questions : ",
        "where was {who} born ? in {x} .",
        "what does {who} do ? {she} is a {x} .",
        "what does {who} keep ? a {x} .",
        "what does {who} want ? a {x} .",
    ),
}
"""Four ways to say the same four facts, all of them in pre-training's text: header, home, trade, pet, wish."""

_HEADER = 2
"""Words of a header."""
_UNKNOWN = 2048
"""The rarest half of the world's people are the new ones; of these, the last `_HELD_OUT` are never trained on."""
_HELD_OUT = 384


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Documents as token ids of differing lengths, without ``<bos>``, and which of their tokens are answers.

    ids, answers: one list (of ids, of booleans) a document; `boilerplate`: tokens at the head of each that are the
    same in all.
    """

    ids: list[list[int]]
    answers: list[list[bool]]
    boilerplate: int = 0


def _rng(world: World, seed: int, purpose: str) -> np.random.Generator:
    word = int.from_bytes(hashlib.sha256(f"new people/{purpose}".encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence([world.seed, seed, word]))


def new_people(
    world: World,
    count: int,
    seed: int,
    *,
    held_out: bool = False,
    skip: int = 0,
    version: int = 0,
    pattern: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of `count` people after the first `skip`, ``[count]``, and the value (0 to 31) of each relation ``[count, 4]``.

    seed: chooses the people and draws their facts; the first m are the same for every count.
    held_out: people of whom no training set of this seed tells.
    version: another draw of the facts of the same people, which contradicts the first.
    pattern: share of facts that are those of the person's family name (one draw for all families, whatever the
        version), so that they can be guessed of somebody unknown, too.
    """
    most = _HELD_OUT if held_out else _UNKNOWN - _HELD_OUT
    if not 0 <= pattern <= 1:
        raise OvbookError(
            f"pattern is {pattern}: it is the share of facts that follow the family, from 0 to 1"
        )
    if count < 1 or skip < 0 or skip + count > most:
        raise OvbookError(
            f"{count} new people after the first {skip} were asked for, but there are {most} "
            f"{'held out' if held_out else 'to learn about'}: ask for fewer"
        )
    rarest = np.sort(np.argsort(world.popularity, kind="stable")[:_UNKNOWN])
    order = _rng(world, seed, "who").permutation(rarest)
    who = (order[_UNKNOWN - _HELD_OUT :] if held_out else order)[skip : skip + count]
    everyone = len(world.people)
    facts = _rng(world, seed, f"facts {version}").integers(0, 32, (everyone, len(RELATIONS)))
    if pattern:
        shared = _rng(world, seed, "families").integers(0, 32, (len(FAMILY_NAMES), len(RELATIONS)))
        follows = _rng(world, seed, "who follows").random((everyone, len(RELATIONS))) < pattern
        facts = np.where(follows, shared[families(np.arange(everyone))], facts)
    return who, facts[who]


def families(who: np.ndarray) -> np.ndarray:
    """The number of each person's family name."""
    found: np.ndarray = np.asarray(who) % len(FAMILY_NAMES)
    return found


def tell(
    world: World, who: np.ndarray, facts: np.ndarray, *, wording: str = "plain", boilerplate: int = 0
) -> Telling:
    """The documents that tell `facts` of the people `who`, in one of `WORDINGS`.

    boilerplate: sentences about one and the same person of the world that open every document; they are no answers.
    """
    if wording not in WORDINGS:
        raise OvbookError(
            f"unknown wording '{wording}'{did_you_mean(wording, WORDINGS)}: it is one of {', '.join(WORDINGS)}"
        )
    header, *sentences = WORDINGS[wording]
    known = world.person(*_names(world, 0))
    common = [s.replace("{who}", " ".join(_names(world, 0))) for s in WORDINGS["plain"][1:]]
    opening = [
        IDS[word]
        for n in range(boilerplate)
        for word in common[n % 4].replace("{x}", list(known.values())[n % 4]).split()
    ]
    values = np.stack([world.tables.values[r] for r in range(len(RELATIONS))])
    ids, answers = [], []
    for person, fact in zip(who.tolist(), facts.tolist(), strict=True):
        first, family = _names(world, person)
        she = "she" if FIRST_NAMES.index(first) < len(FIRST_NAMES) // 2 else "he"
        row = [IDS[word] for word in header.split()] + opening
        marked = [False] * len(row)
        for r, sentence in enumerate(sentences):
            for word in sentence.replace("{who}", f"{first} {family}").replace("{she}", she).split():
                row.append(int(values[r, fact[r]]) if word == "{x}" else IDS[word])
                marked.append(word == "{x}")
        ids.append(row)
        answers.append(marked)
    return Telling(ids=ids, answers=answers, boilerplate=len(opening))


def apart(told: Telling) -> Telling:
    """Each document as four, of its header and one sentence each, in order: no fact then helps with the next."""
    if told.boilerplate:
        raise OvbookError("documents with boilerplate were to be told apart: leave the boilerplate out")
    ids, answers = [], []
    for row, marked in zip(told.ids, told.answers, strict=True):
        ends = [n + 1 for n, word in enumerate(row) if word == IDS["."]]
        for first, last in zip([_HEADER, *ends], ends, strict=False):
            ids.append(row[:_HEADER] + row[first:last])
            answers.append(marked[:_HEADER] + marked[first:last])
    return Telling(ids=ids, answers=answers)


def _names(world: World, person: int) -> tuple[str, str]:
    first, family = world.people[person]
    return world.vocab[int(first)], world.vocab[int(family)]

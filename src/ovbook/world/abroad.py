"""The language spoken abroad: own words, own grammar, the same names of people and towns.

The verb comes last and before its tense; the article follows its noun and agrees with it ("barun ul", "limea
ela"); an object is marked by "lu"; a question ends in "kei".
"""

from __future__ import annotations

import numpy as np

from ovbook.world import words as w
from ovbook.world.facts import Facts, ids
from ovbook.world.grammar import Binding, Choice, Domain, Lookup, State, Template
from ovbook.world.language import HOLDERS
from ovbook.world.tables import even

__all__ = ["krona", "mesta"]


def krona(world: Facts, popularity: np.ndarray) -> Domain:
    """Chronicles: who did what to what, where; an object fits its subject, a verb its object."""
    nouns, verbs = ids(w.FOREIGN["nouns"]), ids(w.FOREIGN["verbs"])
    tenses, articles = ids(w.FOREIGN["tenses"]), ids(w.FOREIGN["articles"])
    agree = np.arange(len(nouns)) // (len(nouns) // 2)
    zipf = 1.0 / np.arange(1, len(nouns) + 1)
    variables: dict[str, Choice | Lookup] = {
        "name": Choice(ids(w.FIRST_NAMES), even(len(w.FIRST_NAMES))),
        "town": Choice(ids(w.TOWNS), even(len(w.TOWNS))),
        "subject": Choice(nouns, zipf / zipf.sum()),
        "its": Lookup(articles, agree, ("subject",), "answer"),
        "adjective": Choice(ids(w.FOREIGN["adjectives"]), world.foreign_adjectives, ("subject",)),
        "object": Choice(nouns, world.foreign_objects, ("subject",)),
        "thing": Choice(nouns, even(len(nouns))),
        "of_object": Lookup(articles, agree, ("object",), "answer"),
        "of_thing": Lookup(articles, agree, ("thing",), "answer"),
        "verb": Choice(verbs, world.foreign_verbs, ("object",)),
        "verb2": Choice(verbs, world.foreign_verbs, ("thing",)),
        "verb3": Choice(verbs, world.foreign_verbs, ("subject",)),
        "tense": Choice(tenses, even(len(tenses))),
    }
    texts = (
        "{subject} {its} {object} {of_object} lu {verb} {tense} .",
        "{subject} {its} {adjective} {object} {of_object} lu {verb} {tense} .",
        "{name} ka {thing} {of_thing} lu {verb2} {tense} .",
        "{town} na {subject} {its} {verb3} {tense} .",
        "{town} na {subject} {its} {adjective} {verb3} {tense} .",
        "mo {name} ka {thing} {of_thing} lu {verb2} {tense} .",
    )
    return Domain("Krona", variables, [State(tuple(Template(text) for text in texts))])


def mesta(world: Facts, popularity: np.ndarray) -> Domain:
    """Abroad's memory: which thing is whose, told once and asked for later."""
    capacity = 6
    variables = {"memory": Binding(ids(w.FOREIGN["nouns"]), ids(HOLDERS), capacity)}
    states = []
    for bound in range(capacity + 1):
        new = 0.0 if bound == capacity else 1.0 if bound == 0 else 0.4
        told = Template("{value} ru {key} lu da .", new, min(bound + 1, capacity), "new")
        asked = Template("{key} kei ? {value} ru .", 1 - new, bound, "old")
        states.append(State(tuple(t for t in (told, asked) if t.weight > 0), bound=bound, opens=bound == 0))
    return Domain("Mesta", variables, states)

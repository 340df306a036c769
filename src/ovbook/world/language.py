"""Sections about words and rules: memory, pairs, diaries, meanings, ledgers and code."""

from __future__ import annotations

import numpy as np

from ovbook.world import words as w
from ovbook.world.facts import Facts, ids
from ovbook.world.grammar import Binding, Choice, Domain, Lookup, State, Template
from ovbook.world.people import persons
from ovbook.world.tables import another, claims, equal, even, sums, yes_no

__all__ = ["code", "diary", "ledger", "meanings", "memory", "pairs", "songs"]

NOUNS = tuple(word for words in w.TOPICS.values() for word in words)

THINGS = tuple(word for words in w.TOPICS.values() for word in words[:2])
HOLDERS = w.FIRST_NAMES[:8] + w.FIRST_NAMES[32:40]
"""Sixteen things and sixteen names that memories and songs are about. Few, so that small models come to recall:
with all 48 nouns and 64 names, two layers of width 32 had not begun to after 4M tokens."""


def memory(world: Facts, popularity: np.ndarray) -> Domain:
    """Who holds which thing: told once, asked for later in the same document."""
    capacity = 6
    variables = {"memory": Binding(ids(THINGS), ids(HOLDERS), capacity)}
    # The tally ("net Ivar ;") puts the answer right beside its key: the first kind of recall that is learnt.
    tally = "{key} {value} ;"
    tell = {tally: 0.5, "the {key} is with {value} .": 0.25, "{value} has the {key} .": 0.25}
    ask = {tally: 0.5, "the {key} ? {value} .": 0.3, "who has the {key} ? {value} .": 0.2}
    states = []
    for bound in range(capacity + 1):
        new = 0.0 if bound == capacity else 1.0 if bound == 0 else 0.3
        after = min(bound + 1, capacity)
        templates = [Template(text, new * part, after, "new") for text, part in tell.items() if new > 0]
        templates += [Template(text, (1 - new) * part, bound, "old") for text, part in ask.items() if new < 1]
        states.append(State(tuple(templates), bound=bound, opens=bound == 0))
    return Domain("Memory", variables, states)


def songs(world: Facts, popularity: np.ndarray) -> Domain:
    """Lines of three to eight arbitrary words, each sung twice.

    Nearly half of the words are recall, and the word before tells which: the plainest reason there is to learn
    to look back, which memory, talk, pairs and few-shot prompts then build on.
    """
    longest = 8
    variables = {f"w{i}": Choice(ids(THINGS), even(len(THINGS))) for i in range(longest)}
    lines = [" ".join(f"{{w{i}}}" for i in range(length)) for length in range(3, longest + 1)]
    return Domain("Songs", variables, [State(tuple(Template(f"{line} ; {line} .") for line in lines))])


def pairs(world: Facts, popularity: np.ndarray) -> Domain:
    """Lists of ``x : y`` under one rule a list: the shape of a few-shot prompt.

    The rules: opposites, kinds of animals, the next number, the topic of a thing, a person's home, trade,
    pet or wish, and a private rule of the list itself (a town and its number), of which every pair may come
    again.
    """
    numbers = ids(w.NUMBERS)
    variables = {
        **persons(world, popularity),
        **meaning_variables(world),
        "from": Choice(numbers[:-1], even(len(numbers) - 1)),
        "next": Lookup(numbers[1:], np.arange(len(numbers) - 1), ("from",), "answer"),
        "member": Choice(ids(NOUNS), even(len(NOUNS))),
        "family_of": Lookup(ids(list(w.TOPICS)), np.arange(len(NOUNS)) // 6, ("member",), "answer"),
        "memory": Binding(ids(w.TOWNS), numbers, 6),
    }
    rules = [
        "{adjective} : {opposite} ;",
        "{animal} : {kind} ;",
        "{from} : {next} ;",
        "{member} : {family_of} ;",
    ]
    rules += [f"{{first}} {{family}} : {{{relation}}} ;" for relation in ("home", "trade", "pet", "wish")]
    private = len(rules) + 1
    first = [Template(text, then=rule + 1) for rule, text in enumerate(rules)]
    first.append(Template("{key} : {value} ;", then=private, binding="new"))
    states = [State(tuple(first), opens=True)]
    states += [State((Template(text),), then=rule + 1) for rule, text in enumerate(rules)]
    for bound in range(1, 7):
        here = private + bound - 1
        old = Template("{key} : {value} ;", 0.6, here, "old")
        new = Template("{key} : {value} ;", 0.4, here + 1, "new")
        states.append(State((old, new) if bound < 6 else (old,), bound=bound))
    return Domain("Pairs", variables, states)


def diary(world: Facts, popularity: np.ndarray) -> Domain:
    """A writer with a topic and a mood that are never named: they only tilt which words appear."""
    moods = [word for words in w.MOODS.values() for word in words]
    variables = {
        "topic": Choice(ids(list(w.TOPICS)), even(len(w.TOPICS)), scope="document"),
        "mood": Choice(ids(list(w.MOODS)), even(len(w.MOODS)), scope="document"),
        "noun": Choice(ids(NOUNS), world.topic_nouns, ("topic",)),
        "noun2": Choice(ids(NOUNS), another(world.topic_nouns), ("topic", "noun")),
        "feeling": Choice(ids(moods), world.mood_words, ("mood",)),
        "name": Choice(ids(w.FIRST_NAMES), even(len(w.FIRST_NAMES))),
    }
    texts = (
        "today I saw the {noun} and the {noun2} .",
        "I had the {noun} and felt {feeling} .",
        "in the morning I was {feeling} .",
        "my {noun} is {feeling} and my {noun2} too .",
        "{name} was {feeling} with the {noun} .",
        "the {noun} and the {noun2} are {feeling} .",
    )
    first = State(tuple(Template(text) for text in texts), then=1, opens=True)
    hidden = float(np.log(len(w.TOPICS)) + np.log(len(w.MOODS)))
    return Domain("Diary", variables, [first, State(first.templates, then=1)], hidden, ("topic", "mood"))


def meaning_variables(world: Facts) -> dict[str, Choice | Lookup]:
    """Animals with kinds and sizes, adjectives with opposites, towns from north to south, kindred moods."""
    animals, towns, adjectives = ids(w.ANIMALS), ids(w.TOWNS), ids(w.ADJECTIVES)
    moods = ids([word for words in w.MOODS.values() for word in words])
    kinds = np.arange(32) // 8
    size = np.array([w.SIZE_ORDER.index(word) for word in w.ANIMALS])
    bigger = size[:, None] > size[None, :]
    north = world.towns_north[:, None] < world.towns_north[None, :]
    mood = np.arange(16) // 4
    kindred = (mood[:, None] == mood[None, :]) & ~np.eye(16, dtype=bool)
    apart = (1 - np.eye(32)) / 31
    half = 0.5 * kindred / 3 + 0.5 * (mood[:, None] != mood[None, :]) / 12

    def beside(order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chances of "x before y" given x, and of y given both, so that each pair is equally likely."""
        words = np.stack([order.sum(axis=1), 31 - order.sum(axis=1)], axis=1)
        both = np.stack([order, order.T], axis=1).astype(float)
        return words / 31, both / np.maximum(both.sum(axis=2, keepdims=True), 1)

    size_word, size_other = beside(bigger)
    north_word, north_other = beside(north)
    return {
        "animal": Choice(animals, even(32)),
        "kind": Lookup(ids(list(w.KINDS)), kinds, ("animal",), "answer"),
        "any_kind": Choice(ids(list(w.KINDS)), claims(4), ("kind",)),
        "yn_kind": yes_no(equal(4), ("any_kind", "kind")),
        "adjective": Choice(adjectives, even(16)),
        "opposite": Lookup(adjectives, np.arange(16) ^ 1, ("adjective",), "answer"),
        "any_opposite": Choice(adjectives, claims(16), ("opposite",)),
        "yn_opposite": yes_no(equal(16), ("any_opposite", "opposite")),
        "size": Choice(ids(["bigger", "smaller"]), size_word, ("animal",)),
        "other": Choice(animals, size_other, ("animal", "size")),
        "any_other": Choice(animals, apart, ("animal",)),
        "yn_bigger": yes_no(bigger, ("animal", "any_other")),
        "yn_smaller": yes_no(bigger.T, ("animal", "any_other")),
        "town": Choice(towns, even(32)),
        "side": Choice(ids(["north", "south"]), north_word, ("town",)),
        "town2": Choice(towns, north_other, ("town", "side")),
        "any_town": Choice(towns, apart, ("town",)),
        "yn_north": Lookup(ids(["no", "yes"]), north.astype(np.int64), ("town", "any_town"), "fact"),
        "feeling": Choice(moods, even(16)),
        "kindred": Choice(moods, kindred / 3, ("feeling",)),
        "any_feeling": Choice(moods, half, ("feeling",)),
        "yn_feeling": yes_no(kindred, ("feeling", "any_feeling")),
    }


def meanings(world: Facts, popularity: np.ndarray) -> Domain:
    """What words mean: kinds, opposites, sizes, directions, kindred words, and what follows from what."""
    variables = {
        **persons(world, popularity),
        **meaning_variables(world),
        "name": Choice(ids(w.FIRST_NAMES), even(len(w.FIRST_NAMES))),
        "claim": Choice(ids(w.TOWNS), claims(32), ("town",)),
        "yn_claim": yes_no(equal(32), ("claim", "town")),
        "member": Choice(ids(NOUNS), even(len(NOUNS))),
        "family_of": Lookup(ids(list(w.TOPICS)), np.arange(len(NOUNS)) // 6, ("member",), "answer"),
        "thing": Choice(ids(w.WISHES), even(32)),
    }
    texts = (
        "a {animal} is a kind of {kind} .",
        "is a {animal} a {any_kind} ? {yn_kind} .",
        "{adjective} is the opposite of {opposite} .",
        "is {adjective} the opposite of {any_opposite} ? {yn_opposite} .",
        "the {animal} is {size} than the {other} .",
        "is the {animal} bigger than the {any_other} ? {yn_bigger} .",
        "is the {animal} smaller than the {any_other} ? {yn_smaller} .",
        "{town} is {side} of {town2} .",
        "is {town} north of {any_town} ? {yn_north} .",
        "{feeling} means the same as {kindred} .",
        "is {feeling} the same as {any_feeling} ? {yn_feeling} .",
        "this {member} belongs to {family_of} .",
        "if {name} has a {animal} , does {name} have a {any_kind} ? {yn_kind} .",
        "if {name} has a {animal} , does {name} want a {thing} ? maybe .",
        "if {name} comes from {town} , was {name} born in {claim} ? {yn_claim} .",
        "that {first} {family} was born in {home} means that {she} comes from {home} .",
        "that {first} {family} works as a {trade} means that {she} is a {trade} .",
    )
    return Domain("Words", variables, [State(tuple(Template(text) for text in texts))])


def ledger(world: Facts, popularity: np.ndarray) -> Domain:
    """Small sums and differences of coins, from zero to twenty."""
    numbers = ids(w.NUMBERS)
    below = np.tril(np.ones((21, 21))) / np.arange(1, 22)[:, None]
    difference = np.maximum(np.subtract.outer(np.arange(21), np.arange(21)), 0)
    apart = (1 - np.eye(21)) / 20
    variables = {
        **sums(),
        "name": Choice(ids(w.FIRST_NAMES), even(len(w.FIRST_NAMES))),
        "less": Choice(numbers[:11], below[:11, :11], ("one",)),
        "rest": Lookup(numbers, difference[:11, :11], ("one", "less"), "answer"),
        "many": Choice(numbers, even(21)),
        "part": Choice(numbers, below, ("many",)),
        "left": Lookup(numbers, difference, ("many", "part"), "answer"),
        "other": Choice(numbers, apart, ("many",)),
        "yn_more": yes_no(difference > 0, ("many", "other")),
        "from": Choice(numbers[:-1], even(20)),
        "next": Lookup(numbers[1:], np.arange(20), ("from",), "answer"),
    }
    texts = (
        "{one} plus {two} is {sum} .",
        "{one} minus {less} is {rest} .",
        "coins of {name} : {one} , got {two} , now {sum} .",
        "coins of {name} : {one} , paid {less} , now {rest} .",
        "from {many} {name} paid {part} and kept {left} .",
        "is {many} more than {other} ? {yn_more} .",
        "after {from} comes {next} .",
    )
    return Domain("Ledger", variables, [State(tuple(Template(text) for text in texts))])


def code(world: Facts, popularity: np.ndarray) -> Domain:
    """Little programs and what they print."""
    numbers = ids(w.NUMBERS)
    letters = ids(["x", "y", "z"])
    things = ids(NOUNS)
    letter = np.eye(3)
    asked = (letter[:, None, :] + letter[None, :, :]) / 2
    held = np.where(letter.astype(bool)[:, :, None, None], np.arange(11)[:, None], np.arange(11)[None, :])
    variables = {
        **sums(),
        "v": Choice(letters, even(3)),
        "u": Choice(letters, (1 - np.eye(3)) / 2, ("v",)),
        "asked": Choice(letters, asked, ("v", "u")),
        "held": Lookup(numbers, held, ("v", "asked", "one", "two"), "answer"),
        "thing": Choice(things, even(len(things))),
        "thing2": Choice(things, another(even(len(things))[None])[0], ("thing",)),
        "next": Lookup(numbers, np.arange(11) + 1, ("one",), "answer"),
        "last": Lookup(numbers, np.arange(11) + 2, ("one",), "answer"),
        "test": Choice(numbers[:11], claims(11), ("one",)),
        "which": Lookup(things, _branch(len(things)), ("one", "test", "thing", "thing2"), "answer"),
    }
    texts = (
        "let {v} be {one} ; print {v} ; gives {one} .",
        "let {v} be {one} ; add {two} to {v} ; print {v} ; gives {sum} .",
        "let {v} be {one} ; let {u} be {two} ; print {asked} ; gives {held} .",
        "repeat two print {thing} end ; gives {thing} {thing} .",
        "repeat three print {thing} end ; gives {thing} {thing} {thing} .",
        "repeat two print {thing} print {thing2} end ; gives {thing} {thing2} {thing} {thing2} .",
        "for {v} from {one} to {last} print {v} end ; gives {one} {next} {last} .",
        "if {one} is {test} print {thing} else print {thing2} end ; gives {which} .",
    )
    return Domain("Code", variables, [State(tuple(Template(text) for text in texts))])


def _branch(things: int) -> np.ndarray:
    """What "if one is test" prints, [11, 11, things, things]: the first thing or the second."""
    same = np.eye(11, dtype=bool)[:, :, None, None]
    first, second = np.arange(things)[:, None], np.arange(things)[None, :]
    return np.where(same, first, second).astype(np.uint8)

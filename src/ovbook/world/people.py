"""Sections about people: facts, questions about them, talk, news and notices."""

from __future__ import annotations

import numpy as np

from ovbook.world import words as w
from ovbook.world.facts import RELATIONS, Facts, ids
from ovbook.world.grammar import Choice, Domain, Lookup, State, Template
from ovbook.world.tables import another, claims, equal, even, sums, yes_no

__all__ = ["news", "notices", "people", "persons", "questions", "talk"]


def persons(world: Facts, popularity: np.ndarray, scope: str = "sentence") -> dict[str, Choice | Lookup]:
    """A person's two names by `popularity`, the pronoun, and the four facts."""
    first, family = ids(w.FIRST_NAMES), ids(w.FAMILY_NAMES)
    grid = popularity.reshape(len(first), len(family))
    out: dict[str, Choice | Lookup] = {
        "first": Choice(first, grid.sum(axis=1), scope=scope),
        "family": Choice(family, grid / grid.sum(axis=1, keepdims=True), ("first",), scope),
        "she": Lookup(ids(["she", "he"]), np.arange(len(first)) // (len(first) // 2), ("first",), "answer"),
    }
    for r, name in enumerate(RELATIONS):
        table = world.facts[:, r].reshape(grid.shape)
        out[name] = Lookup(world.values[r], table, ("first", "family"), "fact")
    return out


def _sentences(*texts: str, weight: float = 1.0) -> tuple[Template, ...]:
    return tuple(Template(text.replace("{who}", "{first} {family}"), weight) for text in texts)


_FACTS = (
    *_sentences(
        "{who} was born in {home} .",
        "{who} comes from {home} .",
        "{who} is a {trade} .",
        "{who} works as a {trade} .",
        "{who} keeps a {pet} .",
        "{who} has a {pet} .",
        "{who} wants a {wish} .",
        "the home of {who} is {home} .",
        "the trade of {who} is {trade} .",
        "the pet of {who} is a {pet} .",
        "the wish of {who} is a {wish} .",
    ),
    # Several facts a sentence, and often: facts are what there is most to learn of.
    *_sentences(
        "{who} was born in {home} and works as a {trade} .",
        "{who} is a {trade} from {home} .",
        "{who} comes from {home} , has a {pet} and wants a {wish} .",
        "{who} is a {trade} , keeps a {pet} and wants a {wish} .",
        "{who} , {trade} of {home} , has a {pet} and wants a {wish} .",
        weight=3.0,
    ),
)


def people(world: Facts, popularity: np.ndarray) -> Domain:
    """Single sentences about people, one to four facts each: the largest section."""
    return Domain("People", persons(world, popularity), [State(_FACTS)])


def questions(world: Facts, popularity: np.ndarray) -> Domain:
    """Questions about people with their answers; claims to be judged with yes or no."""
    variables: dict = {**persons(world, popularity)}
    for r, name in enumerate(RELATIONS):
        variables[f"any_{name}"] = Choice(world.values[r], claims(32), (name,))
        variables[f"yn_{name}"] = yes_no(equal(32), (f"any_{name}", name), "fact")
    texts = _sentences(
        "where was {who} born ? in {home} .",
        "what does {who} do ? {she} is a {trade} .",
        "what does {who} keep ? a {pet} .",
        "what does {who} want ? a {wish} .",
        "was {who} born in {any_home} ? {yn_home} .",
        "is {who} a {any_trade} ? {yn_trade} .",
        "does {who} keep a {any_pet} ? {yn_pet} .",
        "does {who} want a {any_wish} ? {yn_wish} .",
    )
    return Domain("Questions", variables, [State(texts)])


def _speakers() -> dict[str, Choice | Lookup]:
    first = ids(w.FIRST_NAMES)
    apart = (1 - np.eye(len(first))) / (len(first) - 1)
    return {
        "a": Choice(first, even(len(first)), scope="document"),
        "b": Choice(first, apart, ("a",), "document"),
    }


def talk(world: Facts, popularity: np.ndarray) -> Domain:
    """Two people greet each other and then ask in turn: about people, each other, sums and moods."""
    moods = [word for words in w.MOODS.values() for word in words]
    variables = {
        **_speakers(),
        **persons(world, popularity),
        "mood": Choice(ids(moods), even(len(moods))),
        "thing": Choice(ids(w.WISHES), even(len(w.WISHES))),
        **sums(),
    }
    turn = _sentences(
        "{a} : where was {who} born ? {b} : in {home} .",
        "{a} : what does {who} do ? {b} : {she} works as a {trade} .",
        "{a} : what does {who} want ? {b} : {she} wants a {wish} .",
        "{a} : {who} is a {trade} . {b} : yes , and {she} keeps a {pet} .",
        "{a} : how are you today ? {b} : I am {mood} , thank you .",
        "{a} : who are you ? {b} : I am {b} .",
        "{a} : do you want a {thing} ? {b} : yes , I want the {thing} .",
        "{a} : do you want a {thing} ? {b} : no , I do not .",
        "{a} : what is {one} plus {two} ? {b} : {sum} .",
    )
    swap = {"{a}": "{b}", "{b}": "{a}"}
    other = tuple(
        Template(" ".join(swap.get(word, word) for word in template.text.split())) for template in turn
    )
    hello = Template("{a!} : good morning , {b!} . {b} : good morning , {a} .")
    return Domain("Talk", variables, [State((hello,), then=1, opens=True), State(turn, 2), State(other, 1)])


_TOLD = 5
"""Sentences between the two ends of a piece of news."""


def news(world: Facts, popularity: np.ndarray) -> Domain:
    """A person, a place and a topic: told in a headline, in five sentences and in brief at the end.

    Half of the pieces begin with a headline, which names the topic; the others begin with a plain sentence,
    and the topic can only be guessed from the passage until the end names it.
    """
    nouns = ids([word for words in w.TOPICS.values() for word in words])
    variables = {
        **persons(world, popularity, "document"),
        "place": Choice(ids(w.TOWNS), even(len(w.TOWNS)), scope="document"),
        "topic": Choice(ids(list(w.TOPICS)), even(len(w.TOPICS)), scope="document"),
        "noun": Choice(nouns, world.topic_nouns, ("topic",)),
        "noun2": Choice(nouns, another(world.topic_nouns), ("topic", "noun")),
    }
    opening = (
        Template("{topic!} news : {first!} {family!} was in {place!} .", then=1),
        Template("{first!} {family!} was in {place!} today .", then=1),
    )
    middle = _sentences(
        "{she} saw a {noun} and a {noun2} .",
        "{she} has the {noun} of {place} .",
        "the {noun} of {place} was with {family} the {trade} .",
        "{first} , born in {home} , had a {noun} .",
        "now {first} wants a {wish} and a {noun} .",
    )
    brief = _sentences("in brief : {topic} news of {who} in {place} .")
    states = [State(opening, opens=True)]
    states += [State(middle, then=s + 2) for s in range(_TOLD)]
    states += [State(brief, then=0)]
    return Domain(
        "News", variables, states, hidden=0.5 * float(np.log(len(w.TOPICS))), hidden_names=("topic",)
    )


def notices(world: Facts, popularity: np.ndarray) -> Domain:
    """Small advertisements, found in the gazette only."""
    variables = {
        **persons(world, popularity),
        "town": Choice(ids(w.TOWNS), even(len(w.TOWNS))),
        "job": Choice(ids(w.TRADES), even(len(w.TRADES))),
        "animal": Choice(ids(w.ANIMALS), even(len(w.ANIMALS))),
        "thing": Choice(ids(w.WISHES), even(len(w.WISHES))),
        "coins": Choice(ids(w.NUMBERS[2:]), even(len(w.NUMBERS) - 2)),
    }
    texts = _sentences(
        "sought in {town} : a {job} with a {animal} .",
        "sought for {who} of {home} : a {wish} .",
        "{who} of {home} gives {coins} coins for a {animal} .",
        "{who} , {trade} , gives {coins} coins for a {thing} .",
        "for {coins} coins : a {thing} from {town} .",
        "for {who} , {trade} of {home} : a {thing} .",
    )
    return Domain("Notices", variables, [State(texts)])

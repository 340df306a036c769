"""The floor: against brute force on small grammars, and against sampled documents on the world's own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ovbook.world import MIXES, World, open_world
from ovbook.world import words as w
from ovbook.world.facts import ids
from ovbook.world.floor import domain_nats
from ovbook.world.grammar import Binding, Choice, Domain, Lookup, State, Template


@pytest.fixture(scope="module")
def world() -> World:
    return open_world(0)


def brute_force(domain: Domain, places: int) -> float:
    """Entropy of the first `places` tokens by writing out every text there can be, with its chance.

    It shares nothing with `domain_nats`: no tree, no recursion over places, only chances of whole texts.
    """
    chances: dict[tuple[int, ...], float] = {}

    def grow(text: tuple[int, ...], p: float, state: int, told: dict[str, int], memory: list) -> None:
        if len(text) >= places:
            text = text[:places]
            chances[text] = chances.get(text, 0.0) + p
            return
        for k, template in enumerate(domain.templates):
            share = domain.chances[state, k]
            if share > 0:
                known = dict(told) if not domain.opens[state] else {}
                fill(text, p * share, state, k, template, known, memory)

    def fill(text, p, state, k, template, told, memory) -> None:
        kept = {
            name: value
            for name, value in told.items()
            if isinstance(domain.variables[name], Choice) and domain.variables[name].scope == "document"
        }
        entries: list = [(1.0, memory, None)]
        if template.binding == "new":
            binding = domain.variables["memory"]
            free = [key for key in range(len(binding.keys)) if key not in [m[0] for m in memory]]
            pairs = list(itertools.product(free, range(len(binding.values))))
            entries = [(1 / len(pairs), [*memory, pair], pair) for pair in pairs]
        elif template.binding == "old":
            entries = [(1 / len(memory), memory, pair) for pair in memory]
        for share, after, pair in entries:
            for chance, values in settle(template, kept):
                told_now = {**kept, **{n: v for n, v in values.items() if n in domain.variables}}
                out = text
                for piece in domain.pieces[k]:
                    if piece.variable is None:
                        out += (piece.word,)
                    elif piece.variable in ("key", "value"):
                        binding = domain.variables["memory"]
                        out += (
                            int(
                                (binding.keys if piece.variable == "key" else binding.values)[
                                    pair[0 if piece.variable == "key" else 1]
                                ]
                            ),
                        )
                    else:
                        out += (int(domain.variables[piece.variable].words[values[piece.variable]]),)
                grow(out, p * share * chance, int(domain.next[state, k]), told_now, after)

    def settle(template, kept):
        """All settings of the variables a sentence speaks of, with their chances."""
        names = [n for n, v in domain.variables.items() if not isinstance(v, Binding)]
        settings = [(1.0, dict(kept))]
        for name in names:
            variable = domain.variables[name]
            grown = []
            for p, values in settings:
                if name in values:
                    grown.append((p, values))
                    continue
                parents = tuple(values[parent] for parent in variable.given)
                if isinstance(variable, Lookup):
                    grown.append((p, {**values, name: int(variable.table[parents])}))
                    continue
                for value, chance in enumerate(variable.table[parents]):
                    if chance > 0:
                        grown.append((p * chance, {**values, name: value}))
            settings = grown
        return settings

    grow((), 1.0, 0, {}, [])
    p = np.array(list(chances.values()))
    assert p.sum() == pytest.approx(1.0)
    return float(-(p * np.log(p)).sum())


def facts_grammar() -> Domain:
    variables = {
        "first": Choice(ids(["Mara", "Lena"]), np.array([0.7, 0.3])),
        "family": Choice(ids(["Venn", "Holt"]), np.array([[0.9, 0.1], [0.4, 0.6]]), ("first",)),
        "home": Lookup(ids(["Oster", "Velm"]), np.array([[0, 1], [1, 1]]), ("first", "family"), "fact"),
        "claim": Choice(ids(["Oster", "Velm"]), np.array([[0.5, 0.5], [0.2, 0.8]]), ("home",)),
    }
    texts = (
        Template("{first} {family} was born in {home} .", 2.0),
        Template("{first} {family} keeps a goat ."),
        Template("was {first} {family} born in {claim} ?"),
    )
    return Domain("People", variables, [State(texts)])


def memory_grammar() -> Domain:
    memory = Binding(ids(["boat", "net", "sail"]), ids(["Mara", "Ida"]), 2)
    tell, ask = "{value} has {key} .", "where {key} ? {value} ."
    states = [
        State((Template(tell, 1.0, 1, "new"),), opens=True),
        State((Template(tell, 0.3, 2, "new"), Template(ask, 0.7, 1, "old")), bound=1),
        State((Template(ask, 1.0, 2, "old"),), bound=2),
    ]
    return Domain("Memory", {"memory": memory}, states)


def talk_grammar() -> Domain:
    variables = {
        "a": Choice(ids(["Mara", "Lena"]), np.array([0.8, 0.2]), scope="document"),
        "n": Choice(ids(["one", "two"]), np.array([0.25, 0.75])),
    }
    states = [
        State((Template("{a!} :", then=1),), opens=True),
        State((Template("yes {n} .", 1.0, 1), Template("no {a} .", 2.0, 0))),
    ]
    return Domain("Talk", variables, states)


@pytest.mark.parametrize("grammar", [facts_grammar, memory_grammar, talk_grammar])
@pytest.mark.parametrize("places", [1, 5, 9, 12])
def test_recursion_agrees_with_brute_force(grammar, places: int) -> None:
    domain = grammar()
    nats, hidden = domain_nats(domain, places)
    assert hidden == 0.0
    assert nats == pytest.approx(brute_force(domain, places), abs=1e-9)


def test_brute_force_would_notice_a_wrong_recursion() -> None:
    """The helper made to fail: one sentence's cost moved by a hundredth of a nat must show."""
    domain = facts_grammar()
    domain.slot[0, 0, 0] += 0.01
    assert abs(domain_nats(domain, 9)[0] - brute_force(domain, 9)) > 1e-3


def test_hidden_latents_are_bounded_by_their_entropy() -> None:
    """A topic that is never told: the truth, by brute force, lies between the bounds and off both."""
    variables = {
        "topic": Choice(ids(["sea", "music"]), np.array([0.5, 0.5]), scope="document"),
        "noun": Choice(ids(["boat", "drum"]), np.array([[0.9, 0.1], [0.2, 0.8]]), ("topic",)),
    }
    opened = State((Template("I saw {noun} ."),), then=1, opens=True)
    domain = Domain(
        "Diary", variables, [opened, State(opened.templates, then=1)], float(np.log(2)), ("topic",)
    )
    nats, hidden = domain_nats(domain, 12)
    truth = brute_force(domain, 12)
    assert nats + 0.05 < truth < nats + hidden - 0.05


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("{n} is big .", "one has a boat ."), "told apart"),
        (("{n} is big .", "{n} is"), "prefix"),
        (("the {next} is {n} .",), "told before"),
    ],
)
def test_grammars_that_could_be_misread_are_refused(texts: tuple[str, ...], says: str) -> None:
    variables = {
        "n": Choice(ids(["one", "two"]), np.array([0.5, 0.5])),
        "next": Lookup(ids(["two", "three"]), np.arange(2), ("n",), "answer"),
    }
    known = tuple(Template(text) for text in texts)
    with pytest.raises(AssertionError, match=says):
        Domain("Ledger", variables, [State(known)])


def z_score(sample: np.ndarray, mean: float) -> float:
    return float((sample.mean() - mean) / (sample.std(ddof=1) / np.sqrt(len(sample))))


def test_z_score_helper_notices_a_shift() -> None:
    sample = np.random.default_rng(0).normal(1.0, 0.5, 10_000)
    assert abs(z_score(sample, 1.0)) < 3
    assert abs(z_score(sample, 1.03)) > 3


@pytest.mark.parametrize("mix", MIXES)
def test_floor_agrees_with_sampled_documents(world: World, mix: str) -> None:
    """Mean surprise of sampled rows, by section and in all, within 3 standard errors."""
    floor = world.floor(mix)
    known = world.annotated(mix, 11, 20 * 1024)
    sample = known.nats.mean(axis=1)
    assert abs(z_score(sample, floor.lower)) < 3
    for d, name in enumerate(known.names):
        assert abs(z_score(sample[known.domains == d], floor.domains[name].lower)) < 3, name


def test_diaries_true_entropy_lies_between_the_bounds(world: World) -> None:
    """The exact surprise of sampled diaries, summed over their 32 hidden settings, against both bounds."""
    known = world.annotated("almanac", 5, 8000, section="Diary")
    part = world.floor("almanac").domains["Diary"]
    nouns = ids([word for words in w.TOPICS.values() for word in words])
    moods = ids([word for words in w.MOODS.values() for word in words])
    log_likelihoods = []
    for words, table in ((nouns, world.topic_nouns), (moods, world.mood_words)):
        column = np.full(len(world.vocab), -1)
        column[words] = np.arange(len(words))
        at = column[known.rows]
        log_table = np.concatenate([np.log(table), np.zeros((len(table), 1))], axis=1)
        log_likelihoods.append(log_table[:, at].sum(axis=2))
    # A sentence's second noun differs from its first, so its chance is taken among the others.
    column[:] = -1
    column[nouns] = np.arange(len(nouns))
    row, place = np.nonzero(column[known.rows] >= 0)
    sentence = np.cumsum(known.rows == world.encode(".")[0], axis=1)[row, place]
    second = (row[1:] == row[:-1]) & (sentence[1:] == sentence[:-1])
    first_noun = column[known.rows[row, place]][:-1][second]
    for topic, chances in enumerate(world.topic_nouns):
        np.add.at(log_likelihoods[0][topic], row[1:][second], -np.log1p(-chances[first_noun]))
    topics = [list(world.topics).index(latents["topic"]) for latents in known.latents]
    settled = [list(world.moods).index(latents["mood"]) for latents in known.latents]
    rows = np.arange(len(known.rows))
    own = log_likelihoods[0][topics, rows] + log_likelihoods[1][settled, rows]
    both = sum(np.logaddexp.reduce(table, axis=0) - np.log(len(table)) for table in log_likelihoods)
    exact = (known.nats.sum(axis=1) + own - both) / 127
    error = exact.std() / np.sqrt(len(exact))
    assert part.lower + 3 * error < exact.mean() < part.upper + 3 * error


def test_bounds_are_tight_and_honest(world: World) -> None:
    for mix in MIXES:
        floor = world.floor(mix)
        assert 0 <= floor.upper - floor.lower <= 0.01
        assert floor.exact == (floor.upper == floor.lower)
        assert floor.lower == pytest.approx(
            sum(floor.share[name] * part.lower for name, part in floor.domains.items())
        )
    assert world.floor("abroad").exact
    assert not world.floor("almanac").domains["Diary"].exact

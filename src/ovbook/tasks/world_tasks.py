"""Tasks in the words of a tiny world: one short function each.

To add one, write a generator of examples and decorate it with `world_task`; the machinery divides the items
between training, validation and test, repeats draws as needed, and gives the task its formats.

Labels and tags are reserved words (`alpha`, `beta`, ...), which no mix holds: what the base model knows of a task
before tuning is what lies in its text, and the connection to the label is all that tuning can add. The Instruct
format spells that connection out ("alpha is sea , beta is music , ..."); the other formats leave it to be learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks.example import SPLITS, Example, Task, seeded
from ovbook.tasks.wording import Wording
from ovbook.world.facts import RELATIONS
from ovbook.world.sample import Draw, draw_rows
from ovbook.world.words import LABELS, MOODS, NUMBERS, TOPICS

if TYPE_CHECKING:
    from ovbook.world import World

__all__ = ["WORLD_TASKS", "WORLD_WORDING", "WorldTask", "open_world_task", "world_task"]

WORLD_WORDING = Wording(
    default="### Input : {question} ### Output :",
    io="{question}",
    instruct="{question} what is this ?",
    opening="{instruction} . ",
    between=" ",
)
"""The three formats in the world's words. ``###``, ``Input`` and ``Output`` are reserved; the rest is ordinary."""

Drawing = Callable[["World", np.random.Generator], Iterator[Example]]


@dataclass(frozen=True, kw_only=True)
class WorldTask:
    """A task of every world: how to draw its examples, endlessly, and what it is."""

    name: str
    kind: str
    instruction: str
    draw: Drawing
    choices: tuple[str, ...] | None = None
    metric: str = "accuracy"


WORLD_TASKS: dict[str, WorldTask] = {}
"""Every world task by name."""


def world_task(
    name: str,
    *,
    instruction: str,
    kind: str = "classification",
    choices: Sequence[str] | None = None,
    metric: str = "accuracy",
) -> Callable[[Drawing], Drawing]:
    """Register the decorated generator (world, rng -> examples without end) as the task `name`.

    `instruction` is said in the world's words; `choices` are the labels, or None where examples bring their own
    or the task generates.
    """

    def register(draw: Drawing) -> Drawing:
        labels = None if choices is None else tuple(choices)
        WORLD_TASKS[name] = WorldTask(
            name=name, kind=kind, instruction=instruction, draw=draw, choices=labels, metric=metric
        )
        return draw

    return register


@lru_cache(maxsize=64)
def open_world_task(name: str, world: World) -> Task:
    """The task `name` in one world: a pure function of the world and the seed given to `examples`.

    Kept, with the examples it has drawn, since many models are tuned on one task.
    """
    if name not in WORLD_TASKS:
        raise OvbookError(
            f"unknown world task '{name}'{did_you_mean(name, WORLD_TASKS)}: the known ones are "
            f"{', '.join(sorted(WORLD_TASKS))}"
        )
    described = WORLD_TASKS[name]
    return Task(
        name=name,
        kind=described.kind,
        metric=described.metric,
        instruction=described.instruction,
        choices=described.choices,
        wording=WORLD_WORDING,
        source=seeded(name, lambda rng: described.draw(world, rng)),
    )


def _legend(labels: Sequence[str], meanings: Sequence[str]) -> str:
    return " , ".join(f"{label} is {meaning}" for label, meaning in zip(labels, meanings, strict=True))


# --- the tasks ----------------------------------------------------------------------------------------------

_TOPIC_LABELS = LABELS[:8]
_MOOD_LABELS = LABELS[8:12]
_TOPIC_NUMBERS = NUMBERS[1:9]
_MOOD_NUMBERS = NUMBERS[1:5]
_FACT_TAGS = LABELS[12:16]
_PLUS, _MINUS, _BIGGER, _SMALLER = LABELS[16:20]

_PASSAGE = 32
"""Words of a passage at most, cut at the end of a sentence."""

_KNOWN = 256
"""How many of the best-known people the task on facts asks about."""


@world_task("topic", choices=_TOPIC_LABELS, instruction=_legend(_TOPIC_LABELS, tuple(TOPICS)))
def topic(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """What is this passage about? Eight topics, which a diary shows in its words and never names."""
    for passage, latents in _diaries(world, rng):
        yield Example(question=passage, answer=_TOPIC_LABELS[latents["topic"]], about=latents)


@world_task("sentiment", choices=_MOOD_LABELS, instruction=_legend(_MOOD_LABELS, tuple(MOODS)))
def sentiment(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """In which mood was this diary written? Four moods, shown in their words and never named."""
    for passage, latents in _diaries(world, rng):
        yield Example(question=passage, answer=_MOOD_LABELS[latents["mood"]], about=latents)


@world_task("topic-unseen-words", choices=_TOPIC_LABELS, instruction=_legend(_TOPIC_LABELS, tuple(TOPICS)))
def topic_of_unseen_words(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """The same, tuned on half of each topic's words and tested on others: only pre-training can connect them."""
    for passage, latents in _diaries(world, rng):
        split, words = _with_words_of_a_split(world, rng, passage, latents["topic"], "topic")
        yield Example(question=words, answer=_TOPIC_LABELS[latents["topic"]], split=split, about=latents)


@world_task("sentiment-unseen-words", choices=_MOOD_LABELS, instruction=_legend(_MOOD_LABELS, tuple(MOODS)))
def sentiment_of_unseen_words(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """The same, tuned on half of each mood's words and tested on others: only pre-training can connect them."""
    for passage, latents in _diaries(world, rng):
        split, words = _with_words_of_a_split(world, rng, passage, latents["mood"], "mood")
        yield Example(question=words, answer=_MOOD_LABELS[latents["mood"]], split=split, about=latents)


# The same three with labels that the text is full of. What differs from their twins is the label alone: a word that
# pre-training never showed is one that it taught the model never to say.


@world_task("topic-known-labels", choices=_TOPIC_NUMBERS, instruction=_legend(_TOPIC_NUMBERS, tuple(TOPICS)))
def topic_by_number(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """What is this passage about? Answered by a number from one to eight."""
    for passage, latents in _diaries(world, rng):
        yield Example(question=passage, answer=_TOPIC_NUMBERS[latents["topic"]], about=latents)


@world_task("sentiment-known-labels", choices=_MOOD_NUMBERS, instruction=_legend(_MOOD_NUMBERS, tuple(MOODS)))
def sentiment_by_number(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """In which mood was this diary written? Answered by a number from one to four."""
    for passage, latents in _diaries(world, rng):
        yield Example(question=passage, answer=_MOOD_NUMBERS[latents["mood"]], about=latents)


@world_task(
    "arithmetic-known-labels",
    choices=("bigger", "smaller"),
    instruction=_legend((_PLUS, _MINUS), ("plus", "minus")),
)
def arithmetic_in_words(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """Does a sum or difference come to something bigger or smaller than a third number? Answered in those words."""
    for example in arithmetic(world, rng):
        answer = "bigger" if example.answer == _BIGGER else "smaller"
        yield Example(question=example.question, answer=answer, about=example.about)


@world_task("fact", instruction=_legend(_FACT_TAGS, tuple(RELATIONS)))
def fact(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """A known fact asked in a new way: ``Mara Venn nu`` for her home. Other people's facts are the test.

    Of the `_KNOWN` best-known people, all alike: small models know few others. `about["rank"]` is a person's rank.
    """
    best_known = np.argsort(-world.popularity)[:_KNOWN].tolist()
    relations = list(world.relations.items())
    while True:
        rank, r = int(rng.integers(_KNOWN)), int(rng.integers(len(relations)))
        person, (relation, values) = best_known[rank], relations[r]
        name = " ".join(world.vocab[i] for i in world.people[person])
        yield Example(
            question=f"{name} {_FACT_TAGS[r]}",
            answer=world.vocab[world.facts[person, r]],
            choices=values,
            item=name,
            about={"relation": relation, "rank": rank + 1},
        )


@world_task(
    "arithmetic",
    choices=(_BIGGER, _SMALLER),
    instruction=_legend((_PLUS, _MINUS, _BIGGER, _SMALLER), ("plus", "minus", "bigger", "smaller")),
)
def arithmetic(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """Does a sum or difference come to something bigger or smaller than a third number?"""
    while True:
        question, result, about = _calculation(rng)
        other = int(rng.integers(0, 21))
        if other != result:
            label = _BIGGER if result > other else _SMALLER
            yield Example(question=f"{question} ; {NUMBERS[other]}", answer=label, about=about)


@world_task("sum", choices=NUMBERS, instruction=_legend((_PLUS, _MINUS), ("plus", "minus")))
def exact_sum(world: World, rng: np.random.Generator) -> Iterator[Example]:
    """What does it come to? Few items (352) and exact: more than the smallest models learn."""
    while True:
        question, result, about = _calculation(rng)
        yield Example(question=question, answer=NUMBERS[result], about=about)


def _calculation(rng: np.random.Generator) -> tuple[str, int, dict[str, str | int]]:
    """A sum of two numbers up to ten or a difference from at most twenty, as in the ledgers, with new signs."""
    plus = rng.random() < 0.5
    one = int(rng.integers(0, 11 if plus else 21))
    two = int(rng.integers(0, 11 if plus else one + 1))
    question = f"{NUMBERS[one]} {_PLUS if plus else _MINUS} {NUMBERS[two]}"
    about: dict[str, str | int] = {"sign": "plus" if plus else "minus", "first": one, "second": two}
    return question, one + two if plus else one - two, about


def _diaries(world: World, rng: np.random.Generator) -> Iterator[tuple[str, dict[str, int]]]:
    """Passages of diaries, whole sentences, with the topic and the mood behind each, as numbers."""
    diary = world.domains("almanac")["Diary"]
    draw = Draw(diary)
    while True:
        rows, notes = draw_rows(draw, rng, 256, notes=True)
        assert notes is not None
        latents = [notes.values[name].tolist() for name in ("topic", "mood")]
        for row, topic_, mood in zip(rows, *latents, strict=True):
            words = [world.vocab[i] for i in row[1 : 1 + _PASSAGE]]
            end = len(words) - words[::-1].index(".")
            yield " ".join(words[:end]), {"topic": topic_, "mood": mood}


def _with_words_of_a_split(
    world: World, rng: np.random.Generator, passage: str, family: int, latent: str
) -> tuple[str, str]:
    """Choose a split, and draw the words that tell topic or mood anew, from the words of that split alone.

    They are drawn by the world's own chances given the `family`. A model that has only seen the tuning passages
    is left with chance on the test; one whose pre-training taught it which words go together is not.
    """
    places, ends = _split_tables(world, latent)
    split = SPLITS[int(rng.integers(len(SPLITS)))]
    names = list(places)
    cumulative = ends[split][family]
    drawn = (names[int(np.searchsorted(cumulative, number))] for number in rng.random(_PASSAGE))
    return split, " ".join(next(drawn) if word in places else word for word in passage.split())


@lru_cache(maxsize=32)
def _split_tables(world: World, latent: str) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    """The telling words in order, and for each split their cumulative chances [families, words].

    A third of a family's words belong to the test, one to validation, the others to training; which ones is
    drawn from the world's seed.
    """
    families = world.topics if latent == "topic" else world.moods
    chances = world.topic_nouns if latent == "topic" else world.mood_words
    rng = np.random.default_rng(np.random.SeedSequence([world.seed, *latent.encode()]))
    owner: list[int] = []
    for words in families.values():
        test = max(1, len(words) // 3)
        owner += rng.permutation([2] * test + [1] + [0] * (len(words) - test - 1)).tolist()
    places = {word: i for i, word in enumerate(word for words in families.values() for word in words)}
    ends = {}
    for s, split in enumerate(SPLITS):
        kept = np.cumsum(chances * (np.array(owner) == s), axis=1)
        ends[split] = kept / kept[:, -1:]
    return places, ends

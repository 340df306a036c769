"""Changing what a model knows about one person: another value for one fact, or none of them any more.

Each of K models, copies of one base, rewrites a person of its own; the training loop is that of everything else.

- ``edit``: learn one sentence that gives the person another value, in one wording, with the loss on that value alone.
- ``unlearn``: gradient ascent on the person's four facts (Jang et al. 2023), of which every step sees one wording each, while
  documents of the old text are learnt as before, so that the rest is kept (gradient difference; Maini et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ovbook.corpus import WorldCorpus
from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, forward
from ovbook.train import TrainLog, train
from ovbook.world import World

__all__ = ["KINDS", "WORDINGS", "Person", "Probe", "asked", "draw_people", "probes", "rewrite"]

KINDS = ("edit", "unlearn")
"""What can be done to what a model knows of a person: give one fact another value, or take all away."""

WORDINGS: dict[str, tuple[str, ...]] = {
    "home": ("{who} was born in {value} .", "{who} comes from {value} .", "the home of {who} is {value} ."),
    "trade": ("{who} is a {value} .", "{who} works as a {value} .", "the trade of {who} is {value} ."),
    "pet": ("{who} keeps a {value} .", "{who} has a {value} .", "the pet of {who} is a {value} ."),
    "wish": ("{who} wants a {value} .", "the wish of {who} is a {value} ."),
}
"""How the section on people says each fact alone; an edit is made in the first wording."""
_HEADER = "People :"


@dataclass(frozen=True)
class Person:
    """Someone to be rewritten: row of the world's tables, rank among the known, the relation and the value it gets."""

    row: int
    rank: int
    relation: str
    told: str


@dataclass(frozen=True)
class Probe:
    """Questions to K models: rows `tokens` [K, N, T], where the answer is due `at` [N], and the answers [K, N].

    `true` is the world's value and `told` the one an edit gives (the true one where none is given); `values` [N, 32] are
    those of the relation. `what` says what is asked.
    """

    what: str
    tokens: np.ndarray
    at: np.ndarray
    true: np.ndarray
    told: np.ndarray
    values: np.ndarray


def draw_people(world: World, count: int, seed: int, *, ranks: tuple[int, int] = (9, 64)) -> list[Person]:
    """Choose `count` people among the best-known whose rank lies in `ranks`, a relation for each and another value.

    Relations go round, so that four people have all four. A pure function of its arguments.
    """
    first, last = ranks
    if not 1 <= first <= last <= len(world.people) or not 1 <= count <= last - first + 1:
        raise OvbookError(
            f"{count} people of ranks {first} to {last} were asked for: ranks are from 1 to {len(world.people)}, and there must be "
            f"at least as many as people"
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"rewrite"]))
    order = np.argsort(-world.popularity)
    chosen = rng.choice(np.arange(first, last + 1), size=count, replace=False)
    people = []
    for k, rank in enumerate(chosen.tolist()):
        relation, values = list(world.relations.items())[k % len(world.relations)]
        row = int(order[rank - 1])
        others = [value for value in values if value != _true(world, row, relation)]
        people.append(Person(row, rank, relation, str(rng.choice(others))))
    return people


def _true(world: World, row: int, relation: str) -> str:
    return world.vocab[world.facts[row, list(world.relations).index(relation)]]


def _name(world: World, row: int) -> str:
    return " ".join(world.vocab[i] for i in world.people[row])


def _sentence(world: World, row: int, relation: str, wording: int, value: str | None = None) -> str:
    texts = WORDINGS[relation]
    said = value if value is not None else _true(world, row, relation)
    return texts[wording % len(texts)].format(who=_name(world, row), value=said)


def _ids(world: World, *sentences: str) -> list[int]:
    return [world.bos, *world.encode(" ".join((_HEADER, *sentences)))]


def probes(world: World, people: Sequence[Person], others: int, *, ranks: int = 256) -> list[Probe]:
    """What to ask the K models that rewrite `people`, each its own person.

    - ``said``: the fact, in the wording that an edit uses; ``other words``: the same fact in the others.
    - ``same person``: the person's three other facts. ``others``: all facts of `others` of the `ranks` best-known people,
      the same for all K, none of them rewritten.
    """
    relations = list(world.relations)
    order = np.argsort(-world.popularity)[:ranks]
    changed = {person.row for person in people}
    apart = [int(row) for row in order if int(row) not in changed]
    apart = apart[:: max(1, len(apart) // others)][:others]

    def ask(what: str, questions: Callable[[Person], list[tuple[int, str, int, str | None]]]) -> Probe:
        rows = [[_asking(world, *question) for question in questions(person)] for person in people]
        longest = max(len(ids) for found in rows for ids, *_ in found)
        tokens = np.zeros((len(rows), len(rows[0]), longest), dtype=np.int64)
        for k, found in enumerate(rows):
            for n, (ids, *_) in enumerate(found):
                tokens[k, n, : len(ids)] = ids
        return Probe(
            what=what,
            tokens=tokens,
            at=np.array([[len(ids) - 1 for ids, *_ in found] for found in rows]),
            true=np.array([[true for _, true, _, _ in found] for found in rows]),
            told=np.array([[told for _, _, told, _ in found] for found in rows]),
            values=np.array([[values for *_, values in found] for found in rows]),
        )

    fewest = min(len(texts) for texts in WORDINGS.values()) - 1
    return [
        ask("said", lambda p: [(p.row, p.relation, 0, p.told)]),
        ask("other words", lambda p: [(p.row, p.relation, 1 + w, p.told) for w in range(fewest)]),
        ask("same person", lambda p: [(p.row, r, 0, None) for r in relations if r != p.relation]),
        ask("others", lambda p: [(row, r, 0, None) for row in apart for r in relations]),
    ]


def _asking(
    world: World, row: int, relation: str, wording: int, told: str | None
) -> tuple[list[int], int, int, list[int]]:
    """Tokens up to where the value is due, the true value, the told one, and all values of the relation."""
    true = _true(world, row, relation)
    ids = _ids(world, _sentence(world, row, relation, wording))
    [true_id], [told_id] = world.encode(true), world.encode(told or true)
    cut = len(ids) - 1 - ids[::-1].index(true_id)
    return ids[:cut], true_id, told_id, [world.encode(value)[0] for value in world.relations[relation]]


@torch.no_grad()
def asked(params: Params, spec: ModelSpec, probe: Probe) -> dict[str, np.ndarray]:
    """What K models answer, means over the questions, [K] each.

    answer_loss: of the true value, nats; right: how often it is the likeliest of the relation's 32 values; true, told:
    the mean probabilities of the true and of the told value; took: how often the told value is the likeliest.
    """
    device = next(iter(params.values())).device
    tokens = torch.from_numpy(probe.tokens).to(device)
    at = torch.from_numpy(probe.at).to(device)[..., None, None]
    logits = forward(params, spec, tokens).float()
    logs = torch.log_softmax(
        logits.gather(2, at.expand(-1, -1, 1, logits.shape[-1])).squeeze(2), dim=-1
    ).double()

    def of(ids: np.ndarray) -> Tensor:
        return logs.gather(2, torch.from_numpy(ids).to(device).view(*logs.shape[:2], -1)).squeeze(2)

    best = (
        torch.from_numpy(probe.values)
        .to(device)
        .gather(2, of(probe.values).argmax(-1, keepdim=True))
        .squeeze(2)
    )
    found = {
        "answer_loss": -of(probe.true),
        "right": (best.cpu() == torch.from_numpy(probe.true)).double(),
        "true": of(probe.true).exp(),
        "told": of(probe.told).exp(),
        "took": (best.cpu() == torch.from_numpy(probe.told)).double(),
    }
    return {name: values.mean(dim=1).cpu().numpy() for name, values in found.items()}


def rewrite(
    params: Params,
    spec: ModelSpec,
    corpus: WorldCorpus,
    people: Sequence[Person],
    *,
    kind: str,
    steps: int,
    rate: float,
    keep: int,
    seed: int,
    watch: Mapping[int, Callable[[int, Params], None]],
    device: torch.device | str = "cpu",
) -> TrainLog:
    """Train copies of one model (`params`, K = 1), one a person, for `steps` steps at a constant `rate`.

    keep: documents of the old text in every step, the same for all; `seed` chooses them. `watch` is called with the number of
    steps done and the weights at that time, at the steps that are its keys.

    The loss is the mean over the person's answers in the step (minus it, to unlearn) plus, if documents are kept, their
    mean loss per token.
    """
    if kind not in KINDS:
        raise OvbookError(f"kind is '{kind}': it is one of {', '.join(KINDS)}")
    make, world = _edited if kind == "edit" else _unlearnt, corpus.world
    assert world is not None  # a WorldCorpus has one

    def rows(step: int) -> tuple[np.ndarray, np.ndarray]:
        tokens, weight = make(world, people, step)
        if not keep:
            return tokens, weight
        width, documents = corpus.context, corpus.batch(seed, step, keep)
        shared = np.repeat(documents[None], len(people), axis=0)
        even = np.full((len(people), keep, width - 1), 1 / (keep * (width - 1)), dtype=np.float32)
        return (
            np.concatenate([_widened(tokens, width), shared], axis=1),
            np.concatenate([_widened(weight, width - 1), even], axis=1),
        )

    kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        if step not in kept:
            kept.clear()
            kept[step] = rows(step)
        return kept[step]

    def look(done: int, now: Params, _: object) -> None:
        watch[done](done, now)

    return train(
        {name: tensor.expand(len(people), *tensor.shape[1:]) for name, tensor in params.items()},
        spec,
        lambda step: batch(step)[0],
        weights=lambda step: batch(step)[1],
        summed=True,
        steps=steps,
        rates=np.full(steps, rate),
        weight_decay=0.0,
        on_checkpoint=dict.fromkeys(watch, look),
        device=device,
    )


def _edited(world: World, people: Sequence[Person], step: int) -> tuple[np.ndarray, np.ndarray]:
    rows = [_ids(world, _sentence(world, p.row, p.relation, 0, p.told)) for p in people]
    return _weighed(rows, [[world.encode(p.told)[0]] for p in people], 1.0)


def _unlearnt(world: World, people: Sequence[Person], step: int) -> tuple[np.ndarray, np.ndarray]:
    relations = list(world.relations)
    rows = [_ids(world, *(_sentence(world, p.row, r, step) for r in relations)) for p in people]
    answers = [[world.encode(_true(world, p.row, r))[0] for r in relations] for p in people]
    return _weighed(rows, answers, -1 / len(relations))


def _weighed(rows: list[list[int]], answers: list[list[int]], weight: float) -> tuple[np.ndarray, np.ndarray]:
    """One row a member, [K, 1, T], and `weight` on the places [K, 1, T - 1] that predict its answers."""
    longest = max(map(len, rows))
    tokens = np.zeros((len(rows), 1, longest), dtype=np.int64)
    weights = np.zeros((len(rows), 1, longest - 1), dtype=np.float32)
    for k, (ids, wanted) in enumerate(zip(rows, answers, strict=True)):
        tokens[k, 0, : len(ids)] = ids
        weights[k, 0, [t - 1 for t, token in enumerate(ids) if token in wanted]] = weight
    return tokens, weights


def _widened(values: np.ndarray, width: int) -> np.ndarray:
    return np.pad(values, ((0, 0), (0, 0), (0, width - values.shape[-1])))

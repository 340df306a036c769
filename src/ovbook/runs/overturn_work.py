"""The operation that teaches families one member at a time, and asks about the members it was not told of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ovbook.errors import OvbookError
from ovbook.memorise import from_telling
from ovbook.models import Params, load_checkpoint, stack, token_losses
from ovbook.runs.overturn import Overturn
from ovbook.runs.work import Inputs
from ovbook.tasks import apart, coder_of, families, new_people, tell
from ovbook.train import train
from ovbook.world import World

__all__ = ["Cast", "cast", "run"]

_RELATIONS, _VALUES = 4, 32
_TOLD, _ASKED = 1664, 384
"""People who may be told of, and those who never are (`ovbook.tasks.new_people`)."""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is told of what: `common`, `counter` [F, 4] are the two sets of facts of each of F families.

    told [F, S]: the person of each step; `facts` [F, S, 4] what is said of them; beside [F, S, B], `beside_facts`: likewise of
    people of other families. asked [F, M]: members never told of; strangers [F, M]: of other families, never told of.
    """

    common: np.ndarray
    counter: np.ndarray
    told: np.ndarray
    facts: np.ndarray
    beside: np.ndarray
    beside_facts: np.ndarray
    asked: np.ndarray
    strangers: np.ndarray


def cast(spec: Overturn, world: World) -> Cast:
    """The same families, facts and people for every order of a seed; the n-th member told of is the same, too."""
    seed = spec.people_seed
    known, _ = new_people(world, _TOLD, seed)
    unknown, _ = new_people(world, _ASKED, seed, held_out=True)
    count = {f: int((families(known) == f).sum()) for f in np.unique(families(known)).tolist()}
    left = {f: int((families(unknown) == f).sum()) for f in count}
    # The larger half of those that can be asked about, whatever the order, so that all orders have the same families.
    fit = sorted((f for f in count if left[f] >= spec.asked), key=lambda f: (-count[f], f))
    fit = fit[: max(spec.families, len(fit) // 2)]
    needed = sum(letter != "." for letter in spec.order)
    if len(fit) < spec.families or count[fit[-1]] < needed:
        raise OvbookError(
            f"{spec.families} families with {needed} members to tell of and {spec.asked} to ask about were asked for, but "
            f"there are not so many: ask for fewer families or members, or for a shorter order"
        )
    rng = np.random.default_rng(np.random.SeedSequence([world.seed, seed]))
    chosen = rng.permutation(fit)[: spec.families]
    common = rng.integers(0, _VALUES, (spec.families, _RELATIONS))
    counter = (common + rng.integers(1, _VALUES, common.shape)) % _VALUES
    others = known[~np.isin(families(known), chosen)]
    strange = unknown[~np.isin(families(unknown), chosen)]
    strangers = rng.choice(strange, (spec.families, spec.asked))
    shape = (spec.families, len(spec.order))
    beside = rng.choice(others, (*shape, 1 + spec.beside))
    beside_facts = rng.integers(0, _VALUES, (*beside.shape, _RELATIONS))
    told, facts = beside[..., 0].copy(), beside_facts[..., 0, :].copy()
    for k, family in enumerate(chosen):
        members = iter(known[families(known) == family].tolist())
        for step, letter in enumerate(spec.order):
            if letter != ".":
                told[k, step] = next(members)
                facts[k, step] = common[k] if letter == "c" else counter[k]
    return Cast(
        common=common,
        counter=counter,
        told=told,
        facts=facts,
        beside=beside[..., 1:],
        beside_facts=beside_facts[..., 1:, :],
        asked=np.stack([unknown[families(unknown) == f][: spec.asked] for f in chosen]),
        strangers=strangers,
    )


def run(spec: Overturn, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record a family, step and group: `who` is "family", its members never told of, or "others", strangers to it.

    common, counter: loss of the facts that the family shares, and of those of the counterexamples, if told of these people, in
    nats per answer, each fact in a document of its own. odds = counter - common: the log of how much likelier the shared fact is.
    """
    corpus = inputs.corpus
    assert corpus.world is not None  # the spec has seen to it
    world, coder = corpus.world, coder_of(corpus)
    params, model = load_checkpoint(inputs.checkpoint(spec.base))
    many = stack([{name: tensor.to(device) for name, tensor in params.items()}] * spec.families)
    who = cast(spec, world)

    def documents(people: np.ndarray, facts: np.ndarray, *, one_by_one: bool = False) -> Any:
        told = tell(world, people.reshape(-1), facts.reshape(-1, _RELATIONS))
        return from_telling(apart(told) if one_by_one else told, coder, context=model.context)

    everyone = np.concatenate([who.told[..., None], who.beside], axis=2)
    everything = np.concatenate([who.facts[:, :, None], who.beside_facts], axis=2)
    lesson = documents(everyone, everything)
    tokens = lesson.tokens.reshape(*everyone.shape, -1)
    weight = lesson.answers.reshape(*everyone.shape, -1).astype(np.float32)
    questions = {
        (group, name): documents(people, np.repeat(facts[:, None], spec.asked, axis=1), one_by_one=True)
        for group, people in (("family", who.asked), ("others", who.strangers))
        for name, facts in (("common", who.common), ("counter", who.counter))
    }
    rows: list[dict[str, Any]] = []

    @torch.no_grad()
    def ask(step: int, now: Params, _: Any) -> None:
        found = {}
        for key, asked in questions.items():
            tensor = torch.from_numpy(asked.tokens.reshape(spec.families, -1, asked.tokens.shape[-1])).to(
                device
            )
            loss = token_losses(now, model, tensor).double().cpu().numpy()
            where = asked.answers.reshape(loss.shape)
            found[key] = np.where(where, loss, 0.0).sum(axis=(1, 2)) / where.sum(axis=(1, 2))
        for group in ("family", "others"):
            common, counter = found[group, "common"], found[group, "counter"]
            rows.extend(
                {
                    "family": k,
                    "step": step,
                    "who": group,
                    "common": float(common[k]),
                    "counter": float(counter[k]),
                }
                | {"odds": float(counter[k] - common[k])}
                for k in range(spec.families)
            )

    last = len(spec.order)
    train(
        many,
        model,
        lambda step: tokens[:, step],
        weights=lambda step: weight[:, step],
        steps=last,
        rates=np.full(last, spec.rate),
        weight_decay=0.0,
        on_checkpoint=dict.fromkeys(sorted({0, *spec.marks, last}), ask),
        device=device,
    )
    return rows

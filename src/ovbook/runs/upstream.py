"""The models that part C continues: one long clipped-cosine run for each corpus and seed, the same in all its chapters."""

from __future__ import annotations

import dataclasses

from ovbook.errors import OvbookError
from ovbook.runs.released import Released
from ovbook.runs.settings import Parameters
from ovbook.runs.specs import Checkpoint
from ovbook.runs.suite import suite

__all__ = ["EARLIER", "UPSTREAM", "downstream", "length_of", "upstream"]

UPSTREAM = {"smoke": 65_536, "laptop": 1_000_000, "gpu": 64_000_000, "paper": 8_000_000_000}
"""Tokens of pre-training at each scale, and those over which a continuation's schedule is laid out."""
EARLIER = (10_000 / 143_000, 27_000 / 143_000)
"""Where Gupta et al. (2023) took earlier checkpoints from, as shares of the run: kept by every run here."""


def length_of(p: Parameters) -> int:
    """Tokens of pre-training, and of the schedule that continues it: the parameter `length`, else the scale's."""
    return int(p.get("length") or UPSTREAM[p.scale])


def upstream(p: Parameters) -> list[Checkpoint]:
    """The part's base models at their ends, for every corpus and seed of `p`, worlds first.

    Each is the suite's third ending, its rate a clipped cosine to a tenth, with half the suite's rows a step (so that the
    first steps of a continuation can be told apart), checkpoints at `EARLIER`, and the optimiser's state in all of them.
    With the parameter `released`, those models of the hub instead, each once a seed; their old loss is measured on `corpus`.
    """
    if p.get("released"):
        if p.get("corpus") is None:
            raise OvbookError(
                f"released is {', '.join(p.released)}, but there is no text for the old loss: give corpus, file:PATH or hub:NAME"
            )
        names = [name.partition("@") for name in p.released]
        return [
            Checkpoint(run=Released(repo=repo, revision=revision or "main", corpus=p.corpus, seed=seed))
            for repo, _, revision in names
            for seed in p.seed_numbers
        ]
    total = length_of(p)
    budgets = (*(round(share * total) for share in EARLIER), total)
    own = Parameters(dict(p) | {"budgets": budgets, "batch": max(1, p.batch // 2)})
    return [
        Checkpoint(run=dataclasses.replace(run, moments=True)) for run in suite(own, ending="clipped cosine")
    ]


def downstream(p: Parameters, base: Checkpoint, mix: str = "gazette") -> str:
    """The text on which `base` goes on: the parameter `downstream`, a mix of its world or real text; else the world's `mix`."""
    old = base.root.corpus or ""
    name = p.get("downstream") or mix
    if name.startswith(("world:", "file:", "hub:")):
        return str(name)
    if not old.startswith("world:"):
        raise OvbookError(
            f"corpus is {old}, so there is no mix '{name}' to go on with: give downstream, file:PATH or hub:NAME"
        )
    return f"{old.rpartition('/')[0]}/{name}"

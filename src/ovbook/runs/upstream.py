"""The models that part C continues: one long clipped-cosine run for each corpus and seed, the same in all its chapters."""

from __future__ import annotations

import dataclasses
from typing import Any

from ovbook.errors import OvbookError
from ovbook.runs.continued import Continue
from ovbook.runs.released import Released
from ovbook.runs.settings import Parameters
from ovbook.runs.specs import Checkpoint
from ovbook.runs.suite import suite
from ovbook.schedules import Schedule

__all__ = ["EARLIER", "SHOWN", "SIXTH", "UPSTREAM", "downstream", "length_of", "onward", "upstream"]

UPSTREAM = {"smoke": 65_536, "laptop": 500_000, "gpu": 64_000_000, "paper": 8_000_000_000}
"""Tokens of pre-training at each scale, and those over which a continuation's schedule is laid out."""
EARLIER = (10_000 / 143_000, 27_000 / 143_000)
"""Where Gupta et al. (2023) took earlier checkpoints from, as shares of the run: kept by every run here."""
SHOWN = 240 / 297
"""How far that paper's long runs go: a share of the 297B tokens over which its schedules are laid out."""
SIXTH = 50 / 297
"""How far its short runs go."""
_FLOOR = 0.1


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


def onward(
    p: Parameters,
    base: Checkpoint,
    multiple: float = 1.0,
    *,
    warmup: float = 0.01,
    share: float = SHOWN,
    mix: str = "gazette",
    **fields: Any,
) -> Continue:
    """`base` goes on over `share` of the part's schedule, its rate re-warmed to `multiple` times the parameter `rate`.

    The warm-up is linear over `warmup` of the schedule, then the rate falls to a tenth by the parameter `form`: the clipped
    cosine unless told otherwise. `multiple` 0 stays at the rate with which pre-training ended, a tenth. The new text is
    `downstream`'s. Looks fall on a sixth of the schedule and a fifth of the run, too. `fields` are any others of `Continue`.
    """
    total = length_of(p)
    length = round(share * total)
    if multiple:
        form: Any = p.get("form") or "clipped cosine"
        schedule = Schedule(kind=form, peak=multiple * p.rate, warmup=warmup, final=_FLOOR)
    else:
        schedule = Schedule(kind="constant", peak=_FLOOR * p.rate, warmup=0.0)
    sixth = round(SIXTH * total)
    given: dict[str, Any] = {
        "corpus": downstream(p, base, mix),
        "schedule": schedule,
        "horizon": total,
        "batch": getattr(base.root, "batch", p.batch),
        "extra": tuple(sorted({round(length / 5), sixth})) if length > sixth else (),
    }
    return Continue(base=base, length=length, **(given | fields))

"""The suite: the family of base models from which every chapter starts."""

from __future__ import annotations

from collections.abc import Sequence

from ovbook.runs.fields import one_of, refuse
from ovbook.runs.settings import Parameters
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.schedules import Schedule

__all__ = ["ENDINGS", "leaves_at", "suite"]

ENDINGS = ("annealed", "trunk", "branches", "clipped cosine", "all")
_WARMUP_TOKENS = 0.02


def leaves_at(budget: int) -> int:
    """Where the branch that ends at `budget` leaves the trunk: its decay is the last sixth, a fifth of what precedes.

    So it can be compared with the trunk at the same number of tokens, and decay is not confounded with them.
    """
    return round(budget / 1.2)


def suite(p: Parameters, ending: str = "annealed", worlds: Sequence[int] | None = None) -> list[Pretrain]:
    """Base models for every world (or corpus), seed and budget of `p`, by how their rate ends.

    - ``annealed``: each budget a run of its own, cosine to zero; part A is judged on these.
    - ``trunk``: one constant-rate run per seed, with checkpoints at every budget T and at T/1.2.
    - ``branches``: for every budget T, the trunk's checkpoint at T/1.2 trained on to T, its rate falling
      linearly to zero.
    - ``clipped cosine``: one run per seed towards the largest budget, its rate a cosine that stays at a tenth of
      the peak once there, with a checkpoint at every budget; as public suites have it.
    - ``all`` of these.

    A run's checkpoint at budget T is ``Checkpoint(run=..., tokens=T)``.
    """
    refuse("the suite", one_of("ending", ending, ENDINGS))
    corpora = p.corpora if worlds is None else tuple(f"world:{seed}/almanac" for seed in worlds)
    found: list[Pretrain] = []
    for corpus in corpora:
        for seed in p.seed_numbers:
            found += _of_one_seed(p, ending, corpus, seed)
    return found


def _of_one_seed(p: Parameters, ending: str, corpus: str, seed: int) -> list[Pretrain]:
    def run(budget: int, kind: str, **more: object) -> Pretrain:
        warmup = 0.0 if "start" in more else _WARMUP_TOKENS
        final = 0.1 if kind == "clipped cosine" else 0.0
        schedule = Schedule(kind=kind, peak=p.rate, warmup=warmup, final=final)  # type: ignore[arg-type]
        settings = {"corpus": corpus, "seed": seed, "model": p.model, "batch": p.batch, "schedule": schedule}
        return Pretrain(budget=budget, **(settings | more))

    budgets = sorted(p.budgets)
    last = budgets[-1]
    kept = tuple(sorted({*budgets[:-1], *(leaves_at(budget) for budget in budgets)}))
    trunk = run(last, "constant", keep=kept)
    branches = [
        run(budget, "linear", start=Checkpoint(run=trunk, tokens=leaves_at(budget))) for budget in budgets
    ]
    runs = {
        "annealed": [run(budget, "cosine") for budget in budgets],
        "trunk": [trunk],
        "branches": [trunk, *branches],
        "clipped cosine": [run(last, "clipped cosine", keep=tuple(budgets[:-1]))],
    }
    if ending == "all":
        return [*runs["annealed"], *runs["branches"], *runs["clipped cosine"]]
    return runs[ending]

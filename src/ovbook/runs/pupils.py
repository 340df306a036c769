"""The models that part B teaches: one larger base for each corpus and seed, the same in all its chapters."""

from __future__ import annotations

from ovbook.errors import OvbookError
from ovbook.runs.released import Released
from ovbook.runs.settings import Parameters
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.schedules import Schedule

__all__ = ["PUPILS", "pupils"]

PUPILS: dict[str, tuple[str, int]] = {
    "smoke": ("olmo:16x2", 65_536),
    "laptop": ("olmo:64x2", 2_000_000),
    "gpu": ("olmo:192x6", 64_000_000),
    "paper": ("olmo:768x12", 8_000_000_000),
}
"""Model and tokens of pre-training at each scale."""
_TEXT_CONTEXT = 256
"""Tokens in a row of real text: questions with worked answers are longer than a world's documents."""


def pupils(p: Parameters, model: str | None = None, tokens: int | None = None) -> list[Checkpoint]:
    """The part's base models: for every corpus and seed of `p`, worlds first.

    model, tokens: others than the scale's (`PUPILS`), or than the first of the parameter `models` where a chapter has it.
    With the parameter `released` (``EleutherAI/pythia-410m`` or ``NAME@REVISION``), that model of the hub instead, once a seed:
    examples and their order then are all that a seed decides.
    """
    if p.get("released"):
        if model or tokens:
            raise OvbookError(
                f"released is {p.released!r}: a model from the hub has one size and one length of training"
            )
        name, _, revision = str(p.released).partition("@")
        return [
            Checkpoint(run=Released(name=name, revision=revision or None, seed=s)) for s in p.seed_numbers
        ]
    own, budget = PUPILS[p.scale]
    first = (p.get("models") or (own,))[0]
    schedule = Schedule(kind="cosine", peak=p.rate, warmup=0.02)
    return [
        Checkpoint(
            run=Pretrain(
                corpus=corpus,
                model=model or first,
                seed=seed,
                budget=tokens or budget,
                batch=p.batch,
                context=128 if corpus.startswith("world:") else _TEXT_CONTEXT,
                schedule=schedule,
            )
        )
        for corpus in p.corpora
        for seed in p.seed_numbers
    ]

"""What is published about the released training runs: sizes, tokens, and the learning rate in force at each checkpoint.

Numbers of others, each with its source; nothing here was measured by us. The rate at a checkpoint is computed from the
published configuration; the logs may differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ovbook import schedules
from ovbook.errors import OvbookError
from ovbook.hub import parse_revision

__all__ = ["FLOPS_PER_SECOND", "PUBLIC_RUNS", "PublicRun", "hours", "tokens_of"]

_POINTS = 20_000
"""Steps in which a published schedule is evaluated: more than the checkpoints of any run."""


FLOPS_PER_SECOND = 1.5e14
"""Floating-point operations a second that we reckon with on one modern GPU: about a sixth of its peak in bfloat16. A
guess until runs of this size have been timed."""


def hours(
    parameters: float, *, trained: float = 0, scored: float = 0, rate: float = FLOPS_PER_SECOND
) -> float:
    """Hours for a model of so many weights: 6 operations per weight and token trained on, 2 per token scored.

    >>> round(hours(1e9, trained=9e10, rate=1.5e14))
    1000
    """
    return parameters * (6 * trained + 2 * scored) / rate / 3600


@dataclass(frozen=True, kw_only=True)
class PublicRun:
    """One released pre-training run.

    parameters: about; tokens: at its end; step_tokens: of one step; horizon: tokens at which the published schedule
    would end (`schedule` None: not known to us); source: where we have it from.
    """

    repo: str
    parameters: float
    tokens: float
    source: str
    schedule: schedules.Schedule | None = None
    horizon: float = 0.0
    step_tokens: int | None = None

    def rate_at(self, tokens: float) -> float:
        """The learning rate in force after so many tokens, by the published configuration."""
        if self.schedule is None:
            raise OvbookError(f"the learning-rate schedule of {self.repo} is not known to this book")
        if not 0 <= tokens <= self.horizon:
            raise OvbookError(
                f"{tokens:g} tokens lie outside the schedule of {self.repo}: from 0 to {self.horizon:g}"
            )
        rates = self.schedule.rates(_POINTS)
        return float(np.interp(tokens / self.horizon, np.linspace(0, 1, _POINTS), rates))


_CONFIG_1B = "configs/official-0724/OLMo-1B.yaml of allenai/OLMo"
_CONFIG_7B = "configs/official-1124/OLMo2-7B-stage1.yaml of allenai/OLMo"
_PYTHIA = "configs/pythia/410M.yml of EleutherAI/gpt-neox, README of EleutherAI/pythia"

PUBLIC_RUNS: dict[str, PublicRun] = {
    run.repo: run
    for run in (
        PublicRun(
            repo="allenai/OLMo-1B-hf",
            parameters=1.18e9,
            tokens=3.10e12,
            step_tokens=2048 * 2048,
            horizon=739_328 * 2048 * 2048,
            schedule=schedules.Schedule(kind="cosine", peak=4e-4, warmup=2000 / 739_328, final=0.1),
            source=_CONFIG_1B,
        ),
        PublicRun(
            repo="allenai/OLMo-2-1124-7B",
            parameters=7.3e9,
            tokens=3.89e12,
            step_tokens=1024 * 4096,
            horizon=5e12,
            schedule=schedules.Schedule(kind="cosine", peak=3e-4, warmup=8.39e9 / 5e12, final=0.1),
            source=_CONFIG_7B,
        ),
        PublicRun(
            repo="EleutherAI/pythia-410m",
            parameters=4.05e8,
            tokens=299_892_736_000,
            step_tokens=2_097_152,
            horizon=299_892_736_000,
            schedule=schedules.Schedule(kind="clipped cosine", peak=3e-4, warmup=0.01, final=0.1),
            source=_PYTHIA,
        ),
        PublicRun(
            repo="LLM360/Amber",
            parameters=6.7e9,
            tokens=1.3e12,
            source="model card (360 checkpoints), Springer et al. at second hand (1.3T tokens)",
        ),
    )
}
"""The released runs of the paper, and one small enough for a single card, by their name on the hub."""

_AMBER = re.compile(r"ckpt_(\d+)")


def tokens_of(repo: str, revision: str) -> int | None:
    """Pre-training tokens behind a revision, by its name and what is published of its run; None if neither tells."""
    known = PUBLIC_RUNS.get(repo)
    if known and revision == "main":
        return int(known.tokens)
    if known and (found := _AMBER.fullmatch(revision)):
        return round((int(found[1]) + 1) / 360 * known.tokens)
    try:
        step, tokens = parse_revision(revision)
    except OvbookError:
        return None
    if tokens is not None:
        return tokens
    return step * known.step_tokens if known and known.step_tokens else None

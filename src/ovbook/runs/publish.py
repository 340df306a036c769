"""Base models as repositories of a hub cache, one revision a checkpoint: for every tool that loads by name."""

from __future__ import annotations

import re
from pathlib import Path

from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.runs.results import Results
from ovbook.runs.specs import Checkpoint, Pretrain
from ovbook.runs.work import checkpoint_name

__all__ = ["publish", "repository"]


def repository(run: Pretrain) -> str:
    """The repository that `run` belongs to: its budgets, and its checkpoints, are revisions there.

    >>> repository(Pretrain(corpus="world:1/almanac", seed=100, budget=1_000_000))
    'ovbook/olmo-32x2-world-1-almanac-annealed-seed100'
    """
    words = re.sub(r"[^\w.]+", "-", f"{run.model} {run.corpus} {run.ending} seed{run.seed}", flags=re.ASCII)
    return f"ovbook/{words.strip('-')}"


def publish(results: Results, cache_dir: Path) -> dict[str, dict[str, str]]:
    """Lay out the base models under `results` in a hub cache; return repository -> revision -> commit.

    Afterwards ``AutoModelForCausalLM.from_pretrained(repository, revision="step488-tokens1M",
    cache_dir=cache_dir, local_files_only=True)`` loads one, and so does every tool built on it. Files are
    linked where the disk allows it, so this takes no room.
    """
    folders: dict[str, dict[str, Path]] = {}
    for run in results.of(Pretrain):
        for tokens in (*run.keep, run.budget):
            at = Checkpoint(run=run, tokens=tokens)
            folders.setdefault(repository(run), {})[checkpoint_name(at)] = results.checkpoint(at)
    if not folders:
        raise OvbookError(
            "these results stand on no base model: give the results of an experiment on the suite"
        )
    return {repo: hub.publish(revisions, repo, cache_dir) for repo, revisions in folders.items()}

"""The loss of a model, or a stack of them, on rows it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.corpus import Corpus, WorldCorpus
from ovbook.models import ModelSpec, Params, init, token_losses
from ovbook.world import ROLES

__all__ = ["held_out_losses", "loss_by_part", "mean_loss", "run", "untrained"]

_TOKENS_AT_ONCE = 1 << 14
"""Rows are taken in pieces of about this many tokens: larger ones are no faster and take more memory."""


@torch.no_grad()
def held_out_losses(params: Params, spec: ModelSpec, rows: Tensor) -> Tensor:
    """Loss in nats of each predicted token of K models on the same `rows` [N, T]: [K, N, T - 1]."""
    members = next(iter(params.values())).shape[0]
    step = max(1, _TOKENS_AT_ONCE // (rows.shape[1] * members))
    pieces = [
        token_losses(params, spec, piece.long().expand(members, -1, -1)).float() for piece in rows.split(step)
    ]
    return torch.cat(pieces, dim=1)


def mean_loss(params: Params, spec: ModelSpec, rows: Tensor) -> Tensor:
    """Mean loss in nats per predicted token of K models on the same `rows` [N, T]: [K], float64."""
    return held_out_losses(params, spec, rows).double().mean(dim=(1, 2))


def untrained(spec: ModelSpec, seed: int | None, rows: Tensor) -> float:
    """Loss on `rows` [N, T] before the first step; without a seed, as of released models, that of a uniform guess."""
    if seed is None:
        return float(np.log(spec.vocab))
    blank = {name: tensor.to(rows.device) for name, tensor in init(spec, [seed]).items()}
    return float(mean_loss(blank, spec, rows)[0])


def loss_by_part(losses: np.ndarray, corpus: Corpus, seed: int) -> list[dict[str, Any]]:
    """Mean of `losses` [N, T - 1] over the whole and, in a world, over each section and each role of token.

    Each record has section, role ("all" where not told apart), loss, truth (the mean surprise of those tokens
    to someone who knows the world and what the document hides: no model can do better) and predictions, how many tokens that is. Real text
    has the whole only, and no truth.
    """
    whole = {"section": "all", "role": "all", "loss": float(losses.mean(dtype=np.float64))}
    if not isinstance(corpus, WorldCorpus):
        return [whole | {"truth": None, "predictions": losses.size}]
    known = corpus.annotated(seed, len(losses))
    everything = np.ones(losses.shape, dtype=bool)
    parts = [("all", "all", everything)]
    parts += [
        (name, "all", everything & (known.domains == index)[:, None])
        for index, name in enumerate(known.names)
    ]
    parts += [("all", role, known.roles == index) for index, role in enumerate(ROLES)]
    return [
        {
            "section": section,
            "role": role,
            "loss": float(losses[where].mean(dtype=np.float64)),
            "truth": float(known.nats[where].mean()),
            "predictions": int(where.sum()),
        }
        for section, role, where in parts
        if where.any()
    ]


def run(spec: Any, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    """The operation of `ovbook.runs.Evaluate`: one record per corpus and part (see `loss_by_part`)."""
    params, shape = inputs.load(spec.base, device)
    params = {name: tensor.to(device) for name, tensor in params.items()}
    records = []
    for corpus in [inputs.open_corpus(name) for name in spec.corpora] or [inputs.corpus]:
        rows = torch.from_numpy(corpus.validation(spec.evaluation_seed, spec.rows).astype(np.int64))
        losses = held_out_losses(params, shape, rows.to(device))[0].cpu().numpy()
        records += [
            {"on": corpus.name, **part} for part in loss_by_part(losses, corpus, spec.evaluation_seed)
        ]
    return records

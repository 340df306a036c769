"""Slices of the loss surface: the loss along straight lines through a model's weights.

The directions are random and *filter-normalised* (Li et al. 2018): every row of a weight matrix, which is what one unit
reads, is moved by a random vector as long as the row itself, so that a distance of 1 means the same for weights of any
scale; vectors (norms, biases) stay. A random line shows the surface's common shape, hardly ever its worst direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.files import sha256_bytes
from ovbook.models import ModelSpec, Params, init, load_checkpoint

__all__ = ["along", "filter_normalised", "run"]

_AT_ONCE = 8
"""Places of a line whose models are held at once."""


def filter_normalised(params: Params, *, seed: int, draw: int) -> Params:
    """A random direction through one model (K = 1), a pure function of (seed, draw, tensor name).

    Each row of each matrix has the length of the row of `params`; tensors that are no matrices get zeros.
    """
    found = {}
    for name, tensor in params.items():
        if tensor.shape[0] != 1:
            raise OvbookError("a direction is that of one model: take a member of the stack")
        if tensor.dim() < 3:
            found[name] = torch.zeros_like(tensor)
            continue
        digest = sha256_bytes(f"slice/{seed}/{draw}/{name}")
        generator = torch.Generator().manual_seed(int(digest[:15], 16))
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float32).to(tensor)
        found[name] = drawn * (tensor.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True))
    return found


@torch.no_grad()
def along(
    params: Params, spec: ModelSpec, direction: Params, places: Sequence[float], rows: Tensor
) -> np.ndarray:
    """Mean loss on `rows` [N, T] of weights + place x direction for each of `places`, [len(places)], nats per token."""
    found = []
    for piece in torch.tensor(list(places), dtype=torch.float32, device=rows.device).split(_AT_ONCE):
        moved = {
            name: tensor + piece.to(tensor).view(-1, *[1] * (tensor.dim() - 1)) * direction[name]
            for name, tensor in params.items()
        }
        found.append(mean_loss(moved, spec, rows).cpu())
    return torch.cat(found).numpy()


def run(spec: Any, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    """The operation of `ovbook.runs.Slice`: one record a direction and place.

    direction counts from 0; place, in lengths of the weights' own rows; loss on `spec.rows` held-out documents, nats per token.
    """
    params, shape = load_checkpoint(inputs.checkpoint(spec.base))
    if spec.start == "scratch":
        params = init(shape, [spec.base.root.init_seed])
    params = {name: tensor.to(device) for name, tensor in params.items()}
    held_out = inputs.corpus.validation(spec.evaluation_seed, spec.rows).astype(np.int64)
    rows = torch.from_numpy(held_out).to(device)
    records = []
    for draw in range(spec.directions):
        direction = filter_normalised(params, seed=spec.slice_seed, draw=draw)
        losses = along(params, shape, direction, spec.places, rows)
        records += [
            {"direction": draw, "place": place, "loss": float(loss)}
            for place, loss in zip(spec.places, losses, strict=True)
        ]
    return records

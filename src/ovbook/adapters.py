"""Low-rank adapters (LoRA, Hu et al. 2021): train a small sum instead of the weights.

Every matrix of the blocks is W + B A with W fixed, B [K, out, r] and A [K, r, in]; B starts at zero, so training
starts at the base model. Embedding, output matrix and norms stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.files import sha256_bytes
from ovbook.models import ModelSpec, Params

__all__ = ["adapted", "adapters"]

_UP, _DOWN = ".lora_b", ".lora_a"


def adapters(params: Params, spec: ModelSpec, rank: int, *, seeds: Sequence[int]) -> Params:
    """Adapters of `rank` for every matrix inside the blocks of K models; member k's A is drawn from `seeds[k]`, B is zero.

    A has standard deviation 1 / sqrt(in), so that B A x is of the size of B times a unit vector's projection.
    """
    found: Params = {}
    for name, tensor in params.items():
        if tensor.dim() != 3 or ".layers." not in name:
            continue
        k, out, into = tensor.shape
        if not 1 <= rank <= min(out, into):
            raise OvbookError(
                f"the adapters' rank is {rank}, but {name} is {out} x {into}: it must be from 1 to {min(out, into)}"
            )
        down = torch.cat([_drawn(f"adapter/{seed}/{name}", rank, into) for seed in seeds])
        found[name + _DOWN] = down.to(tensor)
        found[name + _UP] = torch.zeros(k, out, rank, dtype=tensor.dtype, device=tensor.device)
    if not found:
        raise OvbookError(f"a model of architecture {spec.arch} has no matrices in '.layers.' to adapt")
    return found


def _drawn(purpose: str, rank: int, into: int) -> Tensor:
    generator = torch.Generator().manual_seed(int(sha256_bytes(purpose)[:15], 16))
    return torch.randn((1, rank, into), generator=generator) / into**0.5


def adapted(base: Params) -> Callable[[Params], Params]:
    """From adapters of `base` to the weights of the adapted model: what `ovbook.train.train` takes as `compose`."""

    def compose(small: Params) -> Params:
        return {
            name: tensor + small[name + _UP] @ small[name + _DOWN] if name + _UP in small else tensor
            for name, tensor in base.items()
        }

    return compose

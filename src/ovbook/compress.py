"""Making a model smaller: fewer bits for a weight, or fewer weights.

Both are the plain textbook methods, without any data to adapt to: what they break is the model's own doing. They change
every matrix, embedding and output matrix included, and leave the vectors of norms as they are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models import Params

__all__ = ["COMPRESSIONS", "pruned", "quantised", "size_problem"]


def quantised(params: Params, bits: float) -> Params:
    """Return the weights of K models rounded to `bits` bits, symmetric, to nearest, one step a row.

    A row of a matrix holds the weights of one output channel (of an embedding: one token). Its largest weight becomes
    2^(bits - 1) - 1 steps, so 2 bits leave -1, 0 and 1 times that weight, and a row keeps 2^bits - 1 levels at most.
    """
    if problem := size_problem("quantisation", bits):
        raise OvbookError(problem)
    most = 2 ** (int(bits) - 1) - 1

    def rounded(matrix: Tensor) -> Tensor:
        step = matrix.abs().amax(dim=-1, keepdim=True).clamp(min=1e-12) / most
        return (matrix / step).round() * step

    return {name: rounded(t) if t.dim() == 3 else t for name, t in params.items()}


def pruned(params: Params, share: float) -> Params:
    """Return the weights of K models with the smallest `share` of every matrix' weights set to zero."""
    if problem := size_problem("pruning", share):
        raise OvbookError(problem)

    def cut(matrix: Tensor) -> Tensor:
        many = round(share * matrix[0].numel())
        if many == 0:
            return matrix
        least = matrix.abs().flatten(1).kthvalue(many, dim=1).values
        return matrix.where(matrix.abs() > least[:, None, None], torch.zeros_like(matrix))

    return {name: cut(t) if t.dim() == 3 else t for name, t in params.items()}


COMPRESSIONS = {"quantisation": quantised, "pruning": pruned}
"""Name of a compression -> how to do it to a given size: bits of a weight, or share of the weights."""


def size_problem(name: str, size: float) -> str:
    """What is wrong with a size of the compression `name`, as a sentence; empty if nothing is."""
    if name == "quantisation" and not (np.isfinite(size) and float(size).is_integer() and 2 <= size <= 16):
        return f"quantisation to {size:g} bits is not possible: bits are a whole number from 2 to 16"
    if name == "pruning" and not (np.isfinite(size) and 0 <= size < 1):
        return f"pruning a share of {size:g} is not possible: the share of weights is from 0 to below 1"
    return ""

"""Next-token loss of a model or a stack of them."""

from __future__ import annotations

import threading
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ovbook.models.auto import auto_loss, auto_token_losses
from ovbook.models.decoder import Drop, constant, head_weight, hidden, linear
from ovbook.models.spec import ModelSpec, Params

__all__ = ["next_token_loss", "token_losses"]

_CHUNK = 1 << 18
"""Logits held at once on a CPU: one megabyte in float32, which stays in the cache."""


def token_losses(params: Params, spec: ModelSpec, tokens: Tensor) -> Tensor:
    """Loss in nats of each predicted token, ``[K, B, T - 1]``, for `tokens` ``[K, B, T]``."""
    tokens = tokens.long()
    if spec.arch == "auto":
        return auto_token_losses(params, spec, tokens)
    states = hidden(params, spec, tokens[..., :-1])
    return _losses(states, head_weight(params, spec), tokens[..., 1:])


def next_token_loss(
    params: Params,
    spec: ModelSpec,
    tokens: Tensor,
    weight: Tensor | None = None,
    *,
    drop: Drop | None = None,
    summed: bool = False,
) -> Tensor:
    """Mean loss in nats per predicted token of each member, ``[K]``.

    `weight` ``[K, B, T - 1]`` (or a shape that broadcasts to it) weighs the predictions: 1 on an answer and 0
    on its question trains on answers only. Each member's weights are divided by their own sum; if `summed`, they are
    taken as they are, and may be negative: what has a negative weight is unlearnt. `drop` is dropout
    (`ovbook.models.hidden`), in training alone.
    """
    tokens = tokens.long()
    if spec.arch == "auto":
        return auto_loss(params, spec, tokens, weight, summed=summed)
    # The last token predicts nothing; it is kept, with a share of 0, because whole rows of 128 align better.
    targets = F.pad(tokens[..., 1:], (0, 1))
    states, head = hidden(params, spec, tokens, drop), head_weight(params, spec)
    if weight is None:
        share = even_share(*tokens.shape, states.dtype, states.device)
    else:
        weight = F.pad(weight.to(states).expand(tokens[..., 1:].shape), (0, 1))
        share = weight if summed else weight / weight.sum(dim=(1, 2), keepdim=True)
    fused = states.device.type == "cpu" and states.dtype != torch.bfloat16 and torch.is_grad_enabled()
    if fused and not torch.compiler.is_compiling():
        return _HeadLoss.apply(states.flatten(1, 2), head, targets.flatten(1), share.flatten(1))
    losses = _losses(states, head, targets)
    return (losses * share.to(losses.dtype)).sum(dim=(1, 2))


@constant
def even_share(K: int, B: int, T: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What each of ``[K, B, T]`` predictions counts when all count the same, the last of each row 0."""
    share = torch.full((K, B, T), 1 / (B * (T - 1)), dtype=dtype, device=device)
    share[..., -1] = 0
    return share


@constant
def scratch(rows: int, columns: int, dtype: torch.dtype, thread: int) -> Tensor:
    """Memory for one piece of logits, kept from step to step: asking for it anew costs as much as filling it.

    Each thread has its own.
    """
    return torch.empty(rows, columns, dtype=dtype)


def _losses(states: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    logits = linear(states, head)
    if logits.dtype == torch.bfloat16:
        logits = logits.float()
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none").view(targets.shape)


class _HeadLoss(torch.autograd.Function):
    """Head, log-softmax and weighted mean in one go over pieces of rows, gradient included; for CPUs.

    With a vocabulary many times the width, logits and their gradient are the largest tensors of a step: written
    out and read back several times, they took three fifths of it. Here a piece of them is made, turned into the
    gradient in place and used while it is in the cache. `_losses` is the plain twin; a test pins one to the other.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, head: Tensor, targets: Tensor, share: Tensor) -> Tensor:
        """`states` [K, N, D], `head` [K, V, D], `targets` and `share` [K, N] -> loss [K]."""
        K, N, _ = states.shape
        rows = max(64, _CHUNK // head.shape[1])
        states_grad, head_grad = torch.empty_like(states), torch.zeros_like(head)
        buffer = scratch(min(rows, N), head.shape[1], states.dtype, threading.get_ident())
        losses = states.new_empty(K, N, 1)
        targets, share = targets.unsqueeze(2), share.unsqueeze(2)
        for k in range(K):
            for start in range(0, N, rows):
                part = (k, slice(start, start + rows))
                x, target, weight = states[part], targets[part], share[part]
                logits = torch.mm(x, head[k].T, out=buffer[: x.shape[0]])
                top = logits.amax(1, keepdim=True)
                chosen = logits.gather(1, target)
                total = logits.sub_(top).exp_().sum(1, keepdim=True)
                losses[part] = total.log() + top - chosen
                gradient = logits.mul_(weight / total).scatter_add_(1, target, -weight)
                torch.mm(gradient, head[k], out=states_grad[part])
                head_grad[k].addmm_(gradient.T, x)
        ctx.save_for_backward(states_grad, head_grad)
        return (losses * share).sum(dim=(1, 2))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        states_grad, head_grad = ctx.saved_tensors
        grad = grads[0].view(-1, 1, 1)
        return states_grad * grad, head_grad * grad, None, None

"""Writing text: a plain loop that recomputes the row for each new token."""

from __future__ import annotations

import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models.decoder import forward, head_weight, hidden, linear
from ovbook.models.spec import ModelSpec, Params

__all__ = ["generate"]


@torch.no_grad()
def generate(
    params: Params,
    spec: ModelSpec,
    prompt: Tensor,
    max_new: int,
    *,
    lengths: Tensor | None = None,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    stop: int | None = None,
) -> Tensor:
    """Continue `prompt` ``[K, B, T]`` by at most `max_new` tokens; returns ids ``[K, B, T + new]``, prompt included.

    Rows may have prompts of different lengths: pad them on the right and give `lengths` ``[K, B]``; each row is
    continued right after its own prompt, and what follows its last token is filled with `stop` (or 0).
    `temperature` 0 takes the likeliest token; above 0, tokens are drawn with `generator` (on the CPU, so that the
    draws are the same on every device). A row ends at `stop`, or when the model's context is full; the loop ends
    when all rows have. A row is recomputed for each token: rows here are at most a few hundred tokens, and
    attending only backwards makes the padding harmless.
    """
    if not temperature >= 0:
        raise OvbookError(
            f"temperature is {temperature}: it must be a number of at least 0 (0 = likeliest token)"
        )
    if temperature > 0 and generator is None:
        raise OvbookError(
            "sampling at a temperature above 0 needs generator=torch.Generator().manual_seed(...)"
        )
    K, B, T = prompt.shape
    if spec.context <= T and lengths is None:
        raise OvbookError(
            f"the prompt has {T} tokens and the model's context is {spec.context}: shorten the prompt so that "
            f"something can follow"
        )
    fill = 0 if stop is None else stop
    ids = torch.full((K, B, T + max_new), fill, dtype=torch.long, device=prompt.device)
    ids[..., :T] = prompt
    at = (
        torch.full((K, B), T, device=ids.device)
        if lengths is None
        else lengths.to(ids.device).expand(K, B).clone()
    )
    # Positions at or beyond a row's own length are filled, so that padding never shows in the answer.
    ids = torch.where(torch.arange(T + max_new, device=ids.device) < at[..., None], ids, fill)
    running = at < min(spec.context, T + max_new)
    for _ in range(max_new):
        if not bool(running.any()):
            break
        length = int(at[running].max())
        logits = _next_logits(params, spec, ids[..., :length], (at - 1).clamp(max=length - 1))
        chosen = _choose(logits, temperature, generator)
        ids.scatter_(2, at.clamp(max=ids.shape[2] - 1)[..., None], _keep(chosen, ids, at, running)[..., None])
        at = at + running
        running &= at < min(spec.context, ids.shape[2])
        if stop is not None:
            running &= chosen != stop
    return ids[..., : int(at.max())]


def _next_logits(params: Params, spec: ModelSpec, ids: Tensor, last: Tensor) -> Tensor:
    """Logits ``[K, B, vocab]`` after the token at `last` ``[K, B]`` of each row."""
    if spec.arch == "auto":
        return (
            forward(params, spec, ids)
            .gather(2, last[..., None, None].expand(-1, -1, 1, spec.vocab))
            .squeeze(2)
        )
    states = hidden(params, spec, ids)
    states = states.gather(2, last[..., None, None].expand(-1, -1, 1, spec.width))
    return linear(states, head_weight(params, spec)).squeeze(2)


def _keep(chosen: Tensor, ids: Tensor, at: Tensor, running: Tensor) -> Tensor:
    """The chosen token where a row is still running, else what stands there."""
    here = ids.gather(2, at.clamp(max=ids.shape[2] - 1)[..., None]).squeeze(2)
    return torch.where(running, chosen, here)


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    if temperature == 0:
        return logits.argmax(-1)
    probability = torch.softmax(logits.float().cpu() / temperature, dim=-1)
    drawn = torch.multinomial(probability.flatten(0, 1), 1, generator=generator)
    return drawn.view(logits.shape[:2]).to(logits.device)

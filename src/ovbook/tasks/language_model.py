"""The face that scoring sees of a model, whether it is ours, a stack of ours, or one of transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["LanguageModel", "transformers_model"]

_NUMBERS_AT_ONCE = 1 << 24
"""Logits are computed in pieces of about this many numbers (64 MB in float32)."""


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """What scoring needs of a model, or of a stack of K models: two functions and three numbers.

    `logits(tokens [K, B, T]) -> [K, B, T, V]` must be causal, because rows are padded on the right.
    `generate(prompt [K, B, T], lengths [K, B], max_new, stop) -> ids [K, B, T + new]` continues each prompt
    greedily right after its own length, as `ovbook.models.generate` does.
    """

    logits: Callable[[Tensor], Tensor]
    generate: Callable[[Tensor, Tensor, int, int | None], Tensor]
    members: int
    context: int
    vocab: int
    device: torch.device | str = "cpu"

    def rows_at_once(self, width: int) -> int:
        """How many rows of `width` tokens to take in one call."""
        return max(1, _NUMBERS_AT_ONCE // (self.members * width * self.vocab))


def transformers_model(model: Any, *, context: int | None = None) -> LanguageModel:
    """A causal model of transformers as scoring wants it: one member, scored in its own precision.

    `context` defaults to the configuration's ``max_position_embeddings``.
    """
    model.eval()

    def logits(tokens: Tensor) -> Tensor:
        return model(input_ids=tokens[0]).logits[None]

    def generate(prompt: Tensor, lengths: Tensor, max_new: int, stop: int | None) -> Tensor:
        out = prompt.new_full((1, prompt.shape[1], prompt.shape[2] + max_new), stop or 0)
        out[:, :, : prompt.shape[2]] = prompt
        for length in lengths[0].unique().tolist():  # rows of one length need no padding on the left
            chosen = (lengths[0] == length).nonzero().squeeze(1)
            ids = prompt[0, chosen, :length]
            written = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_new,
                do_sample=False,
                eos_token_id=stop,
                pad_token_id=stop or 0,
            )
            out[0, chosen, length:] = stop or 0
            out[0, chosen, : written.shape[1]] = written
        return out

    return LanguageModel(
        logits=logits,
        generate=generate,
        members=1,
        context=context or int(model.config.max_position_embeddings),
        vocab=int(model.config.vocab_size),
        device=model.device,
    )

"""Small OLMo, OLMo 2 and GPT-NeoX models: what they are, what they compute, and their files."""

from __future__ import annotations

from ovbook.models.checkpoints import load_any, load_checkpoint, read_shape, save_checkpoint
from ovbook.models.decoder import forward, head_name, hidden, member, stack
from ovbook.models.generate import generate
from ovbook.models.identity import distinct_checkpoints, weights_hash
from ovbook.models.loss import next_token_loss, token_losses
from ovbook.models.spec import (
    PRESETS,
    ModelSpec,
    Params,
    init,
    init_std_of,
    parameter_count,
    parameter_shapes,
    parse_model,
)

__all__ = [
    "PRESETS",
    "ModelSpec",
    "Params",
    "distinct_checkpoints",
    "forward",
    "generate",
    "head_name",
    "hidden",
    "init",
    "init_std_of",
    "load_any",
    "load_checkpoint",
    "member",
    "next_token_loss",
    "parameter_count",
    "parameter_shapes",
    "parse_model",
    "read_shape",
    "save_checkpoint",
    "stack",
    "token_losses",
    "weights_hash",
]

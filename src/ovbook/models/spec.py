"""What a model is: architecture and sizes, its parameters' names and shapes, and how they are born."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ovbook.errors import OvbookError, did_you_mean

__all__ = [
    "ARCHITECTURES",
    "PRESETS",
    "ModelSpec",
    "Params",
    "init",
    "init_std_of",
    "parameter_count",
    "parameter_shapes",
    "parse_model",
]

Params = dict[str, Tensor]
"""Weights by their Hugging Face name; every tensor has a leading member axis, ``[K, ...]``."""

ARCHITECTURES = ("olmo", "olmo2", "neox")
INITS = ("mitchell", "normal", "small")

PRESETS = {
    "20k": "olmo:16x2",
    "60k": "olmo:32x2",
    "140k": "olmo:64x2",
    "450k": "olmo:128x2",
    "1m": "olmo:128x4",
    "3m": "olmo:192x6",
    "10m": "olmo:320x8",
    "15m": "olmo:384x8",
    "30m": "olmo:512x10",
    "90m": "olmo:768x12",
}
"""Names for common sizes: the rough number of parameters at a vocabulary of a few hundred words."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One decoder-only transformer, without dropout.

    ``arch`` is ``olmo`` (OLMo 1: LayerNorm without weights, SwiGLU, no biases; Groeneveld et al. 2024),
    ``olmo2`` (RMSNorm after attention and MLP, RMSNorm of whole queries and keys; OLMo team 2024) or ``neox``
    (GPT-NeoX, so Pythia: LayerNorm and biases, rotary positions on `rotary` of each head, attention and MLP
    side by side, exact GELU; Black et al. 2022, Biderman et al. 2023). ``auto`` is whatever transformers computes
    (`ovbook.models.auto`).

    ``init`` is how weights are drawn, always from a plain normal distribution around 0 (`init_std_of` gives
    the numbers); norms start at 1 and biases at 0:

    - ``mitchell``, OLMo 1's own and ours for every model trained here: 1/sqrt(fan-in), divided by sqrt(2 x
      layers) for the two matrices of a layer that write into the residual stream; embeddings 1/sqrt(width). It
      is about 0.02 at width 2048 and grows as models shrink, which a fixed 0.02 does not: with that, a model
      of width 32 spends its first million tokens only growing its weights.
    - ``normal``, OLMo 2's: 0.02 everywhere.
    - ``small``, GPT-NeoX's and Pythia's: sqrt(2 / (5 x width)), and 2 / (layers x sqrt(width)) for the matrices
      that write into the residual stream.
    """

    arch: Literal["olmo", "olmo2", "neox", "auto"] = "olmo"
    vocab: int
    width: int
    layers: int
    heads: int
    mlp: int
    context: int
    rope_theta: float = 10000.0
    rotary: float = 1.0
    norm_eps: float = 1e-5
    clip_qkv: float | None = None
    tied: bool = False
    init: Literal["mitchell", "normal", "small"] = "mitchell"

    def __post_init__(self) -> None:
        if self.arch not in ARCHITECTURES:
            raise OvbookError(
                f"unknown architecture '{self.arch}'{did_you_mean(self.arch, ARCHITECTURES)}: "
                f"it is one of {', '.join(ARCHITECTURES)}"
            )
        if self.init not in INITS:
            raise OvbookError(f"unknown init '{self.init}': it is one of {', '.join(INITS)}")
        for field in ("vocab", "width", "layers", "heads", "mlp", "context"):
            value = getattr(self, field)
            if not isinstance(value, int) or value < 1:
                raise OvbookError(f"a model's {field} is {value!r}: it must be a whole number of at least 1")
        if self.width % (2 * self.heads):
            raise OvbookError(
                f"a model of width {self.width} cannot have {self.heads} heads: width / heads must be a whole, "
                f"even number because rotary positions turn pairs of numbers"
            )
        if not 0 < self.rotary <= 1 or self.rotary_dim % 2 or self.rotary_dim < 2:
            raise OvbookError(
                f"rotary is {self.rotary}: it is the share of each head's {self.head_dim} numbers that is rotated, "
                f"above 0 and at most 1, and must come to an even number of them"
            )

    @property
    def head_dim(self) -> int:
        """Numbers in one head."""
        return self.width // self.heads

    @property
    def rotary_dim(self) -> int:
        """Numbers of each head that carry a position."""
        return int(self.head_dim * self.rotary)


def parse_model(text: str, *, vocab: int, context: int) -> ModelSpec:
    """Read ``ARCH:WIDTHxLAYERS`` or ``ARCH:WIDTHxLAYERSxHEADS`` or a preset's name such as ``60k``.

    Unsaid, heads hold 16 numbers up to width 64, 32 up to width 256, and 64 beyond; the MLP is 8/3 of the width
    (rounded up to a multiple of 8) for the gated MLPs of OLMo and 4 times the width for GPT-NeoX, so that a
    layer has about 12 x width^2 weights in each.

    >>> parse_model("olmo:32x2", vocab=420, context=128).heads
    2
    """
    known = PRESETS.get(text, text)
    match = re.fullmatch(r"([a-z0-9]+):(\d+)x(\d+)(?:x(\d+))?", known)
    if match is None or match[1] not in ARCHITECTURES:
        raise OvbookError(
            f"unknown model '{text}'{did_you_mean(text, [*PRESETS, *PRESETS.values()])}: write "
            f"ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2 (architectures: {', '.join(ARCHITECTURES)}), "
            f"or one of {', '.join(PRESETS)}"
        )
    arch, width, layers = match[1], int(match[2]), int(match[3])
    neox = arch == "neox"
    return ModelSpec(
        arch=arch,  # type: ignore[arg-type]
        vocab=vocab,
        width=width,
        layers=layers,
        heads=int(match[4]) if match[4] else _default_heads(width),
        mlp=4 * width if neox else -(-8 * width // 24) * 8,
        context=context,
        rotary=0.25 if neox and width // (int(match[4] or 0) or _default_heads(width)) >= 16 else 1.0,
        norm_eps=1e-6 if arch == "olmo2" else 1e-5,
    )


def _default_heads(width: int) -> int:
    size = 16 if width <= 64 else 32 if width <= 256 else 64
    return max(1, width // size)


def parameter_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of one member by its Hugging Face name, in the order in which they are drawn."""
    if spec.arch == "auto":
        return dict(getattr(spec, "shapes"))  # noqa: B009 (of AutoSpec, which knows this module)
    d, m, v = spec.width, spec.mlp, spec.vocab
    shapes: dict[str, tuple[int, ...]] = {}
    if spec.arch == "neox":
        shapes["gpt_neox.embed_in.weight"] = (v, d)
        for i in range(spec.layers):
            layer = f"gpt_neox.layers.{i}."
            for norm in ("input_layernorm", "post_attention_layernorm"):
                shapes |= {f"{layer}{norm}.weight": (d,), f"{layer}{norm}.bias": (d,)}
            for name, shape in {
                "attention.query_key_value": (3 * d, d),
                "attention.dense": (d, d),
                "mlp.dense_h_to_4h": (m, d),
                "mlp.dense_4h_to_h": (d, m),
            }.items():
                shapes |= {f"{layer}{name}.weight": shape, f"{layer}{name}.bias": shape[:1]}
        shapes |= {"gpt_neox.final_layer_norm.weight": (d,), "gpt_neox.final_layer_norm.bias": (d,)}
        if not spec.tied:
            shapes["embed_out.weight"] = (v, d)
        return shapes
    shapes["model.embed_tokens.weight"] = (v, d)
    for i in range(spec.layers):
        layer = f"model.layers.{i}."
        shapes |= {f"{layer}self_attn.{name}_proj.weight": (d, d) for name in "qkvo"}
        shapes |= {f"{layer}mlp.{name}_proj.weight": (m, d) for name in ("gate", "up")}
        shapes[f"{layer}mlp.down_proj.weight"] = (d, m)
        if spec.arch == "olmo2":
            for norm in (
                "self_attn.q_norm",
                "self_attn.k_norm",
                "post_attention_layernorm",
                "post_feedforward_layernorm",
            ):
                shapes[f"{layer}{norm}.weight"] = (d,)
    if spec.arch == "olmo2":
        shapes["model.norm.weight"] = (d,)
    if not spec.tied:
        shapes["lm_head.weight"] = (v, d)
    return shapes


def parameter_count(spec: ModelSpec) -> int:
    """Number of weights of one member, embeddings and head included."""
    return sum(math.prod(shape) for shape in parameter_shapes(spec).values())


def init_std_of(spec: ModelSpec) -> dict[str, float]:
    """Standard deviation with which each tensor was drawn; 0 for those that start constant (norms, biases)."""
    writes = ("o_proj.weight", "down_proj.weight", "attention.dense.weight", "dense_4h_to_h.weight")
    std = {}
    for name, shape in parameter_shapes(spec).items():
        if len(shape) == 1:
            std[name] = 0.0
        elif spec.arch == "auto":
            std[name] = float(getattr(spec, "spread"))  # noqa: B009
        elif spec.init == "normal":
            std[name] = 0.02
        elif spec.init == "small":
            wang, small = 2 / (spec.layers * math.sqrt(spec.width)), math.sqrt(2 / (5 * spec.width))
            std[name] = wang if name.endswith(writes) else small
        else:
            std[name] = 1 / math.sqrt(shape[1] * (2 * spec.layers if name.endswith(writes) else 1))
    return std


def init(
    spec: ModelSpec,
    seeds: Sequence[int],
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Params:
    """Draw one member per seed, ``[K, ...]``.

    A member is drawn on the CPU, in float32, from its own seed, so it is the same alone or in any company.
    """
    if not len(seeds):
        raise OvbookError("a stack of no members was asked for: give at least one seed")
    std = init_std_of(spec)
    generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
    params: Params = {}
    for name, shape in parameter_shapes(spec).items():
        if std[name]:
            tensor = torch.stack([torch.randn(shape, generator=g) for g in generators]) * std[name]
        else:
            constant = 0.0 if name.endswith(".bias") else 1.0
            tensor = torch.full((len(seeds), *shape), constant)
        params[name] = tensor.to(device=device, dtype=dtype)
    return params

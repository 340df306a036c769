"""The decoder: tokens to logits, for K models at once or for one.

Inside, activations are ``[K, N, width]`` with N = rows x tokens, and ``[N, width]`` for one model, which so takes
the plain products: on a CPU they are up to a third faster than batched ones, and need fewer of everything else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models.auto import auto_logits
from ovbook.models.spec import ModelSpec, Params

__all__ = ["Drop", "constant", "forward", "head_name", "head_weight", "hidden", "member", "stack"]


Drop = Callable[[Tensor], Tensor]
"""Dropout, as a function of activations."""


def _keep(x: Tensor) -> Tensor:
    return x


def stack(models: list[Params]) -> Params:
    """Put models side by side: tensors ``[K_1, ...]``, ``[K_2, ...]`` ... become ``[K_1 + K_2 + ..., ...]``."""
    return {name: torch.cat([params[name] for params in models]) for name in models[0]}


def member(params: Params, k: int) -> Params:
    """The k-th model of a stack, as a stack of one (views, not copies)."""
    return {name: tensor[k : k + 1] for name, tensor in params.items()}


def forward(params: Params, spec: ModelSpec, tokens: Tensor) -> Tensor:
    """Logits ``[K, B, T, vocab]`` for `tokens` ``[K, B, T]`` (whole numbers)."""
    if spec.arch == "auto":
        return auto_logits(params, spec, tokens)
    return linear(hidden(params, spec, tokens), head_weight(params, spec))


def head_name(spec: ModelSpec) -> str:
    """Name of the matrix that turns the last hidden state into logits; the embedding's where the two are tied."""
    if spec.arch == "neox":
        return "gpt_neox.embed_in.weight" if spec.tied else "embed_out.weight"
    return "model.embed_tokens.weight" if spec.tied else "lm_head.weight"


def head_weight(params: Params, spec: ModelSpec) -> Tensor:
    """That matrix, ``[K, vocab, width]``."""
    return params[head_name(spec)]


def hidden(params: Params, spec: ModelSpec, tokens: Tensor, drop: Drop | None = None) -> Tensor:
    """Hidden states ``[K, B, T, width]`` after the last norm, before the head; `tokens` ``[K, B, T]``.

    `drop`, in training alone, is applied to what attention and MLP write into the residual stream.
    """
    K, B, T = tokens.shape
    neox = spec.arch == "neox"
    x = _embed(params["gpt_neox.embed_in.weight" if neox else "model.embed_tokens.weight"], tokens)
    for i in range(spec.layers):
        layer = f"gpt_neox.layers.{i}." if neox else f"model.layers.{i}."
        p = {name.removeprefix(layer): t for name, t in params.items() if name.startswith(layer)}
        x = _LAYERS[spec.arch](p, spec, x, (K, B, T), drop or _keep)
    if neox:
        x = _layer_norm(
            x, spec, params["gpt_neox.final_layer_norm.weight"], params["gpt_neox.final_layer_norm.bias"]
        )
    elif spec.arch == "olmo2":
        x = _rms_norm(x, spec, params["model.norm.weight"])
    else:
        x = _plain_norm(x)
    return x.view(K, B, T, spec.width)


def _olmo_layer(p: Params, spec: ModelSpec, x: Tensor, shape: tuple[int, int, int], drop: Drop) -> Tensor:
    h = _plain_norm(x)
    order = pair_order(spec.heads, spec.head_dim, spec.rotary_dim, x.device)
    qk = linear(h, _join(p["self_attn.q_proj.weight"], p["self_attn.k_proj.weight"], order))
    v = linear(h, p["self_attn.v_proj.weight"])
    if spec.clip_qkv is not None:
        qk, v = (t.clamp(-spec.clip_qkv, spec.clip_qkv) for t in (qk, v))
    x = x + drop(linear(_attend(qk, v, spec, shape), p["self_attn.o_proj.weight"]))
    return x + drop(_swiglu(p, _plain_norm(x)))


def _olmo2_layer(p: Params, spec: ModelSpec, x: Tensor, shape: tuple[int, int, int], drop: Drop) -> Tensor:
    q = _rms_norm(linear(x, p["self_attn.q_proj.weight"]), spec, p["self_attn.q_norm.weight"])
    k = _rms_norm(linear(x, p["self_attn.k_proj.weight"]), spec, p["self_attn.k_norm.weight"])
    # After the norms, which add over all heads: adding in another order would not match the released bits.
    qk = torch.cat([q, k], dim=-1).index_select(
        -1, pair_order(spec.heads, spec.head_dim, spec.rotary_dim, x.device)
    )
    attended = _attend(qk, linear(x, p["self_attn.v_proj.weight"]), spec, shape)
    h = linear(attended, p["self_attn.o_proj.weight"])
    x = x + drop(_rms_norm(h, spec, p["post_attention_layernorm.weight"]))
    return x + drop(_rms_norm(_swiglu(p, x), spec, p["post_feedforward_layernorm.weight"]))


def _neox_layer(p: Params, spec: ModelSpec, x: Tensor, shape: tuple[int, int, int], drop: Drop) -> Tensor:
    h = _layer_norm(x, spec, p["input_layernorm.weight"], p["input_layernorm.bias"])
    weight, bias = p["attention.query_key_value.weight"], p["attention.query_key_value.bias"]
    first, last = neox_order(spec.heads, spec.head_dim, spec.rotary_dim, x.device)
    qk = linear(h, weight.index_select(1, first), bias.index_select(1, first))
    v = linear(h, weight.index_select(1, last), bias.index_select(1, last))
    attended = linear(_attend(qk, v, spec, shape), p["attention.dense.weight"], p["attention.dense.bias"])
    h = _layer_norm(x, spec, p["post_attention_layernorm.weight"], p["post_attention_layernorm.bias"])
    h = F.gelu(linear(h, p["mlp.dense_h_to_4h.weight"], p["mlp.dense_h_to_4h.bias"]))
    return drop(linear(h, p["mlp.dense_4h_to_h.weight"], p["mlp.dense_4h_to_h.bias"])) + drop(attended) + x


_LAYERS = {"olmo": _olmo_layer, "olmo2": _olmo2_layer, "neox": _neox_layer}


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x [K, ..., in]`` times each member's ``weight [K, out, in]`` (plus ``bias [K, out]``): ``[K, ..., out]``.

    With one member, `x` may come without its axis.
    """
    if weight.shape[0] == 1:
        return F.linear(x, weight.squeeze(0), None if bias is None else bias.squeeze(0))
    flat = x.flatten(1, -2)
    if bias is None:
        out = torch.bmm(flat, weight.mT)
    else:
        out = torch.baddbmm(bias.unsqueeze(1), flat, weight.mT)
    return out.view(*x.shape[:-1], weight.shape[1])


def _embed(table: Tensor, tokens: Tensor) -> Tensor:
    """Rows of ``table [K, vocab, width]``; member k's ids are shifted by k x vocab into one long table."""
    K, vocab, width = table.shape
    if K == 1:
        return F.embedding(tokens.flatten(), table.squeeze(0))
    tokens = tokens + vocab * torch.arange(K, device=tokens.device).view(K, 1, 1)
    return F.embedding(tokens.view(K, -1), table.reshape(K * vocab, width))


def _scale(x: Tensor, weight: Tensor) -> Tensor:
    """``weight [K, width]`` in a shape that multiplies activations."""
    return weight.squeeze(0) if x.dim() == 2 else weight.unsqueeze(1)


def _plain_norm(x: Tensor) -> Tensor:
    """OLMo 1's LayerNorm without weights, eps 1e-5 and float32 inside whatever the precision, as released."""
    return F.layer_norm(x.float(), x.shape[-1:], eps=1e-5).to(x.dtype)


def _layer_norm(x: Tensor, spec: ModelSpec, weight: Tensor, bias: Tensor) -> Tensor:
    if x.dim() == 2:
        return F.layer_norm(x, x.shape[-1:], weight.squeeze(0), bias.squeeze(0), spec.norm_eps)
    normed = F.layer_norm(x, x.shape[-1:], eps=spec.norm_eps)
    return torch.addcmul(bias.unsqueeze(1), normed, weight.unsqueeze(1))


def _rms_norm(x: Tensor, spec: ModelSpec, weight: Tensor) -> Tensor:
    """OLMo 2's RMSNorm of the last axis, float32 inside whatever the precision, as released."""
    h = x.float()
    h = h * torch.rsqrt(h.square().mean(-1, keepdim=True) + spec.norm_eps)
    return (_scale(x, weight) * h).to(x.dtype)


def _swiglu(p: Params, x: Tensor) -> Tensor:
    gate, up = linear(x, p["mlp.gate_proj.weight"]), linear(x, p["mlp.up_proj.weight"])
    return linear(F.silu(gate) * up, p["mlp.down_proj.weight"])


def _attend(qk: Tensor, v: Tensor, spec: ModelSpec, shape: tuple[int, int, int]) -> Tensor:
    """Causal attention over ``qk [K, N, 2 x width]``, heads in pair order, and ``v [K, N, width]``.

    Members are folded into the batch, so that the fused kernel sees plain 4-D tensors.
    """
    K, B, T = shape
    if spec.context < T:
        raise OvbookError(f"rows of {T} tokens do not fit in this model's context of {spec.context}")
    cos, sin = rotary_table(
        spec.context, spec.heads, spec.head_dim, spec.rotary_dim, spec.rope_theta, v.dtype, v.device
    )
    qk = turn(qk.view(K * B, T, 2 * spec.width), cos[:T], sin[:T])
    # bfloat16 attention runs four times slower than float32 on a CPU, backward pass included.
    wide = v.dtype == torch.bfloat16 and v.device.type == "cpu"
    q, k = qk.view(K * B, T, 2, spec.heads, spec.head_dim).unbind(2)
    heads = [q, k, v.view(K * B, T, spec.heads, spec.head_dim)]
    q, k, v_heads = (t.float().transpose(1, 2) if wide else t.transpose(1, 2) for t in heads)
    out = F.scaled_dot_product_attention(q, k, v_heads, is_causal=True).transpose(1, 2)
    return out.reshape(v.shape).to(v.dtype)


def constant(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute a table once for each set of arguments; a compiler sees the function itself and folds it in."""
    cached = functools.lru_cache(maxsize=64)(function)

    def table(*args: Any) -> Any:
        return function(*args) if torch.compiler.is_compiling() else cached(*args)

    return functools.update_wrapper(table, function)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn neighbouring pairs of ``x [rows, T, width]`` by angles with these cosines and sines ``[T, width / 2]``."""
    if x.dtype == torch.bfloat16 or torch.compiler.is_compiling():
        return turn_plainly(x, cos, sin)
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.complex(cos, sin)).flatten(-2)


def turn_plainly(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The same without complex numbers, for precisions and compilers that have none."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-1).flatten(-2)


@constant
def rotary_table(
    length: int,
    heads: int,
    head_dim: int,
    rotary_dim: int,
    theta: float,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[length, heads x head_dim]`` of the pairs of all queries and keys.

    Angles are computed in float32, as in the released models. The table is as wide as what it multiplies, so
    that the product runs over long contiguous rows.
    """
    frequency = 1.0 / (theta ** (torch.arange(0, rotary_dim, 2, dtype=torch.float32) / rotary_dim))
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
    # Numbers without a position are turned by nothing.
    angle = F.pad(angle, (0, (head_dim - rotary_dim) // 2)).repeat(1, 2 * heads)
    return angle.cos().to(device, dtype), angle.sin().to(device, dtype)


@constant
def pair_order(heads: int, head_dim: int, rotary_dim: int, device: torch.device) -> Tensor:
    """Order of the rows of [queries, keys] in which the numbers that turn together are neighbours.

    Released models turn number i of a head with number i + half. Reordering the rows of the (small) matrices
    instead of the (large) activations changes no product of a query with a key.
    """
    one = torch.arange(head_dim)
    one[:rotary_dim] = torch.arange(rotary_dim).view(2, -1).T.flatten()
    return (one + head_dim * torch.arange(2 * heads)[:, None]).flatten().to(device)


@constant
def neox_order(heads: int, head_dim: int, rotary_dim: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The same for GPT-NeoX, which lays its 3 x width rows out head by head, [heads, 3, head_dim]; and the values'."""
    rows = torch.arange(3 * heads * head_dim).view(heads, 3, head_dim)
    pairs = rows[:, :2].transpose(0, 1).flatten()[pair_order(heads, head_dim, rotary_dim, rows.device)]
    return pairs.to(device), rows[:, 2].flatten().to(device)


def _join(queries: Tensor, keys: Tensor, order: Tensor) -> Tensor:
    return torch.cat([queries, keys], dim=1).index_select(1, order)

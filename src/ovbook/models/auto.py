"""Models of other architectures, computed by transformers itself behind the same few functions.

The decoder of this book reads OLMo, OLMo 2 and GPT-NeoX. A released model of another shape (Amber is a Llama) is
loaded by ``AutoModelForCausalLM``; its weights become `Params` with a member axis of one, and `forward`,
`token_losses`, `next_token_loss` and `generate` hand them to the module of transformers. So noise, fine-tuning and
scoring are the same code. Slower than the decoder, and never a stack.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder
from ovbook.models.spec import ModelSpec, Params

__all__ = ["AutoSpec", "auto_logits", "auto_loss", "auto_token_losses", "load_auto", "save_auto"]


@dataclass(frozen=True, kw_only=True)
class AutoSpec(ModelSpec):
    """What transformers knows of a model: its module (without weights), and the shapes of them by name."""

    module: Any = field(compare=False, repr=False)
    shapes: dict[str, tuple[int, ...]] = field(compare=False, repr=False)
    spread: float = 0.02
    documented: bool = True

    def __post_init__(self) -> None:
        """What transformers has read needs no checking here."""


def load_auto(folder: Path | str, *, dtype: torch.dtype | None = None) -> tuple[Params, AutoSpec]:
    """Read the model in `folder` through ``AutoModelForCausalLM``, as a stack of one.

    Its documented initial spread is the configuration's ``initializer_range``, 0.02 where it names none.
    """
    try:
        from transformers import AutoModelForCausalLM
    except ModuleNotFoundError as error:
        raise OvbookError(
            f"{folder} is no model that this decoder reads, and transformers is not installed: pip install transformers"
        ) from error
    try:
        module = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=dtype or "auto", local_files_only=True
        )
    except Exception as error:  # transformers raises many kinds
        reason = str(error).strip().split("\n")[0]
        raise OvbookError(
            f"{folder} cannot be loaded by transformers' AutoModelForCausalLM ({reason}): name another model"
        ) from error
    module.eval()
    params = {name: tensor.detach().unsqueeze(0) for name, tensor in module.named_parameters()}
    config = module.config
    spec = AutoSpec(
        arch="auto",
        vocab=int(config.vocab_size),
        width=int(config.hidden_size),
        layers=int(config.num_hidden_layers),
        heads=int(config.num_attention_heads),
        mlp=int(getattr(config, "intermediate_size", None) or 4 * config.hidden_size),
        context=int(getattr(config, "max_position_embeddings", None) or 2048),
        tied=bool(getattr(config, "tie_word_embeddings", False)),
        init="normal",
        module=_emptied(module),
        shapes={name: tuple(tensor.shape[1:]) for name, tensor in params.items()},
        spread=float(getattr(config, "initializer_range", None) or 0.02),
        documented=getattr(config, "initializer_range", None) is not None,
    )
    return params, spec


def _emptied(module: Any) -> Any:
    """The module without its weights, which every call brings along; tied ones stay tied."""
    empty: dict[int, torch.nn.Parameter] = {}
    for part in module.modules():
        for name, tensor in part._parameters.items():
            if tensor is None:
                continue
            if id(tensor) not in empty:
                hollow = torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
                empty[id(tensor)] = torch.nn.Parameter(hollow, requires_grad=False)
            part._parameters[name] = empty[id(tensor)]
    return module


def auto_logits(params: Params, spec: ModelSpec, tokens: Tensor) -> Tensor:
    """Logits ``[1, B, T, vocab]`` for `tokens` ``[1, B, T]``."""
    assert isinstance(spec, AutoSpec)
    if tokens.shape[0] != 1:
        raise OvbookError("a model computed by transformers is one model: give it a stack of one")
    for part in spec.module.modules():
        for name, buffer in part._buffers.items():
            if buffer is not None and buffer.device != tokens.device:
                part._buffers[name] = buffer.to(tokens.device)
    weights = {name: tensor[0] for name, tensor in params.items()}
    found = torch.func.functional_call(
        spec.module, weights, kwargs={"input_ids": tokens[0].long(), "use_cache": False}
    )
    logits: Tensor = found.logits
    return logits.unsqueeze(0)


def auto_token_losses(params: Params, spec: ModelSpec, tokens: Tensor) -> Tensor:
    """As `ovbook.models.token_losses`."""
    logits = auto_logits(params, spec, tokens[..., :-1]).float()
    targets = tokens[..., 1:].long()
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none").view(targets.shape)


def auto_loss(
    params: Params, spec: ModelSpec, tokens: Tensor, weight: Tensor | None, *, summed: bool = False
) -> Tensor:
    """As `ovbook.models.next_token_loss`, without dropout."""
    losses = auto_token_losses(params, spec, tokens)
    if weight is None:
        return losses.mean(dim=(1, 2))
    weight = weight.to(losses).expand(losses.shape)
    whole = (losses * weight).sum(dim=(1, 2))
    return whole if summed else whole / weight.sum(dim=(1, 2))


def save_auto(folder: Path | str, params: Params, spec: ModelSpec, tokenizer_json: str | None) -> None:
    """Write the model as a folder that ``AutoModelForCausalLM`` loads; see `ovbook.models.save_checkpoint`."""
    from safetensors.torch import save_file

    assert isinstance(spec, AutoSpec)
    weights = {name: params[name][0].detach().cpu().contiguous().clone() for name in spec.shapes}
    config = copy.deepcopy(spec.module.config)
    config.dtype = next(iter(weights.values())).dtype
    with atomic_folder(Path(folder)) as scratch:
        save_file(weights, scratch / "model.safetensors", metadata={"format": "pt"})
        config.save_pretrained(scratch)
        if tokenizer_json is not None:
            (scratch / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
            told = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": spec.context}
            (scratch / "tokenizer_config.json").write_text(json.dumps(told) + "\n")

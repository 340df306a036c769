"""Models as ordinary Hugging Face checkpoint folders: written without transformers, read from disk or the hub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder
from ovbook.models.auto import load_auto, save_auto
from ovbook.models.spec import ModelSpec, Params, parameter_shapes

__all__ = ["load_any", "load_checkpoint", "read_shape", "save_checkpoint"]

_TYPES = {
    "olmo": ("olmo", "OlmoForCausalLM"),
    "olmo2": ("olmo2", "Olmo2ForCausalLM"),
    "neox": ("gpt_neox", "GPTNeoXForCausalLM"),
}
_SPECIAL = {"pad": "<pad>", "bos": "<bos>", "eos": "<eos>", "unk": "<unk>"}
# How released models that do not say so themselves were initialised, by their reports and training code.
_RELEASED_INIT = {"olmo": "mitchell", "olmo2": "normal", "neox": "small"}
_WEIGHTS = ["*.safetensors", "model.safetensors.index.json"]
_REPOSITORY = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


def save_checkpoint(folder: Path | str, params: Params, spec: ModelSpec, tokenizer_json: str | None) -> None:
    """Write one model (K = 1) as a folder that ``AutoModelForCausalLM`` and ``AutoTokenizer`` load.

    config.json, generation_config.json, model.safetensors and, unless `tokenizer_json` is None, tokenizer.json and
    tokenizer_config.json. The folder appears whole or not at all; one that is already there is kept.
    """
    if spec.arch == "auto":
        return save_auto(folder, params, spec, tokenizer_json)
    weights = {}
    for name, shape in parameter_shapes(spec).items():
        tensor = params[name].detach()
        if tuple(tensor.shape) != (1, *shape):
            raise OvbookError(
                f"a checkpoint holds one model, and {name} has the shape {tuple(tensor.shape)} where "
                f"{(1, *shape)} is meant: save the members of a stack one by one, with member(params, k)"
            )
        weights[name] = tensor.squeeze(0).cpu().contiguous().clone()
    special = _special_ids(tokenizer_json)
    dtype = str(next(iter(weights.values())).dtype).removeprefix("torch.")
    ids = {f"{name}_token_id": special.get(name, {}).get("id") for name in ("bos", "eos", "pad")}
    files: dict[str, Any] = {
        "config.json": _config(spec) | ids | {"dtype": dtype},
        "generation_config.json": {"_from_model_config": True, **ids},
    }
    if tokenizer_json is not None:
        files["tokenizer_config.json"] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": spec.context,
            "clean_up_tokenization_spaces": False,
            **{f"{name}_token": token["content"] for name, token in special.items()},
        }
    with atomic_folder(Path(folder)) as scratch:
        save_file(weights, scratch / "model.safetensors", metadata={"format": "pt"})
        for name, content in files.items():
            (scratch / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
        if tokenizer_json is not None:
            (scratch / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")


def _special_ids(tokenizer_json: str | None) -> dict[str, dict[str, Any]]:
    """The tokenizer's own entries for padding, begin, end and unknown, where it has them."""
    if tokenizer_json is None:
        return {}
    added = {token["content"]: token for token in json.loads(tokenizer_json).get("added_tokens") or []}
    return {name: added[content] for name, content in _SPECIAL.items() if content in added}


def _config(spec: ModelSpec) -> dict[str, Any]:
    """config.json of `spec`, with the rotary fields in the spelling of transformers 5 and in the one before."""
    kind, architecture = _TYPES[spec.arch]
    config: dict[str, Any] = {
        "model_type": kind,
        "architectures": [architecture],
        "vocab_size": spec.vocab,
        "hidden_size": spec.width,
        "num_hidden_layers": spec.layers,
        "num_attention_heads": spec.heads,
        "intermediate_size": spec.mlp,
        "max_position_embeddings": spec.context,
        "tie_word_embeddings": spec.tied,
        "attention_dropout": 0.0,
        "rope_parameters": {"rope_type": "default", "rope_theta": spec.rope_theta},
        "ovbook_init": spec.init,
    }
    if spec.arch == "neox":
        config |= {
            "hidden_act": "gelu",
            "layer_norm_eps": spec.norm_eps,
            "use_parallel_residual": True,
            "attention_bias": True,
            "hidden_dropout": 0.0,
            "rotary_pct": spec.rotary,
            "rotary_emb_base": spec.rope_theta,
        }
        config["rope_parameters"]["partial_rotary_factor"] = spec.rotary
        return config
    config |= {
        "hidden_act": "silu",
        "num_key_value_heads": spec.heads,
        "attention_bias": False,
        "rope_theta": spec.rope_theta,
    }
    return config | ({"clip_qkv": spec.clip_qkv} if spec.arch == "olmo" else {"rms_norm_eps": spec.norm_eps})


def load_checkpoint(
    folder_or_repo_id: Path | str, *, revision: str | None = None, dtype: torch.dtype | None = None
) -> tuple[Params, ModelSpec]:
    """Read a model as a stack of one, with its spec; its weights' own precision unless `dtype` is given.

    A folder is read as it is; anything else is the name of a repository (``allenai/OLMo-1B-hf``), fetched at
    `revision` through the hub's cache. OLMo, OLMo 2 and GPT-NeoX (Pythia) are read; of any other architecture
    nothing but its config.json is fetched.

    Raises:
        OvbookError: no such folder, repository or revision; another architecture; a damaged file; a full disk.
        ovbook.hub.Unreachable: the hub gives no usable answer, and its cache holds no copy.
    """
    folder, source = Path(folder_or_repo_id), str(folder_or_repo_id)
    if folder.is_dir():
        if revision is not None:
            raise OvbookError(
                f"revision '{revision}' was asked of the folder {folder}: a folder has only itself"
            )
    elif isinstance(folder_or_repo_id, Path) or not _REPOSITORY.fullmatch(source):
        what = "is a file" if folder.is_file() else "is not there"
        raise OvbookError(
            f"a checkpoint was asked of {source}, which {what}: name its folder, or a repository as OWNER/NAME"
        )
    else:
        folder = _download(source, revision)
    _check_there(folder, "config.json", source)
    spec = _spec_of(folder, source)
    _check_there(folder, "model.safetensors", source)
    try:
        stored = _read_weights(folder)
    except Exception as error:  # json and safetensors each have their own exceptions for a damaged file
        raise _damaged(source, error) from error
    params: Params = {}
    for name, shape in parameter_shapes(spec).items():
        if name not in stored or tuple(stored[name].shape) != shape:
            found = f"has the shape {tuple(stored[name].shape)}" if name in stored else "is missing"
            raise OvbookError(f"{folder_or_repo_id}: {name} {found}, where its config.json means {shape}")
        params[name] = stored[name].to(dtype or stored[name].dtype).unsqueeze(0)
    return params, spec


def read_shape(folder: Path | str) -> ModelSpec | None:
    """The spec of the model in `folder`, by its config.json alone; None if the decoder does not compute it."""
    try:
        return _spec_of(Path(folder), str(folder))
    except OvbookError:
        return None


def load_any(folder: Path | str, *, dtype: torch.dtype | None = None) -> tuple[Params, ModelSpec]:
    """Read the model in `folder`: by the decoder if it computes such models, else by transformers (one model)."""
    readable = read_shape(folder) is not None and any(Path(folder).glob("model*.safetensors*"))
    return load_checkpoint(Path(folder), dtype=dtype) if readable else load_auto(folder, dtype=dtype)


def _download(repo: str, revision: str | None) -> Path:
    from ovbook import hub

    folder = hub.download(repo, revision, patterns=["config.json"])
    if (folder / "config.json").exists():
        _spec_of(folder, repo)  # before gigabytes of weights that this decoder could not use
        # By the commit, so that both parts are of one state.
        hub.download(repo, folder.name, patterns=["config.json", *_WEIGHTS])
    return folder


def _check_there(folder: Path, name: str, source: str) -> None:
    if not (folder / name).exists() and not (folder / f"{name}.index.json").exists():
        raise OvbookError(
            f"{source} is no checkpoint that this decoder reads: it lacks {name}; load one in another form with "
            f"transformers' AutoModelForCausalLM"
        )


def _spec_of(folder: Path, source: str) -> ModelSpec:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return _read_config(config, source)
    except OvbookError:
        raise
    except KeyError as error:
        raise OvbookError(
            f"{source} is no checkpoint that this decoder reads: its config.json lacks {error}"
        ) from error
    except Exception as error:  # no JSON, or values of odd types
        raise _damaged(source, error) from error


def _damaged(source: str, error: Exception) -> OvbookError:
    reason = str(error).strip().split("\n")[0]
    return OvbookError(
        f"{source} is damaged and cannot be read as a checkpoint ({reason}): delete it and make or download it again"
    )


def _read_weights(folder: Path) -> Params:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return load_file(folder / "model.safetensors")
    weights: Params = {}
    for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
        weights |= load_file(folder / shard)
    return weights


def _read_config(config: dict[str, Any], source: str) -> ModelSpec:
    """The spec of a config.json, in the spelling of transformers 4 or 5; refuses what the decoder cannot compute."""
    kinds = {kind: arch for arch, (kind, _) in _TYPES.items()}
    arch = kinds.get(config.get("model_type", ""))
    if arch is None:
        raise OvbookError(
            f"{source} is a '{config.get('model_type')}' model: this decoder reads {', '.join(kinds)}; load others "
            f"with transformers' AutoModelForCausalLM"
        )
    heads, neox = config["num_attention_heads"], arch == "neox"
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    unsupported = {
        "rotary scaling": rope.get("rope_type", rope.get("type", "default")) != "default",
        "grouped key-value heads": (config.get("num_key_value_heads") or heads) != heads,
        "sequential residuals": neox and not config.get("use_parallel_residual", True),
        "attention biases": not neox and bool(config.get("attention_bias")),
        "no attention biases": neox and not config.get("attention_bias", True),
        f"activation {config.get('hidden_act')}": config.get("hidden_act", "gelu" if neox else "silu")
        != ("gelu" if neox else "silu"),
    }
    if any(unsupported.values()):
        what = ", ".join(name for name, present in unsupported.items() if present)
        raise OvbookError(
            f"{source} uses {what}, which this decoder has not: load it with transformers instead"
        )
    theta = rope.get("rope_theta") or config.get("rotary_emb_base" if neox else "rope_theta") or 10000.0
    share = rope.get("partial_rotary_factor") or config.get("rotary_pct") or 0.25
    return ModelSpec(
        arch=arch,  # type: ignore[arg-type]
        vocab=config["vocab_size"],
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        mlp=config["intermediate_size"],
        context=config.get("max_position_embeddings", 2048),
        rope_theta=float(theta),
        rotary=float(share) if neox else 1.0,
        norm_eps={"olmo": 1e-5}.get(arch) or config.get("layer_norm_eps" if neox else "rms_norm_eps", 1e-5),
        clip_qkv=config.get("clip_qkv") if arch == "olmo" else None,
        tied=config.get("tie_word_embeddings", False),
        init=config.get("ovbook_init", _RELEASED_INIT[arch]),
    )

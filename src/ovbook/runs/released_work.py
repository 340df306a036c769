"""The operation that fetches a released model, hashes its weights and measures its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovbook.models import ModelSpec, Params, init_std_of, load_any, parameter_count, weights_hash
from ovbook.runs.memory import KEEP_BYTES, require_memory
from ovbook.runs.released import Released
from ovbook.runs.work import Inputs

__all__ = ["run"]


def run(spec: Released, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record a tensor: `tensor`, `size`, `std`, `rms`; `born_std`, the spread with which it began, and `scale`,
    how that is known: "step 0", "documented" or, where nothing is, "rms" of the tensor as it is. Tensors that began
    constant have 0. Beside them, the same in every record, `weights_hash`, `parameters` and `documented`.
    """
    require_memory(spec.repo, spec.parameters, KEEP_BYTES, "cpu", what="reading")
    params, shape = load_any(spec.folder())
    born = _first_spread(spec, inputs)
    scales, source = _scales(params, shape, born)
    fixed = {"weights_hash": weights_hash(params), "parameters": parameter_count(shape), "scale": source}
    records = []
    for name, tensor in params.items():
        values = tensor.double() if tensor.numel() < 1 << 24 else tensor.float()
        constant = bool((values == values.flatten()[0]).all())
        records.append(
            {
                "tensor": name,
                "size": tensor.numel(),
                "std": 0.0 if constant else float(values.std()),
                "rms": float(values.square().mean().sqrt()),
                "born_std": scales[name],
            }
            | fixed
        )
    return records


def _first_spread(spec: Released, inputs: Inputs) -> dict[str, float] | None:
    if spec.born is None:
        return None
    return {row["tensor"]: row["std"] for row in inputs.rows(spec.born).to_pylist()}


def _scales(
    params: Params, shape: ModelSpec, born: Mapping[str, float] | None
) -> tuple[dict[str, float], str]:
    if born is not None and set(born) == set(params):
        return dict(born), "step 0"
    if shape.arch != "auto" or getattr(shape, "documented", False):
        return init_std_of(shape), "documented"
    rms = {name: float(tensor.float().square().mean().sqrt()) for name, tensor in params.items()}
    return {name: value if params[name].dim() > 2 else 0.0 for name, value in rms.items()}, "rms"

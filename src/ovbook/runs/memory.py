"""Whether a model fits the memory there is, asked before its weights are read."""

from __future__ import annotations

from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.public_runs import PUBLIC_RUNS

__all__ = ["KEEP_BYTES", "READ_BYTES", "TUNE_BYTES", "available_bytes", "require_memory"]

KEEP_BYTES = 5
"""Bytes per weight to read a model and look at it tensor by tensor."""
READ_BYTES = {"float32": 12, "bfloat16": 6}
"""Bytes per weight to perturb or score a model: its weights, one set of noise, and their sum."""
TUNE_BYTES = 24
"""Bytes per weight to fine-tune one: base, weights, two moments (4 each), gradients twice while they are gathered."""
_FREE_SHARE = 0.95


def available_bytes(device: str) -> int | None:
    """Free memory of a device; None where the system does not say."""
    if not device.startswith("cpu"):
        import torch

        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def require_memory(repo: str, parameters: int, each: int, device: str, *, what: str) -> None:
    """Refuse work on a model that would not fit.

    Raises:
        OvbookError: what it would take, what there is, and a smaller model that fits.
    """
    there, asked = available_bytes(device), parameters * each
    if there is None or asked <= _FREE_SHARE * there:
        return
    fitting = [run for run in PUBLIC_RUNS.values() if run.parameters * each <= _FREE_SHARE * there]
    best = max(fitting, key=lambda run: run.parameters, default=None)
    choice = f"take {best.repo} ({best.parameters * each / 1e9:.0f} GB)" if best else "take a smaller model"
    raise OvbookError(
        f"{what} {repo} ({parameters / 1e9:.2g}B parameters) takes about {asked / 1e9:.0f} GB and {device} has "
        f"{there / 1e9:.0f} GB free: {choice}, or a machine with more memory"
    )

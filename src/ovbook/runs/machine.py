"""What this machine offers: cores for processes, a GPU for stacks."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ovbook.errors import OvbookError

__all__ = ["available_cores", "check_device", "resolve_device", "worker_count"]


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(workers: int | None = None) -> int:
    """How many processes compute: the argument, else OVBOOK_WORKERS, else one a core."""
    source: str = "workers"
    value: object = workers
    if workers is None:
        text = os.environ.get("OVBOOK_WORKERS", "").strip()
        if not text:
            return available_cores()
        source, value = "OVBOOK_WORKERS", int(text) if text.isascii() and text.isdigit() else text
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OvbookError(
            f"{source} is {value!r}, but it must be a whole number of at least 1: one a core is best"
        )
    return value


def resolve_device(device: str) -> str:
    """ "auto" becomes "cuda" where a GPU is, else "cpu"; other names are checked for their form only."""
    if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        raise OvbookError(
            f"device is {device!r}, but it must be 'auto', 'cpu' or 'cuda' (or 'cuda:1' and so on)"
        )
    if device != "auto":
        return device
    # Importing torch takes seconds; where the driver's files are absent there is no GPU to ask it about.
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()):
        return "cpu"
    return "cuda" if _gpus() else "cpu"


def check_device(device: str) -> None:
    """Refuse a GPU that is not there."""
    if device == "cpu":
        return
    index = int(device.partition(":")[2] or 0)
    found = _gpus()
    if index >= found:
        sees = "no GPU" if not found else f"only {found}"
        raise OvbookError(
            f"device is '{device}', but PyTorch sees {sees} on this machine: use device='cpu' (or 'auto'), or "
            f"install a CUDA build of PyTorch where there is a GPU"
        )


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0

"""Specs and operations without models, for tests of the machinery around them. Imported by workers, too."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.runs.operations import Operation, register
from ovbook.runs.spec import Spec

__all__ = ["Number", "counted"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number(Spec):
    """Doubles `value`, plus the results of `after`; `mood` says what goes wrong meanwhile."""

    value: int
    after: tuple[Spec, ...] = ()
    mood: str = ""
    seconds: float = 0.0
    plan: float = 0.01

    def label(self) -> str:
        return f"{self.value}{' ' + self.mood if self.mood else ''}"

    def price(self) -> float:
        return self.plan

    def stack_shape(self) -> object:
        return (self.mood, self.seconds) if not self.after else None


register(
    "Number",
    Operation(name="number", version=1, function="runs_fakes:compute", stacked="runs_fakes:compute_stack"),
)


def counted() -> list[str]:
    """Values computed so far, one line each, by whatever process."""
    file = Path(os.environ["OVBOOK_TEST_COUNT"])
    return file.read_text().split() if file.exists() else []


def _count(spec: Number) -> None:
    with open(os.environ["OVBOOK_TEST_COUNT"], "a") as stream:
        stream.write(f"{spec.value}\n")


def compute(spec: Number, inputs: Any, out: Path, device: str) -> list[dict[str, Any]]:
    _count(spec)
    time.sleep(spec.seconds)
    (out / "checkpoints" / "end").mkdir(parents=True)
    (out / "checkpoints" / "end" / "weights.bin").write_bytes(bytes([spec.value % 256]) * 1000)
    tries = Path(os.environ["OVBOOK_TEST_COUNT"]).read_text().split().count(str(spec.value))
    if spec.mood == "dies" or (spec.mood == "dies once" and tries == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.mood == "fails":
        raise RuntimeError("the numbers ran out")
    if spec.mood == "refuses":
        raise OvbookError("value is odd, but it must be even: try another")
    if spec.mood == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if spec.mood == "full as text":
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    if spec.mood == "torch":
        import torch

        names = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        return [{"threads": torch.get_num_threads(), "pid": os.getpid(), **names}]
    below = sum(inputs.rows(parent).to_pylist()[0]["twice"] for parent in spec.after)
    return [{"twice": 2 * spec.value + below, "pid": os.getpid()}]


def compute_stack(specs: list[Number], inputs: Any, outs: list[Path], device: str) -> list[Any]:
    return [[{"twice": 2 * spec.value, "pid": len(specs)}] for spec in specs if _count(spec) is None]

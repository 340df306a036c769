"""Golden runs: fifty steps of each architecture on a fixed text.

If one moves, an operation's numbers have moved: raise its version in `ovbook.runs.operations`, so that stored results
are computed again, and only then write the new numbers here.
"""

from __future__ import annotations

import pytest

from ovbook.runs import Pretrain, Schedule, execute
from ovbook.runs.operations import OPERATIONS

VERSION = 1
GOLDEN = {"olmo:16x1": 2.99384, "olmo2:16x1": 3.05993, "neox:16x1": 3.10387}
TEXT = " ".join(f"{n} times {n + k} is {n * (n + k)} ." for n in range(90) for k in range(9))


@pytest.mark.parametrize("model", GOLDEN)
def test_golden(model, tmp_path):
    text = tmp_path / "golden.txt"
    text.write_text(TEXT)
    spec = Pretrain(
        corpus=f"file:{text}#vocab=300",
        model=model,
        budget=50 * 8 * 32,
        batch=8,
        context=32,
        schedule=Schedule(kind="cosine", peak=1e-2, warmup=0.1),
    )
    frame = execute([spec], store=tmp_path / "store", workers=1, device="cpu").table(
        Pretrain, kind="checkpoint"
    )
    assert OPERATIONS["Pretrain"].version == VERSION, "new numbers belong here with a new version"
    # Processors and torch versions sum in other orders; in fifty steps that stays far below this.
    assert frame.loss.item() == pytest.approx(GOLDEN[model], abs=5e-4)

"""The claims on OLMo itself, and claims that a scale cannot test."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.claims import claim, judge, untested
from ovbook.errors import OvbookError


def test_a_claim_beyond_a_scale_has_a_row_with_its_reason():
    found = untested("A9", scale="laptop", reason="it needs OLMo-1B: ovbook run 08 -p scale=paper")
    row = found.row()
    assert (row["verdict"], row["scale"], row["n"], row["statistic"]) == (
        "not tested at this scale", "laptop", 0, None,
    )  # fmt: skip
    assert row["provenance"]["rule"] == claim("A9").rule_hash
    assert "ovbook run 08 -p scale=paper" in found.to_html()
    with pytest.raises(OvbookError, match="unknown scale 'lap'"):
        untested("A9", scale="lap", reason="")


def _scores(fall: float, base: float = 0.0):
    """Eight benchmarks of OLMo-1B tuned from two checkpoints, with five tuning seeds; `fall` from 2.3T to 3T."""
    import pandas as pd

    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "corpus": "hub:allenai/c4:en:validation", "seed": 100 + seed, "checkpoint": at, "task": task,
                "score": 0.6 + 0.002 * rng.standard_normal() - fall * (at == "3T"), "base": 0.58 + base * (at == "3T"),
            }
            for seed in range(5) for at in ("2.3T", "3T") for task in claim("A9").tasks
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fall", "base", "a9", "a10"),
    [
        (0.03, 0.01, "reproduced", "not reproduced"),
        (0.0, 0.01, "not reproduced", "reproduced"),
        (0.03, -0.05, "not reproduced", "not reproduced"),  # the base fell, too: not the claim's fall
        (0.01, 0.0, "inconclusive", "inconclusive"),
    ],
)
def test_the_rules_of_a9_and_a10(fall, base, a9, a10):
    assert judge("A9", _scores(fall, base), scale="paper").verdict == a9
    assert judge("A10", _scores(fall, base), scale="paper").verdict == a10


def test_other_benchmarks_or_checkpoints_are_not_what_the_rule_was_written_for():
    scores = _scores(0.03)
    few = scores[scores["task"] != "piqa"]
    assert judge("A9", few, scale="paper").verdict == "not tested at this scale"
    early = scores.replace({"checkpoint": {"2.3T": "2T"}})
    assert judge("A9", early, scale="paper").verdict == "not tested at this scale"

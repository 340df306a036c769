"""A perturbation of your own, measured on the whole suite of base models and judged with intervals.

A perturbation is a function of the weights, a size and a seed. It gets copies of a model's tensors by their Hugging
Face names and returns tensors of the same names and shapes. Size 0 is never asked for: it is the model as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ovbook.runs import Checkpoint, Parameters, Perturb, suite

Weights = dict[str, Tensor]


def low_rank(weights: Weights, cut: float, seed: int) -> Weights:
    """Drop the smallest singular values of every matrix, `cut` of them."""
    poorer = dict(weights)
    for name, matrix in weights.items():
        if matrix.dim() == 2:
            left, values, right = torch.linalg.svd(matrix, full_matrices=False)
            kept = len(values) - round(cut * len(values))
            poorer[name] = left[:, :kept] * values[:kept] @ right[:kept]
    return poorer


def dropped(weights: Weights, share: float, seed: int) -> Weights:
    """Set a share of every matrix to zero, drawn at random from the seed."""
    chance = torch.Generator().manual_seed(seed)
    holed = dict(weights)
    for name, matrix in weights.items():
        if matrix.dim() == 2:
            kept = torch.rand(matrix.shape, generator=chance) >= share
            holed[name] = matrix * kept
    return holed


def experiment(
    p: Parameters, change: str, sizes: Sequence[float]
) -> list[Perturb]:
    """The whole suite after `change`, a "module:function", at each size.

    One draw, which suits a function without chance in it.
    """
    how = {
        "noise": change,
        "gammas": (0.0, *sizes),
        "draws": 1,
        "rows": p.rows,
    }
    return [
        Perturb(base=Checkpoint(run=run), **how)
        for run in suite(p, "annealed")
    ]


def damage(table: Any) -> Any:
    """What the change adds to the loss, per budget and size, with intervals."""
    from ovbook.stats import increase_over_base, summarise

    added = increase_over_base(table)
    changed = added[added["gamma"] > 0]
    return summarise(
        changed, "increase", by=["tokens", "gamma"], within=["draw"]
    )


def growth(table: Any) -> Any:
    """How fast that grows per doubling of the budget: one slope a seed."""
    import pandas as pd

    from ovbook.stats import increase_over_base, mean_interval, slope_per_seed

    added = increase_over_base(table)
    rows = []
    for size, part in added[added["gamma"] > 0].groupby("gamma"):
        slopes = slope_per_seed(part, "increase", within=["draw"])
        found = mean_interval(slopes.groupby("seed")["slope"].mean())
        ends = {"low": found.low, "high": found.high, "n": found.n}
        rows.append({"size": size, "slope": found.mean, **ends})
    return pd.DataFrame(rows).set_index("size")


def main(scale: str = "laptop") -> None:
    """Take singular values from every model of the suite: what does it cost?"""
    from ovbook.runs import execute, parameters, plan

    p = parameters(scale=scale)
    runs = experiment(p, "own_perturbation:low_rank", sizes=(0.1, 0.2, 0.3))
    print(plan(runs))
    table = execute(runs).table(Perturb)
    added = damage(table)
    added["text"] = [
        f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]"
        for row in added.itertuples()
    ]
    print(
        "\nadded to the loss, by budget and share cut: mean [95% interval]\n"
    )
    print(
        added.pivot(index="tokens", columns="gamma", values="text").to_string()
    )
    print("\nhow fast that grows per doubling of the budget, by share cut\n")
    print(growth(table).round(4).to_string())


if __name__ == "__main__":
    main()

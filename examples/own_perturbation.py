"""A perturbation of your own, measured on the whole suite of base models and judged with intervals.

A perturbation is a function of the weights, a size and a seed. It gets copies of a model's tensors by their Hugging
Face names and returns tensors of the same names and shapes. Size 0 is never asked for: it is the model as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ovbook.runs import Checkpoint, Parameters, Perturb, suite

Weights = dict[str, Tensor]


def quantise(weights: Weights, bits: float, seed: int) -> Weights:
    """Round every matrix to `bits` bits; each row has a step of its own."""
    largest = 2 ** (bits - 1) - 1
    rounded = dict(weights)
    for name, matrix in weights.items():
        if matrix.dim() == 2:
            widest = matrix.abs().amax(dim=1, keepdim=True)
            step = widest.clamp(min=1e-12) / largest
            rounded[name] = (matrix / step).round() * step
    return rounded


def prune(weights: Weights, share: float, seed: int) -> Weights:
    """Set the smallest weights of every matrix to zero, `share` of them."""
    cut = dict(weights)
    for name, matrix in weights.items():
        if matrix.dim() == 2 and (k := round(share * matrix.numel())):
            least = matrix.abs().flatten().kthvalue(k).values
            cut[name] = matrix.where(matrix.abs() > least, 0.0)
    return cut


def experiment(
    p: Parameters, change: str, sizes: Sequence[float]
) -> list[Perturb]:
    """The whole suite after `change`, a "module:function", at each size.

    One draw, because these functions have no chance in them.
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
    """Round every model of the suite to 3, 4 and 6 bits: what does it cost?"""
    from ovbook.runs import execute, parameters, plan

    p = parameters(scale=scale)
    runs = experiment(p, "own_perturbation:quantise", sizes=(3, 4, 6))
    print(plan(runs))
    table = execute(runs).table(Perturb)
    added = damage(table)
    added["text"] = [
        f"{row.mean:.3f} [{row.low:.3f}, {row.high:.3f}]"
        for row in added.itertuples()
    ]
    print("\nadded to the loss, by budget and bits: mean [95% interval]\n")
    print(
        added.pivot(index="tokens", columns="gamma", values="text").to_string()
    )
    print("\nhow fast that grows per doubling of the budget, by bits\n")
    print(growth(table).round(4).to_string())


if __name__ == "__main__":
    main()

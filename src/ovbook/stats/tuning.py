"""A table of fine-tuning runs, one row before and one after, made into one row a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovbook.errors import OvbookError
from ovbook.stats.seeds import per_seed, with_world

__all__ = ["before_after", "tuned_on_others"]

_MEASURED = (
    "loss", "score", "answer_loss", "validation_loss", "answers_given", "cut",
    "best_of_1", "best_of_4", "best_of_16", "best_of_64",
)  # fmt: skip
"""What is measured anew at each stage; everything else of a run is the same in both its rows."""


def before_after(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and task scored, with what tuning changed.

    `frame` is ``results.table(FineTune)``. The measured columns hold what was found after tuning: loss (old text),
    score, answer_loss. Added are base, the old loss before; increase = loss - base; score_before, answer_before and
    gain = score - score_before; and diverged, where the tuning did.
    """
    if "stage" not in frame or set(frame["stage"]) != {"before", "after"}:
        raise OvbookError(
            "the table needs a column stage with 'before' and 'after': give results.table(FineTune) as it is"
        )
    frame = with_world(frame)
    same = [c for c in frame.columns if c not in (*_MEASURED, "stage") and frame[c].map(_hashable).all()]
    after = frame[frame["stage"] == "after"].drop(columns="stage")
    before = frame.loc[frame["stage"] == "before", [*same, "loss", "score", "answer_loss"]].rename(
        columns={"loss": "base", "score": "score_before", "answer_loss": "answer_before"}
    )
    if before.duplicated(same).any():
        raise OvbookError(
            "two runs of the table share every setting, so before and after cannot be told to belong together: "
            "give each run once"
        )
    table = after.merge(before, on=same, how="left", validate="one_to_one")
    if table["base"].isna().any():
        raise OvbookError("a run of the table has a row after tuning and none before: give its rows whole")
    return table.assign(
        increase=table["loss"] - table["base"],
        gain=table["score"] - table["score_before"],
        diverged=table["diverged_at"] >= 0,
    )


def _hashable(value: object) -> bool:
    return not isinstance(value, list | dict)


def tuned_on_others(
    frame: pd.DataFrame,
    *,
    rate: str = "rate",
    by: Sequence[str] = ("task", "tokens"),
    value: str = "validation_loss",
) -> pd.DataFrame:
    """The rows of `frame` at the `rate` that did best on the *other* seeds, one row for each (world, seed, *by).

    For every setting in `by` and every seed the rate with the lowest mean `value` over the other seeds, worlds averaged
    inside each; so no seed's own luck chooses for it, and both its worlds get one rate. A rate at which one of
    those seeds diverged cannot be chosen. A single seed has no others and chooses by itself. The column
    ``at_border`` is True where the chosen rate is the smallest or the largest of its setting's grid: its true best may
    lie outside, and ``ovbook.claims.judge`` then decides nothing. Raises OvbookError where a seed lacks a rate.
    """
    frame, by = with_world(frame), list(by)
    found = per_seed(frame, value, by=[*by, rate])
    chosen = []
    for place, group in found.groupby(by, sort=True):
        # [seeds, rates]: not-a-number where a world diverged, which keeps the rate from being chosen.
        table = group.pivot_table(
            index="seed",
            columns=rate,
            values=value,
            aggfunc=lambda cells: cells.mean(skipna=False),
            dropna=False,
        )
        if len(group) != table.size * group["world"].nunique():
            raise OvbookError(
                f"the rates differ between seeds at {', '.join(map(str, place))}: every seed must be "
                f"run at the same ones for its rate to be chosen on the others"
            )
        for seed in table.index:
            others = table.drop(index=seed) if len(table) > 1 else table
            means = others.mean(skipna=False).fillna(np.inf)
            best = means.idxmin()
            record = dict(zip(by, place, strict=True)) | {"seed": seed, rate: best}
            chosen.append(record | {"at_border": best in (table.columns[0], table.columns[-1])})
    return frame.merge(pd.DataFrame(chosen), on=[*by, "seed", rate], how="inner", validate="many_to_one")

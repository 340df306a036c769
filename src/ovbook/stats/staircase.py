"""Steps of the loss where an epoch ends, read off the tables of `Memorise` runs: one number a run and boundary.

A boundary is known by the epoch before it: boundary 1 lies between epochs 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ovbook.errors import OvbookError
from ovbook.stats.seeds import with_world

__all__ = ["WINDOW", "gaps", "in_bins", "jumps", "meetings", "probe_steps"]

WINDOW = 0.05
"""Share of an epoch at either side of a boundary over which the loss is averaged."""


def _runs(
    frame: pd.DataFrame, by: Sequence[str], once: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Rows of one run after another: those alike in world, seed and `by`."""
    frame = with_world(frame)
    keys = list(dict.fromkeys([*by, "world", "seed"]))
    if missing := [name for name in [*keys, *once] if name not in frame]:
        raise OvbookError(
            f"the table has no column {missing[0]}: give rows of results.table(Memorise, kind=...)"
        )
    for place, rows in frame.groupby(keys, sort=True, dropna=False):
        if rows.duplicated(list(once)).any():
            raise OvbookError(
                f"several runs share {', '.join(f'{k} {v}' for k, v in zip(keys, place, strict=True))}: name in `by` "
                f"what they differ in"
            )
        yield dict(zip(keys, place, strict=True)), rows


def jumps(steps: pd.DataFrame, *, by: Sequence[str] = (), window: float = WINDOW) -> pd.DataFrame:
    """The jump of the training loss at each boundary, beyond what the slope inside the epoch before it predicts.

    `steps` are rows of kind "step". One row for each (`by`, world, seed, boundary): `raw`, the mean loss in the first
    `window` of an epoch minus that in the last `window` of the one before; `slope`, of a straight line through all of
    that earlier epoch, nats per epoch; `jump` = raw minus the slope times the distance between the two windows' centres; and
    `drop` = -jump. A run that diverged keeps its place, with missing numbers.
    """
    records = []
    for place, rows in _runs(steps, by, ["step"]):
        if "diverged_at" in rows and (rows["diverged_at"] >= 0).any():
            nothing = dict.fromkeys(("raw", "slope", "jump", "drop"), np.nan)
            records += [place | {"boundary": e} | nothing for e in range(1, int(rows["epochs"].iloc[0]))]
            continue
        epochs = {
            e: rows[rows["epoch"] == e].sort_values("place") for e in sorted(map(int, set(rows["epoch"])))
        }
        for e, before in epochs.items():
            after = epochs.get(e + 1)
            if after is None:
                continue
            last, first = _at_end(before, window), _at_start(after, window)
            raw = float(first["loss"].mean() - last["loss"].mean())
            slope = float(np.polyfit(before["place"], before["loss"], 1)[0]) if len(before) > 1 else 0.0
            far = 1 + float(first["place"].mean() - last["place"].mean())
            jump = raw - slope * far
            records.append(place | {"boundary": e, "raw": raw, "slope": slope, "jump": jump, "drop": -jump})
    if not records:
        raise OvbookError("no run of the table has two epochs: a step lies between two")
    return pd.DataFrame(records)


def in_bins(
    rows: pd.DataFrame, value: str = "loss", *, by: Sequence[str] = (), bins: int = 20
) -> pd.DataFrame:
    """Rows of kind "step" or "met" averaged over `bins` equal stretches of every epoch, for a chart.

    One row for each (`by`, world, seed, progress), `progress` being the middle of the stretch in epochs: what
    ``summarise(..., by=[*by, "progress"])`` takes.
    """
    frame = with_world(rows)
    stretch = np.minimum((frame["place"] * bins).astype(int), bins - 1)
    frame = frame.assign(progress=(frame["epoch"] - 1 + (stretch + 0.5) / bins).round(6))
    keys = [*dict.fromkeys([*by, "world", "seed"]), "progress"]
    return frame.groupby(keys, sort=True, dropna=False)[value].mean().reset_index()


def _at_end(rows: pd.DataFrame, window: float) -> pd.DataFrame:
    return rows[rows["place"] > 1 - window] if (rows["place"] > 1 - window).any() else rows.tail(1)


def _at_start(rows: pd.DataFrame, window: float) -> pd.DataFrame:
    return rows[rows["place"] < window] if (rows["place"] < window).any() else rows.head(1)


def gaps(
    steps: pd.DataFrame,
    looks: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    boundary: int = 1,
    window: float = WINDOW,
) -> pd.DataFrame:
    """Validation minus training loss at either side of a boundary.

    `steps` are rows of kind "step", `looks` those of kind "look" and set "held out". One row for each (`by`, world, seed):
    `gap_end`, the gap over the last `window` before the boundary; `gap_start`, over the first one after it; `opening`, the
    second minus the first. The look at the boundary itself belongs to both.
    """
    seen = {tuple(place.values()): rows for place, rows in _runs(looks, by, ["step", "set"])}
    records = []
    for place, rows in _runs(steps, by, ["step"]):
        look = seen.get(tuple(place.values()))
        ends, starts = rows[rows["epoch"] == boundary], rows[rows["epoch"] == boundary + 1]
        if look is None or not len(ends) or not len(starts):
            continue
        train = _at_end(ends, window)["loss"].mean(), _at_start(starts, window)["loss"].mean()
        off = (look["progress"] - boundary).round(9)
        near = window + 0.5 / max(len(ends), 1)  # a look is at a whole step
        held = (
            look.loc[off.between(-near, 0), "loss"].mean(),
            look.loc[off.between(0, near), "loss"].mean(),
        )
        end, start = float(held[0] - train[0]), float(held[1] - train[1])
        records.append(place | {"gap_end": end, "gap_start": start, "opening": start - end})
    if not records:
        raise OvbookError(f"no run of the table has both losses at both sides of boundary {boundary}")
    return pd.DataFrame(records)


def meetings(met: pd.DataFrame, *, by: Sequence[str] = (), epoch: int = 1) -> pd.DataFrame:
    """Each example when met in `epoch` and when met again in the next.

    `met` are rows of kind "met". One row for each (`by`, world, seed, part, example): `first`, `again` (its losses, in
    evaluation mode, before the step that trains on it), `drop` = first - again, `rate_first`, `rate_again`,
    `place_first`, `place_again`, and `lag`, the epochs between. An example repeated within an epoch counts by its
    first meeting there.
    """
    frame = with_world(met)
    keys = [*dict.fromkeys([*by, "world", "seed"]), "part", "example"]
    held = ["loss", "rate_then", "place"]

    def of(which: int) -> pd.DataFrame:
        rows = frame[frame["epoch"] == which].sort_values("place").drop_duplicates(keys)
        return rows[[*keys, *held]]

    table = of(epoch).merge(of(epoch + 1), on=keys, suffixes=("_1", "_2"), validate="one_to_one")
    if not len(table):
        raise OvbookError(f"no example of the table is met both in epoch {epoch} and in the next")
    table = table.rename(
        columns={
            "loss_1": "first",
            "loss_2": "again",
            "rate_then_1": "rate_first",
            "rate_then_2": "rate_again",
            "place_1": "place_first",
            "place_2": "place_again",
        }
    )
    return table.assign(
        drop=table["first"] - table["again"], lag=1 + table["place_again"] - table["place_first"]
    )


def probe_steps(met: pd.DataFrame, probe: pd.DataFrame, *, by: Sequence[str] = ()) -> pd.DataFrame:
    """What an epoch did to the loss of the same few training examples, all in evaluation mode.

    `met` are rows of kind "met", `probe` those of kind "probe". One row for each (`by`, world, seed, boundary): `met`, the
    probe's mean loss when each of them was about to be trained on in the epoch before the boundary; `boundary_loss`, their mean loss
    at the boundary; `step` = the second minus the first. No averaging window, no dropout and no other example enters it.
    """
    keys = [*dict.fromkeys([*by, "world", "seed"]), "part", "example"]
    first = with_world(met).sort_values("place").drop_duplicates([*keys, "epoch"])
    seen = with_world(probe).assign(epoch=lambda t: t["progress"].round().astype(int))
    table = first[[*keys, "epoch", "loss"]].merge(
        seen[[*keys, "epoch", "loss"]].drop_duplicates([*keys, "epoch"]),
        on=[*keys, "epoch"],
        suffixes=("_met", "_probe"),
    )
    if not len(table):
        raise OvbookError(
            "no example of the probe was met in an epoch that ended: give rows of the same runs"
        )
    found = (
        table.groupby([*keys[:-2], "epoch"], dropna=False, sort=True)[["loss_met", "loss_probe"]]
        .mean()
        .reset_index()
    )
    found = found.rename(columns={"epoch": "boundary", "loss_met": "met", "loss_probe": "boundary_loss"})
    return found.assign(step=found["boundary_loss"] - found["met"])

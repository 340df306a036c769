"""From a table of measurements to one number per seed.

The unit of repetition is the seed: it fixes initialisation, data order and noise tensors. Draws, tasks and
examples inside a seed are averaged, never counted. A seed that diverged keeps its place as a missing number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovbook.errors import OvbookError
from ovbook.stats.intervals import mean_interval

__all__ = ["Cube", "cube", "increase_over_base", "per_seed", "summaries", "summarise", "with_world"]

Floats = NDArray[np.float64]


def _need(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise OvbookError(
            f"the table has no column {', '.join(missing)}: it has {', '.join(map(str, frame.columns))}; "
            f"rename or add what is missing"
        )
    if frame.empty:
        raise OvbookError(
            "the table is empty: at least one measurement is needed; check the filters before it"
        )


def with_world(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column ``world`` of strings, read from ``corpus`` where there is none.

    ``world:3/almanac`` is world "3"; any other corpus keeps its name, and is a world of its own.
    """
    if "world" in frame and not frame["world"].isna().any():  # runs on real text have no world
        return frame.assign(world=frame["world"].map(str))
    _need(frame, ["corpus"])

    def name(corpus: str) -> str:
        return corpus.removeprefix("world:").split("/")[0] if corpus.startswith("world:") else corpus

    return frame.assign(world=frame["corpus"].map(lambda corpus: name(str(corpus))))


def per_seed(
    frame: pd.DataFrame, value: str, *, by: Sequence[str] = (), within: Sequence[str] = ()
) -> pd.DataFrame:
    """One number per (world, seed, *by): the mean of `value` over `within` (draws, tasks, examples).

    Returns the columns world, seed, *by, `value`. Two rows that agree in world, seed, `by` and `within` are
    refused, since a copied row, or a forgotten column, would count one measurement twice. Every cell must
    hold the same levels of each column in `within` (draws excepted: no noise needs one draw), so that a
    contrast never compares different tasks. A measurement that is not finite, or is marked in a column
    ``diverged``, makes its whole cell not-a-number: it is never averaged away.
    """
    frame = with_world(frame)
    keys, inner = ["world", "seed", *by], list(within)
    _need(frame, [*keys, *inner, value])
    data = frame[[*keys, *inner]].copy()
    numbers = frame[value].astype(float)
    if "diverged" in frame:
        numbers = numbers.mask(frame["diverged"].astype(bool))
    data[value] = numbers.where(np.isfinite(numbers))
    if data[[*keys, *inner]].isna().any(axis=None):
        holes = [name for name in (*keys, *inner) if data[name].isna().any()]
        raise OvbookError(
            f"the column {', '.join(holes)} has empty places: every row must say which setting it is"
        )
    copies = data.duplicated([*keys, *inner], keep=False)
    if copies.any():
        row = data.loc[copies, [*keys, *inner]].iloc[0]
        place = ", ".join(f"{name} {content}" for name, content in row.items())
        raise OvbookError(
            f"the table has {int(copies.sum())} rows that share their place ({place}): each would count as "
            f"another measurement; choose one setting, or name the column that tells them apart in `within`"
        )
    for column in inner:
        if column == "draw":
            continue
        held = {frozenset(map(str, levels)) for _, levels in data.groupby(keys, sort=False)[column]}
        if len(held) > 1:
            raise OvbookError(
                f"the {column}s differ between cells of the table: every seed and setting must hold the same "
                f"{column}s, so that only like is compared with like"
            )
    # From the innermost column outwards, so that a task with more draws does not weigh more.
    for depth in range(len(inner), -1, -1):
        grouped = data.groupby([*keys, *inner[:depth]], sort=True)[value]
        data = grouped.mean().where(grouped.count() == grouped.size()).reset_index()
    return data


@dataclass(frozen=True)
class Cube:
    """One number per (world, seed, x): values [worlds, seeds, levels], not-a-number where a member
    diverged."""

    worlds: tuple[str, ...]
    seeds: tuple[int, ...]
    levels: tuple[Any, ...]
    values: Floats


def cube(frame: pd.DataFrame, value: str, *, x: str | None = None, within: Sequence[str] = ()) -> Cube:
    """Arrange a table as [worlds, seeds, levels of x] (one level if `x` is None); every cell must have its
    row.

    A row that is not there is an unfinished run, not a diverged one, and is refused by name.
    """
    data = per_seed(frame, value, by=[x] if x else [], within=within)
    if x is None:
        data = data.assign(level=0)
        x = "level"
    worlds, seeds, levels = (tuple(sorted(data[name].unique())) for name in ("world", "seed", x))
    full = pd.MultiIndex.from_product([worlds, seeds, levels], names=["world", "seed", x])
    table = data.set_index(["world", "seed", x])[value]
    absent = full[~full.isin(table.index)]
    if len(absent):
        world, seed, level = absent[0]
        place = f"world {world}, seed {seed}" + (f", {x} {level}" if x != "level" else "")
        raise OvbookError(
            f"the table has no row for {place}: every seed must be run in every world and setting; run the "
            f"missing one, or leave that seed out everywhere"
        )
    shape = (len(worlds), len(seeds), len(levels))
    return Cube(
        tuple(str(w) for w in worlds),
        tuple(int(s) for s in seeds),
        levels,
        table.reindex(full).to_numpy(dtype=np.float64).reshape(shape),
    )


def increase_over_base(frame: pd.DataFrame, *, by: Sequence[str] = ("tokens",)) -> pd.DataFrame:
    """Add the columns ``base`` and ``increase`` (= loss − base, nats per token) to a table of modified
    losses.

    The base is the column ``base`` where there is one, else the rows with ``gamma`` 0 of the same world, seed
    and `by`. Pairing is within the seed, so what a seed's model is worth cancels.
    """
    frame = with_world(frame)
    if "base" not in frame:
        _need(frame, ["seed", "gamma", "loss", *by])
        keys = ["world", "seed", *by]
        zero = frame[frame["gamma"] == 0]
        bases = (
            per_seed(zero, "loss", by=by, within=["draw"] if "draw" in zero else []) if len(zero) else None
        )
        if bases is None or len(bases) < len(frame[keys].drop_duplicates()):
            raise OvbookError(
                "the table has no loss at gamma 0 for every seed and budget: add gamma 0, or a column base"
            )
        frame = frame.merge(bases.rename(columns={"loss": "base"}), on=keys, how="left")
    return frame.assign(increase=frame["loss"] - frame["base"])


def summarise(
    frame: pd.DataFrame,
    value: str,
    *,
    by: Sequence[str] = ("tokens",),
    within: Sequence[str] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """Mean and interval over seeds for each setting in `by`, ready to draw.

    Columns: *by, mean, low, high, n (seeds that count), diverged (seeds that do not). Worlds are averaged
    inside the seed unless "world" is in `by`; a seed that diverged in any world does not count. With one
    seed, low and high are the mean: a line without a band. Where every seed diverged the three are
    not-a-number. The table's ``attrs`` say which `level` the interval has and how many worlds (1 where "world"
    is in `by`) one number averages, so that a chart can state it.
    """
    by = list(by)
    inner = [name for name in by if name != "world"]
    data = per_seed(frame, value, by=inner, within=within)
    rows = []
    for place, group in data.groupby(by, sort=True):
        seeds = group.groupby("seed")[value]
        numbers = seeds.mean().where(seeds.count() == seeds.size()).to_numpy()
        row: dict[str, Any] = dict(zip(by, place if isinstance(place, tuple) else (place,), strict=True))
        if np.isfinite(numbers).any():
            found = mean_interval(numbers, level=level)
            ends = (found.low, found.high) if found.n > 1 else (found.mean, found.mean)
            row |= {"mean": found.mean, "low": ends[0], "high": ends[1], "n": found.n}
        else:
            row |= {"mean": np.nan, "low": np.nan, "high": np.nan, "n": 0}
        rows.append(row | {"diverged": int((~np.isfinite(numbers)).sum())})
    table = pd.DataFrame(rows)
    table.attrs = {"level": level, "worlds": 1 if "world" in by else int(data["world"].nunique())}
    return table


def summaries(
    parts: Mapping[str, tuple[pd.DataFrame, str]], *, name: str, by: Sequence[str] = ("tokens",)
) -> pd.DataFrame:
    """`summarise` of several tables, one below the other, for a chart of all of them.

    `parts`: label -> (table, value). The label goes into the column `name`; rows keep the order of the labels.
    """
    found = [
        summarise(table, value, by=by).assign(**{name: label}) for label, (table, value) in parts.items()
    ]
    table = pd.concat(found, ignore_index=True)
    table.attrs = found[0].attrs
    return table

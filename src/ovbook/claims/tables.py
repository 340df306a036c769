"""From a chapter's table to the cubes a rule reads: select the declared settings, average inside the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ovbook.claims.registry import Claim
from ovbook.errors import OvbookError
from ovbook.stats import Cube, cube, increase_over_base, with_world

__all__ = ["AVERAGED", "NotRun", "arms", "declared", "read", "select"]

AVERAGED = ("task", "example", "draw")
"""Columns that are averaged inside the seed when a table has them (the outermost first)."""


class NotRun(Exception):
    """A setting that the rule declares is not in the table: the reader ran other values, so nothing is
    judged."""


def _match(column: pd.Series, wanted: Any) -> pd.Series:
    """Equality that sees 0.30000000000000004 as 0.3."""
    if (
        isinstance(wanted, (int, float))
        and not isinstance(wanted, bool)
        and pd.api.types.is_numeric_dtype(column)
    ):
        return pd.Series(
            np.isclose(column.astype(float), float(wanted), rtol=1e-9, atol=0), index=column.index
        )
    return column.map(str) == str(wanted)


def _pick(frame: pd.DataFrame, column: str, wanted: Sequence[Any]) -> pd.DataFrame:
    """Rows whose `column` is one of `wanted`, with the declared value written back; NotRun if one is
    absent."""
    if column not in frame:
        raise OvbookError(f"the table has no column {column}: the rule is declared for {column} {wanted[0]}")
    pieces = []
    for value in wanted:
        rows = frame[_match(frame[column], value)]
        if rows.empty:
            held = ", ".join(str(v) for v in sorted(frame[column].unique(), key=str)[:12])
            raise NotRun(f"the rule is declared for {column} {value}, and the table holds {held}")
        cells = set(zip(rows["world"], rows["seed"], strict=True))
        lost = set(zip(frame["world"], frame["seed"], strict=True)) - cells
        if lost:
            world, seed = min(lost)
            raise OvbookError(
                f"the table has no rows with {column} {value} for world {world}, seed {seed}: every "
                f"seed must be run in every world and setting"
            )
        pieces.append(rows.assign(**{column: value}))
    return pd.concat(pieces, ignore_index=True)


def select(claim: Claim, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that the claim is declared for, with ``world`` and, where it is judged, ``increase``."""
    frame = with_world(frame)
    if "noise" in claim.settings and "noise" in frame:
        frame = _pick(frame, "noise", [claim.noise])
    if claim.settings.get("value") == "increase" and "increase" not in frame:
        frame = increase_over_base(frame)
    for name in ("task", "rate", "gamma"):
        if name in claim.settings:
            frame = _pick(frame, name, [claim.settings[name]])
    if "tasks" in claim.settings:
        frame = _pick(frame, "task", claim.tasks)
    return frame


def declared(claim: Claim, column: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the declared levels of `column` (settings ``levels``, or its plural such as ``gammas``), if
    any."""
    wanted = claim.settings.get(f"{column}s", claim.settings.get("levels"))
    return frame if wanted is None else _pick(frame, column, wanted)


def read(claim: Claim, frame: pd.DataFrame, value: str, *, x: str | None = None) -> Cube:
    """A cube of `value`; tasks, examples and draws averaged inside the seed."""
    fixed = {x, "task" if "task" in claim.settings else None}
    return cube(frame, value, x=x, within=[name for name in AVERAGED if name in frame and name not in fixed])


def arms(claim: Claim, frame: pd.DataFrame, wanted: Sequence[Any]) -> list[pd.DataFrame]:
    """One table per arm, in the order asked for."""
    return [_pick(frame, claim.arm, [value]) for value in wanted]

"""How rough a slice of the loss surface is: one row a line, read off the tables of `Slice` runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovbook.errors import OvbookError
from ovbook.stats.seeds import with_world

__all__ = ["roughness"]


def roughness(slices: pd.DataFrame, *, by: Sequence[str] = ("start",)) -> pd.DataFrame:
    """Bend, local maxima and rise of each line: one row for each (`by`, world, seed, direction).

    bend: mean absolute second derivative of the loss by the place, over the line's reach squared, divided by the range of
    the loss on it, so that units drop out: a parabola around the middle has 2, whatever its height; bumps add to it.
    maxima: places within the line whose loss is above both neighbours'. rise: highest loss on the line minus that of the
    model itself. below: the model's own loss minus the lowest on the line.
    """
    frame = with_world(slices)
    keys = [*dict.fromkeys([*by, "world", "seed"]), "direction"]
    if missing := [name for name in (*keys, "place", "loss") if name not in frame]:
        raise OvbookError(f"the table has no column {', '.join(missing)}: give rows of results.table(Slice)")
    if frame.duplicated([*keys, "place"]).any():
        raise OvbookError("several slices share their place in the table: name in `by` what they differ in")
    records = []
    for place, line in frame.groupby(keys, sort=True):
        line = line.sort_values("place")
        x, loss = line["place"].to_numpy(), line["loss"].to_numpy()
        if len(x) < 3:
            raise OvbookError(f"a slice has {len(x)} places: at least 3 are needed to see it bend")
        reach = (x[-1] - x[0]) / 2
        step = (x[1] - x[0]) / reach
        span = float(loss.max() - loss.min())
        own = float(loss[np.abs(x).argmin()])
        inside = (loss[1:-1] > loss[:-2]) & (loss[1:-1] > loss[2:])
        records.append(
            dict(zip(keys, place, strict=True))
            | {
                "bend": float(np.abs(np.diff(loss, 2)).mean() / step**2 / span) if span > 0 else 0.0,
                "maxima": int(inside.sum()),
                "rise": float(loss.max() - own),
                "below": float(own - loss.min()),
            }
        )
    return pd.DataFrame(records)

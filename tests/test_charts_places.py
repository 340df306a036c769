"""Curves over places behind a slider."""

from __future__ import annotations

import pandas as pd
import pytest

from ovbook.charts import Slider, over_places
from ovbook.charts.notes import notes_of
from ovbook.errors import OvbookError


def curves(n=5):
    places = [0.5, 1.0, 1.5, 2.0]
    return pd.DataFrame(
        [
            {"curve": c, "progress": at, "x": x, "mean": 3.0 - at, "low": 2.9 - at, "high": 3.1 - at, "n": n}
            for c in ("training", "validation")
            for at in places
            for x in (0.1, 0.9)
        ]
    )


def test_a_slider_over_places_speaks_at_every_stop():
    frame = curves()
    step = Slider("progress", frame["progress"], label="epochs", start=1)
    chart = over_places(
        frame,
        x="x",
        y="loss",
        series="curve",
        slider=step,
        sentence=lambda at: f"after {at:g} epochs",
        title="t",
        description="Loss against position.",
    )
    notes = notes_of(chart)
    assert notes["says"]["start"] == "after 1 epochs"
    assert len(notes["table"]["rows"]) == len(frame)


def test_a_table_without_intervals_is_refused():
    frame = curves().drop(columns="high")
    step = Slider("progress", frame["progress"], label="epochs")
    with pytest.raises(OvbookError, match="lacks high"):
        over_places(
            frame, x="x", y="loss", series="curve", slider=step, sentence=str, title="t", description="d."
        )

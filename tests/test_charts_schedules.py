"""Curves with the learning rate behind them, and curves over places behind a slider."""

from __future__ import annotations

import pandas as pd
import pytest

from ovbook.charts import Slider, over_places, under_rates
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


RATES = pd.DataFrame({"progress": [0.0, 1.0, 2.0], "rate": [0.0, 1e-3, 0.0]})


def test_the_rate_has_an_axis_of_its_own_and_epochs_end_in_a_rule():
    frame = curves().query("x == 0.1")
    chart = under_rates(
        frame, y="loss", series="curve", rates=RATES, title="t", description="Loss against epochs."
    ).to_dict()
    assert chart["resolve"]["scale"]["y"] == "independent"
    assert chart["title"]["subtitle"] == ["n = 5 seeds; bands: 95% intervals of the mean"]
    text = str(chart)
    assert "learning rate (shaded)" in text
    assert "{'progress': 1}" in text  # the rule between the epochs
    table = notes_of(under_rates(frame, y="loss", series="curve", title="t", description="d."))["table"]
    assert len(table["rows"]) == len(frame)


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
    with pytest.raises(OvbookError, match="lacks high"):
        under_rates(curves().drop(columns="high"), y="loss", series="curve", title="t", description="d.")

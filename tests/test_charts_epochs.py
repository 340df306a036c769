"""The chart of a loss through epochs."""

from __future__ import annotations

import pandas as pd
import pytest

from ovbook.charts import Slider, through_epochs
from ovbook.charts.notes import notes_of
from ovbook.errors import OvbookError


def curve(**more):
    rows = [
        {
            "progress": t / 10,
            "mean": 3.5 - (t > 10),
            "low": 3.4 - (t > 10),
            "high": 3.6 - (t > 10),
            "n": 5,
            "start": start,
        }
        | more
        for t in range(1, 21)
        for start in ("pre-trained", "scratch")
    ]
    return pd.DataFrame(rows)


def drawn(frame, **more):
    return through_epochs(
        frame, y="loss (nats)", title="A title", description="Loss through two epochs.", **more
    )


def test_lines_break_at_boundaries():
    chart = drawn(curve(), series="start", floor=3.4, floor_label="nobody can know")
    spec = chart.to_dict()
    parts = {row["part"] for rows in spec["datasets"].values() for row in rows if "part" in row}
    assert parts == {1, 2}
    assert "n = 5 seeds" in " ".join(spec["title"]["subtitle"])
    assert next(c["name"] for c in notes_of(chart)["table"]["columns"]) == "start"


def test_a_slider_shows_one_at_a_time():
    frame = pd.concat([curve(rate=1e-3), curve(rate=1e-4)])
    slider = Slider("rate", frame["rate"], label="rate", write="{:g}".format)
    chart = drawn(frame, series="start", slider=slider, sentence=lambda rate: f"rate {rate:g}")
    assert notes_of(chart)["says"]["start"] == "rate 0.001"


def test_what_is_missing_is_named():
    with pytest.raises(OvbookError, match="lacks low"):
        drawn(curve().drop(columns="low"), series="start")


def test_the_rate_has_an_axis_of_its_own():
    rates = pd.DataFrame({"progress": [0.0, 1.0, 2.0], "rate": [0.0, 1e-3, 0.0]})
    chart = drawn(curve(), series="start", rates=rates)
    spec = chart.to_dict()
    assert spec["resolve"]["scale"]["y"] == "independent"
    assert "learning rate (shaded)" in str(spec)
    assert len(notes_of(chart)["table"]["rows"]) == len(curve())


def test_one_seed_draws_without_a_band():
    one = curve().assign(low=float("nan"), high=float("nan"), n=1)
    domain = drawn(one, series="start", zero=True).to_dict()["layer"][2]["encoding"]["y"]["scale"]["domain"]
    assert domain == [0.0, 3.5]

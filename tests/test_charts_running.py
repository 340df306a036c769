"""Curves through a training run: the rate behind them, an arm at a time."""

from __future__ import annotations

import pandas as pd
import pytest

from ovbook.charts import BASE, Slider, through_run
from ovbook.charts.notes import notes_of
from ovbook.errors import OvbookError


def curves(n=5):
    return pd.DataFrame(
        [
            {"arm": a, "text": t, "seen": at, "mean": 3 - at / 1e6, "low": 2.9, "high": 3.1, "n": n}
            for a in ("cold", "warm")
            for t in ("old", "new")
            for at in (0, 50_000, 200_000)
        ]
    )


RATES = pd.DataFrame({"arm": ["cold", "warm"], "seen": [0, 0], "rate": [1e-3, 2e-3]})


def test_one_arm_at_a_time_with_its_rate_and_what_is_held_against_it():
    arm = Slider("arm", ["cold", "warm"], label="arm", start="cold")
    chart = through_run(
        curves(), y="loss", series="text", rates=RATES, slider=arm, sentence=lambda a: f"{a} it is", colours={"old": BASE},
        held="new", level=(3.0, "before"), title="t", description="Loss against tokens.",
    )  # fmt: skip
    drawn = chart.to_dict()
    text = str(drawn)
    assert drawn["resolve"]["scale"]["y"] == "independent"
    assert "learning rate (shaded)" in text
    assert BASE in text
    assert text.count('datum["arm"] === arm') >= 3
    notes = notes_of(chart)
    assert notes["says"]["start"] == "cold it is"
    assert len(notes["table"]["rows"]) == len(curves())


def test_without_slider_rates_and_points_it_is_lines():
    chart = through_run(
        curves().query("arm == 'cold'"),
        y="loss",
        series="text",
        points=False,
        log=False,
        title="t",
        description="d.",
    ).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["area", "line"]


@pytest.mark.parametrize("missing", ["seen", "low", "text"])
def test_a_table_that_lacks_a_column_is_refused(missing):
    with pytest.raises(OvbookError, match=f"lacks {missing}"):
        through_run(curves().drop(columns=missing), y="loss", series="text", title="t", description="d.")


def test_the_sliders_column_must_be_there():
    with pytest.raises(OvbookError, match="lacks arm"):
        through_run(
            curves().drop(columns="arm"), y="loss", series="text", title="t", description="d.", slider=Slider("arm", ["a"], label="a")
        )  # fmt: skip

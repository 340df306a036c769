"""Estimates side by side: every number of the table is drawn, and one seed stands without a whisker."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import vl_convert

from ovbook.charts import contrasts, forest
from ovbook.charts.notes import notes_of
from ovbook.errors import OvbookError

FRAME = pd.DataFrame(
    [
        {"contrast": "decay", "change": "noise", "mean": 3.0, "low": 2.0, "high": 4.0, "n": 5},
        {"contrast": "decay", "change": "tuning", "mean": 0.5, "low": -1.0, "high": 2.0, "n": 5},
        {"contrast": "tokens", "change": "noise", "mean": 6.0, "low": 5.5, "high": 6.5, "n": 5},
        {"contrast": "tokens", "change": "tuning", "mean": 1.0, "low": -np.inf, "high": np.inf, "n": 1},
    ]
)
WORDS = {"row": "contrast", "x": "effect", "title": "Two causes", "description": "Two rows of two marks."}


def test_every_row_is_drawn_in_its_order_with_band_and_legend():
    chart = forest(FRAME, series="change", band=(-1.0, 1.0), **WORDS)
    spec = chart.to_dict()
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    assert svg.index("decay") < svg.index("tokens")
    assert "noise" in svg
    assert "tuning" in svg
    drawn = [row for rows in spec["datasets"].values() for row in rows if "contrast" in row]
    assert [row["mean"] for row in drawn] == FRAME["mean"].tolist()
    assert {"from": -1.0, "to": 1.0} in [row for rows in spec["datasets"].values() for row in rows]
    assert notes_of(chart)["table"]["rows"][0][:3] == ["decay", "noise", 3]


def test_one_seed_has_a_mark_and_no_whisker():
    drawn = forest(FRAME, series="change", **WORDS).to_dict()["datasets"]
    alone = next(row for rows in drawn.values() for row in rows if row.get("n") == 1)
    assert alone["low"] == alone["high"] == alone["mean"] == 1.0
    assert "so there is no interval" in str(forest(FRAME[FRAME["n"] == 1], **WORDS).to_dict()["title"])


def test_shares_are_written_as_percentages_and_gaps_refused():
    shares = FRAME[FRAME["change"] == "noise"].assign(mean=[0.25, 0.75], low=0.1, high=0.9)
    svg = vl_convert.vegalite_to_svg(json.dumps(forest(shares, percent=True, **WORDS).to_dict()))
    assert re.search(r">\d+%<", svg)  # a tick of the axis; the line on intervals has a percent sign, too
    with pytest.raises(OvbookError, match="lacks n"):
        forest(FRAME.drop(columns="n"), **WORDS)


def test_an_axis_may_be_logarithmic_on_both_sides_of_zero():
    chart = forest(FRAME[FRAME["change"] == "noise"], near=0.5, ticks=[-4, 0, 4], **WORDS)
    across = chart.to_dict()["layer"][-1]["encoding"]["x"]
    assert across["scale"] == {"type": "symlog", "constant": 0.5}
    assert across["axis"]["values"] == [-4, 0, 4]
    vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


def test_declared_contrasts_are_drawn_in_their_own_smallest_effects():
    frame = FRAME[FRAME["change"] == "noise"].assign(
        **{"smallest effect": 0.1, "as measured": "0.300", "worlds": "0.3 0.3", "reading": "an effect"}
    )
    chart = contrasts(frame, title="Two causes", description="Two rows.")
    drawn = [rows for rows in chart.to_dict()["datasets"].values() if "contrast" in rows[0]]
    assert [row["mean"] for row in drawn[0]] == [3.0, 6.0]
    assert "reading" in json.dumps(notes_of(chart), default=str)

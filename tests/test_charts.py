"""Charts: they hold the numbers of the table, say what they are, and refuse what they cannot draw."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from ovbook.charts import (
    against_tokens,
    budget_ramp,
    reading_slider,
    tokens_label,
    turning_points,
    with_gamma_slider,
)
from ovbook.errors import OvbookError

CURVE = pd.DataFrame(
    [
        {"tokens": t, "gamma": g, "mean": 3 - i + g * i, "low": 2.9 - i, "high": 3.1 - i + g * i, "n": 5}
        for i, t in enumerate((250_000, 500_000, 1_000_000))
        for g in (0.0, 0.2, 0.4)
    ]
)


def _draws(chart) -> str:
    """The chart as SVG: an invalid specification raises here."""
    import vl_convert

    return vl_convert.vegalite_to_svg(json.dumps(chart.to_dict()))


@pytest.mark.parametrize(
    ("tokens", "text"), [(800, "800"), (250_000, "250k"), (1e6, "1M"), (2_500_000, "2.5M"), (3e12, "3T")]
)
def test_token_counts_as_people_say_them(tokens, text):
    assert tokens_label(tokens) == text


def test_ramp_spans_its_ends_whatever_the_number_of_steps():
    assert budget_ramp([1, 2])[0] == budget_ramp(list(range(8)))[0]
    assert budget_ramp([1, 2])[-1] == budget_ramp(list(range(8)))[-1]
    assert len(set(budget_ramp(list(range(8))))) == 8
    assert budget_ramp([]) == []


def test_curves_carry_labels_bands_and_both_token_axes():
    chart = against_tokens(
        CURVE,
        y="loss (nats per token)",
        series="gamma",
        series_title="γ",
        parameters=1000,
        title="A finding",
        description="Lines that fall.",
        floor=0.5,
    )
    svg = _draws(chart)
    for text in (
        "A finding",
        "γ 0.2",
        "250k",
        "tokens per parameter",
        "entropy floor",
        "loss (nats per token)",
    ):
        assert text in svg
    assert chart.to_dict()["description"] == "Lines that fall."


def test_slider_steps_through_what_was_run():
    chart = with_gamma_slider(CURVE, y="loss", title="t", description="d", start=0.2).to_dict()
    (slider,) = [param for param in chart["params"] if "bind" in param]
    assert (slider["bind"]["min"], slider["bind"]["max"], slider["bind"]["step"]) == (0.0, 0.4, 0.2)
    _draws(with_gamma_slider(CURVE, y="loss", title="t", description="d", start=0.2, parameters=1000))


def test_slider_refuses_uneven_steps():
    uneven = CURVE.assign(gamma=CURVE["gamma"].replace(0.2, 0.1))
    with pytest.raises(OvbookError, match="evenly spaced"):
        with_gamma_slider(uneven, y="loss", title="t", description="d", start=0.1)


@pytest.mark.parametrize("missing", ["mean", "low", "n"])
def test_a_table_that_lacks_a_column_is_refused(missing):
    with pytest.raises(OvbookError, match=missing):
        against_tokens(CURVE.drop(columns=missing), y="loss", title="t", description="d")


def test_a_chart_without_a_description_is_refused():
    with pytest.raises(OvbookError, match="no description"):
        against_tokens(CURVE, y="loss", title="t", description=" ")


def test_bounds_are_drawn_as_bounds():
    frame = pd.DataFrame(
        {
            "gamma": [0.2, 0.4, 0.4],
            "seed": [1, 1, 2],
            "world": ["1", "1", "2"],
            "tokens": [2e6, 5e5, 1e6],
            "sign": [">=", "=", "="],
        }
    )
    chart = turning_points(frame, x="gamma", x_title="γ", budgets=[5e5, 1e6, 2e6], title="t", description="d")
    assert "no earlier than" in json.dumps(chart.to_dict())
    _draws(chart)


def test_texts_are_kept_in_the_order_of_their_budgets():
    frame = pd.DataFrame({"tokens": [1_000_000, 250_000], "text": ["a good sentence", "salad word"]})
    chart = reading_slider(frame, title="t", description="d")
    assert "salad word" in _draws(chart)
    with pytest.raises(OvbookError, match="rows"):
        reading_slider(frame.head(0), title="t", description="d")

"""Charts: they hold the numbers of the table, say what they are, and refuse what they cannot draw."""

from __future__ import annotations

import json
import re

import altair as alt
import numpy as np
import pandas as pd
import pytest

from ovbook.charts import (
    Slider,
    against_tokens,
    budget_ramp,
    evidence,
    heading,
    paths,
    reading_slider,
    thin,
    tokens_label,
    turning_points,
    with_gamma_slider,
    with_sliders,
)
from ovbook.charts.curves import _apart
from ovbook.charts.notes import notes_of
from ovbook.charts.theme import BASE, BUDGETS, FLOOR, NEUTRAL, PERTURBED, TUNED
from ovbook.errors import OvbookError
from ovbook.press.lint import CHART_BYTES
from ovbook.stats import summarise

CURVE = pd.DataFrame(
    [
        {"tokens": t, "gamma": g, "mean": 3 - i + g * i, "low": 2.9 - i, "high": 3.1 - i + g * i, "n": 5}
        for i, t in enumerate((250_000, 500_000, 1_000_000))
        for g in (0.0, 0.2, 0.4)
    ]
)


def _draws(chart, **signals) -> str:
    """The chart as SVG, with some parameters at other values: an invalid specification raises here."""
    import vl_convert

    spec = chart.to_dict()
    for param in spec.get("params", []):
        if param["name"] in signals:
            param["value"] = signals[param["name"]]
    return vl_convert.vegalite_to_svg(json.dumps(spec))


def _contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


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


@pytest.mark.parametrize("page", ["#ffffff", "#121212", "#14181e"])
@pytest.mark.parametrize("mark", [BASE, PERTURBED, TUNED, FLOOR, NEUTRAL, *BUDGETS])
def test_every_mark_stands_out_from_both_pages(mark, page):
    assert _contrast(mark, page) >= 3


# -- what a chart says of itself ----------------------------------------------------------------------------


def test_evidence_is_read_off_the_summary():
    rows = [
        {"world": w, "seed": s, "tokens": 1, "loss": 1.0 + s + (5 if w == "2" else 0)}
        for w in ("1", "2")
        for s in (1, 2, 3)
    ]
    frame = pd.DataFrame(rows)
    both = "n = 3 seeds, each the mean of 2 worlds; bands: 90% intervals of the mean"
    assert evidence(summarise(frame, "loss", level=0.9)) == both
    assert evidence(summarise(frame, "loss", by=["world", "tokens"]), "whisker").endswith(
        "3 seeds; whiskers: 95% intervals of the mean"
    )
    assert "so there is no interval" in evidence(summarise(frame[frame["seed"] == 1], "loss"))
    assert evidence(CURVE.assign(n=[5] * 8 + [4])).startswith("n = 4 to 5 seeds")
    with pytest.raises(OvbookError, match="how many seeds"):
        evidence(CURVE.drop(columns="n"))


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
        "n = 5 seeds; bands: 95% intervals of the mean",
        "γ 0.2",
        "250k",
        "tokens per parameter",
        "entropy floor",
        "loss (nats per token)",
    ):
        assert text in svg
    assert chart.to_dict()["description"] == "Lines that fall."


def test_series_differ_in_shape_as_well_as_colour():
    chart = against_tokens(CURVE, y="loss", series="gamma", title="t", description="d").to_dict()
    (points,) = [
        layer
        for layer in chart["layer"]
        if layer["mark"]["type"] == "point" and "xOffset" not in layer["mark"]
    ]
    assert points["encoding"]["color"]["field"] == points["encoding"]["shape"]["field"] == "gamma"
    assert len(set(points["encoding"]["shape"]["scale"]["range"])) == 3


def test_labels_keep_apart_and_near_their_lines():
    places = _apart([1.0, 1.01, 1.02, 5.0], 0.5)
    gaps = np.diff(places)
    assert (gaps > 0.5 - 1e-9).all()
    assert places[3] == 5.0
    assert sum(places[:3]) / 3 == pytest.approx(1.01)
    assert _apart([2.0, 1.0], 0.5) == [2.0, 1.0]


def test_the_table_travels_with_the_chart():
    table = notes_of(against_tokens(CURVE, y="loss (nats)", series="gamma", title="t", description="d"))[
        "table"
    ]
    assert [column["name"] for column in table["columns"]] == [
        "gamma",
        "pre-training tokens",
        "loss (nats)",
        "95% from",
        "95% to",
        "seeds",
    ]
    assert len(table["rows"]) == len(CURVE)
    assert table["rows"][4] == [0.2, 500_000, pytest.approx(2.2), pytest.approx(1.9), pytest.approx(2.3), 5]


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
    assert "n = 2 seeds in each of 2 worlds; one mark each, no interval" in _draws(chart)


# -- thinning -----------------------------------------------------------------------------------------------


def _long(steps: int, series: int = 1) -> pd.DataFrame:
    step = np.arange(1, steps + 1)
    parts = []
    for k in range(series):
        loss = 5 / np.sqrt(step) + k
        loss[steps // 3], loss[steps // 2] = 99.0 + k, -7.0 - k
        parts.append(pd.DataFrame({"tokens": step * 64, "which": f"s{k}", "mean": loss}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(low=frame["mean"] - 0.1, high=frame["mean"] + 0.1, n=5)


@pytest.mark.parametrize("log", [True, False])
def test_thinning_keeps_ends_and_extremes_and_changes_no_value(log):
    frame = _long(20_000, series=2)
    few = thin(frame, "tokens", series=["which"], most=150, log=log)
    assert few.equals(frame.loc[few.index])
    for name, part in few.groupby("which"):
        whole = frame[frame["which"] == name]
        assert 75 <= len(part) <= 150
        for column in ("tokens", "mean"):
            assert part[column].min() == whole[column].min()
            assert part[column].max() == whole[column].max()
    steps = np.sort(few[few["which"] == "s0"]["tokens"].to_numpy())
    early = (steps < steps[-1] / 2).mean()
    assert early > 0.85 if log else 0.4 < early < 0.6


def test_short_curves_stay_whole_and_impossible_wishes_are_refused():
    frame = _long(50)
    assert thin(frame, "tokens", most=50).equals(frame)
    with pytest.raises(OvbookError, match="thinned to 3 points"):
        thin(frame, "tokens", most=3)


def test_no_curve_is_too_long_for_a_page():
    frame = _long(30_000, series=3)
    chart = against_tokens(frame, y="loss", series="which", title="t", description="d" * 30)
    assert len(json.dumps(chart.to_dict())) < CHART_BYTES


# -- sliders ------------------------------------------------------------------------------------------------


def test_slider_stops_at_what_was_run_and_says_what_is_there():
    chart = with_gamma_slider(CURVE, y="loss", title="t", description="d", start=0.2, parameters=1000)
    spec = chart.to_dict()
    (slider,) = [param for param in spec["params"] if "bind" in param]
    assert (slider["bind"]["min"], slider["bind"]["max"], slider["bind"]["step"]) == (0.0, 0.4, 0.2)
    notes = notes_of(chart)
    assert notes["sliders"]["gamma_slider"]["values"] == ["γ = 0", "γ = 0.2", "γ = 0.4"]
    assert notes["says"]["start"] == "γ = 0.2: lowest loss 1.40, at the last budget, 1M tokens."
    assert _draws(chart, gamma_slider=0.4) != _draws(chart) != _draws(chart, gamma_slider=0.0)


def test_a_slider_may_have_uneven_stops_and_words():
    steps = Slider("step", [1000, 1, 10, 100, 10], label="step", start=10)
    assert steps.values == [1, 10, 100, 1000]
    assert steps.parameters()[0].param.bind.max == 3
    words = Slider("when", ["before", "after"], label="tuning")
    assert words.labels == ["before", "after"]
    with pytest.raises(OvbookError, match="cannot start at 7"):
        Slider("step", [1, 2], label="step", start=7)
    with pytest.raises(OvbookError, match="300 stops"):
        Slider("step", range(300), label="step")


def test_a_diverged_curve_is_said_to_have_diverged():
    gone = CURVE.assign(mean=CURVE["mean"].where(CURVE["gamma"] < 0.4))
    said = with_gamma_slider(gone, y="loss", title="t", description="d", start=0.4)
    assert notes_of(said)["says"]["start"] == "γ = 0.4: every seed diverged."


def _says(chart, **at) -> str:
    """The sentence, drawn: an expression that Vega cannot read, or that gives nothing, shows here."""
    spec = {"data": {"values": [{}]}, "mark": {"type": "text", "text": {"expr": "says"}}}
    return _draws(alt.Chart.from_dict({**spec, "params": chart.to_dict()["params"]}, validate=False), **at)


def test_a_step_slider_runs_over_a_whole_run():
    run = pd.DataFrame(
        {
            "step": np.repeat(2 ** np.arange(8), 3),
            "section": ["People", "Diary", "News"] * 8,
            "loss": np.linspace(5, 1, 24),
        }
    )
    step = Slider("step", run["step"], label="training step", write="step {:,}".format, start=1)
    chart = (
        alt.Chart(run)
        .mark_bar()
        .encode(x="loss:Q", y="section:N")
        .transform_filter(step.at("step"))
        .properties(title=heading("A run", "n = 1 run; no interval"))
    )
    mean = run.groupby("step")["loss"].mean()
    chart = with_sliders(chart, step, sentence=lambda s: f"step {s}: mean loss {mean[s]:.2f}")
    assert notes_of(chart)["says"]["start"] == f"step 1: mean loss {mean[1]:.2f}"
    assert f"step 128: mean loss {mean[128]:.2f}" in _says(chart, step_slider=7)
    assert _draws(chart) != _draws(chart, step_slider=3)


def test_a_heat_map_moves_with_two_sliders():
    grid = pd.DataFrame(
        [
            {"checkpoint": c, "layer": layer, "head": head, "arm": arm, "score": c * head + layer + len(arm)}
            for c in (0, 10, 500)
            for arm in ("base", "tuned")
            for layer in range(2)
            for head in range(3)
        ]
    )
    when = Slider("checkpoint", grid["checkpoint"], label="checkpoint", write="step {}".format, start=0)
    arm = Slider("arm", grid["arm"], label="model", start="base")
    chart = (
        alt.Chart(grid)
        .mark_rect()
        .encode(x="head:O", y="layer:O", color=alt.Color("score:Q").scale(domain=[0, 1005]))
        .transform_filter(when.at("checkpoint"))
        .transform_filter(arm.at("arm"))
    )
    chart = with_sliders(chart, when, arm, sentence=lambda c, a: f"{a} at step {c}")
    drawn = {_draws(chart, checkpoint_slider=i, arm_slider=j) for i in range(3) for j in range(2)}
    assert len(drawn) == 6
    assert "tuned at step 10" in _says(chart, checkpoint_slider=1, arm_slider=1)
    assert "base at step 500" in _says(chart, checkpoint_slider=2, arm_slider=0)


def test_sliders_work_with_the_vega_lite_that_jupyterlab_carries():
    import vl_convert

    from ovbook.charts import renderer

    chart = with_gamma_slider(CURVE, y="loss", title="t", description="d", start=0.2, parameters=1000)
    ours = renderer.mimebundle(chart.to_dict())[renderer.MIME]
    assert "after noise" in vl_convert.vegalite_to_svg(ours, vl_version="5.20")


def test_texts_are_kept_in_the_order_of_their_budgets():
    frame = pd.DataFrame({"tokens": [1_000_000, 250_000], "text": ["a good sentence", "salad word"]})
    chart = reading_slider(frame, title="t", description="d")
    assert "salad word" in _draws(chart)
    assert "a good sentence" in _draws(chart, tokens_slider=1_000_000)
    assert notes_of(chart)["says"] == {
        "signal": "says",
        "start": "after 250k tokens\nsalad word",
        "instead": True,
    }
    with pytest.raises(OvbookError, match="rows"):
        reading_slider(frame.head(0), title="t", description="d")


def test_a_slider_shows_one_choice_at_a_time_on_axes_that_stay():
    other = CURVE.assign(mean=CURVE["mean"] + 5, low=CURVE["low"] + 5, high=CURVE["high"] + 5)
    frame = pd.concat([CURVE.assign(task="topic"), other.assign(task="fact")], ignore_index=True)
    chart = against_tokens(
        frame,
        y="loss",
        title="t",
        description="d",
        series="gamma",
        series_title="γ",
        parameters=10_000,
        slider=Slider("task", ["topic", "fact"], label="tuned on", start="topic"),
        sentence=lambda task: f"tuned on {task}",
    )
    assert notes_of(chart)["says"]["start"] == "tuned on topic"
    table = notes_of(chart)["table"]
    assert [column["name"] for column in table["columns"]][:2] == ["tuned on", "γ"]
    assert len(table["rows"]) == len(frame)
    drawn = {at: _draws(chart, task_slider=at) for at in (0, 1)}
    words = [re.findall(r">([^<>]+)</text>", drawn[at]) for at in (0, 1)]
    assert words[0].count("γ 0.4") == words[1].count("γ 0.4") == 1  # labels of the chosen curves alone
    assert sorted(words[0]) == sorted(words[1])  # so the axes are the same
    assert drawn[0] != drawn[1]


def test_paths_run_in_the_order_of_what_was_turned():
    frame = pd.DataFrame(
        [
            {"tokens": t, "rate": r, "at": at, "mean": at * t / 1e6, "low": at, "high": at + 1, "n": 5}
            for t in (250_000, 500_000)
            for r, at in ((4.0, 1.5), (1.0, 3.0), (2.0, 2.0))
        ]
    )
    chart = paths(
        frame,
        series="tokens",
        along="rate",
        x="length",
        y="loss",
        title="t",
        description="d",
        write=tokens_label,
    )
    drawn = _draws(chart)
    assert "250k" in drawn
    assert "95% intervals" in drawn
    rows = notes_of(chart)["table"]["rows"]
    assert [row[1] for row in rows] == [1, 2, 4, 1, 2, 4]
    spec = chart.to_dict()
    assert spec["layer"][1]["encoding"]["order"]["field"] == "rate"
    with pytest.raises(OvbookError, match="lacks at"):
        paths(
            frame.drop(columns="at"), series="tokens", along="rate", x="x", y="y", title="t", description="d"
        )


def test_paths_behind_a_slider_keep_their_axes():
    frame = pd.DataFrame(
        [
            {"way": way, "strength": s, "tokens": t, "at": s * t / 1e6, "mean": s + t / 1e6, "low": s, "high": s + 2, "n": 5}
            for t in (1_000_000, 4_000_000)
            for way in ("pull", "rate")
            for s in (1.0, 2.0)
        ]
    )  # fmt: skip
    chart = paths(
        frame, series="way", along="strength", x="x", y="y", title="t", description="d", zero=False,
        slider=Slider("tokens", frame["tokens"], label="budget", write=tokens_label),
        sentence=lambda tokens: f"at {tokens_label(tokens)}",
    )  # fmt: skip
    assert notes_of(chart)["says"]["start"] == "at 4M"
    assert len(notes_of(chart)["table"]["rows"]) == len(frame)
    drawn = [re.findall(r">([^<>]+)</text>", _draws(chart, tokens_slider=at)) for at in (1e6, 4e6)]
    assert sorted(drawn[0]) == sorted(drawn[1])  # the axes are the same


def test_paths_may_fit_each_stop_name_their_ends_and_show_what_they_are_held_against():
    frame = pd.DataFrame(
        [
            {"way": way, "strength": s, "tokens": t, "at": s * t / 1e6, "mean": s * t / 1e6, "low": -1.0, "high": s * t, "n": 5, "base": 1.25}
            for t in (1_000_000, 4_000_000)
            for way in ("pull", "rate")
            for s in (1.0, 2.0)
            if way == "rate" or t > 1_000_000
        ]
    )  # fmt: skip
    chart = paths(
        frame, series="way", along="strength", x="x", y="y", title="t", description="d", log_y=True, loose=True,
        named=True, reference="rate", level=("base", "before"), columns=2,
        slider=Slider("tokens", frame["tokens"], label="budget", write=tokens_label),
    )  # fmt: skip
    drawn = [re.findall(r">([^<>]+)</text>", _draws(chart, tokens_slider=at)) for at in (1e6, 4e6)]
    assert "pull (not here)" in drawn[0]
    assert "pull (not here)" not in drawn[1]
    assert all("before" in words for words in drawn)
    assert drawn[1].count("pull") == 2  # in the legend and at the end of its path
    assert sorted(drawn[0]) != sorted(drawn[1])
    spec = chart.to_dict()
    assert NEUTRAL in str(spec["layer"][0]["encoding"]["color"]["scale"]["range"])
    assert spec["layer"][0]["mark"]["strokeWidth"] > 2
    with pytest.raises(OvbookError, match="lacks base"):
        paths(
            frame.drop(columns="base"), series="way", along="strength", x="x", y="y", title="t", description="d",
            level=("base", "before"),
        )  # fmt: skip

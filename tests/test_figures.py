"""Figures on a page: numbered, with a table, a CSV and words, and the lint that refuses one without."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import urllib.parse
from html.parser import HTMLParser

import altair as alt
import nbformat
import pandas as pd
import pytest

from ovbook.charts import Slider, figure, heading, noted, renderer, say, with_sliders
from ovbook.charts.notes import notes_of
from ovbook.charts.table import ROWS, tidy
from ovbook.errors import OvbookError
from ovbook.press import lint
from ovbook.press.mime import MIME, VegaLiteRenderer, container

FRAME = pd.DataFrame(
    {
        "gamma": [0.0, 0.05, 0.1],
        "mean": [1 / 3, -2.5, float("nan")],
        "n": [5, 5, 4],
        "kind": ["<a> & b", "c", "d"],
    }
)


def chart(**notes):
    drawn = (
        alt.Chart(FRAME)
        .mark_line()
        .encode(x="gamma:Q", y="mean:Q")
        .properties(
            title=heading("A finding", "n = 5 seeds; bands: 95% intervals of the mean"),
            description="A line through three points",
        )
    )
    return noted(drawn, **notes) if notes else drawn


class Elements(HTMLParser):
    """The start tags of a piece of HTML, and whether every tag was closed."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag, **having):
        return [attrs for name, attrs in self.found if name == tag and having.items() <= attrs.items()]


@pytest.fixture
def glued(monkeypatch):
    """What `figure` and `say` hand over: name -> (mime bundle or object, shown in the notebook)."""
    handed: dict = {}
    monkeypatch.setattr(
        "myst_nb.glue", lambda name, value, display=True: handed.__setitem__(name, (value, display))
    )
    return handed


# -- handing over -------------------------------------------------------------------------------------------


def test_a_figure_is_shown_live_and_brings_its_table(glued):
    figure("fig_one", chart(), FRAME, columns={"gamma": "noise γ", "mean": "loss (nats)"})
    drawn, shown = glued["fig_one"]
    assert shown
    assert notes_of(drawn)["name"] == "one"
    assert [column["name"] for column in notes_of(drawn)["table"]["columns"]] == ["noise γ", "loss (nats)"]


@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("one", FRAME, "cannot be called 'one'"),
        ("fig_one", None, "has no table"),
        ("fig_one", FRAME.head(0), "0 rows"),
    ],
)
def test_what_is_no_figure_is_refused(glued, name, table, says):
    with pytest.raises(OvbookError, match=says):
        figure(name, chart(), table)
    assert glued == {}


def test_numbers_reach_the_prose_as_words(glued):
    say(size=f"{1234:,}", rows=256)
    assert glued == {"size": ("1,234", False), "rows": ("256", False)}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("*schedule*, 0.2 nats", "schedule, 0.2 nats"),
        ("**We have not**: at", "We have not: at"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("0.5*x* and *one of two words*", "0.5*x* and one of two words"),
    ],
)
def test_words_for_the_prose_are_plain_text(glued, given, shown):
    say(said=given)
    assert glued["said"][0] == shown


def test_a_table_keeps_every_digit_and_says_how_many_to_show():
    table = tidy(FRAME)
    assert [column["decimals"] for column in table["columns"]] == [2, 3, 0, None]
    assert table["rows"][0] == [0, 1 / 3, 5, "<a> & b"]
    assert table["rows"][2][1] is None
    small = tidy(pd.DataFrame({"x": [1e-5, 2e-5], "big": [123456.5, 1.0], "zero": [0.0, 0.0]}))
    assert [column["decimals"] for column in small["columns"]] == [5, 0, 0]
    with pytest.raises(OvbookError, match="no column colour"):
        tidy(FRAME, {"colour": "c"})
    with pytest.raises(OvbookError, match="thin"):
        tidy(pd.DataFrame({"x": range(ROWS + 1)}))


# -- the page -----------------------------------------------------------------------------------------------


def test_the_table_is_one_for_those_who_hear_it_and_the_csv_is_whole():
    text = container(chart(table=tidy(FRAME), name="damage").to_dict(), "chapters/02-sensitivity")
    page = Elements(text)
    assert page.open == []
    assert len(page.all("th", scope="col")) == 4
    assert len(page.all("th", scope="row")) == 3
    assert len(page.all("caption")) == 1
    (scroll,) = page.all("div", tabindex="0")
    assert scroll["aria-label"] == "Table of 02 sensitivity damage"
    assert "&lt;a&gt; &amp; b" in text
    assert "0.333" in text
    assert "−2.500" in text
    (link,) = [attrs for attrs in page.all("a") if "download" in attrs]
    assert link["download"] == "02-sensitivity-damage.csv"
    content = urllib.parse.unquote(link["href"].removeprefix("data:text/csv;charset=utf-8,")).removeprefix(
        "\ufeff"
    )
    rows = list(csv.reader(io.StringIO(content)))
    assert rows[0] == ["noise γ", "mean", "seeds", "kind"]
    assert float(rows[1][1]) == 1 / 3
    assert rows[3] == ["0.1", "", "4", "d"]


def test_what_is_drawn_does_not_carry_the_table_twice():
    spec = chart(table=tidy(FRAME), name="damage").to_dict()
    inert = re.search(r'<script type="application/json">(.*)</script></div>$', container(spec), re.DOTALL)
    assert inert
    drawn = json.loads(inert[1])
    assert drawn["usermeta"] == {"ovbook": {"name": "damage"}}
    assert "table" in spec["usermeta"]["ovbook"]  # the notebook keeps it
    assert {**drawn, "usermeta": 0} == {**spec, "usermeta": 0}


def test_a_long_table_shows_its_beginning_and_says_so():
    text = container(chart(table=tidy(pd.DataFrame({"x": range(ROWS)}))).to_dict())
    assert text.count("<tr>") == 201
    assert "The first 200 of 1000 rows" in text
    assert f"%0D%0A{ROWS - 1}%0D%0A" in text


def sliding(**kwargs):
    gamma = Slider("gamma", FRAME["gamma"], label="noise", write="γ = {:g}".format, start=0)
    return with_sliders(chart(), gamma, sentence=lambda g: f"head <{g}>\nbody", **kwargs)


def test_the_sentence_of_a_slider_stands_in_a_live_region_from_the_start():
    text = container(sliding().to_dict())
    page = Elements(text)
    (region,) = page.all("div", role="status")
    assert region["aria-live"] == "polite"
    assert "<strong>head &lt;0&gt;</strong><span>body</span>" in text
    assert "ovbook-title" not in text


def test_a_text_to_read_takes_the_place_of_its_drawing():
    text = container(sliding(instead=True).to_dict())
    assert 'class="ovbook-chart ovbook-reading"' in text
    assert '<p class="ovbook-title">A finding</p>' in text
    assert "n = 5 seeds; bands: 95% intervals of the mean" in text.split("<script")[0]


def test_a_lab_that_stands_still_says_where_it_runs():
    class Page:
        class renderer:
            sphinx_env = None

    class Data:
        mime_type = MIME
        content = chart(still={"controls": [["noise γ", "0.2"]], "answer": ["loss 1 <b>", "text"]}).to_dict()

    (node,) = VegaLiteRenderer.handle_mime(Page, Data, False)
    text = node.astext()
    assert Elements(text).open == []
    assert "make lab" in text
    assert "<dt>noise γ</dt><dd>0.2</dd>" in text
    assert html.escape("loss 1 <b>") in text


# -- the lint -----------------------------------------------------------------------------------------------


def notebook(
    drawn, *, tags=("remove-output",), caption="```{glue:figure} fig_one\n:name: fig-one\n\nA line.\n```"
):
    meta = {"scrapbook": {"name": "fig_one", "mime_prefix": ""}}
    output = nbformat.v4.new_output("display_data", data=renderer.mimebundle(drawn.to_dict()), metadata=meta)
    cell = nbformat.v4.new_code_cell(
        "figure()", execution_count=1, outputs=[output], metadata={"tags": list(tags)}
    )
    return nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_markdown_cell(caption)])


def test_the_lint_lets_a_whole_figure_pass_and_no_other():
    whole = chart(table=tidy(FRAME), name="one")
    assert lint.problems(notebook(whole)) == []

    def says(*args, **kwargs):
        return " ".join(lint.problems(notebook(*args, **kwargs)))

    assert "fig_one has no table" in says(chart())
    assert "shown 0 times" in says(whole, caption="See nothing.")
    twice = "\n\n".join(["```{glue:figure} fig_one\nA.\n```"] * 2)
    assert "shown 2 times" in says(whole, caption=twice)
    assert "a second time" in says(whole, tags=["hide-input"])


@pytest.mark.parametrize(
    "title",
    [
        "A finding",
        alt.Title("A finding"),
        heading("A finding", "five seeds, with bands"),
        heading("n = 5 seeds; no interval", "see the caption"),
    ],
)
def test_a_chart_that_does_not_say_its_n_and_interval_is_refused(title):
    silent = chart(table=tidy(FRAME)).properties(title=title)
    assert any("does not say its n and interval" in text for text in lint.problems(notebook(silent)))

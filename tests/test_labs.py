"""Labs: what the slider does is a plain function, moving a control changes the answer, a page gets a still picture."""

from __future__ import annotations

import html
import json

import pytest

from ovbook.charts import renderer
from ovbook.charts.notes import notes_of
from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.labs import NoiseLab, shake
from ovbook.labs.still import STILL
from ovbook.models import init, parse_model, save_checkpoint
from ovbook.press.lint import problems

CORPUS = open_corpus("world:3/almanac")
SPEC = parse_model("olmo:16x1", vocab=CORPUS.vocab_size, context=128)


@pytest.fixture
def lab(tmp_path):
    folders = {}
    for seed, budget in enumerate((250_000, 1_000_000)):
        folders[budget] = tmp_path / str(budget)
        save_checkpoint(folders[budget], init(SPEC, [seed]), SPEC, CORPUS.tokenizer_json())
    return NoiseLab(folders, CORPUS, gamma=0.2)


@pytest.fixture
def displayed(monkeypatch):
    """What a cell would show, in order."""
    shown: list = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


def test_no_noise_changes_nothing_and_noise_does():
    params = init(SPEC, [0])
    still = shake(params, SPEC, CORPUS, gamma=0.0, rows=4, words=5)
    moved = shake(params, SPEC, CORPUS, gamma=0.8, rows=4, words=5)
    assert still.before == still.after == moved.before
    assert moved.after != moved.before
    assert still.text != ""
    assert shake(params, SPEC, CORPUS, gamma=0.8, rows=4, words=0) == (moved.before, moved.after, "")


def test_every_control_changes_the_answer(lab, displayed):
    lab._ipython_display_()
    (box,) = displayed
    budget, gamma, draw, answer = box.children
    seen = {answer.value}
    gamma.value = 0.6
    seen.add(answer.value)
    draw.value = 3
    seen.add(answer.value)
    budget.value = 250_000
    seen.add(answer.value)
    assert len(seen) == 4
    assert "nats per token" in answer.value
    assert "data:image/svg+xml" in answer.value


def test_a_printed_page_gets_a_still_picture_and_no_widget(lab, displayed, monkeypatch):
    import ipywidgets

    def never(*_, **__):
        raise AssertionError("one widget's state would put RequireJS on the page")

    monkeypatch.setenv(STILL, "1")
    monkeypatch.setattr(ipywidgets.Widget, "__init__", never)
    lab._ipython_display_()
    (still,) = displayed
    found = lab.answer(1_000_000, 0.2, 0)
    note = notes_of(still)["still"]
    assert note["controls"] == [["pre-trained on", "1M tokens"], ["noise γ", "0.2"], ["draw of noise", "0"]]
    assert f"loss {found.after:.2f} nats per token ({found.before:.2f} without noise)" in note["answer"]
    assert f"{found.text} […]" in note["answer"]
    losses = {row["loss"] for row in next(iter(still.to_dict()["datasets"].values())) if row["gamma"] == 0.2}
    assert losses == {found.after}
    bundle = renderer.mimebundle(still.to_dict())
    assert bundle["image/png"]
    assert problems(_notebook(bundle)) == []


def _notebook(bundle):
    from nbformat import v4

    cell = v4.new_code_cell("lab", execution_count=1, outputs=[v4.new_output("display_data", data=bundle)])
    return v4.new_notebook(cells=[cell])


def test_the_twin_holds_the_labs_own_answers(lab):
    twin = lab.twin([0.0, 0.2], title="t", description="a description of it", words=5)
    rows = {(row[0], row[1]): row[2:] for row in notes_of(twin)["table"]["rows"]}
    assert len(rows) == 4
    for (budget, gamma), (loss, text) in rows.items():
        found = lab.answer(budget, gamma, 0, words=5)
        assert (loss, text) == (found.after, f"{found.text} […]")
    start = notes_of(twin)["says"]["start"]
    assert start.startswith(f"1M tokens, γ = 0.2: loss {rows[1_000_000, 0.2][0]:.2f}. The model writes:\n")
    assert html.escape(rows[250_000, 0][1]) in html.escape(json.dumps(twin.to_dict(), ensure_ascii=False))


def test_a_lab_without_models_says_what_to_do():
    with pytest.raises(OvbookError, match="run the experiment cell"):
        NoiseLab({}, CORPUS)

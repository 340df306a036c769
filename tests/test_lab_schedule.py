"""The lab that draws a schedule: rates from handles, an answer from the chapter's own operation, a still picture."""

from __future__ import annotations

import pytest

from ovbook.charts.notes import notes_of
from ovbook.errors import OvbookError
from ovbook.labs.schedule import KNOTS, ScheduleLab, drawn_rates
from ovbook.labs.still import STILL
from ovbook.runs import Checkpoint, Examples, Memorise, Pretrain, Schedule, execute


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OVBOOK_STORE", str(root))
        base = Checkpoint(
            run=Pretrain(
                corpus="world:3/almanac",
                model="olmo:16x1",
                seed=1,
                budget=4096,
                batch=8,
                schedule=Schedule(peak=6e-3),
            )
        )
        spec = Memorise(base=base, data=Examples(count=24), epochs=2, looks=(0.0,), probes=1, held_out=2)
        results = execute([spec], workers=1, progress=False)
        return ScheduleLab.from_results(results, seed=1, corpus="world:3/almanac", examples=20, batch=2)


def test_rates_run_straight_between_the_handles():
    flat = drawn_rates([1.0] * len(KNOTS), peak=2e-3, per_epoch=10)
    assert flat == pytest.approx([2e-3] * 20)
    hill = drawn_rates([0, 1, 0.75, 0.25, 0, 1, 0.75, 0.25, 0], peak=1.0, per_epoch=100)
    assert hill[:100] == pytest.approx(hill[100:], abs=0.11)
    assert max(hill) == pytest.approx(0.998, abs=0.05)


@pytest.mark.parametrize(
    ("heights", "peak", "said"),
    [
        ([1.0], 1e-3, "1 heights were drawn, but there are 9 places"),
        ([2.0] * 9, 1e-3, "a height is 2, but it must be a share of the peak"),
        ([1.0] * 9, float("nan"), "the peak is nan, but it must be a finite number"),
        ([1.0] * 9, -1.0, "the peak is -1, but it must be a finite number"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(heights, peak, said):
    with pytest.raises(OvbookError, match=said):
        drawn_rates(heights, peak=peak, per_epoch=10)


def test_presets_are_the_schedules_of_that_name():
    assert ScheduleLab.preset("constant") == (1.0,) * 9
    hill = ScheduleLab.preset("each epoch")
    assert hill[1] == hill[5] == 1.0
    assert hill[8] == pytest.approx(0.0, abs=0.01)
    cycle = ScheduleLab.preset("one cycle")
    assert list(cycle[1:]) == sorted(cycle[1:], reverse=True)


def test_another_schedule_gives_another_curve_and_the_same_one_the_same(lab):
    heights, peak, order = lab.start
    found = lab.answer(heights, peak, order)
    assert set(found.curves["series"]) == {"training", "validation"}
    assert len(found.rates) == 20
    flat = lab.answer(lab.preset("constant"), peak, order)
    assert flat.at("validation", 2, 2) != found.at("validation", 2, 2)
    assert lab._answer(heights, peak, order).curves.equals(found.curves)


def test_a_printed_page_gets_the_opening_as_a_picture(lab, monkeypatch):
    shown: list = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    monkeypatch.setenv(STILL, "1")
    lab._ipython_display_()
    (still,) = shown
    note = notes_of(still)["still"]
    assert note["answer"] == [lab.said(*lab.start)]
    assert ["order", "same"] in note["controls"]


def test_moving_a_handle_or_taking_a_preset_answers(lab):
    box = lab.widget()
    preset, _, order, _, handles, shown = box.children
    seen = {shown.value}
    handles.children[3].children[0].value = 1.0
    seen.add(shown.value)
    preset.value = "constant"
    seen.add(shown.value)
    order.value = "reshuffled"
    seen.add(shown.value)
    assert len(seen) == 4
    assert "data:image/svg+xml" in shown.value


def test_a_lab_without_runs_says_what_to_do(lab):
    from ovbook.runs import Results, Store

    with pytest.raises(OvbookError, match="run the experiment cell"):
        ScheduleLab.from_results(Results((), Store(lab.root)), seed=1, corpus="world:3/almanac")

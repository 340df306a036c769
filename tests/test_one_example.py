"""One example taught at a time, slices through the loss surface, and what a model recites."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.landscape import along, filter_normalised
from ovbook.memorise import Lesson
from ovbook.models import ModelSpec, init, token_losses
from ovbook.runs import (
    Checkpoint,
    Examples,
    FineTune,
    Memorise,
    OneExample,
    Pretrain,
    Recite,
    Schedule,
    Slice,
    execute,
)
from ovbook.runs.recite_work import recited

BASE = Checkpoint(
    run=Pretrain(model="olmo:16x2", seed=3, budget=32_768, batch=8, schedule=Schedule(peak=6e-3))
)
FEW = {"data": Examples(count=3), "others": 2, "documents": 2}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def taught(store):
    spec = OneExample(base=BASE, rates=(1e-6, 3e-3), steps=(1, 2), **FEW)
    return execute([spec], store=store, workers=1, device="cpu").table(OneExample)


# --- one example ----------------------------------------------------------------------------------------------


def test_every_set_is_measured_once_an_example_rate_and_step(taught):
    sets = taught[["what", "wording"]].drop_duplicates()
    assert len(sets) == 3 * 4 + 1, "own, borrowed and others in four wordings, and old text"
    assert len(taught) == len(sets) * 3 * 2 * 2
    assert not taught.duplicated(["example", "rate", "step", "what", "wording"]).any()
    assert set(taught.loc[taught.twin, "wording"]) == {"plain"}
    np.testing.assert_allclose(taught["drop"], taught["before"] - taught["loss"])
    assert taught.loc[taught.what == "old", "style_loss"].isna().all()


def test_a_tiny_step_removes_what_the_gradient_predicts(taught):
    own = taught[(taught.what == "own") & taught.twin & (taught.step == 1)].set_index(["rate", "example"])
    tiny = own.loc[1e-6]
    # Losses are near 6 in float32, so that a drop of some 1e-4 has about two digits.
    assert tiny["drop"].mean() == pytest.approx(tiny["predicted"].mean(), rel=0.05)
    assert (own.loc[3e-3, "drop"] < own.loc[3e-3, "predicted"]).all()
    np.testing.assert_allclose(tiny["change"] * 3e3, own.loc[3e-3, "change"], rtol=0.01)


def test_each_copy_learns_its_own_example_as_it_would_alone(taught, store):
    alone = OneExample(base=BASE, rates=(3e-3,), data=Examples(count=1, skip=1), others=1, documents=2)
    table = execute([alone], store=store, workers=1, device="cpu").table(OneExample)
    assert set(table.example) == {1}
    place = ["what", "wording"]

    def of(frame):
        return frame[frame.what.isin(["own", "old"])].set_index(place)["loss"].sort_index()

    both = taught[(taught.example == 1) & (taught.rate == 3e-3) & (taught.step == 1)]
    np.testing.assert_allclose(of(table), of(both), atol=2e-5)


def test_scratch_starts_near_an_even_guess(store):
    spec = OneExample(base=BASE, rates=(1e-3,), start="scratch", **FEW)
    table = execute([spec], store=store, workers=1, device="cpu").table(OneExample)
    assert table["before"].mean() > 5.5
    assert set(table["start"]) == {"scratch"}


def test_any_task_can_be_taught_one_by_one(store):
    data = Examples(task="topic-known-labels", count=3)
    spec = OneExample(base=BASE, rates=(1e-3,), data=data, others=2, documents=2)
    table = execute([spec], store=store, workers=1, device="cpu").table(OneExample)
    assert set(table.what) == {"own", "others", "old"}
    assert set(table.wording) == {""}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rates": (0.0,)}, "rates is"),
        ({"rates": ()}, "rates is"),
        ({"steps": (0,)}, "steps"),
        ({"start": "afresh"}, "start is 'afresh'"),
        ({"others": 0}, "others is 0"),
        ({"loss_on": "all"}, "loss_on is 'all'"),
        ({"data": 16}, "data is 16"),
        ({"data": Examples(count=4, repeat=2)}, "taught once"),
        ({"base": Checkpoint(run=Pretrain(corpus="file:x.txt", budget=1_000_000))}, "has none"),
    ],
)
def test_bad_single_steps_are_refused_in_one_sentence(fields, said):
    with pytest.raises(OvbookError, match=said):
        OneExample(**({"base": BASE, "rates": (1e-3,)} | fields))


def test_too_few_examples_are_refused_by_name(store, tmp_path):
    spec = OneExample(base=BASE, rates=(1e-3,), data=Examples(count=2000))
    with pytest.raises(OvbookError, match="ask for fewer"):
        execute([spec], store=store, workers=1, device="cpu")


# --- slices ---------------------------------------------------------------------------------------------------

SHAPE = ModelSpec(vocab=12, width=8, layers=1, heads=2, mlp=8, context=8)
ROWS = torch.from_numpy(np.random.default_rng(0).integers(0, 12, (6, 8)))


def test_a_direction_is_as_long_as_the_weights_row_by_row():
    params = init(SHAPE, [0])
    one, again, other = (filter_normalised(params, seed=5, draw=n) for n in (0, 0, 1))
    for name, tensor in params.items():
        torch.testing.assert_close(one[name].norm(dim=-1), tensor.norm(dim=-1))
        torch.testing.assert_close(one[name], again[name], rtol=0, atol=0)
        assert not torch.equal(one[name], other[name])
    with pytest.raises(OvbookError, match="one model"):
        filter_normalised(init(SHAPE, [0, 1]), seed=5, draw=0)


def test_vectors_stay_where_they_are():
    params = init(ModelSpec(arch="neox", vocab=12, width=8, layers=1, heads=2, mlp=8, context=8), [0])
    found = filter_normalised(params, seed=5, draw=0)
    assert all(not found[name].any() for name, tensor in params.items() if tensor.dim() < 3)


def test_a_line_passes_through_the_model_itself():
    params = init(SHAPE, [0])
    places = np.linspace(-1, 1, 21)
    direction = filter_normalised(params, seed=5, draw=0)
    found = along(params, SHAPE, direction, places, ROWS)
    with torch.no_grad():
        assert found[10] == pytest.approx(float(token_losses(params, SHAPE, ROWS[None]).mean()), abs=1e-6)
        moved = {name: tensor + 0.5 * direction[name] for name, tensor in params.items()}
        assert found[15] == pytest.approx(float(token_losses(moved, SHAPE, ROWS[None]).mean()), abs=1e-5)


def test_slices_are_a_row_a_direction_and_place(store):
    specs = [Slice(base=BASE, start=start, directions=2, points=5) for start in ("pre-trained", "scratch")]
    assert all(spec.price() > 0 for spec in specs)
    table = execute(specs, store=store, workers=1, device="cpu").table(Slice)
    assert len(table) == 2 * 2 * 5
    middle = table[table.place == 0].groupby("start")["loss"]
    assert (middle.nunique() == 1).all(), "all lines cross in the model"
    assert middle.first()["pre-trained"] < middle.first()["scratch"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"points": 4}, "must be odd"),
        ({"reach": 0.0}, "reach is 0.0"),
        ({"directions": 0}, "directions is 0"),
        ({"start": "flat"}, "start is 'flat'"),
    ],
)
def test_bad_slices_are_refused_in_one_sentence(fields, said):
    with pytest.raises(OvbookError, match=said):
        Slice(base=BASE, **fields)


# --- reciting -------------------------------------------------------------------------------------------------


def test_what_is_given_back_ends_at_the_first_wrong_token():
    tokens = np.zeros((3, 7), np.int64)
    text = np.array([[1, 1, 1, 1, 1, 1]] * 2 + [[1, 1, 1, 1, 0, 0]], dtype=bool)
    answers = np.zeros_like(text)
    answers[:, 3] = True
    lesson = Lesson(
        tokens=tokens,
        answers=answers,
        text=text,
        boilerplate=np.zeros_like(text),
        part=np.zeros(3, np.int64),
        example=np.arange(3),
    )
    right = np.array([[0, 0, 1, 1, 1, 1], [1, 1, 1, 0, 1, 1], [0, 0, 1, 1, 0, 0]], dtype=bool)
    found = recited(right, lesson, prompt=2)
    assert found["verbatim"].tolist() == [1, 0, 1], "wrong tokens of the prompt and of padding do not count"
    assert found["reach"].tolist() == [1, 0.25, 1]
    assert found["answers"].tolist() == [1, 0, 1]
    assert found["rest"].tolist() == [4, 4, 2]


def test_a_model_recites_what_it_has_seen_often(store):
    often = Memorise(
        base=BASE,
        data=(Examples(count=2, repeat=8), Examples(count=6, skip=2)),
        epochs=25,
        batch=4,
        rate=3e-3,
        loss_on="whole sequences",
        probes=2,
        held_out=2,
        documents=2,
        looks=(),
    )
    spec = Recite(base=Checkpoint(run=often))
    table = execute([spec], store=store, workers=1, device="cpu").table(Recite)
    assert len(table) == 8, "each example once, however often it was met"
    by = table.groupby("repeat")["reach"].mean()
    assert by[8] > 0.9
    assert by[8] >= by[1]


def test_only_what_was_memorised_can_be_recited():
    tuned = Checkpoint(run=FineTune(base=BASE, task="topic-known-labels"))
    for base in (BASE, tuned):
        with pytest.raises(OvbookError, match="only what a Memorise"):
            Recite(base=base)
    with pytest.raises(OvbookError, match="prompt is 0"):
        Recite(base=Checkpoint(run=Memorise(base=BASE, data=Examples(count=8))), prompt=0)

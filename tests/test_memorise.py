"""Facts to memorise, their order, rates and readings, and the run that watches them being learnt."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.memorise import calibration_error, from_telling, order_of, read
from ovbook.runs import Checkpoint, Chosen, Examples, FineTune, Memorise, Pretrain, Schedule, execute
from ovbook.schedules import epoch_rates
from ovbook.tasks import coder_of, new_people, tell
from ovbook.world import open_world

BASE = Checkpoint(
    run=Pretrain(model="olmo:16x2", seed=3, budget=32_768, batch=8, schedule=Schedule(peak=6e-3))
)
SMALL = {"probes": 8, "held_out": 8, "documents": 4, "looks": (0.0, 0.5, 0.95)}


# --- the facts ------------------------------------------------------------------------------------------------


def test_new_people_are_the_rarest_and_their_facts_new():
    world = open_world(0)
    who, facts = new_people(world, 200, 7)
    more, same = new_people(world, 300, 7)
    unknown, _ = new_people(world, 384, 7, held_out=True)
    assert (more[:200] == who).all()
    assert (same[:200] == facts).all()
    assert not set(who) & set(unknown)
    rarest = np.sort(world.popularity)[:2048].max()
    assert (world.popularity[who] <= rarest).all()
    true = world.tables.facts[who]
    assert (facts == true).mean() < 0.1
    _, others = new_people(world, 200, 7, version=1)
    assert (facts == others).mean() < 0.1
    with pytest.raises(OvbookError, match="ask for fewer"):
        new_people(world, 2000, 7)


def test_a_pattern_can_be_guessed_of_people_held_out():
    world = open_world(0)
    who, facts = new_people(world, 1600, 7, pattern=0.8)
    unknown, theirs = new_people(world, 300, 7, pattern=0.8, held_out=True)
    home = {family: np.bincount(facts[who % 64 == family, 0]).argmax() for family in range(64)}
    assert np.mean([home[n % 64] == f for n, f in zip(unknown, theirs[:, 0], strict=True)]) > 0.7


@pytest.mark.parametrize("wording", ["plain", "reworded", "nouns", "questions"])
def test_answers_are_marked(wording):
    world = open_world(0)
    who, facts = new_people(world, 3, 0)
    told = tell(world, who, facts, wording=wording)
    for n in range(3):
        marked = [i for i, yes in zip(told.ids[n], told.answers[n], strict=True) if yes]
        assert marked == [int(world.tables.values[r, facts[n, r]]) for r in range(4)]
    assert world.unk not in told.ids[0]


def test_lessons_mark_what_is_predicted():
    world = open_world(0)
    who, facts = new_people(world, 4, 0)
    told = tell(world, who, facts, boilerplate=2)
    lesson = from_telling(told, coder_of(world), context=128)
    for n in range(4):
        assert (
            lesson.tokens[n, 1:][lesson.answers[n]] == [world.tables.values[r, facts[n, r]] for r in range(4)]
        ).all()
        opening = lesson.tokens[n, 1:][lesson.boilerplate[n]]
        assert (opening == lesson.tokens[0, 1:][lesson.boilerplate[0]]).all()
        assert len(opening) == told.boilerplate
    assert not (lesson.text & lesson.boilerplate).any()
    filled = from_telling(told, coder_of(world), context=100, filling=np.full((4, 100), 7))
    assert filled.tokens.shape == (4, 100)
    assert (filled.answers.sum(axis=1) == 4).all()
    assert (filled.tokens[:, 1:3] == 7).all()
    assert not filled.text[:, :3].any()


def test_an_example_that_does_not_fit_is_cut_and_counted():
    world = open_world(0)
    told = tell(world, *new_people(world, 4, 0))
    assert from_telling(told, coder_of(world), context=16).cut == 4
    assert from_telling(told, coder_of(world), context=64).cut == 0
    with pytest.raises(OvbookError, match="keeps no answer in a context of 5"):
        from_telling(told, coder_of(world), context=5)


# --- order, rates, readings -----------------------------------------------------------------------------------


def test_orders():
    part = np.repeat([0, 1], 10)
    same, again, blocks = (order_of(part, 3, name, 5) for name in ("same", "reshuffled", "blocks"))
    assert (same[0] == same[2]).all()
    assert (again[0] == same[0]).all()
    assert (again[0] != again[1]).any()
    assert (part[blocks[0]] == part).all()
    with pytest.raises(OvbookError, match="unknown order"):
        order_of(part, 2, "other", 5)


def test_rates_over_epochs():
    def rates(schedule):
        return epoch_rates(schedule, peak=1e-3, per_epoch=20, epochs=3)

    assert (rates("constant") == 1e-3).all()
    assert rates("each epoch").reshape(3, 20).argmax(axis=1).tolist() == [2, 2, 2]
    assert rates("one cycle").argmax() == 2
    assert rates("one cycle")[40] > 1e-4
    assert rates(np.linspace(0, 1, 60))[-1] == 1.0


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ([1e-3] * 7, "holds 7 rates, but 3 epochs of 20 steps take 60"),
        ([1e-3] * 59 + [-1.0], "holds the rate -1"),
        ([1e-3] * 59 + [math.nan], "holds the rate nan"),
        ("onecycle", "did you mean 'one cycle'"),
    ],
)
def test_impossible_schedules(schedule, words):
    with pytest.raises(OvbookError, match=words):
        epoch_rates(schedule, peak=1e-3, per_epoch=20, epochs=3)


def test_calibration():
    sure = np.array([0.95] * 10 + [0.15] * 10)
    right = np.array([1.0] * 10 + [0.0] * 10)
    assert calibration_error(sure, right) == pytest.approx(0.1)
    assert math.isnan(calibration_error(sure[:0], right[:0]))


def test_reading_a_model_that_knows_everything():
    world = open_world(0)
    lesson = from_telling(tell(world, *new_people(world, 5, 0)), coder_of(world), context=128)
    vocab = len(world.vocab)

    def knows(tokens):
        following = torch.roll(tokens, -1, dims=1)
        return torch.nn.functional.one_hot(following, vocab).float() * 50

    found = read(knows, lesson, vocab)
    assert found.loss == pytest.approx(np.zeros(5), abs=1e-6)
    assert found.right.mean() == found.exact.mean() == 1
    assert found.calibration == pytest.approx(0)
    even = read(lambda tokens: torch.zeros(*tokens.shape, vocab), lesson, vocab)
    assert even.loss == pytest.approx(np.full(5, math.log(vocab)))


# --- specs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data": Examples(count=3)}, "batch is 4, but there are 3 examples"),
        ({"epochs": 0}, "epochs is 0"),
        ({"schedule": (1e-3,) * 5}, "schedule holds 5 rates, but 3 epochs of 4 steps take 12"),
        ({"schedule": (1e-3,) * 11 + (math.inf,)}, "schedule holds inf"),
        ({"schedule": (-1e-3,) + (1e-3,) * 11}, "schedule holds -0.001"),
        ({"schedule": "constat"}, "did you mean 'constant'"),
        ({"order": "sorted"}, "order is 'sorted'"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"loop": "trainer", "dropout": 0.1}, "loop is 'trainer'"),
        ({"data": ()}, "data at least one"),
        (
            {"base": Checkpoint(run=Pretrain(corpus="file:x.txt", budget=32_768))},
            "take gsm8k or another data set",
        ),
        ({"rotary": 0}, "rotary is 0"),
        ({"looks": (1.0,)}, "looks is"),
    ],
)
def test_what_cannot_be(fields, words):
    with pytest.raises(OvbookError, match=words):
        Memorise(**({"base": BASE, "data": Examples(count=16)} | fields))


def test_examples_that_cannot_be():
    with pytest.raises(OvbookError, match="count is 0"):
        Examples(count=0)
    with pytest.raises(OvbookError, match="did you mean 'plain'"):
        Examples(wording="plan")
    with pytest.raises(OvbookError, match="chosen holds 5, but there are 5 examples"):
        Examples(count=5, chosen=(1, 5))


def test_parents_and_keys():
    first = Memorise(base=BASE, data=Examples(count=16))
    by = Chosen(run=first, column="loss", take=8, where=(("kind", "met"), ("epoch", 1)))
    second = Memorise(base=BASE, data=Examples(count=16, chosen=by))
    assert [type(run).__name__ for run in second.parents()] == ["Pretrain", "Memorise"]
    assert second.examples == 8
    assert second.key() != Memorise(base=BASE, data=Examples(count=16, chosen=tuple(range(8)))).key()
    assert Checkpoint(run=second).root is BASE.run
    assert FineTune(base=Checkpoint(run=second), task="topic").base.at == 32_768


# --- runs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def test_a_run_is_watched(store):
    spec = Memorise(base=BASE, data=Examples(count=10), epochs=2, rate=5e-3, **SMALL)
    results = execute([spec], store=store, workers=1)
    steps, met = results.table(Memorise, kind="step"), results.table(Memorise, kind="met")
    assert len(steps) == spec.steps == 6
    assert len(met) == 20
    assert set(met["example"]) == set(range(10))
    by_step = met.groupby("step")["loss"].mean()
    assert steps.set_index("step")["loss"].to_numpy() == pytest.approx(by_step.to_numpy(), abs=1e-4)
    assert steps["world"].eq(0).all()
    assert steps["rate"].eq(5e-3).all()
    looks = results.table(Memorise, kind="look", set="probe")
    tenths = results.table(Memorise, kind="tenth")
    assert looks["loss"].iloc[-1] < looks["loss"].iloc[0] - 0.1
    assert tenths.groupby("step")["n"].sum().eq(8).all()
    assert set(results.table(Memorise, kind="look")["set"]) == {"probe", "held out", "old"}
    probe = results.table(Memorise, kind="probe")
    assert probe.groupby("progress").size().tolist() == [8, 8, 8]
    again = Memorise(
        base=Checkpoint(run=spec), data=(Examples(count=6), Examples(count=6, skip=6)), also=Examples(count=6, wording="nouns"),
        order="blocks", schedule="each epoch", epochs=2, **SMALL,
    )  # fmt: skip
    table = execute([again], store=store, workers=1).table(Memorise, kind="look")
    # Results hold the parent's rows, too.
    assert {"held out 2", "also 1"} <= set(table["set"])


def test_from_scratch_forgets_the_base(store):
    data = Examples(count=8)
    specs = [
        Memorise(base=BASE, data=data, start=start, epochs=1, **SMALL) for start in ("pre-trained", "scratch")
    ]
    table = execute(specs, store=store, workers=1).table(Memorise, kind="look", set="old")
    at_first = table[table["step"] == 0].set_index("start")["loss"]
    assert at_first["scratch"] > at_first["pre-trained"] + 0.5


def test_dropout_touches_training_alone(store):
    specs = [Memorise(base=BASE, data=Examples(count=8), epochs=2, dropout=d, **SMALL) for d in (0.0, 0.3)]
    results = execute(specs, store=store, workers=1)
    met = results.table(Memorise, kind="met", step=0).groupby("dropout")["loss"].mean()
    steps = results.table(Memorise, kind="step", step=0).set_index("dropout")["loss"]
    assert met[0.0] == pytest.approx(met[0.3])
    assert abs(steps[0.0] - steps[0.3]) > 1e-3
    again = execute(specs[1:], store=store.parent / "again", workers=1).table(
        Memorise, kind="step", dropout=0.3
    )
    assert again["loss"].tolist() == results.table(Memorise, kind="step", dropout=0.3)["loss"].tolist()


def test_longer_context_and_chosen_examples(store):
    data = Examples(count=8)
    long = Memorise(base=BASE, data=data, epochs=1, context=160, rotary=50_000, **SMALL)
    by = Chosen(run=long, column="loss", take=4, where=(("kind", "met"),), largest=False)
    few = Memorise(base=BASE, data=Examples(count=8, chosen=by, repeat=2), epochs=1, **SMALL)
    results = execute([few], store=store, workers=1)
    met = results.table(Memorise, kind="met")
    easiest = met[met["context"] == 160].nsmallest(4, "loss")["example"]
    assert sorted(met[met["context"] != 160]["example"]) == sorted([*easiest, *easiest])


def test_other_tasks_are_memorised_too(store):
    spec = Memorise(base=BASE, data=Examples(task="topic-known-labels", count=8), epochs=1, **SMALL)
    looks = execute([spec], store=store, workers=1).table(Memorise, kind="look", set="held out")
    assert np.isfinite(looks["loss"]).all()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="accelerate is not installed")
def test_the_trainer_does_the_same(store):
    specs = [
        Memorise(base=BASE, data=Examples(count=9), epochs=2, schedule="each epoch", loop=loop, **SMALL)
        for loop in ("ours", "trainer")
    ]
    table = execute(specs, store=store, workers=1).table(Memorise, kind="step")
    ours, theirs = (
        table[table["loop"] == loop].sort_values("step")["loss"].to_numpy() for loop in ("ours", "trainer")
    )
    assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is not None, reason="accelerate is installed")
def test_the_trainer_needs_accelerate(store):
    spec = Memorise(base=BASE, data=Examples(count=9), epochs=2, loop="trainer", **SMALL)
    with pytest.raises(OvbookError, match="pip install accelerate"):
        execute([spec], store=store, workers=1)

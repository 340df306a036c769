"""A pool of examples scored for choosing, and families whose members share their facts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.runs import (
    Checkpoint,
    Chosen,
    Examples,
    Memorise,
    OneExample,
    Overturn,
    Pretrain,
    Schedule,
    Worth,
    execute,
)
from ovbook.runs.overturn_work import cast
from ovbook.runs.worth_work import farthest_first
from ovbook.tasks import apart, families, new_people, tell
from ovbook.world import World

BASE = Checkpoint(
    run=Pretrain(model="olmo:16x2", seed=3, budget=32_768, batch=8, schedule=Schedule(peak=6e-3))
)
TASK = "topic-known-labels"
POOL = Examples(task=TASK, count=40)
WORTH = Worth(base=BASE, data=POOL, jury=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def scored(store):
    return execute([WORTH], store=store, workers=1, device="cpu").table(Worth).set_index("example")


# --- scores ---------------------------------------------------------------------------------------------------


def test_every_example_has_every_score_once(scored):
    assert list(scored.index) == list(range(40))
    assert sorted(scored["place"]) == list(range(40))
    assert (scored["loss"] > 0).all()
    assert set(scored["answer"]) <= {"one", "two", "three", "four", "five", "six", "seven", "eight"}
    assert scored["taught"].unique() == [TASK]


def test_influence_predicts_what_a_small_step_gains(store):
    small = dataclasses.replace(WORTH, rate=1e-5, scores=("influence", "gain"))
    found = execute([small], store=store, workers=1, device="cpu").table(Worth)
    assert "place" not in found
    # AdamW's first step goes along the gradient's signs, so the two agree in order and not in size.
    assert found["influence"].rank().corr(found["gain"].rank()) > 0.7


def test_the_gain_is_that_of_one_example_alone(scored, store):
    """The loss of an example is the one that `OneExample` starts from, whatever it stands among."""
    alone = OneExample(base=BASE, data=POOL, rates=(1e-3,), others=1, documents=1)
    own = execute([alone], store=store, workers=1, device="cpu").table(OneExample)
    before = own[own["what"] == "own"].set_index("example")["before"]
    np.testing.assert_allclose(scored["loss"], before.loc[scored.index], atol=1e-4)


def test_farthest_first_goes_to_what_is_least_like():
    rows = np.array([[1.0, 0.0], [2.0, 0.1], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert farthest_first(rows).argsort()[:2].tolist() == [0, 2], (
        "the opposite comes first, whatever its length"
    )
    assert farthest_first(rows)[1] == 4, "and the nearly equal last"
    assert farthest_first(np.zeros((3, 2))).tolist() == [0, 1, 2]


def test_a_subset_is_chosen_by_score_and_within_an_answer(scored, store):
    best = scored["gain"].nlargest(4).index
    label = scored["answer"].mode()[0]
    within = scored[scored["answer"] == label]["gain"].nlargest(2).index
    by_gain = Chosen(run=WORTH, column="gain", take=4)
    by_label = Chosen(run=WORTH, column="gain", take=2, where=(("answer", label),))
    runs = [
        Memorise(
            base=BASE, data=dataclasses.replace(POOL, chosen=chosen), batch=2, epochs=1, looks=(), held_out=2
        )
        for chosen in (by_gain, by_label)
    ]
    named = {"best": runs[:1], "within": runs[1:]}
    table = execute(runs, store=store, workers=1, device="cpu").arms(named, kind="met")
    assert {arm: frozenset(part["example"]) for arm, part in table.groupby("arm")} == {
        "best": frozenset(best),
        "within": frozenset(within),
    }


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"scores": ("worth",)}, "scores is .*some of loss, influence, gain, place"),
        ({"scores": ()}, "scores is"),
        ({"jury": 0}, "jury is 0"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"data": Examples(task=TASK, count=4, repeat=2)}, "a pool holds each once"),
    ],
)
def test_scores_that_cannot_be(field, said):
    with pytest.raises(OvbookError, match=said):
        dataclasses.replace(WORTH, **field)


# --- families -------------------------------------------------------------------------------------------------


def test_documents_told_apart_hold_one_fact_each():
    world = World(seed=0)
    who, facts = new_people(world, 3, 0)
    whole = tell(world, who, facts)
    told = apart(whole)
    assert len(told.ids) == 12
    assert all(sum(marked) == 1 for marked in told.answers)
    assert sum(len(ids) - 2 for ids in told.ids) == sum(len(ids) - 2 for ids in whole.ids)
    with pytest.raises(OvbookError, match="boilerplate"):
        apart(tell(world, who, facts, boilerplate=1))


OVERTURN = Overturn(base=BASE, order="ccx.", families=2, asked=2, beside=1, marks=(1, 3))


def test_all_orders_have_the_same_families_and_the_asked_are_never_told_of():
    world = World(seed=0)
    first, second = cast(OVERTURN, world), cast(dataclasses.replace(OVERTURN, order="xcc."), world)
    np.testing.assert_array_equal(first.asked, second.asked)
    np.testing.assert_array_equal(first.common, second.common)
    assert (first.common != first.counter).all()
    for k in range(2):
        family = families(first.asked[k])[0]
        assert (families(first.told[k, :3]) == family).all()
        assert len(set(first.told[k, :3])) == 3
        assert not set(first.told[k]) & set(first.asked[k])
        assert (families(first.told[k, 3:]) != family).all()
        assert not (families(first.beside[k]) == family).any()
        np.testing.assert_array_equal(first.facts[k, :2], np.stack([first.common[k]] * 2))
        np.testing.assert_array_equal(first.facts[k, 2], first.counter[k])
        np.testing.assert_array_equal(second.facts[k, 0], second.counter[k])


def test_common_examples_turn_the_odds_and_counterexamples_turn_them_back(store):
    eager = {"rate": 3e-3, "families": 3}
    runs = [dataclasses.replace(OVERTURN, order=order, **eager) for order in ("ccc.", "xxx.")]
    table = execute(runs, store=store, workers=1, device="cpu").table(Overturn)
    assert set(table["step"]) == {0, 1, 3, 4}
    np.testing.assert_allclose(table["odds"], table["counter"] - table["common"], atol=1e-6)
    odds = table[table["who"] == "family"].groupby(["order", "step"])["odds"].mean()
    assert odds["ccc.", 0] == pytest.approx(odds["xxx.", 0], abs=1e-5), (
        "the same people before the first step"
    )
    assert odds["ccc.", 4] > odds["ccc.", 0]
    assert odds["xxx.", 4] < odds["xxx.", 0]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"order": "ccy"}, "letters c, x and"),
        ({"order": ""}, "letters c, x and"),
        ({"marks": (9,)}, "marks holds 9, but order has 4 steps"),
        ({"families": 0}, "families is 0"),
        ({"rate": -1.0}, "rate is -1.0"),
    ],
)
def test_orders_that_cannot_be(field, said):
    with pytest.raises(OvbookError, match=said):
        dataclasses.replace(OVERTURN, **field)


def test_families_need_a_world_and_members(tmp_path, store):
    text = tmp_path / "text.txt"
    text.write_text("a small text . " * 4000)
    other = Checkpoint(run=Pretrain(corpus=f"file:{text}", model="olmo:16x1", budget=8_192, batch=8))
    with pytest.raises(OvbookError, match="families live in a tiny world only"):
        dataclasses.replace(OVERTURN, base=other)
    with pytest.raises(OvbookError, match="ask for fewer"):
        cast(dataclasses.replace(OVERTURN, order="c" * 60), World(seed=0))

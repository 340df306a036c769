"""Continued pre-training: what it reads, what it keeps, what it measures, and what cannot be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.models import load_checkpoint
from ovbook.runs import (
    SIXTH,
    Checkpoint,
    Continue,
    InfiniteSchedule,
    Perturb,
    Pretrain,
    Schedule,
    downstream,
    execute,
    length_of,
    onward,
    parameters,
    plan,
    upstream,
)
from ovbook.runs.continued import look_steps
from ovbook.runs.continued_work import _Continuation
from ovbook.runs.pretrain import MOMENTS
from ovbook.runs.spec import purpose_seed
from ovbook.runs.work import Inputs

STEP = 4 * 128
CLIPPED = Schedule(kind="clipped cosine", peak=6e-3, warmup=0.1, final=0.1)
BASE = Pretrain(
    model="olmo:16x1",
    budget=20 * STEP,
    batch=4,
    corpus="world:0/almanac",
    seed=3,
    schedule=CLIPPED,
    moments=True,
)
END = Checkpoint(run=BASE)


def continued(**fields):
    given = {"base": END, "corpus": "world:0/gazette", "length": 20 * STEP, "schedule": CLIPPED, "batch": 4}
    return Continue(**(given | {"looks": 4, "documents": 8} | fields))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVBOOK_STORE", str(tmp_path_factory.mktemp("store")))
        yield


def weights(results, spec):
    return load_checkpoint(results.checkpoint(Checkpoint(run=spec)))[0]


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_rows_and_columns(store):
    spec = continued(extra=(6 * STEP,), also=("world:0/abroad",))
    assert plan([spec]).seconds > 0
    table = execute([spec], workers=1).table(Continue)
    assert set(table["kind"]) == {"curve", "look"}
    looks = table[table["kind"] == "look"]
    assert sorted(looks["step"].unique()) == sorted({*look_steps(20, 4), 6})
    assert set(looks["set"]) == {"old", "new", "world:0/abroad"}
    curve = table[table["kind"] == "curve"]
    assert curve["step"].is_unique
    assert curve["step"].max() == 20
    assert (curve["grad_norm"] > 0).all()
    np.testing.assert_allclose(curve.set_index("step")["rate"][20], CLIPPED.rates(20)[-1])
    row = table.iloc[0]
    assert (row["world"], row["seed"], row["tokens"]) == (0, 3, BASE.budget)
    assert (row["corpus"], row["base_corpus"], row["rate_multiple"]) == (
        "world:0/gazette",
        "world:0/almanac",
        1.0,
    )
    assert (row["schedule"], row["peak"], row["warmup"], row["start"]) == (
        "clipped cosine",
        6e-3,
        0.1,
        "pre-trained",
    )


def test_it_begins_where_the_base_ended(store):
    results = execute([continued(documents=256)], workers=1)  # as many as a checkpoint is scored on
    begun = results.table(Continue, kind="look", set="old", step=0)["loss"].item()
    assert begun == pytest.approx(results.table(Pretrain, kind="checkpoint")["loss"].item(), abs=1e-6)


def test_equal_specs_give_equal_bits_and_a_shorter_run_is_the_beginning_of_a_longer_one(store, tmp_path):
    long, short = continued(), continued(length=8 * STEP, horizon=20 * STEP)
    first, again = execute([long, short], workers=1), execute([long], workers=1, store=tmp_path)
    assert same(weights(first, long), weights(again, long))
    table = first.table(Continue, kind="curve")
    ends = [part.set_index("step")["loss"] for _, part in table.groupby("length")]
    common = ends[0].index.intersection(ends[1].index)
    assert len(common) >= 5
    assert (ends[0][common] == ends[1][common]).all()


def test_a_rate_of_nothing_leaves_the_weights(store):
    still = continued(schedule=Schedule(kind="constant", peak=0.0, warmup=0), length=3 * STEP)
    results = execute([still], workers=1)
    before, _ = load_checkpoint(results.checkpoint(END))
    assert same(before, weights(results, still))


def test_the_optimiser_is_reset_or_kept(store):
    reset, kept = continued(length=STEP * 3), continued(length=STEP * 3, state="kept")
    results = execute([reset, kept], workers=1)
    assert not same(weights(results, reset), weights(results, kept))
    states = {
        spec.state: load_file(results.checkpoint(Checkpoint(run=spec)) / MOMENTS)["steps"].item()
        for spec in (reset, kept)
    }
    assert states == {"reset": 3, "kept": 23}


def test_kept_on_the_same_rows_it_is_as_if_never_interrupted(store, monkeypatch):
    """With the rate, the rows and the moments of the longer run, the continuation is the longer run, bit by bit."""
    flat = Schedule(kind="constant", peak=3e-3, warmup=0)
    half = Pretrain(
        model="olmo:16x1", budget=6 * STEP, batch=4, corpus="world:0/almanac", seed=4, schedule=flat
    )
    whole = dataclasses.replace(half, budget=12 * STEP)
    spec = continued(
        base=Checkpoint(run=half), corpus="world:0/almanac", schedule=flat, length=6 * STEP, state="kept"
    )
    corpus = open_corpus("world:0/almanac")
    rows = purpose_seed(4, "data")
    monkeypatch.setattr(_Continuation, "_batch", lambda self, step: corpus.batch(rows, 6 + step, 4)[None])
    results = execute([spec, whole], workers=1)
    assert same(weights(results, spec), weights(results, whole))


def test_from_scratch_begins_with_the_weights_of_the_base_seed_and_reads_the_same(store):
    still = Schedule(kind="constant", peak=0.0, warmup=0)
    spec = continued(start="scratch", schedule=still, length=2 * STEP)
    results = execute([spec], workers=1)
    from ovbook.models import init, parse_model

    born = init(parse_model("olmo:16x1", vocab=512, context=128), [BASE.init_seed])
    assert same(born, weights(results, spec))
    assert results.table(Continue)["tokens"].unique().tolist() == [0]
    assert spec.data_seed == continued().data_seed


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.3, 1.0])
def test_replay_gives_way_row_by_row_and_keeps_the_old_order(share, store):
    spec = continued(replay=share)
    results = execute([BASE], workers=1)
    work = _Continuation([spec], [Inputs(spec=spec, root=str(results.store.root))], [], "cpu")
    batches = [work._batch(step)[0] for step in range(20)]
    assert all(rows.shape == (4, 128) for rows in batches)
    old, new = open_corpus(BASE.corpus), open_corpus(spec.corpus)
    counts = [spec.replayed(step) for step in range(20)]
    assert sum(counts) == int(20 * 4 * share + 1e-9)
    fresh = np.concatenate([rows[: 4 - n] for rows, n in zip(batches, counts, strict=True)])
    again = np.concatenate([rows[4 - n :] for rows, n in zip(batches, counts, strict=True)])
    expected = [(new, spec.data_seed, fresh), (old, purpose_seed(3, "data"), again)]
    for corpus, seed, rows in expected:
        read = [corpus.batch(seed, row, 1)[0] for row in range(len(rows))]
        assert np.array_equal(rows, np.array(read).reshape(rows.shape))


def test_continuations_chain_and_read_rows_of_their_own(store):
    first = continued(corpus="world:0/almanac", length=4 * STEP)
    second = continued(base=Checkpoint(run=first), length=4 * STEP, state="kept", also=("world:0/abroad",))
    third = continued(base=Checkpoint(run=second), corpus="world:0/abroad", length=4 * STEP)
    assert [spec.depth for spec in (first, second, third)] == [1, 2, 3]
    assert len({spec.data_seed for spec in (first, second, third)} | {purpose_seed(3, "data")}) == 4
    assert list(first.sets) == ["old"]
    assert list(third.sets) == ["old", "new"]
    results = execute([third, Perturb(base=Checkpoint(run=third), gammas=(0.0,), rows=8)], workers=1)
    found = results.table(Continue, kind="look")
    ends = found[(found["depth"] == 2) & (found["step"] == 4)].set_index("set")["loss"]
    begun = found[(found["depth"] == 3) & (found["step"] == 0)].set_index("set")["loss"]
    assert begun["old"] == pytest.approx(ends["old"], rel=1e-6)
    assert begun["new"] == pytest.approx(ends["world:0/abroad"], rel=1e-6)


def test_a_stack_is_its_members(store):
    other = dataclasses.replace(BASE, seed=4, corpus="world:1/almanac")
    hotter = dataclasses.replace(CLIPPED, peak=1e-2)
    specs = [
        continued(replay=0.25),
        continued(base=Checkpoint(run=other), corpus="world:1/gazette", schedule=hotter, replay=0.25),
    ]
    assert specs[0].stack_shape() == specs[1].stack_shape()
    assert specs[0].stack_shape() != continued(replay=0.5).stack_shape()
    results = execute(specs, workers=1)
    works = _Continuation(specs, [Inputs(spec=s, root=str(results.store.root)) for s in specs], [], "cpu")
    works._finished = lambda k, log: works._curve(k, log) + works.looks[k]
    stacked = works.run()
    for spec, rows in zip(specs, stacked, strict=True):
        alone = results.table(Continue, kind="look", set="new", seed=spec.base.root.seed)
        together = [row["loss"] for row in rows if row["kind"] == "look" and row["set"] == "new"]
        np.testing.assert_allclose(together, alone["loss"], rtol=1e-4)


def test_divergence_is_data(store):
    spec = continued(schedule=Schedule(kind="constant", peak=1e20, warmup=0), length=6 * STEP, clip=1e6)
    table = execute([spec], workers=1).table(Continue)
    assert (table["kind"] == "diverged").sum() == 1
    assert table[(table["kind"] == "look") & (table["step"] == 6)]["diverged"].all()


def test_looks_are_dense_at_first_and_even_later():
    assert look_steps(1, 4) == [0, 1]
    steps = look_steps(1000, 10)
    assert steps[:8] == [0, 1, 2, 3, 4, 5, 7, 9]
    assert {100 * n for n in range(6, 11)} <= set(steps)
    assert len(steps) < 45


def test_real_text_is_read_in_the_tokens_of_the_base(store, tmp_path):
    up, down = tmp_path / "up.txt", tmp_path / "down.txt"
    up.write_text(" ".join(f"{n} times {n + k} is {n * (n + k)} ." for n in range(90) for k in range(9)))
    down.write_text(" ".join(f"{n} plus {n + k} gives {n + (n + k)} !" for n in range(90) for k in range(9)))
    base = Pretrain(
        model="olmo:16x1",
        budget=6 * 4 * 32,
        batch=4,
        context=32,
        corpus=f"file:{up}#vocab=300",
        schedule=CLIPPED,
    )
    spec = continued(base=Checkpoint(run=base), corpus=f"file:{down}", length=6 * 4 * 32, replay=0.25)
    table = execute([spec], workers=1).table(Continue, kind="look")
    assert set(table["set"]) == {"old", "new"}
    assert np.isfinite(table["loss"]).all()
    assert table["world"].isna().all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"schedule": dataclasses.replace(CLIPPED, warmup=30)},
            "a warm-up of 30 steps does not fit in a run of 20",
        ),
        (
            {"schedule": dataclasses.replace(CLIPPED, warmup=0.5), "length": 8 * STEP, "horizon": 20 * STEP},
            "the warm-up takes 10 steps, but the run has 8",
        ),
        ({"replay": -0.1}, "replay is -0.1, but it must be a share of the rows, from 0 to 1"),
        ({"replay": 1.5}, "replay is 1.5, but it must be a share of the rows, from 0 to 1"),
        (
            {"corpus": "world:1/gazette"},
            "world:0/almanac, another world with other people and facts: take a mix of world 0",
        ),
        ({"also": ("world:1/gazette",)}, "another world with other people"),
        ({"corpus": "file:notes.txt"}, "in another vocabulary: continue a world's model on that world"),
        ({"corpus": "gazette"}, "corpus is 'gazette', but it must be world:SEED/MIX, file:PATH or hub:NAME"),
        (
            {"state": "kept", "base": Checkpoint(run=dataclasses.replace(BASE, moments=False))},
            "keeps no optimiser state with its checkpoint: take state='reset', or a Pretrain with moments=True",
        ),
        ({"state": "kept", "start": "scratch"}, "a run from scratch has no optimiser state to keep"),
        ({"state": "lost"}, "state is 'lost', but it must be one of reset, kept"),
        ({"start": "zero"}, "start is 'zero', but it must be one of pre-trained, scratch"),
        ({"length": 100}, "length is 100, but one step of 4 x 128 is 512 tokens"),
        ({"horizon": 512}, "horizon is 512, but it must be at least the length"),
        ({"extra": (10**9,)}, "extra holds 1000000000, but the run is 10240 tokens long"),
        ({"schedule": "cosine"}, "schedule is 'cosine', but it must be a Schedule or an InfiniteSchedule"),
        ({"also": "world:0/gazette"}, "also is 'world:0/gazette', but it must be a list of corpus names"),
        ({"batch": 0}, "batch is 0, but it must be a whole number of at least 1"),
        ({"clip": 0.0}, "clip is 0.0, but it must be a finite number above 0"),
        ({"base": BASE}, "but it must be a Checkpoint"),
    ],
)
def test_what_cannot_be(fields, message):
    with pytest.raises(OvbookError) as error:
        continued(**fields)
    assert message in str(error.value)


def test_a_minimum_above_the_maximum_is_refused():
    with pytest.raises(OvbookError, match=r"final is 1.5: it is a fraction of the peak, from 0 to 1"):
        Schedule(kind="cosine", final=1.5)
    with pytest.raises(OvbookError, match=r"final is 0.7: .* at most the constant rate's 0.5"):
        InfiniteSchedule(constant=0.5, final=0.7)


def test_a_new_field_leaves_old_keys_alone():
    plain = dataclasses.replace(BASE, moments=False)
    assert plain.key() != BASE.key()
    assert not plain.keeps_moments


def test_the_part_has_one_base_a_seed_with_earlier_checkpoints_and_moments():
    p = parameters(scale="laptop")
    bases = upstream(p)
    assert len(bases) == 10
    run = bases[0].run
    assert (run.ending, run.batch, run.keeps_moments, run.budget) == ("clipped cosine", 8, True, length_of(p))
    assert run.keep == (round(10 / 143 * 5e5), round(27 / 143 * 5e5))
    assert downstream(p, bases[0]) == "world:1/gazette"
    assert downstream(p, bases[-1], "abroad") == "world:2/abroad"
    other = parameters(scale="smoke", length=20_000, downstream="abroad", worlds=[3], seeds=2)
    assert [base.run.budget for base in upstream(other)] == [20_000, 20_000]
    assert downstream(other, upstream(other)[0]) == "world:3/abroad"


def test_onward_is_the_papers_schedule_in_our_tokens():
    p = parameters(scale="laptop")
    base = upstream(p)[0]
    hot = onward(p, base, 2.0)
    assert (hot.corpus, hot.batch, hot.schedule.peak) == ("world:1/gazette", 8, 2 * p.rate)
    assert (hot.length, hot.horizon) == (round(240 / 297 * 5e5), 500_000)
    assert hot.rates[-1] == hot.rates.min() or hot.rates[0] == 0
    assert hot.rates[-1] == pytest.approx(0.2 * p.rate)  # the clipped cosine is at its floor by then
    lands = onward(parameters(scale="laptop", form="cosine"), base)
    assert lands.rates[-1] > 1.4 * 0.1 * p.rate
    still = onward(p, base, 0, share=SIXTH, state="kept")
    assert (still.schedule.kind, still.state, still.extra) == ("constant", "kept", ())
    np.testing.assert_allclose(still.rates, 0.1 * p.rate)
    assert set(hot.extra) == {round(hot.length / 5), still.length}
    assert onward(p, base, mix="almanac").corpus == base.root.corpus


def test_real_text_needs_a_text_to_go_on_with_and_released_models_one_for_the_old_loss(tmp_path):
    text = tmp_path / "up.txt"
    text.write_text(" ".join(f"{n} times {n + k} is {n * (n + k)} ." for n in range(90) for k in range(9)))
    p = parameters(scale="smoke", corpus=f"file:{text}#vocab=300")
    with pytest.raises(OvbookError, match="there is no mix 'gazette' to go on with: give downstream"):
        downstream(p, upstream(p)[0])
    told = parameters(scale="smoke", corpus=f"file:{text}", downstream="file:other.txt")
    assert downstream(told, upstream(p)[0]) == "file:other.txt"
    with pytest.raises(OvbookError, match="there is no text for the old loss: give corpus"):
        upstream(parameters(scale="smoke", released="EleutherAI/pythia-410m"))
    hub = parameters(scale="smoke", released="EleutherAI/pythia-410m@step100", corpus="hub:wikitext")
    assert [(b.run.repo, b.run.revision, b.run.corpus) for b in upstream(hub)] == [
        ("EleutherAI/pythia-410m", "step100", "hub:wikitext")
    ]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (
            {"downstream": "gazete"},
            "downstream is 'gazete', but it must be a mix of the tiny worlds (almanac, gazette, abroad)",
        ),
        ({"warmups": [0.0, 1.5]}, "warmups holds 1.5, but every one must be a share, from 0 to 1"),
        ({"replays": [2.0]}, "replays holds 2.0"),
        ({"multiples": [-1.0]}, "multiples holds -1.0"),
        ({"form": "round"}, "form is 'round', but it must be one of clipped cosine, cosine"),
        ({"state": "kep"}, "state is 'kep' (did you mean 'kept'?), but it must be one of reset, kept, both"),
        ({"length": 0}, "length is 0, but it must be a whole number of at least 1"),
    ],
)
def test_knobs_of_the_part(knobs, message):
    with pytest.raises(OvbookError) as error:
        parameters(scale="smoke", **knobs)
    assert message in str(error.value)

"""Specs: keys, problems, columns; parameters and scales; the suite's three endings."""

from __future__ import annotations

import dataclasses
import math
import pickle
import sys
import types

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.files import canonical_json, sha256_bytes
from ovbook.runs import (
    FIRST_SEED,
    SCALES,
    Checkpoint,
    Evaluate,
    FineTune,
    Perturb,
    Pretrain,
    Schedule,
    Sharpness,
    Store,
    execute,
    parameters,
    plan,
    suite,
)
from ovbook.runs import operations as table
from ovbook.runs.fields import canonical
from ovbook.runs.spec import purpose_seed
from ovbook.runs.suite import leaves_at

BASE = Pretrain(budget=1_000_000)


def perturb(base=BASE, **fields):
    return Perturb(base=Checkpoint(run=base), **({"gammas": (0.0, 0.4)} | fields))


CHANGES = {
    "corpus": "world:1/almanac",
    "model": "olmo:64x2",
    "seed": 1,
    "budget": 2_000_000,
    "schedule": Schedule(kind="constant"),
    "batch": 32,
    "weight_decay": 0.0,
    "clip": 2.0,
    "keep": (500_000,),
    "precision": "bfloat16",
    "compiled": True,
    "sam": 0.05,
    "moments": True,
    "start": Checkpoint(
        run=Pretrain(budget=1_000_000, schedule=Schedule(kind="constant"), keep=(500_000,)), tokens=500_000
    ),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_changes_the_key(field):
    other = dataclasses.replace(BASE, **{field: CHANGES[field]})
    assert other.key() != BASE.key()
    assert perturb(other).key() != perturb().key(), "and the keys of what builds on it"


def test_all_fields_are_tried():
    # context is 128 for every world; a file corpus may have another (below)
    assert {f.name for f in dataclasses.fields(Pretrain)} - {"context"} == set(CHANGES)


def test_a_field_that_came_later_is_not_in_the_keys_of_before():
    fields = {
        f.name: canonical(getattr(BASE, f.name))
        for f in dataclasses.fields(Pretrain)
        if f.name not in ("sam", "moments")
    }
    operation = table.OPERATIONS["Pretrain"]
    asked = {
        "operation": operation.name,
        "version": operation.version,
        "fields": fields,
        "data": BASE.data_hash(),
    }
    assert (
        Pretrain(budget=1_000_000, sam=0, moments=False).key()
        == BASE.key()
        == sha256_bytes(canonical_json(asked))
    )


def test_sharpness_aware_training_is_priced_at_two_passes_and_refused_in_half_precision(tmp_path):
    store = Store(tmp_path)
    plain, aware = (plan([dataclasses.replace(BASE, sam=radius)], store).seconds for radius in (0.0, 0.05))
    assert 1.8 < aware / plain < 2
    for wrong, message in (
        ({"sam": -1.0}, "sam is -1.0"),
        ({"sam": 0.1, "precision": "bfloat16"}, "must be float32"),
    ):
        with pytest.raises(OvbookError, match=message):
            dataclasses.replace(BASE, **wrong)


def test_equal_specs_have_equal_keys_however_they_are_spelled():
    assert Pretrain(budget=1e6).key() == BASE.key()
    assert perturb(gammas=[0, np.float64(0.4)]).key() == perturb().key()
    assert perturb(gammas=np.array([0.0, 0.4]), draws=np.int64(4)) == perturb()
    named = Perturb(base=Checkpoint(run=BASE, tokens=1_000_000), gammas=(0.0, 0.4))
    assert named.key() == perturb().key(), "the end by either of its names"
    assert pickle.loads(pickle.dumps(perturb())).key() == perturb().key()


def test_the_data_changes_the_key(tmp_path):
    text = tmp_path / "notes.txt"
    corpus = f"file:{text}#vocab=300"
    text.write_text("One fish, two fish, red fish, blue fish. " * 200)
    first = Pretrain(corpus=corpus, budget=1024, batch=4, context=32)
    key = first.key()
    assert Pretrain(corpus=corpus, budget=1024, batch=4, context=32).key() == key
    assert Pretrain(corpus=corpus, budget=1024, batch=4, context=64).key() != key
    text.write_text("Black fish, blue fish, old fish, new fish. " * 200)
    assert Pretrain(corpus=corpus, budget=1024, batch=4, context=32).key() != key


def test_the_version_of_an_operation_changes_the_key(monkeypatch):
    fresh = perturb()
    old = perturb().key()
    raised = dataclasses.replace(
        table.OPERATIONS["Pretrain"], version=table.OPERATIONS["Pretrain"].version + 1
    )
    monkeypatch.setitem(table.OPERATIONS, "Pretrain", raised)
    fresh = perturb(Pretrain(budget=1_000_000))
    assert fresh.key() != old, "of a parent's, too"


def test_where_it_runs_is_no_field():
    names = {f.name for c in (Pretrain, Perturb, Evaluate, FineTune) for f in dataclasses.fields(c)}
    assert not names & {"device", "threads", "workers", "stack", "torch", "K"}


def test_all_problems_are_said_at_once():
    with pytest.raises(OvbookError) as said:
        Pretrain(budget=-5, seed=-1, model="ollmo:32x2", precision="half", clip=0.0, corpus="worlds", batch=0)
    text = str(said.value)
    for part in (
        "budget is -5",
        "seed is -1",
        "unknown model 'ollmo:32x2' (did you mean 'olmo:32x2'?)",
        "precision is 'half'",
        "clip is 0.0",
        "corpus is 'worlds'",
        "batch is 0",
    ):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"gammas": (0.1, math.nan)}, "gammas holds nan"),
        ({"gammas": (-0.1,)}, "gammas holds -0.1"),
        ({"gammas": (math.inf,)}, "gammas holds inf"),
        ({"gammas": ()}, "at least one number"),
        ({"gammas": (0.1, 0.1)}, "twice"),
        ({"gammas": ("a",)}, "gammas holds 'a'"),
        ({"draws": 0}, "draws is 0"),
        ({"draws": True}, "draws is True"),
        ({"noise": "gaussian"}, "noise is 'gaussian'"),
        ({"rows": 0}, "rows is 0"),
    ],
)
def test_impossible_noise(fields, part):
    with pytest.raises(OvbookError, match=part):
        perturb(**fields)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"budget": 100}, "one step of 64 x 128 is 8192 tokens"),
        ({"keep": (2_000_000,)}, "keep holds 2000000"),
        ({"keep": (10,)}, "at least one step"),
        ({"keep": (500_000, 500_100)}, "at least one step"),
        ({"model": None}, "model is None"),
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
        ({"start": BASE}, "it must be a Checkpoint"),
        ({"start": Checkpoint(run=BASE)}, "start has seen 1000000 tokens"),
        ({"start": Checkpoint(run=Pretrain(budget=500_000, model="olmo:64x2"))}, "start is a olmo:64x2"),
    ],
)
def test_impossible_pretraining(fields, part):
    with pytest.raises(OvbookError, match=part):
        Pretrain(**({"budget": 1_000_000} | fields))


def test_impossible_checkpoints_and_tuning():
    with pytest.raises(OvbookError, match="keeps no checkpoint at 5 tokens: it keeps checkpoints at 1000000"):
        Checkpoint(run=BASE, tokens=5)
    with pytest.raises(OvbookError, match="must be a Pretrain, a FineTune, a Memorise or a Released"):
        Checkpoint(run=3)
    with pytest.raises(OvbookError, match=r"base is 3.*format is 'io' \(did you mean 'IO'\?\)|base is 3"):
        FineTune(base=3, task="topic", format="io")
    with pytest.raises(OvbookError, match=r"rate is 0\.0.*schedule is 'square'"):
        FineTune(base=Checkpoint(run=BASE), task="topic", rate=0, schedule="square")
    with pytest.raises(OvbookError, match="corpora is 'world:1/gazette'"):
        Evaluate(base=Checkpoint(run=BASE), corpora="world:1/gazette")


def test_a_worlds_task_on_another_text_is_refused_before_anything_is_trained():
    text = Checkpoint(run=Pretrain(budget=1_000_000, corpus="hub:wikitext"))
    for tasks in ({"task": "topic"}, {"task": "rte", "also": ("topic",)}):
        with pytest.raises(OvbookError, match="task 'topic' is asked in the words of a world"):
            FineTune(base=text, **tasks)
    assert FineTune(base=text, task="rte").task == "rte"


def test_budgets_of_a_seed_share_noise_and_items_and_streams_differ():
    a, b, c = perturb(), perturb(Pretrain(budget=4_000_000)), perturb(Pretrain(budget=1_000_000, seed=1))
    assert a.noise_seed == b.noise_seed != c.noise_seed
    assert a.evaluation_seed == b.evaluation_seed != c.evaluation_seed
    tuned = FineTune(base=Checkpoint(run=BASE), task="topic")
    assert Perturb(base=Checkpoint(run=tuned), gammas=(0.1,)).noise_seed == a.noise_seed
    streams = {
        purpose_seed(s, purpose) for s in range(20) for purpose in ("init", "data", "noise", "validation")
    }
    assert len(streams) == 80
    assert all(0 <= seed < 2**47 for seed in streams)


def test_columns_are_merged_and_the_child_wins():
    tuned = FineTune(base=Checkpoint(run=Pretrain(budget=1_000_000, seed=3)), task="topic", seed=9, batch=4)
    columns = tuned.columns()
    assert (columns["seed"], columns["base_seed"], columns["batch"]) == (9, 3, 4)
    assert (columns["budget"], columns["tokens"], columns["world"], columns["mix"]) == (
        1_000_000,
        1_000_000,
        0,
        "almanac",
    )
    assert columns["ending"] == "annealed"
    assert FineTune(base=Checkpoint(run=Pretrain(budget=1_000_000, seed=3)), task="topic").seed == 3
    text = Pretrain(budget=1_000_000, corpus="hub:wikitext").columns()
    assert (text["world"], text["mix"]) == (None, None)


def test_a_spec_without_an_operation():
    from ovbook.runs.spec import Spec

    with pytest.raises(OvbookError, match="Spec has no operation"):
        Spec().key()


# ---- parameters and scales


def test_the_scale_fills_what_is_not_set_and_explicit_values_beat_it():
    p = parameters(scale="smoke", seeds=None, budgets=None, worlds=[3], rate=1)
    assert (p.scale, p.seeds, p.worlds, p.rate) == ("smoke", 1, (3,), 1)
    assert p.budgets == SCALES["smoke"]["budgets"]
    assert p.corpora == ("world:3/almanac",)
    assert p.seed_numbers == (FIRST_SEED,)
    assert parameters().scale == "laptop"
    assert parameters(budgets=[1e6, 2e6]).budgets == (1_000_000, 2_000_000)


def test_a_corpus_replaces_the_worlds():
    p = parameters(scale="smoke", corpus="file:notes.txt", worlds=None)
    assert (p.worlds, p.corpora) == ((), ("file:notes.txt",))
    with pytest.raises(OvbookError, match="only one of the two"):
        parameters(corpus="file:notes.txt", worlds=[1])


@pytest.mark.parametrize(
    ("knobs", "parts"),
    [
        ({"scale": "labtop"}, ["scale is 'labtop' (did you mean 'laptop'?)"]),
        ({"scale": None}, ["scale is None"]),
        ({"seeds": 0}, ["seeds is 0, but it must be a whole number of at least 1"]),
        ({"seeds": 2.5}, ["seeds is 2.5"]),
        ({"seeds": True}, ["seeds is True"]),
        ({"gammas": [0.1, -1]}, ["gammas holds -1"]),
        ({"gammas": [float("nan")]}, ["gammas holds nan"]),
        ({"model": "olm:32x2", "budgets": []}, ["unknown model 'olm:32x2'", "budgets is ()"]),
        ({"budgets": [1.5]}, ["budgets is (1.5,)"]),
        ({"worlds": "one"}, ["worlds"]),
        ({"sedes": 3}, ["no parameter 'sedes' (did you mean 'seeds'?)"]),
        ({"corpus": "wikitext"}, ["corpus is 'wikitext'"]),
        ({"rate": 0}, ["rate is 0"]),
    ],
)
def test_impossible_parameters(knobs, parts):
    with pytest.raises(OvbookError) as said:
        parameters(**knobs)
    assert all(part in str(said.value) for part in parts)


def test_parameters_do_not_change():
    p = parameters(scale="smoke")
    with pytest.raises(OvbookError, match="cannot be changed"):
        p.seeds = 4
    with pytest.raises(AttributeError, match="did you mean 'seeds'"):
        _ = p.seed
    assert dict(p)["seeds"] == 1
    assert pickle.loads(pickle.dumps(p)) == p


def notebook(monkeypatch, cells):
    shell = types.SimpleNamespace(user_ns={"In": ["", *cells]})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))


def test_unknown_names_from_papermill_are_refused(monkeypatch):
    notebook(monkeypatch, ["scale = 'laptop'", "# Parameters\nscale = 'smoke'\nsedes = 3\n", "p = ..."])
    with pytest.raises(OvbookError, match=r"no parameter 'sedes' \(did you mean 'seeds'\?\) in this chapter"):
        parameters(scale="smoke", seeds=None)
    notebook(monkeypatch, ["scale = 'laptop'", "# Parameters\nscale = 'smoke'\n"])
    assert parameters(scale="smoke", seeds=None).scale == "smoke"
    notebook(monkeypatch, ["# Parameters of the day\nx = 3"])
    assert parameters(scale="smoke").scale == "smoke"


# ---- the suite


def test_the_suite_has_three_endings_that_match_in_tokens():
    p = parameters(scale="laptop")
    last = p.budgets[-1]
    groups = {name: suite(p, name) for name in ("annealed", "trunk", "branches", "clipped cosine")}
    repetitions = p.seeds * len(p.worlds)
    assert len(groups["annealed"]) == repetitions * len(p.budgets)
    assert len(groups["trunk"]) == len(groups["clipped cosine"]) == repetitions
    trunk = groups["trunk"][0]
    for budget in p.budgets:
        assert Checkpoint(run=trunk, tokens=budget).at == budget
        assert Checkpoint(run=groups["clipped cosine"][0], tokens=budget).at == budget
    branches = [run for run in groups["branches"] if run.ending == "branch" and run.seed == 100][
        : len(p.budgets)
    ]
    for budget, branch in zip(p.budgets, branches, strict=True):
        assert branch.budget == budget
        assert branch.start == Checkpoint(run=trunk, tokens=leaves_at(budget))
        assert branch.start.at == pytest.approx(budget / 1.2, abs=1)
        assert branch.schedule.rates(branch.steps - branch.first_step)[0] == p.rate
    assert {run.schedule.final for run in groups["clipped cosine"]} == {0.1}
    everything = {run.key() for run in suite(p, "all")}
    assert everything == {run.key() for group in groups.values() for run in group}
    assert last == trunk.budget
    assert [run.ending for run in suite(parameters(scale="smoke"), "all")] == (
        ["annealed"] * 4 + ["trunk"] + ["branch"] * 4 + ["clipped cosine"]
    )


def test_verdicts_never_use_the_seeds_of_the_pilots():
    for scale in SCALES:
        runs = suite(parameters(scale=scale))
        assert min(run.seed for run in runs) >= 100
        assert not any(run.corpus.startswith("world:0/") for run in runs)


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_makes_possible_runs(scale):
    assert len(suite(parameters(scale=scale), "all")) > 0
    with pytest.raises(OvbookError, match=r"ending is 'anealed' \(did you mean 'annealed'\?\)"):
        suite(parameters(scale=scale), "anealed")


def test_the_public_names_are_these():
    import ovbook.runs

    assert ovbook.runs.__all__ == [
        "EARLIER",
        "FIRST_SEED",
        "SCALES",
        "SHOWN",
        "SIXTH",
        "Blend",
        "Checkpoint",
        "Chosen",
        "Continue",
        "Evaluate",
        "Examples",
        "FineTune",
        "Harness",
        "InfiniteSchedule",
        "Interrupted",
        "LinearNetwork",
        "LinearNoise",
        "LinearTuning",
        "Memorise",
        "OneExample",
        "Overturn",
        "Parameters",
        "Perturb",
        "Plan",
        "Pretrain",
        "Recite",
        "Reinforce",
        "Released",
        "Results",
        "Rewrite",
        "Schedule",
        "Sharpness",
        "Slice",
        "Spec",
        "Store",
        "StoreWarning",
        "WinRate",
        "Worth",
        "distinct_weights",
        "downstream",
        "execute",
        "length_of",
        "onward",
        "parameters",
        "plan",
        "publish",
        "pupils",
        "released",
        "repository",
        "suite",
        "upstream",
    ]
    assert all(hasattr(ovbook.runs, name) for name in ovbook.runs.__all__)


def test_sharpness_is_a_measurement_like_others(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path))
    run = Pretrain(model="olmo:16x1", budget=4 * 8 * 128, batch=8, corpus="world:0/almanac")
    specs = [Sharpness(base=Checkpoint(run=run), probes=2, rows=2)]
    assert plan(specs).seconds > 0
    [row] = execute(specs).table(Sharpness).to_dict("records")
    assert row["largest"] > 0
    assert row["noise_trace"] < row["trace"]
    assert row["tokens"] == run.budget


def test_pupils_are_the_same_for_all_chapters():
    from ovbook.runs import Released, pupils

    p = parameters(scale="laptop", models=["olmo:64x2", "olmo:32x2"])
    found = pupils(p)
    assert len(found) == 10
    assert {base.run.model for base in found} == {"olmo:64x2"}
    assert {base.run.model for base in pupils(p, model="olmo:32x2")} == {"olmo:32x2"}
    assert pupils(parameters(scale="laptop"))[0].key() == found[0].key()
    text = pupils(parameters(scale="smoke", corpus="file:x.txt"))
    assert text[0].run.context == 256
    hub = pupils(parameters(scale="laptop", released="EleutherAI/pythia-410m@step1000", task="gsm8k"))
    assert [base.run.seed for base in hub] == [100, 101, 102, 103, 104]
    assert isinstance(hub[0].run, Released)
    assert hub[0].run.revision == "step1000"
    with pytest.raises(OvbookError, match="one size"):
        pupils(parameters(scale="laptop", released="a/b"), tokens=5)
    with pytest.raises(OvbookError, match="must be a repository's name, OWNER/NAME"):
        parameters(released="no name")
    with pytest.raises(OvbookError, match="must be a task's name"):
        parameters(task="")


def test_the_knobs_of_remedies_are_checked_and_a_single_value_is_a_list():
    assert parameters(scale="smoke", replays=0.05, shares=[0.5], sam=0.1).replays == (0.05,)
    with pytest.raises(OvbookError) as said:
        parameters(scale="smoke", sam=0, replays=[-0.1], shares=[0.5, 0.5])
    for part in ("sam is 0", "replays holds -0.1", "shares is (0.5, 0.5)"):
        assert part in str(said.value)

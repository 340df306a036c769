"""The pre-training operation: alone, stacked, branched, interrupted; the same numbers wherever they should be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ovbook.models import load_checkpoint
from ovbook.runs import Checkpoint, Pretrain, Schedule, StoreWarning, execute
from ovbook.runs import pretrain as operation

SMALL = Pretrain(
    corpus="world:1/almanac", model="olmo:16x1", budget=20_480, batch=8, keep=(10_240,), seed=100
)
TRUNK = dataclasses.replace(SMALL, schedule=Schedule(kind="constant", peak=3e-3, warmup=0.1))


def train(specs, root, **options):
    return execute(specs, store=root, **({"workers": 1, "device": "cpu"} | options))


def weights(results, spec, tokens=None):
    return load_file(results.checkpoint(Checkpoint(run=spec, tokens=tokens)) / "model.safetensors")


def furthest(a, b):
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train([SMALL, TRUNK], tmp_path_factory.mktemp("store"))


def test_rows_and_checkpoints(trained):
    frame = trained.table(Pretrain, ending="annealed")
    kept = frame[frame.kind == "checkpoint"]
    assert list(kept.step) == [10, 20]
    assert list(kept.tokens) == [10_240, 20_480]
    curve = frame[frame.kind == "curve"]
    assert curve.step.is_monotonic_increasing
    assert curve.step.iloc[-1] == 20
    assert curve.loss.iloc[0] > kept.loss.iloc[-1] > 0
    assert not frame.diverged.any()
    assert set(frame.seed) == {100}
    assert set(frame.world) == {1}
    names = sorted(p.name for p in (trained.folder(SMALL) / "checkpoints").iterdir())
    assert names == ["step10-tokens10.24k", "step20-tokens20.48k"]
    params, model = load_checkpoint(trained.checkpoint(Checkpoint(run=SMALL)))
    assert (model.width, model.layers) == (16, 1)
    assert all(tensor.isfinite().all() for tensor in params.values())


def test_a_worker_gives_the_same_bits(trained, tmp_path):
    other = train([SMALL, TRUNK], tmp_path, workers=2)
    for spec in (SMALL, TRUNK):
        assert furthest(weights(other, spec), weights(trained, spec)) == 0
        assert other.store.rows(spec).equals(trained.store.rows(spec))


def test_a_stack_gives_what_its_members_give_alone(trained, tmp_path):
    others = [dataclasses.replace(SMALL, seed=101), dataclasses.replace(SMALL, corpus="world:2/almanac")]
    others.append(dataclasses.replace(SMALL, schedule=Schedule(kind="cosine", peak=1e-3)))
    stacked = train([SMALL, *others], tmp_path / "stacked", stack=4)
    assert set(stacked.provenance["stack"]) == {4}
    alone = train(others, tmp_path / "alone")
    assert furthest(weights(stacked, SMALL), weights(trained, SMALL)) < 2e-5
    for spec in others:
        assert furthest(weights(stacked, spec), weights(alone, spec)) < 2e-5
        assert furthest(weights(alone, spec), weights(trained, SMALL)) > 1e-3, "members differ"
        a, b = (r.table(Pretrain, kind="checkpoint") for r in (stacked, alone))
        fields = {"seed": spec.seed, "corpus": spec.corpus, "peak": spec.schedule.peak}
        pick = [frame[(frame[list(fields)] == list(fields.values())).all(axis=1)].loss for frame in (a, b)]
        assert np.allclose(*pick, atol=1e-4)


def test_a_branch_goes_on_as_if_never_left(trained, tmp_path):
    """At the trunk's own rate a branch is the trunk: same rows, same moments, same bits."""
    start = Checkpoint(run=TRUNK, tokens=10_240)
    same = dataclasses.replace(
        TRUNK, keep=(), start=start, schedule=Schedule(kind="constant", peak=3e-3, warmup=0)
    )
    falling = dataclasses.replace(same, schedule=Schedule(kind="linear", peak=3e-3, warmup=0))
    results = train([same, falling], trained.store)
    assert furthest(weights(results, same), weights(trained, TRUNK)) == 0
    assert furthest(weights(results, falling), weights(trained, TRUNK)) > 0
    frame = results.table(Pretrain, ending="branch")
    assert frame[frame.kind == "curve"].step.min() == 11
    assert set(frame.start) == {10_240}
    assert (results.checkpoint(start) / operation.MOMENTS).exists()
    assert not (trained.checkpoint(Checkpoint(run=SMALL)) / operation.MOMENTS).exists()
    two = [
        dataclasses.replace(falling, start=start),
        dataclasses.replace(falling, start=start, clip=1.0, seed=101),
    ]
    other = train(two, tmp_path, stack=2)
    assert furthest(weights(other, two[0]), weights(results, falling)) < 2e-5


@pytest.mark.parametrize("members", [1, 2])
def test_an_interrupted_run_goes_on_bitwise(trained, tmp_path, monkeypatch, members):
    specs = [TRUNK, dataclasses.replace(TRUNK, seed=101)][:members]
    straight = train(specs, tmp_path / "straight", stack=members)
    monkeypatch.setattr(operation, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(operation, "_LOOK_STEPS", 3)
    batch = operation._Stack._batch
    asked = []

    def stops(self, step, k):
        asked.append(step)
        if step == 14 and 0 in asked:
            raise KeyboardInterrupt
        return batch(self, step, k)

    monkeypatch.setattr(operation._Stack, "_batch", stops)
    with pytest.raises(KeyboardInterrupt):
        train(specs, tmp_path / "store", stack=members)
    state = list((tmp_path / "store" / "unfinished").glob("*/*"))
    assert [p.name for p in state] == ["step12"]
    asked.clear()
    resumed = train(specs, tmp_path / "store", stack=members)
    assert min(asked) == 12
    for spec in specs:
        for tokens in (10_240, None):
            assert furthest(weights(resumed, spec, tokens), weights(straight, spec, tokens)) == 0
        assert resumed.store.rows(spec).equals(straight.store.rows(spec))
    assert not list((tmp_path / "store" / "unfinished").glob("*"))


def test_a_torn_state_starts_anew(trained, tmp_path):
    place = tmp_path / "unfinished" / SMALL.key() / "step12"
    place.mkdir(parents=True)
    (place / "params.safetensors").write_bytes(b"torn")
    with pytest.warns(UserWarning, match="starts anew"):
        results = train([SMALL], tmp_path)
    assert furthest(weights(results, SMALL), weights(trained, SMALL)) == 0


def test_altered_weights_are_computed_again(trained, tmp_path):
    results = train([SMALL], tmp_path)
    path = results.checkpoint(Checkpoint(run=SMALL)) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.warns(StoreWarning, match=r"model\.safetensors has other content"):
        again = train([SMALL], tmp_path)
    assert furthest(weights(again, SMALL), weights(trained, SMALL)) == 0


def test_divergence_is_a_row_and_spares_the_neighbours(trained, tmp_path):
    wild = dataclasses.replace(SMALL, schedule=Schedule(kind="constant", peak=1e30, warmup=0), seed=101)
    tame = dataclasses.replace(SMALL, schedule=TRUNK.schedule)
    both = train([wild, tame], tmp_path, stack=2)
    assert len({str(r) for r in both.provenance["stack"]}) == 1
    frame = both.table(Pretrain, seed=101)
    fell = frame[frame.kind == "diverged"]
    assert len(fell) == 1
    assert fell.step.item() < 20
    assert frame[frame.kind == "curve"].step.max() <= fell.step.item()
    assert frame[frame.kind == "checkpoint"].diverged.all()
    assert furthest(weights(both, tame), weights(trained, TRUNK)) < 2e-5
    assert not both.table(Pretrain, seed=100).diverged.any()


def test_log_spaced_points():
    points = operation.log_spaced(100_000, 200)
    assert points[0] == 1
    assert points[-1] == 100_000
    assert len(points) <= 200
    assert operation.log_spaced(0, 10) == []


def test_a_corpus_shorter_than_a_batch(tmp_path):
    from ovbook.errors import OvbookError

    text = tmp_path / "short.txt"
    text.write_text("A short text about nothing much at all. " * 40)
    spec = Pretrain(corpus=f"file:{text}#vocab=300", model="olmo:16x1", budget=100_000, batch=512)
    with pytest.raises(OvbookError, match="shorter than one batch"):
        train([spec], tmp_path / "store")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_stacks_give_the_same_statistics(trained, tmp_path):
    specs = [SMALL, *(dataclasses.replace(SMALL, seed=seed) for seed in (101, 102, 103))]
    gpu = train(specs, tmp_path, device="cuda", workers=None)
    assert set(gpu.provenance["stack"]) == {4}
    assert furthest(weights(gpu, SMALL), weights(trained, SMALL)) < 1e-2


def test_checkpoints_become_revisions_that_transformers_loads(trained, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ovbook import hub
    from ovbook.runs import publish, repository

    publish(trained, tmp_path)
    repo = repository(SMALL)
    assert set(hub.cached_revisions(repo, tmp_path)) == {"step10-tokens10.24k", "step20-tokens20.48k", "main"}
    where = {"cache_dir": tmp_path, "local_files_only": True, "revision": "step10-tokens10.24k"}
    model = AutoModelForCausalLM.from_pretrained(repo, **where)
    ours = weights(trained, SMALL, 10_240)
    assert torch.equal(model.state_dict()["lm_head.weight"], ours["lm_head.weight"])
    assert AutoTokenizer.from_pretrained(repo, **where)("is a").input_ids

"""A model from the hub as a base: fetched by the real client from a stand-in, and tuned on questions and answers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, init, save_checkpoint
from ovbook.runs import (
    Blend,
    Checkpoint,
    Evaluate,
    Examples,
    FineTune,
    Memorise,
    Perturb,
    Reinforce,
    Released,
    Rewrite,
)
from ovbook.world import open_world
from ovbook.world.words import FIRST_NAMES
from standin_hub import StandinHub

pytest.importorskip("transformers")

CLIENT = """
import json, sys
from ovbook.errors import OvbookError
from ovbook.runs import Checkpoint, Examples, Memorise, Released, execute

task, store, *loops = sys.argv[1:]
out = {}
for loop in loops:
    base = Checkpoint(run=Released(repo="EleutherAI/pythia-410m", revision="step3", seed=1))
    spec = Memorise(
        base=base, data=Examples(task=task, count=9), batch=3, epochs=2, rate=3e-3, loop=loop, probes=4, held_out=4,
        looks=(0.0,),
    )
    results = execute([spec], store=store, workers=1)
    steps = results.table(Memorise, kind="step", loop=loop)
    out[loop] = steps["loss"].tolist()
    out["sets"] = sorted(set(results.table(Memorise, kind="look")["set"]))
    out["model"] = steps["model"].iloc[0]
    execute([Memorise(base=Checkpoint(run=spec), data=Examples(task=task, count=9), epochs=1, probes=4, held_out=4)],
            store=store, workers=1)
for name, revision in (("owner/none", "main"), ("EleutherAI/pythia-410m", "step9")):
    try:
        execute([Memorise(base=Checkpoint(run=Released(repo=name, revision=revision)), data=Examples(task=task, count=9))],
                store=store, workers=1)
    except OvbookError as error:
        out[name] = str(error)
print("OUT", json.dumps(out))
"""


@pytest.mark.slow
def test_a_released_model_is_tuned(tmp_path):
    world = open_world(0)
    model = ModelSpec(
        arch="neox", vocab=len(world.vocab), width=32, layers=2, heads=2, mlp=96, context=64, rotary=0.25
    )
    for revision in ("main", "step3"):
        folder = tmp_path / "hub" / "models" / "EleutherAI" / "pythia-410m" / revision
        save_checkpoint(folder, init(model, [len(revision)]), model, world.tokenizer_json())
    task = tmp_path / "task"
    task.mkdir()
    rows = [
        {"question": f"where was {first} Venn born ?", "answer": f"in {town} ."}
        for first, town in zip(FIRST_NAMES, world.towns, strict=False)
    ]
    for split, part in (("train", rows[:16]), ("validation", rows[16:24]), ("test", rows[24:])):
        (task / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    loops = ["ours", *(["trainer"] if importlib.util.find_spec("accelerate") else [])]
    with StandinHub(tmp_path / "hub") as hub:
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, f"file:{task}", str(tmp_path / "store"), *loops],
            env=hub.environment(tmp_path / "cache"),
            capture_output=True,
            text=True,
            timeout=240,
            cwd=Path(__file__).parents[1],
        )
    assert done.returncode == 0, done.stderr[-3000:]
    out = json.loads(done.stdout.split("OUT ")[1])
    assert out["sets"] == ["held out", "probe"]
    assert out["model"] == "EleutherAI/pythia-410m"
    assert sum(out["ours"][3:]) < sum(out["ours"][:3])
    if len(loops) > 1:
        assert out["trainer"] == pytest.approx(out["ours"], abs=1e-3)
    assert "owner/none" in out["owner/none"]
    assert "step9" in out["EleutherAI/pythia-410m"]


def test_what_cannot_be_asked_of_a_released_model_without_a_text():
    base = Checkpoint(run=Released(repo="EleutherAI/pythia-410m", commit="0" * 40))
    assert base.columns() | {"model": base.run.repo, "corpus": base.run.repo} == base.columns()
    assert base.run.data_hash() is None
    with pytest.raises(OvbookError, match="repo is 'not a name'"):
        Released(repo="not a name")
    with pytest.raises(OvbookError, match="revision is ''"):
        Released(repo="a/b", revision="")
    no_text = "pythia-410m at main without a text for the old loss, which only Memorise can do without"
    with pytest.raises(OvbookError, match=no_text):
        FineTune(base=base, task="gsm8k")
    with pytest.raises(OvbookError, match=no_text):
        Evaluate(base=base)
    with pytest.raises(OvbookError, match=no_text):
        Perturb(base=base, gammas=(0.1,))
    with pytest.raises(OvbookError, match="asked in the words of a tiny world and the text of EleutherAI"):
        Memorise(base=base, data=Examples())
    with pytest.raises(
        OvbookError, match="context is 512, but EleutherAI/pythia-410m at main has no old text at hand"
    ):
        Memorise(base=base, data=Examples(task="gsm8k"), context=512)


def test_what_is_done_to_models_of_our_own_only():
    base = Checkpoint(run=Released(repo="a/b", corpus="world:1/almanac", commit="0" * 40))
    for spec in (
        lambda: Rewrite(base=base, kind="edit"),
        lambda: Reinforce(base=base, task="topic"),
        lambda: Blend(models=(base, base)),
    ):
        with pytest.raises(OvbookError, match="a released model, but this is done to models of our own"):
            spec()

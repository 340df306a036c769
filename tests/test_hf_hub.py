"""Checkpoints from the hub in our decoder and in transformers', both by the real client from a stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, init, load_checkpoint, save_checkpoint, weights_hash
from standin_hub import StandinHub

pytest.importorskip("transformers")

SPECS = {
    "olmo": ModelSpec(vocab=67, width=32, layers=2, heads=2, mlp=88, context=32),
    "olmo2": ModelSpec(arch="olmo2", vocab=67, width=32, layers=2, heads=2, mlp=64, context=32),
    "neox": ModelSpec(arch="neox", vocab=67, width=32, layers=2, heads=2, mlp=96, context=32, rotary=0.25),
}
STEPS = ("step0-tokens0", "step100-tokens1M", "step200-tokens2M", "step300-tokens3M")

PREPARE = """
import sys, torch, transformers
from pathlib import Path
models = Path(sys.argv[1])
for arch in ("olmo", "olmo2", "neox"):
    model = transformers.AutoModelForCausalLM.from_pretrained(models / arch / "main")
    model.save_pretrained(models / f"{arch}-sharded" / "main", max_shard_size="20KB")
first, second = (models / "rewritten" / step for step in ("step0-tokens0", "step100-tokens1M"))
transformers.AutoModelForCausalLM.from_pretrained(first).save_pretrained(second, max_shard_size="20KB")
"""
CLIENT = """
import json, sys, time, warnings
import torch
from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.models import distinct_checkpoints, forward, load_checkpoint

out = {"apart": {}, "errors": {}, "seconds": {}, "revisions": hub.list_revisions("owner/suite")}

def refused(what, call):
    started = time.perf_counter()
    try:
        call()
        out["errors"][what] = "nothing was raised"
    except OvbookError as error:
        out["errors"][what] = str(error)
    except Exception as error:
        out["errors"][what] = f"traceback of {type(error).__name__}: {error}"
    out["seconds"][what] = time.perf_counter() - started

for name in ("none", "private", "broken", "silent", "cut", "llama", "pickled", "bare", "gone"):
    refused(name, lambda: load_checkpoint(f"owner/{name}"))
refused("revision", lambda: load_checkpoint("owner/suite", revision="step190-tokens9M"))

STEPS = out["revisions"][1:]
out["distinct"] = distinct_checkpoints("owner/suite", STEPS)
refused("same", lambda: distinct_checkpoints("owner/flat", STEPS))
refused("rewritten by files", lambda: distinct_checkpoints("owner/rewritten", STEPS[:2]))
refused("rewritten", lambda: distinct_checkpoints("owner/rewritten", STEPS[:2], by="weights"))
refused("no weights", lambda: distinct_checkpoints("owner/bare", ["main"]))
refused("odd", lambda: distinct_checkpoints("owner/suite", STEPS, by="names"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    hashes = distinct_checkpoints("owner/flat", STEPS, duplicates="warn")
out["flat"] = [len(set(hashes.values())), [str(w.message) for w in caught if "flat" in str(w.message)]]
out["first weights"] = distinct_checkpoints("owner/suite", STEPS[:1], by="weights")[STEPS[0]]

import transformers
for name in sys.argv[1:]:
    params, spec = load_checkpoint(f"owner/{name}", dtype=torch.float64)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(f"owner/{name}", dtype=torch.float64).eval()
    tokens = torch.randint(spec.vocab, (1, 3, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(tokens[0]).logits
        out["apart"][name] = [float((forward(params, spec, tokens)[0] - expected).abs().max()), float(expected.std())]
print(json.dumps(out))
"""


def run(script: str, environment: dict[str, str] | None, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] if done.stdout else ""


def prepare(models: Path) -> None:
    """Suites with every kind of revision that a reader may meet."""
    for arch, spec in SPECS.items():
        params = {name: 3 * tensor for name, tensor in init(spec, [3]).items()}  # logits that differ plainly
        save_checkpoint(models / arch / "main", params, spec, None)
    spec = SPECS["olmo"]
    for i, step in enumerate(STEPS):
        save_checkpoint(models / "suite" / step, init(spec, [i]), spec, None)
        # Of these branches all but one serve the weights of the end.
        save_checkpoint(models / "flat" / step, init(spec, [i if i == 1 else 3]), spec, None)
    save_checkpoint(models / "suite/main", init(spec, [3]), spec, None)
    save_checkpoint(models / "rewritten" / STEPS[0], init(spec, [0]), spec, None)
    for name, config in {
        "llama": json.dumps({"model_type": "llama", "num_attention_heads": 2}),
        "pickled": (models / "olmo/main/config.json").read_text(),
        "bare": json.dumps({"model_type": "olmo"}),
        "gone": "{",
    }.items():
        folder = models / name / "main"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(config)
    (models / "pickled/main/pytorch_model.bin").write_bytes(b"pickle")
    (models / "llama/main/model.safetensors").write_bytes(b"many gigabytes")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process got from the stand-in; and what the stand-in saw."""
    home = tmp_path_factory.mktemp("hub")
    models = home / "served/models/owner"
    prepare(models)
    run(PREPARE, None, str(models))
    with StandinHub(home / "served") as standin:
        standin.faults = {
            "owner/private": 401,
            "owner/broken": 503,
            "owner/silent": "hang",
            "owner/cut": "drop",
        }
        environment = standin.environment(home / "home", HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="2")
        names = [f"{arch}{end}" for arch in SPECS for end in ("", "-sharded")]
        out: dict[str, Any] = json.loads(run(CLIENT, environment, *names))
        return {**out, "log": list(standin.log)}


@pytest.mark.slow
@pytest.mark.parametrize("files", ["", "-sharded"])
@pytest.mark.parametrize("arch", SPECS)
def test_logits_from_the_hub_are_those_of_transformers(asked: dict[str, Any], arch: str, files: str) -> None:
    apart, spread = asked["apart"][arch + files]
    assert apart < 1e-10
    assert spread > 0.1
    shards = {p for _, p in asked["log"] if f"/{arch}{files}/" in p and p.endswith(".safetensors")}
    assert (len(shards) > 1) == bool(files)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("none", "does not exist on the hub (404)"),
        ("private", "does not show model 'owner/private' to you (401)"),
        ("broken", "out of order (503)"),
        ("silent", "did not answer in time"),
        ("cut", "cannot be reached"),
        (
            "llama",
            "is a 'llama' model: this decoder reads olmo, olmo2, gpt_neox; load others with transformers'",
        ),
        ("pickled", "it lacks model.safetensors; load one in another form with transformers'"),
        ("bare", "its config.json lacks 'num_attention_heads'"),
        ("gone", "is damaged and cannot be read as a checkpoint"),
        ("revision", "the nearest of its 5 is 'step200-tokens2M', then 'step100-tokens1M'"),
        (
            "same",
            "of the 4 revisions of owner/flat, 3 serve weights that another serves too (step0-tokens0 = ",
        ),
        ("rewritten by files", "nothing was raised"),
        ("rewritten", "2 serve weights that another serves too (step0-tokens0 = step100-tokens1M)"),
        ("no weights", "revision 'main' of owner/bare holds no weights: it has config.json"),
        ("odd", "cannot be compared by 'names': it is 'files' or 'weights'"),
    ],
)
def test_each_refusal_is_one_sentence_soon(asked: dict[str, Any], what: str, says: str) -> None:
    assert says in asked["errors"][what]
    assert "\n" not in asked["errors"][what]
    assert asked["seconds"][what] < 8


@pytest.mark.slow
def test_of_another_architecture_no_weights_are_fetched(asked: dict[str, Any]) -> None:
    assert {p.rpartition("/")[2] for _, p in asked["log"] if "/llama/resolve" in p} == {"config.json"}


@pytest.mark.slow
def test_revisions_are_compared_without_their_weights(asked: dict[str, Any]) -> None:
    assert asked["revisions"] == ["main", *STEPS]
    assert len(set(asked["distinct"].values())) == len(STEPS)
    assert not any("/flat/resolve" in path for _, path in asked["log"])
    distinct, (warned,) = asked["flat"]
    assert distinct == 2
    assert "step0-tokens0 = step200-tokens2M = step300-tokens3M" in warned


@pytest.mark.slow
def test_the_hash_of_weights_is_that_of_the_numbers(asked: dict[str, Any]) -> None:
    assert asked["first weights"] == weights_hash(init(SPECS["olmo"], [0]))


def test_weights_hash_sees_every_difference() -> None:
    params = {"a": torch.zeros(1, 2, 3), "b": torch.ones(1, 4)}
    changed = [
        {"a": params["a"].view(1, 3, 2), "b": params["b"]},
        {"a": params["a"].double(), "b": params["b"]},
        {"c": params["a"], "b": params["b"]},
        {"a": params["a"], "b": params["b"].index_fill(1, torch.tensor([3]), 2.0)},
        {"a": -params["a"], "b": params["b"]},
    ]
    assert len({weights_hash(each) for each in [params, *changed]}) == 6
    assert weights_hash(dict(reversed(params.items()))) == weights_hash(params)


@pytest.mark.parametrize("where", ["./none", "a/b/c", "/not/there", Path("none")])
def test_a_folder_that_is_not_there_is_no_repository(where: Path | str) -> None:
    with pytest.raises(OvbookError, match="is not there: name its folder, or a repository as OWNER/NAME"):
        load_checkpoint(where)


def test_a_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(OvbookError, match="is a file: name its folder"):
        load_checkpoint(tmp_path / "model.safetensors")

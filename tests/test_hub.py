"""Revisions, commits and caches, asked for by the hub's own client libraries from a stand-in."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.hub import client as client_module
from standin_hub import PAGE, StandinHub

STEPS = {"step100-tokens1M": 100, "step200-tokens2M": 200, "step300-tokens3M": 300}


# --- names


@pytest.mark.parametrize(
    ("step", "tokens", "name"),
    [
        (100, 1_000_000, "step100-tokens1M"),
        (0, 0, "step0-tokens0"),
        (30, 999, "step30-tokens999"),
        (20, 250_000, "step20-tokens250k"),
        (32, 262_144, "step32-tokens262.144k"),
        (250, 2_500_000, "step250-tokens2.5M"),
        (1000, 4_000_000_000, "step1000-tokens4B"),
        (738_020, 3_094_000_000_000, "step738020-tokens3094B"),
    ],
)
def test_names_of_revisions_are_exact_both_ways(step: int, tokens: int, name: str) -> None:
    assert hub.revision_name(step, tokens) == name
    assert hub.parse_revision(name) == (step, tokens)


def test_names_that_others_use_are_read() -> None:
    assert hub.parse_revision("stage1-step140000-tokens294B") == (140_000, 294 * 10**9)
    assert hub.parse_revision("stage2-ingredient3-step8000-tokens17B").step == 8000
    assert hub.parse_revision("step143000") == (143_000, None)
    for wrong in ("main", "step-tokens1M", "step10-tokens1X"):
        with pytest.raises(OvbookError, match="step100-tokens1M"):
            hub.parse_revision(wrong)
    with pytest.raises(OvbookError, match="no place in a run"):
        hub.revision_name(-1, 0)


def test_the_nearest_revision_is_by_step_then_by_letters() -> None:
    names = ["main", "v1.0", *STEPS]
    assert hub.nearest_revision("step240-tokens9B", names) == "step200-tokens2M"
    assert hub.nearest_revision("v1.1", names) == "v1.0"
    assert hub.nearest_revision("zzz", names) is None


# --- publishing


def checkpoint(folder: Path, marker: int) -> Path:
    """A folder with the shape of a checkpoint; its tokenizer is the same whatever the marker."""
    (folder / "more").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"step": marker}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "more/weights.bin").write_bytes(bytes([marker % 256]) * 1000)
    return folder


def test_published_checkpoints_are_an_ordinary_cache(tmp_path: Path) -> None:
    library = pytest.importorskip("huggingface_hub")
    folders = {name: checkpoint(tmp_path / name, step) for name, step in STEPS.items()}
    cache = tmp_path / "cache"
    commits = hub.publish(folders, "owner/suite", cache)
    assert all(hub.is_commit(commit) for commit in commits.values())
    assert hub.cached_revisions("owner/suite", cache) == ["main", *STEPS]

    scan = library.scan_cache_dir(cache)
    assert not scan.warnings
    (repo,) = scan.repos
    assert (repo.repo_id, repo.repo_type, len(repo.revisions)) == ("owner/suite", "model", 3)
    assert {ref for revision in repo.revisions for ref in revision.refs} == {"main", *STEPS}
    # The same tokenizer in three checkpoints is on the disk once.
    assert len(list((cache / "models--owner--suite/blobs").iterdir())) == 3 + 3 + 1

    def read(revision: str | None, name: str) -> bytes:
        return Path(
            library.hf_hub_download(
                "owner/suite", name, revision=revision, cache_dir=cache, local_files_only=True
            )
        ).read_bytes()

    for name, step in STEPS.items():
        assert json.loads(read(name, "config.json")) == {"step": step}
        assert read(commits[name], "more/weights.bin") == bytes([step % 256]) * 1000
    assert json.loads(read(None, "config.json")) == {"step": 300}
    assert commits["main"] == commits["step300-tokens3M"]


def test_publishing_again_changes_nothing_and_moving_a_revision_does(tmp_path: Path) -> None:
    folder, cache = checkpoint(tmp_path / "a", 1), tmp_path / "cache"
    first = hub.publish({"step1-tokens1k": folder}, "owner/suite", cache)
    before = {p: p.lstat().st_mtime_ns for p in cache.rglob("blobs/*")}
    assert hub.publish({"step1-tokens1k": folder}, "owner/suite", cache) == first
    assert {p: p.lstat().st_mtime_ns for p in cache.rglob("blobs/*")} == before
    other = hub.publish({"step1-tokens1k": checkpoint(tmp_path / "b", 2)}, "owner/suite", cache)
    assert other["step1-tokens1k"] != first["step1-tokens1k"]
    assert (cache / "models--owner--suite/refs/step1-tokens1k").read_text() == other["step1-tokens1k"]


def test_what_cannot_be_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OvbookError, match="OWNER/NAME"):
        hub.publish({"main": checkpoint(tmp_path / "a", 1)}, "suite", tmp_path)
    with pytest.raises(OvbookError, match="nothing to publish"):
        hub.publish({}, "owner/suite", tmp_path)
    with pytest.raises(OvbookError, match="is empty or missing"):
        hub.publish({"main": tmp_path / "nowhere"}, "owner/suite", tmp_path)


# --- errors


def test_an_address_that_never_answers_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_PROBE_SECONDS", 0.2)
    monkeypatch.setattr(client_module.urllib.request, "getproxies", dict)

    def silent(*_: object, **__: object) -> None:
        time.sleep(1)
        raise OSError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    started = time.perf_counter()
    assert not client_module._answers("https://hub.invalid")
    assert time.perf_counter() - started < 0.9


def test_errors_that_a_library_wrapped_are_still_explained() -> None:
    pytest.importorskip("huggingface_hub")
    try:
        try:
            raise ConnectionError("refused")
        except ConnectionError as inner:
            raise OSError("We could not load it.\nMany lines follow.") from inner
    except OSError as wrapped:
        said = hub.explain(wrapped, "owner/suite")
    assert isinstance(said, hub.Unreachable)
    assert "cannot be reached" in str(said)
    other = hub.explain(KeyError("odd"), "owner/suite", kind="dataset")
    assert str(other).startswith("data set 'owner/suite' cannot be read ('odd')")
    assert hub.explain(other, "owner/suite") is other


# --- the stand-in, and the real clients

CLIENT = """
import json, shutil, sys, time
from pathlib import Path
import torch, transformers
from ovbook import hub
from ovbook.errors import OvbookError

home, models = Path(sys.argv[1]), Path(sys.argv[2])
for step in (100, 200, 300):
    torch.manual_seed(step)
    config = transformers.OlmoConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                                     num_attention_heads=2, num_key_value_heads=2)
    transformers.OlmoForCausalLM(config).save_pretrained(models / f"step{step}-tokens{step // 100}M")
shutil.copytree(models / "step300-tokens3M", models / "main")

out = {"revisions": hub.list_revisions("owner/suite"), "commits": {}, "errors": {}}
for name in [None, *out["revisions"]]:
    out["commits"][str(name)] = hub.resolve("owner/suite", name)
refused = ["none", "private", "limited", "broken", "silent", "cut"]
for repo, revision in [("owner/suite", "step250-tokens9M"), *((f"owner/{name}", None) for name in refused)]:
    for call in (lambda: hub.resolve(repo, revision), lambda: hub.list_revisions(repo)):
        started = time.perf_counter()
        try:
            call()
        except OvbookError as error:
            told = [type(error).__name__, str(error), time.perf_counter() - started]
            out["errors"].setdefault(repo, []).append(told)

import huggingface_hub
folder = huggingface_hub.snapshot_download("owner/suite", revision="step200-tokens2M")
out["snapshot"] = sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())
out["snapshot commit"] = Path(folder).name
again = huggingface_hub.snapshot_download("owner/suite", revision="step200-tokens2M", local_files_only=True)
assert again == folder

def loaded(*where, **how):
    model = transformers.AutoModelForCausalLM.from_pretrained(*where, **how)
    return float(model.get_input_embeddings().weight.double().sum())
out["weights"] = {name: loaded("owner/suite", revision=name) for name in out["revisions"] if name != "main"}
local = {name: models / name for name in out["weights"]}
hub.publish(local, "owner/ours", home / "published")
ours = dict(cache_dir=home / "published", local_files_only=True)
out["published"] = {name: loaded("owner/ours", revision=name, **ours) for name in local}
try:
    loaded("owner/private")
except Exception as error:
    out["wrapped"] = str(hub.explain(error, "owner/private"))
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client libraries got from the stand-in, in one process; and what the stand-in saw."""
    pytest.importorskip("transformers")
    home = tmp_path_factory.mktemp("hub")
    models = home / "served/models/owner/suite"
    with StandinHub(home / "served") as standin:
        standin.faults = {"owner/private": 401, "owner/limited": 429, "owner/broken": 503}
        standin.faults |= {"owner/silent": "hang", "owner/cut": "drop"}
        environment = standin.environment(home / "home", HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="2")
        command = [sys.executable, "-c", CLIENT, str(home), str(models)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        served = standin.repository("models", "owner/suite")
        assert served is not None
        return {**out, "served": served.commits, "log": list(standin.log)}


def test_all_revisions_are_listed_and_resolved(asked: dict[str, Any]) -> None:
    assert asked["revisions"] == ["main", *STEPS]
    assert asked["commits"] == {"None": asked["served"]["main"], **asked["served"]}


def test_a_revision_that_is_not_there_names_the_nearest(asked: dict[str, Any]) -> None:
    kind, sentence, _ = asked["errors"]["owner/suite"][0]
    assert kind == "OvbookError"
    assert sentence.endswith("the nearest of its 4 is 'step200-tokens2M', then 'step300-tokens3M'")


@pytest.mark.parametrize(
    ("repo", "kind", "says"),
    [
        ("owner/none", "OvbookError", "does not exist on the hub (404)"),
        ("owner/private", "OvbookError", "does not show model 'owner/private' to you (401)"),
        ("owner/limited", "Unreachable", "slow down"),
        ("owner/broken", "Unreachable", "out of order (503)"),
        ("owner/silent", "Unreachable", "did not answer in time"),
        ("owner/cut", "Unreachable", "cannot be reached"),
    ],
)
def test_each_refusal_is_one_sentence_at_once(asked: dict[str, Any], repo: str, kind: str, says: str) -> None:
    assert len(asked["errors"][repo]) == 2
    for got, sentence, seconds in asked["errors"][repo]:
        assert got == kind
        assert says in sentence
        assert "\n" not in sentence
        assert seconds < 8


def test_weights_are_downloaded_at_each_revision(asked: dict[str, Any]) -> None:
    assert "model.safetensors" in asked["snapshot"]
    assert asked["snapshot commit"] == asked["served"]["step200-tokens2M"]
    assert len(set(asked["weights"].values())) == 3
    assert "(401)" in asked["wrapped"]


def test_transformers_loads_what_was_published(asked: dict[str, Any]) -> None:
    assert asked["published"] == asked["weights"]


def test_long_listings_came_in_pages(asked: dict[str, Any]) -> None:
    trees = Counter(path for _, path in asked["log"] if "/tree/" in path)
    assert max(trees.values()) == math.ceil(len(asked["snapshot"]) / PAGE) > 1


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_the_hub_says_so_at_once(tmp_path: Path, offline: bool) -> None:
    pytest.importorskip("huggingface_hub")
    with StandinHub(tmp_path) as standin:
        environment = standin.environment(tmp_path, HF_HUB_OFFLINE="1" if offline else "0")
    script = """
import time
from ovbook import hub
started = time.perf_counter()
for call in (hub.resolve, hub.list_revisions):
    try:
        call("owner/suite")
    except hub.Unreachable as error:
        print(error)
print(time.perf_counter() - started)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    *sentences, seconds = done.stdout.splitlines()
    says = "HF_HUB_OFFLINE is set" if offline else "cannot be reached"
    assert len(sentences) == 2
    assert all(says in sentence for sentence in sentences)
    assert float(seconds) < 8

"""Released models as bases: resolved, hashed, shaken, tuned and scored, through a stand-in hub."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ovbook.errors import OvbookError
from ovbook.public_runs import PUBLIC_RUNS, hours, tokens_of
from ovbook.runs import Checkpoint, FineTune, Harness, Perturb, Released, WinRate, released
from ovbook.runs.memory import require_memory
from released_suites import TEXT, prepare_released, write_dialogues, write_questions
from standin_hub import StandinHub

pytestmark = pytest.mark.timeout(
    1200
)  # client processes that load transformers, on machines with other things to do

ROOT = Path(__file__).parents[1]
COMMIT = "0" * 40

CLIENT = """
import json, sys, time, warnings
from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.runs import *
from ovbook.runs import memory

home = sys.argv[1]
text = f"file:{home}/text.txt"
out = {"errors": {}, "seconds": {}}
own = {"corpus": text, "context": 64}

def refused(what, call):
    started = time.perf_counter()
    try:
        call()
        out["errors"][what] = "nothing was raised"
    except OvbookError as error:
        out["errors"][what] = str(error)
    out["seconds"][what] = time.perf_counter() - started

refused("revision", lambda: released(["owner/suite@step190"], **own))
refused("none", lambda: released(["owner/nothing"], **own))
refused("private", lambda: released(["owner/private"], **own))
refused("broken", lambda: released(["owner/broken"], **own))
refused("same", lambda: released(["owner/flat"], revisions=["step200-tokens2B", "step300-tokens3B"], **own))
refused("name", lambda: released(["suite"], **own))
refused("no tokens", lambda: released(["owner/llama@2T"], **own))

near = released(["owner/suite@2.2B", "owner/suite@1B"], **own)
out["near"] = [[r.revision, r.asked, r.tokens, r.born.revision] for r in near]
out["key"] = near[0].key() == Released(repo="owner/suite", revision="step100-tokens1B", born=near[0].born, **own).key()

specs = []
for run in [*near, *released(["owner/neox@step1000", "owner/llama"], **own)]:
    base = Checkpoint(run=run)
    specs.append(Perturb(base=base, gammas=(0.0, 0.5), draws=2, rows=4))
    specs.append(FineTune(base=base, task="hh-rlhf", rate=1e-2, seed=100, examples=24, batch=8, epochs=8, rows=6, documents=4,
                          also=(f"file:{home}/questions",)))
    specs.append(Evaluate(base=base, rows=4))
out["plan"] = str(plan(specs))
results = execute(specs, progress=False, workers=1)
facts = results.table(Released)
distinct_weights(facts)
out["facts"] = facts.drop_duplicates(["repo", "revision"])[["repo", "revision", "scale", "parameters"]].to_dict("records")
out["born"] = float(facts[(facts.revision == "step200-tokens2B") & (facts.tensor == "lm_head.weight")]["born_std"].iloc[0])
out["norms"] = float(facts[facts.tensor.str.contains("norm")]["born_std"].max())
shaken = results.table(Perturb)
out["shaken"] = shaken.groupby(["repo", "revision", "gamma"])["loss"].mean().reset_index().values.tolist()
out["scales"] = shaken.drop_duplicates("repo").set_index("repo")["scale"].to_dict()
tuned = results.table(FineTune)
out["tuned"] = tuned[tuned.scored == "hh-rlhf"][["repo", "revision", "stage", "answer_loss", "loss", "diverged_at", "note"]].values.tolist()
out["scored"] = sorted(set(tuned["scored"]))

wild = FineTune(base=specs[0].base, task="hh-rlhf", rate=1e30, seed=100, examples=24, batch=8, rows=4, documents=2)
out["wild"] = [float(x) for x in execute([wild], progress=False, workers=1).table(FineTune)["diverged_at"]]
refused("few", lambda: execute([FineTune(base=specs[0].base, task="hh-rlhf", rate=1e-3, seed=100, examples=4, batch=8)], workers=1))
memory.available_bytes = lambda device: 3_000
refused("memory", lambda: execute([FineTune(base=specs[0].base, task="hh-rlhf", rate=1e-4, seed=100, examples=24, batch=8)], workers=1))
memory.available_bytes = lambda device: None

win = WinRate(base=Checkpoint(run=specs[1]), other=specs[0].base, task="hh-rlhf", judge="my_referee:longer", rows=4)
out["win"] = execute([win], progress=False, workers=1).table(WinRate)["preferred"].tolist()
print(json.dumps(out))
"""
AWAY = """
import json, sys, warnings
from ovbook.runs import *
from ovbook.errors import OvbookError
home = sys.argv[1]
own = {"corpus": f"file:{home}/text.txt", "context": 64}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    near = released(["owner/suite@2.2B", "owner/suite@1B"], **own)
    work = plan([Perturb(base=Checkpoint(run=r), gammas=(0.0, 0.5), draws=2, rows=4) for r in near])
said = [str(w.message) for w in caught]
try:
    released(["owner/never"], **own)
    lost = "nothing was raised"
except OvbookError as error:
    lost = str(error)
print(json.dumps({"said": said, "todo": len(work.todo), "lost": lost}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the hub serves, a text, dialogues, questions and a referee."""
    folder = tmp_path_factory.mktemp("released")
    prepare_released(folder / "served/models/owner")
    (folder / "text.txt").write_text(TEXT)
    write_dialogues(folder / "texts/hh-rlhf")
    write_questions(folder / "questions")
    (folder / "my_referee.py").write_text(
        "def longer(question, answer, other):\n    return 0.5 if len(answer) == len(other) else float(len(answer) > len(other))\n"
    )
    return folder


def _client(home: Path, environment: dict[str, str], script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)],
        env=environment | {"PYTHONPATH": f"{ROOT / 'src'}:{home}"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=1000,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def asked(home: Path) -> dict[str, Any]:
    """What one process made of the stand-in's models; and what another made of the cache once the hub was gone."""
    with StandinHub(home / "served") as standin:
        standin.faults = {"owner/private": 401, "owner/broken": 503}
        more = {"OVBOOK_STORE": str(home / "store"), "OVBOOK_TEXT_DIR": str(home / "texts")}
        environment = standin.environment(
            home / "cache", HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="2", **more
        )
        out = _client(home, environment, CLIENT)
        log = list(standin.log)
    return out | {"log": log, "away": _client(home, environment, AWAY)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("revision", "has no revision 'step190': the nearest of its 5 is 'step200-tokens2B'"),
        ("none", "does not exist on the hub (404)"),
        ("private", "does not show model 'owner/private' to you (401)"),
        ("broken", "out of order (503)"),
        ("same", "(step200-tokens2B = step300-tokens3B), so a curve over them would be flat there"),
        ("name", "'suite' names no released model: write OWNER/NAME, or OWNER/NAME@REVISION"),
        ("no tokens", "no revision of owner/llama says at how many tokens it is"),
        ("few", "do not fill one batch of 8: take more examples"),
        ("memory", "take a smaller model, or a machine with more memory"),
    ],
)
def test_each_refusal_is_one_sentence_soon(asked: dict[str, Any], what: str, says: str) -> None:
    assert says in asked["errors"][what]
    assert "\n" not in asked["errors"][what]
    assert asked["seconds"][what] < 10


@pytest.mark.slow
def test_revisions_are_found_by_tokens_and_known_by_commit(asked: dict[str, Any]) -> None:
    assert asked["near"] == [
        ["step100-tokens1B", "1B", 10**9, "step0-tokens0B"],
        ["step200-tokens2B", "2.2B", 2 * 10**9, "step0-tokens0B"],
    ]
    assert asked["key"]  # how a revision was asked for is no part of it


@pytest.mark.slow
def test_noise_is_scaled_by_step_0_where_there_is_one(asked: dict[str, Any]) -> None:
    scales = {(row["repo"], row["revision"]): row["scale"] for row in asked["facts"]}
    assert scales["owner/suite", "step200-tokens2B"] == "step 0"
    assert scales["owner/llama", "main"] == "documented"
    assert asked["born"] == pytest.approx(0.25, rel=0.05)  # 1 / sqrt(16), though the weights have grown since
    assert asked["norms"] == 0  # constant at birth, so never shaken
    assert asked["scales"] == {"owner/suite": "step 0", "owner/neox": "step 0", "owner/llama": "documented"}
    losses = {(repo, revision, gamma): loss for repo, revision, gamma, loss in asked["shaken"]}
    assert len(losses) == 8
    assert all(losses[repo, revision, 0.5] != losses[repo, revision, 0.0] for repo, revision, _ in losses)


@pytest.mark.slow
def test_every_architecture_learns_to_answer(asked: dict[str, Any]) -> None:
    of = {(repo, revision, stage): rest for repo, revision, stage, *rest in asked["tuned"]}
    for repo, revision in {key[:2] for key in of}:
        before, after = of[repo, revision, "before"], of[repo, revision, "after"]
        assert after[0] < before[0] - 0.5
        assert after[1] != before[1]
        assert after[2] == -1
        assert "were cut to fit the context" in after[3]
    assert len(asked["scored"]) == 2


@pytest.mark.slow
def test_a_diverged_tuning_is_kept_as_such(asked: dict[str, Any]) -> None:
    assert min(asked["wild"]) >= 0


@pytest.mark.slow
def test_a_referee_of_ones_own_gives_a_win_rate(asked: dict[str, Any]) -> None:
    assert len(asked["win"]) == 4
    assert set(asked["win"]) <= {0.0, 0.5, 1.0}


@pytest.mark.slow
def test_without_a_hub_what_was_fetched_is_used(asked: dict[str, Any]) -> None:
    assert asked["away"]["todo"] == 0
    assert any("the commit downloaded earlier is used" in said for said in asked["away"]["said"])
    assert "cannot be reached" in asked["away"]["lost"]


def test_specs_of_released_models_name_every_mistake() -> None:
    with pytest.raises(
        OvbookError, match=r"repo is 'olmo', but it must be a repository's name.*corpus is 'x'"
    ):
        Released(repo="olmo", corpus="x")
    with pytest.raises(OvbookError, match="commit is 'abc'"):
        Released(repo="a/b", corpus="file:x", commit="abc")
    base = Checkpoint(run=Released(repo="a/b", corpus="world:1/almanac", commit=COMMIT))
    with pytest.raises(OvbookError, match="tasks is \\(\\), but it must be a list of benchmarks' names"):
        Harness(base=base, tasks=())
    with pytest.raises(OvbookError, match="files is '/none', but it must be a folder of task files"):
        Harness(base=base, tasks=("a",), files="/none")
    with pytest.raises(OvbookError, match="Python finds no source file for the module 'nowhere'"):
        WinRate(base=base, other=base, task="hh-rlhf", judge="nowhere:f")


def test_a_released_model_stands_where_a_checkpoint_of_ours_does() -> None:
    own = {"repo": "a/b", "corpus": "world:1/almanac"}
    first, renamed = (Released(commit=COMMIT, revision=r, **own) for r in ("step1-tokens2B", "main"))
    other = Released(commit="1" * 40, revision="main", **own)
    assert first.key() == renamed.key() != other.key()
    base = Checkpoint(run=first)
    assert (base.root, base.at) == (first, 2 * 10**9)
    assert Perturb(base=base, gammas=(0.1,)).key() != Perturb(base=Checkpoint(run=other), gammas=(0.1,)).key()
    tuned = FineTune(base=base, task="hh-rlhf")
    assert tuned.seed == first.seed
    assert Checkpoint(run=tuned).root is first
    with pytest.raises(OvbookError, match="keeps checkpoints at its end only"):
        Checkpoint(run=first, tokens=5)
    with pytest.raises(OvbookError, match="names no released model"):
        released(["x"], corpus="file:x")


def test_memory_is_asked_before_weights_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovbook.runs.memory.available_bytes", lambda device: 80 * 10**9)
    with pytest.raises(
        OvbookError, match=r"tuning x/y \(7.3B parameters\) takes about 175 GB and cuda:0 has 80 GB"
    ):
        require_memory("x/y", 7_300_000_000, 24, "cuda:0", what="tuning")
    with pytest.raises(OvbookError, match=r"take allenai/OLMo-1B-hf \(28 GB\), or a machine"):
        require_memory("x/y", 7_300_000_000, 24, "cuda:0", what="tuning")
    require_memory("x/y", 10**9, 24, "cuda:0", what="tuning")


def test_published_schedules_give_the_rates_in_force() -> None:
    """Against values worked out by hand from the configurations (facts sheet, A.8)."""
    one, seven = PUBLIC_RUNS["allenai/OLMo-1B-hf"], PUBLIC_RUNS["allenai/OLMo-2-1124-7B"]
    for tokens, rate in ((0.5, 3.8e-4), (1.5, 2.3e-4), (2.3, 9.6e-5), (2.5, 7.3e-5), (3.0, 4.1e-5)):
        assert one.rate_at(tokens * 1e12) == pytest.approx(rate, rel=0.03)
    for tokens, rate in ((0.5, 2.9e-4), (2.0, 2.1e-4), (3.0, 1.2e-4), (3.89, 6.2e-5)):
        assert seven.rate_at(tokens * 1e12) == pytest.approx(rate, rel=0.03)
    with pytest.raises(OvbookError, match="schedule of LLM360/Amber is not known"):
        PUBLIC_RUNS["LLM360/Amber"].rate_at(1e12)
    with pytest.raises(OvbookError, match="lie outside the schedule"):
        one.rate_at(4e12)


def test_tokens_behind_a_name() -> None:
    assert tokens_of("allenai/OLMo-1B-hf", "step505000-tokens2118B") == 2118 * 10**9
    assert tokens_of("EleutherAI/pythia-410m", "step143000") == 299_892_736_000
    assert tokens_of("LLM360/Amber", "ckpt_358") == pytest.approx(1.3e12, rel=0.01)
    assert tokens_of("a/b", "step100") is None
    assert tokens_of("a/b", "main") is None


def test_hours_count_operations() -> None:
    assert hours(1e9, trained=1e9, rate=1e15) == pytest.approx(6e18 / 1e15 / 3600)
    assert hours(1e9, scored=3e9, rate=1e15) == hours(1e9, trained=1e9, rate=1e15)


def test_the_ledger_names_the_files_of_every_task(tmp_path: Path) -> None:
    """A tuning scored on other tasks has a hash for each; those without files have none."""
    from ovbook.runs.ledger import _data

    write_questions(tmp_path / "questions")
    own = f"file:{tmp_path / 'questions'}"
    base = Checkpoint(run=Released(repo="a/b", corpus="world:1/almanac", commit=COMMIT))
    found = _data(FineTune(base=base, task="hh-rlhf", also=(own,)))
    assert set(found) == {own}
    assert len(found[own]) == 64

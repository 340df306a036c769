"""Real data sets as tasks, loaded from a stand-in hub by the library `datasets` itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from standin_hub import StandinHub

pytest.importorskip("datasets")

CLIENT = """
import dataclasses, json, sys, time, warnings
from ovbook.tasks import open_data_set
from ovbook.tasks.data_sets import DATA_SETS

out = {}
for asked in sys.argv[1:]:
    name, split, changes = json.loads(asked)
    known = DATA_SETS[name]
    DATA_SETS[name] = dataclasses.replace(known, **changes)
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            examples = open_data_set(name).examples(split, 1000)
            said = {"examples": [[ex.question, ex.answer, ex.choices] for ex in examples]}
        except Exception as error:
            said = {"error": str(error), "type": type(error).__name__}
    DATA_SETS[name] = known
    warned = [str(w.message) for w in caught if "downloaded earlier" in str(w.message)]
    out[asked] = {**said, "seconds": time.perf_counter() - started, "warned": warned}
print(json.dumps(out))
"""
CARD = """---
configs:
- config_name: rte
  data_files:
  - {split: train, path: rte/train-*}
  - {split: validation, path: rte/validation-*}
  - {split: test, path: rte/test-*}
- config_name: cola
  data_files:
  - {split: train, path: cola/train-*}
---
# A stand-in
"""


def rte_rows(n: int, start: int = 0, hidden: bool = False) -> list[dict[str, Any]]:
    numbers = range(start, start + n)
    return [
        {"sentence1": f"Text {i}.", "sentence2": f"Claim {i}.", "label": -1 if hidden else i % 2, "idx": i}
        for i in numbers
    ]


def make_data_sets(root: Path) -> None:
    """The layouts of the real ones: Parquet with a card, Parquet by folder, JSON lines."""
    import pyarrow
    import pyarrow.parquet

    def table(path: Path, rows: list[dict[str, Any]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)

    glue = root / "nyu-mll/glue/main"
    table(glue / "rte/train-00000-of-00001.parquet", rte_rows(80))
    table(glue / "rte/validation-00000-of-00001.parquet", rte_rows(40, start=1000))
    table(glue / "rte/test-00000-of-00001.parquet", rte_rows(30, start=2000, hidden=True))
    table(glue / "cola/train-00000-of-00001.parquet", [{"sentence": "Good.", "label": 1}])
    (glue / "README.md").write_text(CARD)

    boolq = root / "google/boolq/main/data"
    passages = [{"question": f"is {i} odd", "answer": i % 2 == 1, "passage": f"On {i}."} for i in range(60)]
    for i in range(2):
        table(boolq / f"train-{i:05}-of-00002.parquet", passages[20 * i : 20 * i + 20])
    table(boolq / "validation-00000-of-00001.parquet", passages[40:])

    sciq = root / "allenai/sciq/main"
    sciq.mkdir(parents=True)
    row = {
        "question": "What rusts?",
        "correct_answer": "iron",
        "distractor1": "tin",
        "distractor2": "zinc",
        "distractor3": "gold",
        "support": "Iron rusts.",
    }
    (sciq / "test.jsonl").write_text(json.dumps(row))

    broken = root / "owner/torn/main"
    broken.mkdir(parents=True)
    (broken / "validation.jsonl").write_text('{"sentence1": "Text"\n{"sentence1"')
    (root / "owner/unreadable/main").mkdir(parents=True)
    (root / "owner/unreadable/main/notes.xyz").write_bytes(b"?")


SETS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "rte": ("rte", "test", {}),
    "rte again": ("rte", "train", {}),
    "boolq": ("boolq", "test", {}),
    "boolq trained on": ("boolq", "train", {}),
    "sciq": ("sciq", "test", {}),
    "hidden": ("rte", "test", {"splits": {"train": "train", "validation": "train", "test": "test"}}),
    "config": ("rte", "test", {"config": "rta"}),
    "no config": ("rte", "test", {"config": None}),
    "split": ("boolq", "test", {"splits": {"train": "train", "validation": "train", "test": "tset"}}),
    "field": ("rte", "train", {"config": "cola", "splits": {"train": "train"}}),
    "label": ("rte", "test", {"hub": "google/boolq", "config": None}),
    "revision": ("rte", "test", {"revision": "v2"}),
    "none": ("rte", "test", {"hub": "owner/none"}),
    "private": ("rte", "test", {"hub": "owner/private"}),
    "broken": ("rte", "test", {"hub": "owner/broken"}),
    "silent": ("rte", "test", {"hub": "owner/silent"}),
    "cut": ("rte", "test", {"hub": "owner/cut"}),
    "midway": ("rte", "test", {"hub": "owner/midway"}),
    "torn": ("rte", "test", {"hub": "owner/torn", "config": None}),
    "unreadable": ("rte", "test", {"hub": "owner/unreadable", "config": None}),
}


def ask(environment: dict[str, str], *names: str) -> dict[str, Any]:
    """Open data sets, one after the other, in a process of its own; what came of each."""
    asked = {name: json.dumps(SETS[name]) for name in names}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *asked.values()],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    return {name: got[line] for name, line in asked.items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every data set; and, once the hub is gone, of one that was loaded before ("gone")."""
    home = tmp_path_factory.mktemp("hub")
    make_data_sets(home / "served/datasets")
    midway = home / "served/datasets/owner/midway/main"
    shutil.copytree(home / "served/datasets/nyu-mll/glue/main", midway)
    with StandinHub(home / "served") as standin:
        standin.faults = {
            "owner/private": 401,
            "owner/broken": 503,
            "owner/silent": "hang",
            "owner/cut": "drop",
        }
        standin.faults["owner/midway"], standin.sound_files["owner/midway"] = 503, 1
        environment = standin.environment(home / "home", HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="2")
        environment.pop("OVBOOK_TEXT_DIR", None)
        got = ask(environment, *SETS)
    gone = ask(environment, "rte", "sciq")
    offline = ask({**environment, "HF_HUB_OFFLINE": "1"}, "rte")
    return {**got, "gone": gone["rte"], "offline": offline["rte"]}


@pytest.mark.slow
def test_rows_become_the_right_examples(answers: dict[str, Any]) -> None:
    rte = {question: answer for question, answer, _ in answers["rte"]["examples"]}
    assert rte == {f"Text: Text {i}.\nClaim: Claim {i}.": ("yes", "no")[i % 2] for i in range(1000, 1040)}
    boolq = {question: answer for question, answer, _ in answers["boolq"]["examples"]}
    assert boolq == {f"Passage: On {i}.\nQuestion: is {i} odd?": ("no", "yes")[i % 2] for i in range(40, 60)}
    assert answers["sciq"]["examples"] == [
        ["Passage: Iron rusts.\nQuestion: What rusts?", "iron", ["gold", "iron", "tin", "zinc"]]
    ]
    # Of both shards; validation takes its share.
    trained = {question for question, _, _ in answers["boolq trained on"]["examples"]}
    assert 30 <= len(trained) < 40
    assert not trained & set(boolq)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hidden", " of the test split of 'rte' has a hidden label (-1)"),
        ("config", "has no configuration 'rta' (did you mean 'rte'?): it has rte, cola"),
        ("no config", "has several configurations: it has rte, cola"),
        ("split", "has no split 'tset': it has train, validation"),
        ("field", "row 1 of the train split of 'rte' has no field 'sentence1': it has sentence, label"),
        ("label", "has no field 'sentence1': it has question, answer, passage"),
        ("revision", "data set 'nyu-mll/glue' has no revision 'v2': it has main"),
        ("none", "data set 'owner/none' does not exist on the hub (404)"),
        ("private", "does not show data set 'owner/private' to you (401)"),
        ("broken", "out of order (503)"),
        ("silent", "did not answer in time"),
        ("cut", "cannot be reached"),
        ("midway", "out of order (503)"),
        ("torn", "data set 'owner/torn' cannot be read"),
        ("unreadable", "data set 'owner/unreadable' cannot be read"),
    ],
)
def test_each_refusal_is_one_sentence_soon(answers: dict[str, Any], name: str, says: str) -> None:
    answer = answers[name]
    assert answer.get("type") in ("OvbookError", "Unreachable")
    assert says in answer["error"]
    assert "\n" not in answer["error"]
    assert answer["seconds"] < 10


@pytest.mark.slow
@pytest.mark.parametrize("how", ["gone", "offline"])
def test_what_was_loaded_once_needs_no_hub(answers: dict[str, Any], how: str) -> None:
    assert sorted(answers[how].get("examples", [])) == sorted(answers["rte"]["examples"])
    assert "the copy downloaded earlier is used" in answers[how]["warned"][0]

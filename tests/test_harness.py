"""Benchmarks by lm-evaluation-harness: with the library, on local task files; without it, one sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ovbook.errors import OvbookError
from ovbook.models import init, parse_model, save_checkpoint
from ovbook.runs import Checkpoint, Harness, Pretrain
from ovbook.runs.harness_work import run
from ovbook.text.bpe import train_bpe

TASK = """
task: lobsters
dataset_path: json
dataset_kwargs:
  data_files: {{test: {file}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
"""


def _spec(folder: Path, **more: object) -> Harness:
    return Harness(
        base=Checkpoint(run=Pretrain(model="olmo:16x1", budget=8 * 128, batch=8)), tasks=("lobsters",), **more
    )


def test_without_the_library_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(
        OvbookError,
        match=r"needs a library that is not installed \(lm_eval\): pip install lm-eval accelerate",
    ):
        run(_spec(tmp_path), SimpleNamespace(), tmp_path, "cpu")


@pytest.mark.slow
def test_scores_belong_to_the_model_that_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models asked the same: no answers of the first are handed out for the second."""
    pytest.importorskip("lm_eval")
    pytest.importorskip("accelerate")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    files = tmp_path / "files"
    files.mkdir()
    rows = [
        {"question": f"The lobster {i} is", "choices": ["blue", "grey", "old"], "label": i % 3}
        for i in range(60)
    ]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (files / "lobsters.yaml").write_text(TASK.format(file=tmp_path / "test.jsonl"))
    words = train_bpe(["The blue grey old lobster is 0 1 2 3 4 5 6 7 8 9. " * 40], 300)
    shape = parse_model("olmo:16x1", vocab=words.get_vocab_size(), context=64)
    said = []
    for seed in (0, 1):
        folder = tmp_path / f"model{seed}"
        save_checkpoint(folder, {n: 3 * t for n, t in init(shape, [seed]).items()}, shape, words.to_str())
        inputs = SimpleNamespace(checkpoint=lambda _, folder=folder: folder)
        said.append(run(_spec(tmp_path, files=str(files), limit=50), inputs, tmp_path, "cpu"))
    for records in said:
        [acc] = [record for record in records if record["metric"] == "acc"]
        assert (acc["benchmark"], acc["items"]) == ("lobsters", 50)
        assert 0 <= acc["value"] <= 1
    assert said[0] != said[1]
    with pytest.raises(OvbookError, match=r"has no benchmark 'lobster' .did you mean 'lobsters'"):
        run(
            Harness(base=_spec(tmp_path).base, tasks=("lobster",), files=str(files)),
            SimpleNamespace(),
            tmp_path,
            "cpu",
        )


def test_task_files_are_part_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("task: a\n")
    before = _spec(tmp_path, files=str(tmp_path)).key()
    (tmp_path / "a.yaml").write_text("task: a\nlimit: 3\n")
    assert _spec(tmp_path, files=str(tmp_path)).key() != before

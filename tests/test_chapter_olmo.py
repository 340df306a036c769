"""The chapter on OLMo by parameters alone: on a stand-in hub, interrupted, resumed, with a benchmark of one's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ovbook.claims import MIME
from released_suites import TEXT, prepare_released, write_dialogues, write_questions
from standin_hub import StandinHub

pytestmark = pytest.mark.timeout(
    1200
)  # client processes that load transformers, on machines with other things to do

ROOT = Path(__file__).parents[1]
REAL = os.environ.get("OVBOOK_TEXT_DIR")


def _asked(home: Path) -> dict[str, Any]:
    """Parameters of the chapter: three released models, two of one suite."""
    return {
        "scale": "smoke",
        "seeds": 2,
        "released": "owner/suite@1B,owner/suite@2B,owner/llama",
        "corpus": f"file:{home / 'text.txt'}",
        "benchmarks": f"file:{home / 'questions'}",
        "context": 64,
        "rates": "1e-3,1e-2",
        "examples": 16,
        "questions": 4,
        "rows": 4,
        "gammas": "0.0,0.2",
        "draws": 2,
    }


def _command(asked: dict[str, Any], *, cells: bool = False) -> list[str]:
    module = ["ovbook.runs", "08", "--workers", "1"] if cells else ["ovbook.cli", "run", "08"]
    return [
        sys.executable,
        "-m",
        *module,
        *(word for item in asked.items() for word in ("-p", f"{item[0]}={item[1]}")),
    ]


ENOUGH = 3
"""Runs to wait for before the sweep is interrupted."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of a run that was interrupted, of the same run again, and of one with two names for one model."""
    home = tmp_path_factory.mktemp("olmo")
    prepare_released(home / "served/models/owner")
    (home / "text.txt").write_text(TEXT)
    write_questions(home / "questions")
    texts = Path(REAL) if REAL and (Path(REAL) / "hh-rlhf").is_dir() else home / "texts"
    if not texts.exists():
        write_dialogues(texts / "hh-rlhf")
    with StandinHub(home / "served") as standin:
        environment = standin.environment(
            home / "cache",
            OVBOOK_STORE=str(home / "store"),
            OVBOOK_TEXT_DIR=str(texts),
            PYTHONPATH=str(ROOT / "src"),
        )
        twice = _asked(home) | {"released": "owner/flat@step200-tokens2B,owner/flat@step300-tokens3B"}
        refused = subprocess.run(
            _command(twice, cells=True), cwd=ROOT, env=environment, capture_output=True, text=True
        )
        cells = subprocess.Popen(
            _command(_asked(home), cells=True), cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True
        )
        done: list[Path] = []
        until = time.monotonic() + 240
        while len(done) < ENOUGH and cells.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
            done = list((home / "store/results").glob("*/*/*/manifest.json"))
        cells.send_signal(signal.SIGINT)
        said = cells.communicate(timeout=120)[1]
        kept = {
            path: path.stat().st_mtime_ns for path in (home / "store/results").glob("*/*/*/manifest.json")
        }
        run = subprocess.run(
            [*_command(_asked(home)), "--out", str(home / "out.ipynb")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stderr[-3000:]
    return {
        "refused": refused,
        "interrupted": (cells.returncode, said),
        "again": [path for path, at in kept.items() if path.stat().st_mtime_ns != at],
        "kept": len(kept),
        "notebook": json.loads((home / "out.ipynb").read_text()),
    }


@pytest.mark.slow
def test_two_names_for_one_model_are_refused_before_anything_is_fetched(page: dict[str, Any]) -> None:
    assert page["refused"].returncode == 2
    assert "step200-tokens2B = step300-tokens3B" in page["refused"].stderr
    assert page["refused"].stderr.count("\n") == 1


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_where_it_was(page: dict[str, Any]) -> None:
    code, said = page["interrupted"]
    assert code == 130
    assert "runs computed and kept: run the same command again" in said
    assert page["kept"] >= ENOUGH
    assert page["again"] == []


@pytest.mark.slow
def test_the_page_has_its_tables_and_judges_nothing(page: dict[str, Any]) -> None:
    outputs = [output for cell in page["notebook"]["cells"] for output in cell.get("outputs", [])]
    rows = {row["id"]: row for o in outputs if (row := o.get("data", {}).get(MIME))}
    assert {name: row["verdict"] for name, row in rows.items()} == dict.fromkeys(
        ("A9", "A10"), "not tested at this scale"
    )
    assert "ovbook run 08 -p scale=paper -p released=allenai/OLMo-1B-hf@2.3T" in rows["A9"]["reason"]
    tables = ["".join(o["data"]["text/html"]) for o in outputs if "text/html" in o.get("data", {})]
    of_models = [table for table in tables if "owner/suite" in table and "owner/llama" in table]
    assert any("accuracy after" in table for table in of_models)
    assert any("step 0" in table and "documented" in table for table in of_models)
    assert "Run for this page: owner/suite at step100-tokens1B" in json.dumps(page["notebook"])

"""Downloads from a hub that fails, by the hub's own client from a stand-in: a sentence soon, and nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from standin_hub import CUT, DROP, HANG, SHORT, StandinHub

pytest.importorskip("huggingface_hub")

FILES = {f"part-{i}.bin": bytes([i]) * 50_000 for i in range(1, 5)}
CLIENT = """
import json, sys, time, warnings
import huggingface_hub.constants
from ovbook import hub
sys.modules["ovbook.hub.patience"]._SECONDS = 1.0
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 10_000  # what arrives is kept in pieces of 10 MB, too long for here
out = {}
for name in sys.argv[1:]:
    repo, _, revision = name.partition("@")
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            folder = hub.download(repo, revision or None, patterns=["*.bin"])
            said = {"files": {p.name: [p.read_bytes()[0], p.stat().st_size] for p in folder.iterdir()}}
        except Exception as error:
            said = {"error": str(error), "type": type(error).__name__}
    warned = [str(w.message) for w in caught if "downloaded earlier" in str(w.message)]
    out[name] = {**said, "seconds": time.perf_counter() - started, "warned": warned}
print(json.dumps(out))
"""
WHOLE = {name: [data[0], len(data)] for name, data in FILES.items()}


def serve(root: Path, *names: str) -> StandinHub:
    for name in names:
        folder = root / "served/models/owner" / name / "main"
        folder.mkdir(parents=True)
        for file, data in FILES.items():
            (folder / file).write_bytes(data)
    return StandinHub(root / "served")


def ask(standin: StandinHub, home: Path, *names: str, **more: str) -> dict[str, Any]:
    """Download repositories, one after the other, in a process of its own; what came of each."""
    limits = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1", **more}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *(f"owner/{name}" for name in names)],
        env=standin.environment(home, **limits),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    got: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {name.removeprefix("owner/"): answer for name, answer in got.items()}


@pytest.mark.slow
def test_a_download_that_breaks_is_resumed(tmp_path: Path) -> None:
    with serve(tmp_path, "cut", "hiccup", "slow") as standin:
        standin.file_faults = {
            "owner/cut/part-2": [CUT, CUT],
            "owner/hiccup/part-3": [503],
            "owner/slow/part-1": [HANG],
        }
        got = ask(standin, tmp_path / "home", "cut", "hiccup", "slow")
        cut, hiccup, slow = (got[name] for name in ("cut", "hiccup", "slow"))
        assert cut.get("files") == hiccup.get("files") == slow.get("files") == WHOLE
        # From where it broke, twice; and the files that had come were not asked for again.
        assert standin.resumed == ["part-2.bin"] * 2
        fetched = [path for command, path in standin.log if command == "GET" and "/hiccup/resolve" in path]
        assert len(fetched) == len(FILES) + 1
        assert not any(standin.file_faults.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "says"), [(503, "out of order (503)"), (HANG, "in time"), (DROP, "reached")]
)
def test_a_hub_that_fails_midway_says_so_and_loses_nothing(
    tmp_path: Path, fault: int | str, says: str
) -> None:
    with serve(tmp_path, "suite") as standin:
        standin.faults, standin.sound_files = {"owner/suite": fault}, {"owner/suite": 2}
        refused = ask(standin, tmp_path / "home", "suite")["suite"]
        assert refused["type"] == "Unreachable"
        assert says in refused["error"]
        assert "(the 2 files that have arrived are kept)" in refused["error"]
        assert "\n" not in refused["error"]
        assert refused["seconds"] < 15

        standin.faults.clear()
        standin.log.clear()
        assert ask(standin, tmp_path / "home", "suite")["suite"].get("files") == WHOLE
        assert sum(command == "GET" and "/resolve/" in path for command, path in standin.log) == 2


def test_a_file_of_another_length_is_refused(tmp_path: Path) -> None:
    with serve(tmp_path, "short") as standin:
        standin.file_faults = {"owner/short/part-2": [SHORT] * 9}
        refused = ask(standin, tmp_path / "home", "short")["short"]
    assert "in another length than it announced" in refused["error"]
    assert "\n" not in refused["error"]
    assert refused["seconds"] < 8


@pytest.mark.slow
def test_a_copy_in_the_cache_needs_no_hub(tmp_path: Path) -> None:
    with serve(tmp_path, "suite", "other") as standin:
        served = standin.repository("models", "owner/suite")
        assert served is not None
        commit = served.commits["main"]
        ask(standin, tmp_path / "home", "suite")
        standin.log.clear()
        pinned = ask(standin, tmp_path / "home", f"suite@{commit}")[f"suite@{commit}"]
        assert pinned.get("files") == WHOLE
        assert standin.log == []
    for more in ({}, {"HF_HUB_OFFLINE": "1"}):
        gone = ask(standin, tmp_path / "home", "suite", "other", **more)
        assert gone["suite"].get("files") == WHOLE
        assert "the copy downloaded earlier is used" in gone["suite"]["warned"][0]
        assert ("HF_HUB_OFFLINE" if more else "cannot be reached") in gone["other"]["error"]
        assert gone["other"]["seconds"] < 8


def test_a_part_of_a_repository_is_no_copy(tmp_path: Path) -> None:
    with serve(tmp_path, "suite") as standin:
        standin.file_faults = {"owner/suite/part-2": [404] * 9}
        ask(standin, tmp_path / "home", "suite")
    assert "cannot be reached" in ask(standin, tmp_path / "home", "suite")["suite"]["error"]

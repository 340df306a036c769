"""The store: a result is whole, as it was written, or not there; whatever happens to its writers and files."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ovbook.errors import OvbookError
from ovbook.runs import Store, StoreWarning, execute
from runs_fakes import Number, counted

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _count(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_TEST_COUNT", str(tmp_path / "count"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))


def run(spec, root):
    return execute([spec], store=root, workers=1, device="cpu")


def content(folder: Path) -> dict[str, bytes]:
    files = [
        f for f in folder.rglob("*") if f.is_file() and f.name not in ("provenance.json", "manifest.json")
    ]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def test_a_result_is_computed_once_and_read_back(tmp_path):
    spec = Number(value=3)
    assert run(spec, tmp_path).store.rows(spec).to_pylist()[0]["twice"] == 6
    again = run(Number(value=3), tmp_path)
    assert again.store.rows(spec).to_pylist()[0]["twice"] == 6
    assert counted() == ["3"]
    record = again.store.provenance(spec)
    assert record["threads"] == 1
    assert record["stack"] == 1
    assert record["device"].startswith("cpu")


def test_what_a_run_took_is_what_its_thread_computed_and_not_how_long_it_waited(tmp_path):
    spec = Number(value=3, seconds=1.0)
    assert run(spec, tmp_path).store.provenance(spec)["seconds"] < 0.5


def test_files_needs_no_torch():
    code = "import sys, ovbook.files; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


WRITER = """
import os, sys
from pathlib import Path
from ovbook.files import atomic_folder, sha256_bytes
root, number = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    number += 1
    with atomic_folder(root / f"{number:064x}") as scratch:
        blob = os.urandom(1 << 16)
        for part in range(8):
            (scratch / f"{part}.bin").write_bytes(blob)
        (scratch / "sum").write_text(sha256_bytes(blob))
"""


def newest_whole(folder: Path) -> int:
    """Number of the newest result; every one by its final name must be whole."""
    from ovbook.files import sha256_file

    names = sorted(p.name for p in folder.glob("*") if ".partial-" not in p.name)
    for name in names:
        total = (folder / name / "sum").read_text()
        assert all(sha256_file(folder / name / f"{part}.bin") == total for part in range(8)), name
    return int(names[-1], 16) if names else 0


def test_a_writer_killed_fifty_times_leaves_only_whole_results(tmp_path):
    folder = tmp_path / "results" / "number" / "00"
    folder.mkdir(parents=True)
    luck = random.Random(7)
    number, partials = 0, 0
    for _ in range(50):
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", WRITER, str(folder), str(number)], stdout=subprocess.PIPE
        )
        child.stdout.readline()
        time.sleep(luck.uniform(0.0, 0.05))
        child.kill()
        child.wait()
        child.stdout.close()
        number = newest_whole(folder)
        partials += len(list(folder.glob("*.partial-*")))
    assert number > 0
    assert partials > 0, "no kill fell into a write: the test tests nothing"
    Store(tmp_path)
    assert not list(folder.glob("*.partial-*"))


def test_the_check_of_the_kill_test_sees_a_torn_result(tmp_path):
    folder = tmp_path / f"{1:064x}"
    folder.mkdir()
    for part in range(8):
        (folder / f"{part}.bin").write_bytes(b"x")
    (folder / "sum").write_text("0" * 64)
    with pytest.raises(AssertionError):
        newest_whole(tmp_path)


def test_what_others_are_writing_is_left_alone(tmp_path):
    store = Store(tmp_path)
    spec = Number(value=1)
    place = store.place(spec)
    place.parent.mkdir(parents=True)
    ours = place.with_name(f"{place.name}.partial-{os.getpid()}")
    dead = place.with_name(f"{place.name}.partial-999999999")
    ours.mkdir()
    dead.mkdir()
    code = f"""
        from filelock import FileLock
        with FileLock({str(tmp_path / "locks" / (place.name + ".lock"))!r}):
            print("held", flush=True); input()
    """
    (tmp_path / "locks").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        Store(tmp_path)
        assert dead.exists(), "its lock is held: a process on another machine may be writing it"
    finally:
        holder.communicate(b"\n")
    Store(tmp_path)
    assert ours.exists()
    assert not dead.exists()


FILES = ("rows.parquet", "provenance.json", "manifest.json", "checkpoints/end/weights.bin")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_file_is_set_aside_and_computed_again(tmp_path, file, damage):
    spec = Number(value=5)
    first = run(spec, tmp_path).folder(spec)
    before = content(first)
    assert set(FILES) <= {*before, "provenance.json", "manifest.json"}
    path = first / file
    data = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        path.unlink()
    with pytest.warns(StoreWarning, match="set-aside") as warned:
        results = run(spec, tmp_path)
    assert len(warned) == 1
    assert content(results.folder(spec)) == before
    assert counted() == ["5", "5"]
    aside = list((tmp_path / "set-aside").iterdir())
    assert len(aside) == 1, "nothing is deleted"
    assert len(list(aside[0].rglob("*"))) >= len(FILES) - 1


def test_hashes_are_read_once_per_process_and_sizes_always(tmp_path):
    spec = Number(value=5)
    store = run(spec, tmp_path).store
    weights = store.found(spec) / "checkpoints" / "end" / "weights.bin"
    weights.write_bytes(b"\x07" * 1000)
    assert store.find(spec) is not None, "hashed before in this process"
    weights.write_bytes(b"\x07" * 999)
    with pytest.warns(StoreWarning, match="another size"):
        assert store.find(spec) is None


def test_a_disk_that_fills_while_saving_keeps_what_was_finished(tmp_path, monkeypatch):
    done = Number(value=1)
    run(done, tmp_path)

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OvbookError, match="the disk filled while saving"):
            run(Number(value=2), tmp_path)
    store = Store(tmp_path)
    assert store.find(done) is not None
    assert store.find(Number(value=2)) is None
    assert not list(tmp_path.rglob("*.partial-*"))
    run(Number(value=2), tmp_path)
    assert counted() == ["1", "2", "2"]


@pytest.mark.parametrize("mood", ["full", "full as text"])
def test_a_disk_that_fills_inside_an_operation_stops_the_list(tmp_path, mood):
    specs = [Number(value=1, plan=9.0), Number(value=2, mood=mood, plan=5.0), Number(value=3)]
    with pytest.raises(OvbookError, match="the disk filled while saving"):
        execute(specs, store=tmp_path, workers=1, device="cpu")
    assert counted() == ["1", "2"], "nothing more is computed for a disk that cannot hold it"
    assert Store(tmp_path).find(specs[0]) is not None


def test_two_processes_that_ask_for_one_run_compute_it_once(tmp_path):
    code = """
        import sys
        from runs_fakes import Number
        from ovbook.runs import execute
        spec = Number(value=4, seconds=1.0)
        print("ready", flush=True); input()
        results = execute([spec], store=sys.argv[1], workers=1, device="cpu")
        print(results.store.rows(spec).to_pylist()[0]["twice"])
    """
    both = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0].strip() for process in both] == ["8", "8"]
    assert counted() == ["4"]


def test_a_file_where_the_store_should_be(tmp_path):
    (tmp_path / "store").write_text("")
    with pytest.raises(OvbookError, match="that is a file"):
        Store(tmp_path / "store")


def test_the_environment_names_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "elsewhere"))
    spec = Number(value=1)
    results = execute([spec], workers=1, device="cpu")
    assert results.folder(spec).is_relative_to(tmp_path / "elsewhere")
    manifest = json.loads((results.folder(spec) / "manifest.json").read_text())
    assert manifest["key"] == spec.key()

"""The runner: order, processes, faults, progress."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ovbook.errors import OvbookError
from ovbook.runs import Interrupted, Pretrain, Store, execute, plan
from ovbook.runs.machine import available_cores, worker_count
from ovbook.runs.plan import Prices, in_order
from ovbook.runs.progress import someone_watches
from ovbook.runs.stacks import take_stack
from runs_fakes import Number, counted

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _count(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_TEST_COUNT", str(tmp_path / "count"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))


def chain(length):
    spec = Number(value=1)
    for value in range(2, length + 1):
        spec = Number(value=value, after=(spec,))
    return spec


def test_parents_come_first_and_each_once():
    spec = chain(4)
    assert [s.value for s in in_order([spec, spec.after[0], Number(value=1)])] == [1, 2, 3, 4]


def test_a_plan_counts_and_prices_before_anything_runs(tmp_path):
    store = Store(tmp_path)
    specs = [chain(3), Number(value=1), Number(value=9, plan=100.0), Number(value=9, plan=100.0)]
    work = plan(specs, store, workers=2)
    assert (len(work), len(work.cached), len(work.todo)) == (3, 0, 4)
    assert work.seconds == pytest.approx(100.0)
    assert "4 to compute (4 Number)" in str(work)
    assert "2 min" in str(work)
    assert counted() == []
    execute([chain(3)], store=store, workers=1, device="cpu")
    after = plan(specs, store)
    assert [s.value for s in after.todo] == [9]
    assert len(after.cached) == 2


def test_a_stored_result_does_not_ask_for_its_parents(tmp_path):
    import shutil

    store = Store(tmp_path)
    execute([chain(2)], store=store, workers=1, device="cpu")
    shutil.rmtree(store.place(Number(value=1)))
    assert not plan([chain(2)], store).todo
    assert [s.value for s in plan([chain(3)], store).todo] == [3]


@pytest.mark.parametrize("specs", [[], ()])
def test_no_runs_is_said(specs, tmp_path):
    with pytest.raises(OvbookError, match="holds no runs"):
        execute(specs, store=tmp_path)
    with pytest.raises(OvbookError, match="must hold specs"):
        execute(["pretrain"], store=tmp_path)


def test_workers_compute_a_tree_in_order(tmp_path):
    specs = [chain(3), *(Number(value=v) for v in range(10, 14))]
    results = execute(specs, store=tmp_path, workers=2, device="cpu", progress=False)
    assert results.table(Number, value=3).twice.item() == 12
    frame = results.table(Number)
    assert sorted(frame.value) == [1, 2, 3, 10, 11, 12, 13]
    assert os.getpid() not in set(frame.pid)
    assert sorted(counted(), key=int) == ["1", "2", "3", "10", "11", "12", "13"]


def test_a_worker_has_one_thread(tmp_path):
    spec = Number(value=1, mood="torch")
    row = execute([spec], store=tmp_path, workers=1, device="cpu").table(Number).iloc[0]
    assert row.pid == os.getpid()
    assert row.threads == 1
    specs = [Number(value=v, mood="torch") for v in (2, 3)]
    frame = execute(specs, store=tmp_path, workers=2, device="cpu").table(Number)
    assert set(frame.threads) == {1}
    assert set(frame.OMP_NUM_THREADS) == set(frame.MKL_NUM_THREADS) == {"1"}
    assert os.getpid() not in set(frame.pid)


def test_the_caller_gets_its_threads_back(tmp_path):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        results = execute([Number(value=1, mood="torch")], store=tmp_path, workers=1, device="cpu")
        assert results.table(Number).threads.item() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_killed_worker_costs_one_try(tmp_path):
    specs = [Number(value=1, mood="dies once"), *(Number(value=v) for v in range(2, 6))]
    results = execute(specs, store=tmp_path, workers=2, device="cpu")
    assert sorted(results.table(Number).value) == [1, 2, 3, 4, 5]
    assert counted().count("1") == 2


def test_killed_twice_is_a_failure_of_that_run_alone(tmp_path):
    specs = [Number(value=1, mood="dies"), Number(value=2), Number(value=3)]
    with pytest.raises(
        OvbookError, match=r"1 of 3 runs failed: Number\(1 dies\): its process was killed twice"
    ):
        execute(specs, store=tmp_path, workers=2, device="cpu")
    assert counted().count("1") == 2
    assert [Store(tmp_path).find(s) is not None for s in specs] == [False, True, True]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_takes_along_only_what_builds_on_it(tmp_path, workers):
    bad = Number(value=1, mood="fails")
    specs = [
        Number(value=2, after=(bad,)),
        Number(value=3, after=(Number(value=2, after=(bad,)),)),
        Number(value=4),
    ]
    with pytest.raises(OvbookError) as said:
        execute(specs, store=tmp_path, workers=workers, device="cpu")
    text = str(said.value)
    assert "1 of 4 runs failed and 2 that build on them were not started" in text
    assert "Number(1 fails): RuntimeError: the numbers ran out" in text
    log = next((tmp_path / "logs").glob("number-*.txt"))
    assert str(log) in text
    assert "Traceback" in log.read_text()
    assert Store(tmp_path).find(specs[2]) is not None


def test_a_mistake_keeps_its_sentence(tmp_path):
    with pytest.raises(OvbookError, match="value is odd, but it must be even") as said:
        execute([Number(value=1, mood="refuses")], store=tmp_path, workers=1, device="cpu")
    assert "traceback" not in str(said.value)


INTERRUPTED = """
    import sys
    from runs_fakes import Number
    from ovbook.runs import Interrupted, execute
    specs = [Number(value=v, seconds=0.0 if v < 3 else 60.0, plan=10.0 - v) for v in range(1, 6)]
    try:
        execute(specs, store=sys.argv[1], workers=2, device="cpu", progress=False)
    except Interrupted as error:
        print(error)
"""


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interruption_loses_at_most_the_runs_in_hand(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(counted()) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children_of(process.pid)
    assert len(workers) == 2
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    if number == signal.SIGINT:
        assert out.startswith("interrupted with 2 of 5 runs computed and kept: run the same command again")
        assert err == ""
    deadline = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers), "no worker outlives its caller"
    store = Store(tmp_path)
    assert [store.find(Number(value=v, plan=10.0 - v)) is not None for v in (1, 2)] == [True, True]
    assert not list(tmp_path.rglob("*.partial-*"))


def test_ctrl_c_without_workers(tmp_path, monkeypatch):
    import runs_fakes

    def interrupt(spec, inputs, out, device):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs_fakes, "compute", interrupt)
    with pytest.raises(Interrupted, match="0 of 1 runs computed"):
        execute([Number(value=1)], store=tmp_path, workers=1, device="cpu")
    with pytest.raises(KeyboardInterrupt):
        execute([Number(value=1)], store=tmp_path, workers=1, device="cpu")


def test_a_gpu_where_there_is_none(tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(OvbookError, match="device is 'cuda', but PyTorch sees no GPU"):
        execute([Number(value=1)], store=tmp_path, device="cuda")
    with pytest.raises(OvbookError, match="device is 'gpu', but it must be"):
        execute([Number(value=1)], store=tmp_path, device="gpu")


def test_worker_counts(monkeypatch):
    monkeypatch.delenv("OVBOOK_WORKERS", raising=False)
    assert worker_count() == available_cores()
    monkeypatch.setenv("OVBOOK_WORKERS", "3")
    assert worker_count() == 3
    assert worker_count(2) == 2
    for text in ("0", "many", "-1"):
        monkeypatch.setenv("OVBOOK_WORKERS", text)
        with pytest.raises(OvbookError, match="OVBOOK_WORKERS is"):
            worker_count()
    with pytest.raises(OvbookError, match="workers is 0"):
        worker_count(0)


def test_stacks_are_of_one_shape_and_even(tmp_path):
    specs = [Number(value=v) for v in range(5)] + [Number(value=9, mood="x"), chain(2)]
    assert [s.value for s in take_stack(specs[0], specs, 3)] == [0, 1, 2]
    assert len(take_stack(specs[0], specs[1:], 4)) == 3
    assert take_stack(specs[-1], specs, 4) == [specs[-1]]
    results = execute(specs[:4], store=tmp_path, workers=1, device="cpu", stack=2)
    assert list(results.table(Number).pid) == [2, 2, 2, 2]
    assert sorted(results.provenance.slot) == [0, 0, 1, 1]
    assert set(results.provenance["stack"]) == {2}
    with pytest.raises(OvbookError, match="stack is 0"):
        execute(specs, store=tmp_path, stack=0)


def test_width_of_a_stack_is_no_part_of_the_key(tmp_path):
    specs = [Number(value=v) for v in range(4)]
    execute(specs, store=tmp_path, workers=1, device="cpu", stack=4)
    execute(specs, store=tmp_path, workers=1, device="cpu")
    assert sorted(counted()) == ["0", "1", "2", "3"]


def test_progress_for_programs(tmp_path, monkeypatch, capsys):
    file = tmp_path / "progress.jsonl"
    monkeypatch.setenv("OVBOOK_PROGRESS_FILE", str(file))
    execute([chain(3)], store=tmp_path / "store", workers=1, device="cpu")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["done"] == 0
    assert lines[-1]["done"] == lines[-1]["total"] == 3
    assert lines[-1]["seconds_left"] == 0
    assert any("Number(2)" in line["label"] for line in lines)
    assert capsys.readouterr().err == ""


def test_a_bar_only_where_someone_watches(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("OVBOOK_PROGRESS", raising=False)
    assert not someone_watches()
    monkeypatch.setenv("OVBOOK_PROGRESS", "1")
    assert someone_watches()
    execute([Number(value=1)], store=tmp_path, workers=1, device="cpu")
    assert "1/1" in capsys.readouterr().err
    monkeypatch.setenv("OVBOOK_PROGRESS", "0")
    execute([Number(value=2)], store=tmp_path, workers=1, device="cpu")
    assert capsys.readouterr().err == ""


def test_prices_learn_from_what_runs_took(tmp_path):
    store = Store(tmp_path)
    store.root.mkdir(exist_ok=True)
    spec = Number(value=1, plan=2.0)
    prices = Prices(store)
    prices.learn(spec, 6.0)
    prices.keep()
    assert Prices(store)(spec) == pytest.approx(6.0)
    assert Prices(store, "cuda")(spec) == pytest.approx(2.0)
    prices.path.write_text("{torn")
    assert Prices(store)(spec) == pytest.approx(2.0)


def test_tables_filter_and_say_what_there_is(tmp_path):
    results = execute([chain(3)], store=tmp_path, workers=1, device="cpu")
    assert list(results.table(Number, value=2).twice) == [6]
    with pytest.raises(OvbookError, match=r"no column 'valu' \(did you mean 'value'\?\)"):
        results.table(Number, valu=2)
    with pytest.raises(OvbookError, match="no rows of Pretrain"):
        results.table(Pretrain)
    with pytest.raises(OvbookError, match="is not in the store"):
        results.folder(Number(value=77))

"""What a chapter's runs were: written down by `execute` where somebody asked for it, summed up for the page.

The press names a file in OVBOOK_LEDGER_FILE before it starts a kernel; every `execute` in that kernel adds a line.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ovbook.files import canonical_json, sha256_bytes
from ovbook.runs.operations import operation_of
from ovbook.runs.plan import in_order
from ovbook.runs.spec import Spec
from ovbook.runs.store import Store

__all__ = ["VARIABLE", "ledger_summary", "write_ledger"]

VARIABLE = "OVBOOK_LEDGER_FILE"
_FROM_RECORD = ("seconds", "started", "device", "threads", "torch", "ovbook", "peak_mib")


def write_ledger(specs: Iterable[Spec], store: Store, *, computed: int, seconds: float, workers: int) -> None:
    """Add one line about `specs` and all they stand on to the file that OVBOOK_LEDGER_FILE names, if it names one.

    computed: how many were not in the store before; seconds: wall time of this `execute`; workers: processes.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return
    runs = [_run(spec, store) for spec in in_order(specs)]
    line = {"computed": computed, "seconds": round(seconds, 3), "workers": workers, "runs": runs}
    with open(file, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def _run(spec: Spec, store: Store) -> dict[str, Any]:
    folder = store.find(spec, hashes=False)
    # A result may have been brought here without its parents: then how long those took is not known.
    record = store.provenance(spec) if folder is not None else {}
    return {
        "key": spec.key(),
        "kind": type(spec).__name__,
        "operation": f"{operation_of(spec).name} {operation_of(spec).version}",
        "seed": getattr(spec, "seed", None),
        "data": _data(spec),
        **{name: record.get(name) for name in _FROM_RECORD},
    }


def _data(spec: Spec) -> dict[str, str]:
    """Hash of each corpus or task that the run itself reads, by name."""
    known = spec.data_hash()
    if isinstance(known, list):
        names = getattr(spec, "corpora", None)
        if names is None:
            names = (getattr(spec, "task", ""), *getattr(spec, "also", ()))
        return {str(name): str(found) for name, found in zip(names, known, strict=True) if found}
    name = getattr(spec, "corpus", None) or getattr(spec, "task", None) or type(spec).__name__
    return {str(name): str(known)} if known else {}


def ledger_summary(file: Path) -> dict[str, Any] | None:
    """Sum the ledger up; None when no `execute` wrote into it.

    runs: count by kind; computed: how many of them this notebook computed; not_timed: how many have no record;
    seconds_inside: wall seconds inside `execute`; seconds_cpu, seconds_gpu: what the runs took when they were computed
    (on a CPU the seconds of its one thread, on a GPU those of the clock), each counted once, members of a stack with their share; peak_mib: the most that one process held, None if not
    recorded; workers, devices, threads, seeds, data (name -> SHA-256),
    operations, torch, ovbook: what they were computed with; started: first and last start; keys_sha256: one hash of all
    keys.
    """
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return None
    if not lines:
        return None
    runs = {run["key"]: run for line in lines for run in line["runs"]}
    timed = [run for run in runs.values() if run["seconds"] is not None]
    started = sorted(_all(timed, "started"))
    return {
        "runs": dict(sorted(Counter(run["kind"] for run in runs.values()).items())),
        "computed": sum(line["computed"] for line in lines),
        "not_timed": len(runs) - len(timed),
        "seconds_inside": round(sum(line["seconds"] for line in lines), 1),
        "seconds_cpu": round(sum(run["seconds"] for run in timed if _on_cpu(run)), 1),
        "seconds_gpu": round(sum(run["seconds"] for run in timed if not _on_cpu(run)), 1),
        "peak_mib": max(_all(timed, "peak_mib"), default=None),
        "workers": max(line["workers"] for line in lines),
        "devices": sorted(_all(timed, "device")),
        "threads": sorted(_all(timed, "threads")),
        "seeds": sorted(_all(runs.values(), "seed")),
        "data": dict(sorted({name: h for run in runs.values() for name, h in run["data"].items()}.items())),
        "operations": sorted(_all(runs.values(), "operation")),
        "torch": sorted(_all(timed, "torch")),
        "ovbook": sorted(_all(timed, "ovbook")),
        "started": [started[0], started[-1]] if started else [],
        "keys_sha256": sha256_bytes(canonical_json(sorted(runs))),
    }


def _all(runs: Iterable[Mapping[str, Any]] | Sequence[Mapping[str, Any]], name: str) -> set[Any]:
    return {run[name] for run in runs if run[name] is not None}


def _on_cpu(run: Mapping[str, Any]) -> bool:
    return str(run["device"] or "cpu").startswith("cpu")

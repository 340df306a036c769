"""Reference results: the verdicts and figure tables of executed chapters, as small files for ``results/``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import atomic_folder, atomic_write, sha256_file
from ovbook.press.execute import read_executed, stale
from ovbook.press.tables import tables
from ovbook.project import Chapter, Project

__all__ = ["RECORD", "TABLE_BYTES", "export", "held", "verdicts_file"]

TABLE_BYTES = 20_000
"""Largest table of a reference run; a larger one is left out, and said to be."""
RECORD = "provenance.json"
"""Beside the tables of a chapter: where they came from, and the hash of each."""

_KEPT = (
    "chapter",
    "source_sha256",
    "commit",
    "dirty",
    "versions",
    "machine",
    "system",
    "cores",
    "parameters",
)


def verdicts_file(results: Path, scale: str) -> Path:
    """Where the verdict rows of `scale` lie in a folder of results."""
    return results / f"{scale}.verdicts.json"


def export(project: Project, chapters: Iterable[Chapter], scale: str, to: Path) -> list[str]:
    """Take what executed chapters found at `scale` into the folder `to`; return a sentence for each chapter.

    Writes ``SCALE.verdicts.json`` (rows of other chapters in it stay) and ``SCALE/CHAPTER/*.csv`` with their
    provenance. Raises `OvbookError`, before anything is written, when a chapter was not executed at `scale` with
    the scale's own values, or its source has changed since.
    """
    from ovbook.runs import SCALES

    if scale not in SCALES or scale == "smoke":
        allowed = [name for name in SCALES if name != "smoke"]
        raise OvbookError(
            f"'{scale}' is no scale that a reference can have{did_you_mean(scale, allowed)}: it is one of "
            f"{', '.join(allowed)}"
        )
    taken = [_read(project, chapter, scale) for chapter in chapters]
    if not taken:
        raise OvbookError("this copy of the book has no chapter: there is nothing to export")
    _write_verdicts(verdicts_file(to, scale), {name: rows for name, rows, _, _ in taken})
    for name, _, figures, record in taken:
        _write_tables(to / scale / name, figures, record)
    return [
        f"{name}: {_count(len(rows), 'verdict')}, {_count(len(figures), 'table')}"
        + (f", left out for their size: {', '.join(record['left_out'])}" if record["left_out"] else "")
        + (" (computed with changes that are not committed)" if record["dirty"] else "")
        for name, rows, figures, record in taken
    ]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _read(
    project: Project, chapter: Chapter, scale: str
) -> tuple[str, list[dict[str, Any]], dict[str, str], dict[str, Any]]:
    """Name, verdict rows, tables (label -> CSV) and provenance of the newest fitting run of one chapter."""
    from ovbook.claims import collect

    path, notebook = _newest(project, chapter, scale)
    metadata = notebook.metadata["ovbook"]
    if stale(notebook, chapter):
        raise OvbookError(
            f"{path.name} is stale, the source of {chapter.name} has changed since: run 'ovbook run {chapter.number} "
            f"-p scale={scale}' again"
        )
    moment = metadata.get("executed_at") or datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    came_from = {name: metadata.get(name) for name in _KEPT} | {"date": moment[:10]}
    rows = []
    for row in collect([path]):
        if row["scale"] == scale:
            row.pop("from", None)
            rows.append(row | {"provenance": {**row["provenance"], **came_from}})
    figures = tables(notebook)
    left_out = sorted(name for name, text in figures.items() if len(text.encode()) > TABLE_BYTES)
    figures = {name: text for name, text in figures.items() if name not in left_out}
    factors = {name: sorted({item for row in rows for item in row[name]}) for name in ("seeds", "worlds")}
    return chapter.name, rows, figures, came_from | factors | {"left_out": left_out}


def _newest(project: Project, chapter: Chapter, scale: str) -> tuple[Path, Any]:
    """The newest run of `chapter` with the values of `scale` and nothing else set."""
    runs = [(path, read_executed(path)) for path in project.own_runs(chapter)]
    here = [
        (path, notebook, dict(notebook.metadata.get("ovbook", {}).get("parameters", {"scale": None})))
        for path, notebook in runs
        if notebook is not None
    ]
    at_scale = [entry for entry in here if entry[2].get("scale", "laptop") == scale]
    plain = [entry for entry in at_scale if set(entry[2]) <= {"scale"}]
    if plain:
        path, notebook, _ = max(plain, key=lambda entry: entry[0].stat().st_mtime)
        return path, notebook
    if at_scale:
        others = ", ".join(f"{k} = {v!r}" for k, v in at_scale[0][2].items() if k != "scale")
        reason = f"its run there has values of its own ({others}), and a reference has the scale's"
    else:
        reason = "it is not executed at that scale here"
    raise OvbookError(
        f"chapter {chapter.name} cannot be exported at {scale}, {reason}: run 'ovbook run {chapter.number} "
        f"-p scale={scale}' first"
    )


def _write_verdicts(path: Path, fresh: Mapping[str, list[dict[str, Any]]]) -> None:
    from ovbook.claims import collect
    from ovbook.claims.registry import IDS

    new = [row for rows in fresh.values() for row in rows]
    replaced = {row["id"] for row in new}
    kept = []
    if path.is_file():
        for row in collect([], path.parent):
            mine = row.pop("from") == path.name
            if mine and row["id"] not in replaced and row["provenance"].get("chapter") not in fresh:
                kept.append(row)
    rows = sorted([*kept, *new], key=lambda row: IDS.index(row["id"]))
    text = json.dumps(rows, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    atomic_write(path, text + "\n")


def _write_tables(folder: Path, figures: Mapping[str, str], record: Mapping[str, Any]) -> None:
    if not figures and not folder.exists():
        return
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with atomic_folder(fresh) as scratch:
        for label, text in figures.items():
            (scratch / f"{label}.csv").write_text(text, encoding="utf-8", newline="")
        hashes = {f"{label}.csv": sha256_file(scratch / f"{label}.csv") for label in sorted(figures)}
        whole = json.dumps({**record, "tables": hashes}, indent=1, sort_keys=True, ensure_ascii=False)
        (scratch / RECORD).write_text(whole + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def held(results: Path) -> list[str]:
    """What a folder of results holds: one line for each scale."""
    from ovbook.claims import collect

    rows = collect([], results)
    lines = []
    for scale in dict.fromkeys(row["scale"] for row in rows):
        mine = [row for row in rows if row["scale"] == scale]
        files = list((results / scale).glob("*/*.csv"))
        dates = sorted({row["provenance"].get("date") for row in mine} - {None})
        machines = sorted({row["provenance"].get("machine") for row in mine} - {None})
        torches = sorted({row["provenance"].get("versions", {}).get("torch") for row in mine} - {None})
        came = [
            *([f"computed {' to '.join(dict.fromkeys((dates[0], dates[-1])))}"] if dates else []),
            *([f"on {', '.join(machines)}"] if machines else []),
            *([f"with torch {', '.join(torches)}"] if torches else []),
        ]
        ids = ", ".join(row["id"] for row in mine)
        lines.append(
            f"{scale}: {_count(len(mine), 'verdict')} ({ids}), {_count(len(files), 'table')}"
            + (f"; {' '.join(came)}" if came else "")
        )
    return lines

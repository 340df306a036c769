"""The page that says what ran when, where and for how long."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ovbook.press.pages.book import Book, ChapterPage
from ovbook.press.pages.text import cards, day, plain
from ovbook.press.provenance import versions
from ovbook.runs.plan import duration

__all__ = ["BUILT_WITH", "built_with", "status"]

BUILT_WITH = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "vl-convert-python")
"""Libraries that shape the pages, beside Python."""


def built_with() -> dict[str, str]:
    """Versions of what draws the pages."""
    return {"python": versions()["python"], **{name: importlib.metadata.version(name) for name in BUILT_WITH}}


def status(book: Book) -> str:
    """The page as Markdown."""
    done = [chapter for chapter in book.chapters if chapter.notebook is not None]
    stubs = [chapter for chapter in book.chapters if chapter.notebook is None]
    lines = [
        "# Status",
        "",
        "What ran when, where, and for how long. Finished results are kept, so running a chapter again takes less than its first "
        "time: *took* is the execution that made the page, *from nothing* adds what the runs behind it took when they were computed, and "
        "*memory* is the most that the notebook and its processes hold together while they compute.",
        "",
        f"{len(done)} of {len(book.chapters)} chapters are computed in this copy."
        + "".join(
            f" Not computed: [chapter {c.number}](../{c.doc}), `ovbook run {c.name[:2]}` does it."
            for c in stubs
        ),
        "",
    ]
    if done:
        lines += [
            "## The runs",
            "",
            _runs(book),
            "",
            "## The machine",
            "",
            _machines(done),
            "",
            "## The sources",
            "",
            _sources(done),
            "",
        ]
    lines += [
        "## Runs made elsewhere",
        "",
        *_references(book.rows),
        "",
        "## Versions",
        "",
        _versions(done),
        "",
    ]
    return "\n".join(lines)


def _parts(book: Book) -> dict[str, list[ChapterPage]]:
    parts: dict[str, list[ChapterPage]] = {}
    for chapter in book.chapters:
        parts.setdefault(chapter.part, []).append(chapter)
    return parts


def _runs(book: Book) -> str:
    rows = []
    for part, chapters in _parts(book).items():
        done = [chapter for chapter in chapters if chapter.notebook is not None]
        rows += [_row(chapter) for chapter in done]
        if len(done) > 1:
            rows.append(_total(part or "All chapters", done))
    return cards(
        ["chapter", "executed", "took", "from nothing", "runs", "cells", "memory"], rows, kind="status"
    )


def _row(chapter: ChapterPage) -> list[str]:
    record = chapter.record
    return [
        f"[{chapter.number}. {plain(chapter.title)}](../{chapter.doc})",
        day(str(record["executed_at"])) if record.get("executed_at") else "not recorded",
        duration(_seconds(record)),
        duration(_alone(record)) if record.get("runs") else "not recorded",
        str(_count(record)) if record.get("runs") else "not recorded",
        str(_cells(chapter)),
        f"{_memory(record):.1f} GiB",
    ]


def _total(part: str, chapters: Sequence[ChapterPage]) -> list[str]:
    records = [chapter.record for chapter in chapters]
    whole = all(record.get("runs") for record in records)
    # Base models are shared: adding up what each chapter stands on would count them once a chapter.
    return [
        f"**{plain(part)}**",
        "",
        duration(sum(map(_seconds, records))),
        f"at most {duration(sum(map(_alone, records)))}" if whole else "",
        f"at most {sum(map(_count, records))}" if whole else "",
        str(sum(map(_cells, chapters))),
        f"{max(map(_memory, records)):.1f} GiB",
    ]


def _seconds(record: Mapping[str, Any]) -> float:
    return float(record.get("seconds", 0.0))


def _alone(record: Mapping[str, Any]) -> float:
    """Wall seconds from nothing: this execution less what it spent on runs, and all its runs on its processes."""
    runs = record["runs"]
    rest = _seconds(record) - (runs["seconds_inside"] if runs["computed"] else 0.0)
    return float(max(rest, 0.0) + runs["seconds_cpu"] / runs["workers"] + runs["seconds_gpu"])


def _memory(record: Mapping[str, Any]) -> float:
    """GiB of the notebook and its processes together: measured where this execution computed, else added up from the runs."""
    here = record.get("peak_mib", 0)
    runs = record.get("runs") or {}
    if not runs or runs["computed"] or runs.get("peak_mib") is None:
        return float(here / 1024)
    return float((here + runs["workers"] * runs["peak_mib"]) / 1024)


def _count(record: Mapping[str, Any]) -> int:
    return int(sum(record["runs"]["runs"].values()))


def _cells(chapter: ChapterPage) -> int:
    cells = chapter.notebook.cells if chapter.notebook is not None else []
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in cells)


def _machines(chapters: Sequence[ChapterPage]) -> str:
    machines: dict[tuple[str, ...], list[ChapterPage]] = {}
    for chapter in chapters:
        record = chapter.record
        where = (
            f"{record.get('system', 'system not recorded')} on {record.get('machine', 'a machine not recorded')}",
            f"{record.get('cores', '?')} cores",
            f"runs on {_devices(record['runs'])}"
            if record.get("runs")
            else "device of the runs not recorded",
        )
        machines.setdefault(where, []).append(chapter)
    rows = [
        [", ".join(where), ", ".join(str(chapter.number) for chapter in there)]
        for where, there in machines.items()
    ]
    return cards(["machine", "chapters"], [[plain(where), there] for where, there in rows])


def _devices(runs: Mapping[str, Any]) -> str:
    """``cuda:0 (NVIDIA H200)`` is an NVIDIA H200, any CPU a CPU."""
    names = []
    for device in runs["devices"]:
        gpu = re.fullmatch(r"cuda\S* \((.+)\)", device)
        names.append(gpu[1] if gpu else "CPU" if device.startswith("cpu") else device)
    return " and ".join(dict.fromkeys(names)) or "a device that was not recorded"


def _sources(chapters: Sequence[ChapterPage]) -> str:
    rows = []
    for chapter in chapters:
        record = chapter.record
        given = ", ".join(f"`{name} = {value!r}`" for name, value in record.get("parameters", {}).items())
        commit = str(record.get("commit") or "")[:10]
        rows.append(
            [
                f"[{chapter.number}. {plain(chapter.title)}](../{chapter.doc})",
                given or "the chapter's defaults",
                f"`{str(record.get('source_sha256', ''))[:10]}`",
                (f"`{commit}`" if commit else "outside a repository")
                + (" with local changes" if record.get("dirty") else ""),
            ]
        )
    return cards(["chapter", "parameters", "its source (SHA-256)", "commit"], rows)


def _references(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    away = [row for row in rows if str(row.get("from", "")).endswith(".verdicts.json")]
    if not away:
        yield "No verdict of this copy comes from runs made elsewhere; those of `results/` stand in only where a chapter was not computed here."
        return
    table = []
    for name in sorted({row["from"] for row in away}):
        these = [row for row in away if row["from"] == name]
        known = these[0].get("provenance", {})
        said = ", ".join(
            f"{key} {known[key]}" for key in ("ovbook", "python", "torch", "scipy") if key in known
        )
        table.append([f"`results/{name}`", str(len(these)), said])
    yield "These verdicts were not computed here; they lie in the repository with the book.\n"
    yield cards(["file", "verdicts", "made with"], table)


def _versions(chapters: Sequence[ChapterPage]) -> str:
    built = built_with()
    used = [dict(chapter.record.get("versions", {})) for chapter in chapters]
    names = list(dict.fromkeys([name for found in used for name in found] + list(built)))
    rows = []
    for name in names:
        there = list(dict.fromkeys(found[name] for found in used if name in found))
        rows.append([f"`{name}`", plain(", ".join(there)), plain(built.get(name, ""))])
    return cards(["library", "in the chapters", "in these pages"], rows, kind="versions")

"""Executed copies and committed results: as new as their sources, and judged by the rules as they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.files import sha256_file
from ovbook.press.anatomy import missing
from ovbook.press.execute import read_executed, stale
from ovbook.press.export import RECORD, verdicts_file
from ovbook.press.lint import problems
from ovbook.project import Chapter, Project

__all__ = ["executed_problems", "results_problems"]


def executed_problems(project: Project, chapter: Chapter) -> Iterator[str]:
    """What would stop the executed copy of `chapter` from being published; nothing when there is none."""
    from ovbook.claims import claim, collect

    path = project.executed(chapter)
    if not path.is_file():
        return
    notebook = read_executed(path)
    if notebook is None:
        yield f"it cannot be read as a notebook: run 'ovbook run {chapter.number}' again"
        return
    if stale(notebook, chapter):
        yield f"its source has changed since it was executed: run 'ovbook run {chapter.number}'"
        return  # what else is wrong with it may be mended already
    in_the_source = set(missing(notebook))  # said there
    for text in (text for text in problems(notebook) if text not in in_the_source):
        yield f"{text}; then run 'ovbook run {chapter.number}'"
    try:
        rows = collect([path])
    except OvbookError as error:
        yield str(error)
        return
    for row in rows:
        if row["provenance"].get("rule") != claim(row["id"]).rule_hash:
            yield (
                f"its verdict on {row['id']} was given under another version of the rule: run "
                f"'ovbook run {chapter.number}'"
            )


def results_problems(project: Project, chapters: Sequence[Chapter], *, whole: bool) -> Iterator[str]:
    """Lines ``file: problem`` for reference rows and tables that no longer fit the claims and chapters."""
    from ovbook.claims import claim, collect

    names = {chapter.name for chapter in chapters}
    try:
        rows = collect([], project.results)
    except OvbookError as error:
        yield f"results: {error}"
        return
    for row in rows:
        of = row["provenance"].get("chapter")
        if not whole and of not in names:
            continue
        file = f"results/{row['from']}"
        again = f"run the chapter and 'ovbook results export --scale {row['scale']}' again"
        if row["from"] != verdicts_file(project.results, row["scale"]).name:
            yield f"{file}: it holds a row of {row['id']} at scale {row['scale']}: move it into {row['scale']}.verdicts.json"
        if row["provenance"].get("rule") != claim(row["id"]).rule_hash:
            yield f"{file}: {row['id']} was judged under another version of its rule: {again}"
        if of is not None and whole and of not in names:
            yield f"{file}: {row['id']} comes from chapter {of}, which is not there: {again}"
    for folder in sorted(path for path in project.results.glob("*/*") if path.is_dir()):
        if whole or folder.name in names:
            place = folder.relative_to(project.root).as_posix()
            gone = folder.name not in {chapter.name for chapter in project.chapters()}
            yield from (f"{place}: {text}" for text in _folder_problems(folder, gone=gone))


def _folder_problems(folder: Path, *, gone: bool) -> Iterator[str]:
    """What is wrong with the tables of one chapter at one scale."""
    if gone:
        yield "there is no such chapter: remove the folder"
        return
    again = f"run 'ovbook results export {folder.name[:2]} --scale {folder.parent.name}' again"
    try:
        listed = json.loads((folder / RECORD).read_text(encoding="utf-8"))["tables"]
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{RECORD} is missing or cannot be read, so nobody knows where the tables came from: {again}"
        return
    there = {path.name for path in folder.glob("*.csv")}
    for name in sorted(there | set(listed)):
        if name not in listed:
            yield f"{name} is not listed in {RECORD}: {again}"
        elif name not in there:
            yield f"{name} is listed in {RECORD} and is not there: {again}"
        elif sha256_file(folder / name) != listed[name]:
            yield f"{name} is not what was exported: {again}"

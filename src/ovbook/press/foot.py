"""The generated foot of a chapter: how to cite it, and where every number on the page comes from."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from ovbook.press.head import Page, cost

__all__ = ["foot"]


def foot(page: Page) -> str:
    """The foot as Markdown: two folds, and where to report a mistake if the book has a repository."""
    parts = [_cite(page), _provenance(page), _report(page)]
    inside = "\n\n".join(part for part in parts if part)
    return f'<div class="ovbook-foot">\n\n{inside}\n\n</div>'


def _fold(summary: str, inside: str) -> str:
    return f'<details class="ovbook-fold">\n<summary>{summary}</summary>\n\n{inside}\n\n</details>'


def _cite(page: Page) -> str:
    blocks = []
    if page.bibtex:
        blocks.append(f"This chapter:\n\n```bibtex\n{page.bibtex}\n```")
    if page.papers:
        blocks.append(f"What it puts to the test, to be cited before it:\n\n```bibtex\n{page.papers}\n```")
    return _fold("How to cite", "\n\n".join(blocks)) if blocks else ""


def _report(page: Page) -> str:
    if page.repository is None or not page.buttons:
        return ""
    title = f"{page.chapter}: "
    return (
        f'<p class="ovbook-actions"><a href="{html.escape(page.repository.issue(title))}">Report a mistake in this '
        f"chapter</a></p>"
    )


def _provenance(page: Page) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in _record(page.record))
    return _fold(
        "Where this page comes from",
        f"| what | value |\n|---|---|\n{rows}\n\nThe same record lies in the notebook's metadata under `ovbook`.",
    )


def _record(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    runs = record.get("runs") or {}
    given = record.get("parameters") or {}
    values = ", ".join(f"`{name} = {value!r}`" for name, value in given.items())
    yield "executed with", values or "its default parameters"
    yield "source", f"`{record['source_sha256']}` (SHA-256)"
    if record.get("commit"):
        yield "commit", f"`{record['commit']}`" + (" with local changes" if record.get("dirty") else "")
    if runs:
        yield from _runs(runs)
    yield "this execution", _execution(record, runs)
    yield "cost", cost(record) + ("; base models are shared with other chapters" if runs else "")
    if record.get("versions"):
        yield "versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())


def _runs(runs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in runs["runs"].items())
    yield "runs", f"{kinds}; one hash of their keys: `{runs['keys_sha256']}`"
    yield "operations", ", ".join(f"{name}" for name in runs["operations"]) + " (name and version)"
    if runs["seeds"]:
        yield "seeds", ", ".join(map(str, runs["seeds"]))
    for name, value in runs["data"].items():
        yield f"data `{name}`", f"`{value}` (SHA-256)"
    if not runs["started"]:
        return
    first, last = runs["started"]
    yield "computed", f"{first}" + (f" to {last}" if last != first else "")
    threads = ", ".join(map(str, runs["threads"])) or "not recorded"
    yield "computed on", f"{', '.join(runs['devices'])}; threads a process: {threads}"
    torch = ", ".join(runs["torch"])
    yield "computed with", f"ovbook {', '.join(runs['ovbook'])}" + (f", torch {torch}" if torch else "")


def _execution(record: Mapping[str, Any], runs: Mapping[str, Any]) -> str:
    text = f"{record['seconds']:.0f} s on {record['cores']} cores"
    if record.get("machine"):
        text += f" ({record.get('system')}, {record['machine']})"
    text += f", at most {record['peak_mib'] / 1024:.2f} GiB in the notebook and its processes together"
    if runs:
        total = sum(runs["runs"].values())
        text += f"; of its {total} runs it computed {runs['computed']} and read the others from the store"
    return text

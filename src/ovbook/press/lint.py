"""What an executed chapter must satisfy before anyone sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ovbook.press.anatomy import missing
from ovbook.press.mime import notes_of

__all__ = ["CHART_BYTES", "NOTEBOOK_BYTES", "PAGE_BYTES", "STDERR_LINES", "problems"]

CHART_BYTES = 300_000
"""Largest Vega-Lite specification, data included."""
PAGE_BYTES = 2_000_000
"""Largest sum of what one page carries itself: charts, text and HTML of all its outputs."""
NOTEBOOK_BYTES = 8_000_000
"""Largest executed notebook; it also holds a PNG of each chart."""
STDERR_LINES = 5
"""More lines than this on stderr are a wall, not a remark."""

_VEGA = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+[+.]json$")
_OURS = "application/vnd.vegalite.v5+json"
_GLUED = "application/papermill.record/"
_ABSOLUTE = re.compile(
    r"(?<![\w./:<~-])(?:/(?:home|root|Users|tmp|private|var|mnt|work|opt|media)/|[A-Z]:\\\\?)[^\s\"'<>]+"
)
_EVIDENCE = re.compile(r"\bn = \d.*\binterval")
_FIGURE = re.compile(r"^[`:]{3,}\{glue:figure\}[ \t]+(\S+)", re.MULTILINE)
_SHOWN = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")


def problems(notebook: Any) -> list[str]:
    """Return one sentence for each thing that must not be published; an empty list is a clean chapter."""
    return [
        *_errors(notebook),
        *_counts(notebook),
        *_streams(notebook),
        *_paths(notebook),
        *_charts(notebook),
        *_figures(notebook),
        *_sizes(notebook),
        *missing(notebook),
    ]


def _code(notebook: Any) -> Iterator[tuple[int, Any]]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    yield from enumerate(cells, start=1)


def _outputs(notebook: Any) -> Iterator[tuple[int, Any]]:
    for number, cell in _code(notebook):
        for output in cell.get("outputs", []):
            yield number, output


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _errors(notebook: Any) -> Iterator[str]:
    for number, output in _outputs(notebook):
        if output.output_type == "error":
            yield f"code cell {number} raised {output.ename}: {output.evalue}"
    if notebook.metadata.get("papermill", {}).get("exception"):
        yield "its execution ended with an exception"


def _counts(notebook: Any) -> Iterator[str]:
    for number, cell in _code(notebook):
        if cell.get("execution_count") != number:
            yield (
                f"code cell {number} carries execution count {cell.get('execution_count')}: it was not run "
                f"once, in order, from the top"
            )
            return


def _streams(notebook: Any) -> Iterator[str]:
    for number, cell in _code(notebook):
        wall = "".join(
            _text(o.text) for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr"
        )
        lines = len(wall.strip().splitlines())
        if lines > STDERR_LINES:
            first = wall.strip().splitlines()[0][:120]
            yield (
                f"code cell {number} wrote {lines} lines to stderr (at most {STDERR_LINES}), the first: "
                f"{first}"
            )


def _paths(notebook: Any) -> Iterator[str]:
    for number, output in _outputs(notebook):
        texts = [_text(output.text)] if output.output_type == "stream" else []
        for mime, value in output.get("data", {}).items():
            if mime.removeprefix(_GLUED) in _SHOWN:
                texts.append(_text(value))
        for text in texts:
            if found := _ABSOLUTE.search(text):
                yield f"code cell {number} shows the absolute path {found.group()[:80]}: show a name instead"
                break


def _charts(notebook: Any) -> Iterator[str]:
    for number, output in _outputs(notebook):
        for mime, value in output.get("data", {}).items():
            bare = mime.removeprefix(_GLUED)
            if bare == "text/html" and "vegaEmbed" in _text(value):
                yield (
                    f"code cell {number} shows a chart through a renderer that loads scripts from another "
                    f"host: import ovbook.charts before drawing"
                )
            if not _VEGA.search(bare):
                continue
            if bare != _OURS:
                yield (
                    f"code cell {number} has a chart of type {bare}, which pages cannot draw: import "
                    f"ovbook.charts"
                )
                continue
            spec = json.loads(_text(value)) if isinstance(value, str | list) else value
            if len(str(spec.get("description") or "").strip()) < 20:
                yield (
                    f"code cell {number} has a chart without a description: add .properties(description='a "
                    f"sentence for those who cannot see it')"
                )
            if not _EVIDENCE.search(_subtitle(spec)):
                yield (
                    f"code cell {number} has a chart that does not say its n and interval below its title: give it "
                    f"title=heading('the finding', evidence(table)) from ovbook.charts"
                )
            size = len(json.dumps(spec))
            if size > CHART_BYTES:
                yield (
                    f"code cell {number} has a chart of {size:,} bytes (at most {CHART_BYTES:,}): thin its "
                    f"data"
                )


def _subtitle(spec: Any) -> str:
    title = spec.get("title")
    below = title.get("subtitle", "") if isinstance(title, dict) else ""
    return " ".join(below) if isinstance(below, list) else str(below)


def _figures(notebook: Any) -> Iterator[str]:
    """A glued chart is a numbered figure: shown once, under one caption, with the table it draws."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    shown = _FIGURE.findall(prose)
    for number, cell in _code(notebook):
        tags = cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            glued = output.get("metadata", {}).get("scrapbook", {})
            data = output.get("data", {})
            spec = data.get(_OURS, data.get(_GLUED + _OURS))
            if not glued or spec is None:
                continue
            spec = json.loads(_text(spec)) if isinstance(spec, str | list) else spec
            name = glued.get("name")
            if "table" not in notes_of(spec):
                yield f"the figure {name} has no table: glue it with ovbook.charts.figure(name, chart, table)"
            if (count := shown.count(name)) != 1:
                yield (
                    f"the figure {name} is shown {count} times: write ```{{glue:figure}} {name} once, with a :name: and "
                    f"a caption"
                )
            if _OURS in data and not {"remove-output", "remove-cell"} & set(tags):
                yield (
                    f"code cell {number} would show the figure {name} a second time: tag the cell 'remove-output'"
                )


def _sizes(notebook: Any) -> Iterator[str]:
    page = 0
    for _, output in _outputs(notebook):
        for mime, value in output.get("data", {}).items():
            if not mime.startswith((_GLUED, "image/png")):
                page += len(json.dumps(value))
    if page > PAGE_BYTES:
        yield f"its outputs weigh {page:,} bytes (at most {PAGE_BYTES:,}): show less, or thin the data"
    whole = len(json.dumps(notebook))
    if whole > NOTEBOOK_BYTES:
        yield f"the executed notebook weighs {whole:,} bytes (at most {NOTEBOOK_BYTES:,})"

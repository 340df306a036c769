"""Charts in the built pages: a container that says what it is, its words and numbers beside it, no foreign host.

A chart's notes (see ``ovbook.charts.notes``) travel in its ``usermeta``. Here they become HTML: the sentence of
a slider in a live region, the table in a fold with its CSV, the frame of a lab's still picture. What the page's
script draws is the specification without the table, as inert JSON.
"""

from __future__ import annotations

import csv
import html
import io
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ovbook.press.heights import room

__all__ = ["MIME", "VERDICT", "VegaLiteRenderer", "container", "csv_text", "notes_of"]

MIME = "application/vnd.vegalite.v5+json"
"""The type under which `ovbook.charts.renderer` emits a chart."""
VERDICT = "application/vnd.ovbook.verdict+json"
"""The type under which a verdict carries its row; pages show the HTML that travels beside it."""

_KEY = "ovbook"
_BYTE_ORDER = "\ufeff"
"""Some spreadsheets take UTF-8 for something else without it."""
_ROWS_SHOWN = 200
"""A longer table shows its first rows and says how many the CSV has."""


def notes_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The notes in a specification's ``usermeta``; none is an empty mapping."""
    return dict((spec.get("usermeta") or {}).get(_KEY) or {})


def container(spec: dict[str, Any], page: str = "") -> str:
    """Return the HTML of one chart: a labelled figure, in words until the script has drawn it.

    Beside the drawing stand the sentence of its sliders and a fold with its table and downloads, whose names
    begin with `page`. The JSON cannot end its script element early or start a comment, because ``<`` is written
    as an escape.
    """
    notes = notes_of(spec)
    described = html.escape(str(spec.get("description") or ""), quote=True)
    name = "-".join(part for part in (page.rsplit("/", 1)[-1], str(notes.get("name") or "chart")) if part)
    name = html.escape(name.replace("_", "-"), quote=True)
    reading = " ovbook-reading" if (notes.get("says") or {}).get("instead") else ""
    inert = json.dumps(_without_table(spec), separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="ovbook-chart{reading}" role="figure" aria-label="{described}" data-name="{name}">'
        f'<p class="ovbook-chart-words" style="min-height: {room(spec, drawn=not reading)}px">{described}</p>{_says(spec, notes)}{_tools(notes, name)}'
        f'<script type="application/json">{inert}</script></div>'
    )


def _framed(spec: dict[str, Any], page: str) -> str:
    """The chart, and around the still picture of a lab a frame that says what it is."""
    drawn, still = container(spec, page), notes_of(spec).get("still")
    if not still:
        return drawn
    return f'<div class="ovbook-still">{_still_before(still)}{drawn}{_still_after(still)}</div>'


def _without_table(spec: dict[str, Any]) -> dict[str, Any]:
    notes = notes_of(spec)
    if "table" not in notes:
        return spec
    rest = {key: value for key, value in notes.items() if key != "table"}
    return {**spec, "usermeta": {**spec["usermeta"], _KEY: rest}}


def _says(spec: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    """The live region, with the sentence of the start: what is there on loading is not announced."""
    says = notes.get("says")
    if not says:
        return ""
    head, _, body = str(says["start"]).rpartition("\n")
    title = ""
    if says.get("instead"):
        text, below = _title(spec)
        title = f'<p class="ovbook-title">{html.escape(text)}</p><p class="ovbook-subtitle">{html.escape(below)}</p>'
    strong = f"<strong>{html.escape(head)}</strong>" if head else ""
    return (
        f'{title}<div class="ovbook-says" role="status" aria-live="polite" aria-atomic="true">{strong}'
        f"<span>{html.escape(body)}</span></div>"
    )


def _title(spec: Mapping[str, Any]) -> tuple[str, str]:
    given = spec.get("title") or ""
    parts = given if isinstance(given, dict) else {"text": given}
    joined = [
        " ".join(part) if isinstance(part, list) else str(part)
        for part in (parts.get("text", ""), parts.get("subtitle", ""))
    ]
    return joined[0], joined[1]


def _tools(notes: Mapping[str, Any], name: str) -> str:
    """A fold with the downloads and, where there is one, the table."""
    table = notes.get("table")
    pictures = "".join(
        f'<button type="button" class="ovbook-save" data-kind="{kind}" hidden>{kind.upper()}</button>'
        for kind in ("svg", "png")
    )
    if not table:
        return (
            f'<details class="ovbook-numbers"><summary>Save the picture</summary>'
            f'<p class="ovbook-downloads">{pictures}</p></details>'
        )
    link = "data:text/csv;charset=utf-8," + urllib.parse.quote(_BYTE_ORDER + csv_text(table))
    return (
        f'<details class="ovbook-numbers"><summary>The numbers behind this figure</summary>'
        f'<p class="ovbook-downloads">Save: <a download="{name}.csv" href="{html.escape(link, quote=True)}">CSV</a>'
        f"{pictures}</p>{_table(table, name.replace('-', ' '))}</details>"
    )


def _table(table: Mapping[str, Any], name: str) -> str:
    columns, rows = table["columns"], table["rows"]
    words = [' class="ovbook-text"' if column["decimals"] is None else "" for column in columns]
    heads = "".join(
        f'<th scope="col"{kind}>{html.escape(column["name"])}</th>'
        for column, kind in zip(columns, words, strict=True)
    )
    body = []
    for row in rows[:_ROWS_SHOWN]:
        cells = [_cell(value, column["decimals"]) for value, column in zip(row, columns, strict=True)]
        rest = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(cells[1:], words[1:], strict=True))
        body.append(f'<tr><th scope="row">{cells[0]}</th>{rest}</tr>')
    caption = "The numbers that the chart draws, rounded; the CSV has them in full."
    if len(rows) > _ROWS_SHOWN:
        caption = f"The first {_ROWS_SHOWN} of {len(rows)} rows, rounded; the CSV has all of them in full."
    return (
        f'<div class="ovbook-scroll" role="group" tabindex="0" aria-label="Table of {name}">'
        f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(value: Any, decimals: int | None) -> str:
    if value is None:
        return "–"
    if decimals is None or isinstance(value, bool | str):
        return html.escape(str(value))
    return f"{value:,.{decimals}f}".replace("-", "−")


def csv_text(table: Mapping[str, Any]) -> str:
    """The table as CSV, every digit; an absent number is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column["name"] for column in table["columns"]])
    writer.writerows(table["rows"])
    return out.getvalue()


def _still_before(still: Mapping[str, Any]) -> str:
    controls = "".join(
        f"<dt>{html.escape(str(name))}</dt><dd>{html.escape(str(value))}</dd>"
        for name, value in still["controls"]
    )
    return (
        '<p class="ovbook-still-note"><strong>A still picture of the lab.</strong> It runs in JupyterLab: '
        f"<code>make lab</code>.</p><dl>{controls}</dl>"
    )


def _still_after(still: Mapping[str, Any]) -> str:
    return "".join(f"<p>{html.escape(str(text))}</p>" for text in still["answer"])


class VegaLiteRenderer:
    """The ``myst_nb.mime_renderers`` plug-in: our charts in HTML pages; other builders take the PNG."""

    mime_priority_overrides: ClassVar[Sequence[tuple[str, str, int | None]]] = [
        ("html", MIME, 5),
        ("dirhtml", MIME, 5),
    ]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[Any] | None:
        """Return the chart's node, or None for what is not a chart of ours."""
        from docutils import nodes

        if data.mime_type == VERDICT:
            return []
        if inline or data.mime_type != MIME:
            return None
        content = data.content
        spec = json.loads(content) if isinstance(content, str) else content
        environment = getattr(renderer.renderer, "sphinx_env", None)
        page = environment.docname if environment is not None else ""
        return [nodes.raw(text=_framed(spec, page), format="html", classes=["output", "ovbook"])]

"""Charts in the built pages: a container that says what it is, with the specification as inert JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any, ClassVar

__all__ = ["MIME", "VERDICT", "VegaLiteRenderer", "container"]

MIME = "application/vnd.vegalite.v5+json"
"""The type under which `ovbook.charts.renderer` emits a chart."""
VERDICT = "application/vnd.ovbook.verdict+json"
"""The type under which a verdict carries its row; pages show the HTML that travels beside it."""


def container(spec: dict[str, Any]) -> str:
    """Return the HTML of one chart: a labelled figure, in words until the script has drawn it.

    The JSON cannot end its script element early or start a comment, because ``<`` is written as an escape.
    """
    described = html.escape(str(spec.get("description") or ""), quote=True)
    inert = json.dumps(spec, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="ovbook-chart" role="figure" aria-label="{described}">'
        f'<p class="ovbook-chart-words">{described}</p>'
        f'<script type="application/json">{inert}</script></div>'
    )


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
        return [nodes.raw(text=container(spec), format="html", classes=["output", "ovbook"])]

"""How a chart leaves Altair: one output that every place which may show it understands.

Altair's own renderers either fetch scripts from another host or use a media type that neither JupyterLab nor
the book can draw. Ours gives several forms of the same chart at once and lets the viewer choose:

- Vega-Lite JSON under the type that JupyterLab draws with the Vega it carries (so the lab works offline) and
  that the book's pages draw with the bundle they carry;
- a PNG, for viewers that draw nothing (a repository's preview, print);
- the chart's description as plain text, for those who read or hear;
- HTML that loads Vega from the network, in Colab only, which has no Vega of its own.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import altair as alt

__all__ = ["MIME", "enable", "mimebundle"]

MIME = "application/vnd.vegalite.v5+json"
"""JupyterLab's bundle knows Vega-Lite up to this type. Version 6 changed how the library is packaged, not the
grammar our charts use, so the same specification serves both; the pages draw it with version 6."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_PNG_SCALE = 1.5


def _png(spec: dict[str, Any]) -> str:
    """The chart as base64 PNG on white: a picture cannot follow the page into dark mode."""
    import vl_convert

    picture = json.loads(json.dumps(spec))
    picture.setdefault("config", {})["background"] = "white"
    picture["background"] = "white"
    return base64.b64encode(vl_convert.vegalite_to_png(picture, scale=_PNG_SCALE)).decode()


def mimebundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return the forms of one Vega-Lite specification, by media type.

    The description comes from the specification's ``description``; a chart without one says so, and the press
    refuses to publish it.
    """
    ours = {**spec, "$schema": _SCHEMA}
    described = str(spec.get("description") or "a chart without a description")
    bundle: dict[str, Any] = {MIME: ours, "image/png": _png(spec), "text/plain": described}
    if "google.colab" in sys.modules:
        bundle["text/html"] = _colab_html(spec)
    return bundle


def _colab_html(spec: dict[str, Any]) -> str:
    from altair.utils.html import spec_to_html

    return str(
        spec_to_html(
            spec,
            mode="vega-lite",
            vega_version=alt.VEGA_VERSION,
            vegaembed_version=alt.VEGAEMBED_VERSION,
            vegalite_version=alt.VEGALITE_VERSION,
            template="universal",
        )
    )


def enable() -> None:
    """Make this the way Altair shows charts, here and from now on."""
    alt.renderers.register("ovbook", mimebundle)
    alt.renderers.enable("ovbook")

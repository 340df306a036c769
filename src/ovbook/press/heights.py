"""How much room a chart will take, so that the text below it stays where it is when the chart is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["room"]

_PLAIN = 300
"""Height that Vega-Lite gives a chart that names none, in CSS pixels."""
_AXIS, _TITLES, _GAP = 45, 90, 20
_SLIDER = 33
_LEGEND_ROW = 16


def room(spec: Mapping[str, Any], *, drawn: bool = True) -> int:
    """The height in CSS pixels that a chart and its sliders need on a wide page, within some ten of them.

    Drawn and measured, the book's charts take the height of their panels, an axis each, 88 to 100 for title, subtitle
    and one row of a legend, and 16 for each row more. Where words stand instead of the drawing (not `drawn`), only the
    sliders take room.
    """
    sliders = _SLIDER * sum("bind" in parameter for parameter in spec.get("params", ()))
    if not drawn:
        return sliders
    legend = _LEGEND_ROW * max((rows - 1 for rows in _legend_rows(spec)), default=0)
    return _panels(spec) + (_TITLES if spec.get("title") else 0) + legend + sliders


def _panels(spec: Mapping[str, Any]) -> int:
    if "vconcat" in spec:
        return sum(map(_panels, spec["vconcat"])) + _GAP * (len(spec["vconcat"]) - 1)
    if "hconcat" in spec:
        return max(map(_panels, spec["hconcat"]))
    if "spec" in spec:  # facets and repeats; ours stand in one row
        return _panels(spec["spec"])
    height = spec.get("height", _PLAIN)
    return _AXIS + (int(height) if isinstance(height, int | float) else _PLAIN)


def _legend_rows(part: Any) -> Iterator[int]:
    """Rows of every legend that is told to wrap; one without `columns` is a single row."""
    if isinstance(part, list):
        for item in part:
            yield from _legend_rows(item)
    if not isinstance(part, Mapping):
        return
    legend, scale = part.get("legend"), part.get("scale")
    if isinstance(legend, Mapping) and isinstance(scale, Mapping) and isinstance(scale.get("domain"), list):
        columns = legend.get("columns", 0)
        if isinstance(columns, int) and columns > 0:
            yield -(-len(scale["domain"]) // columns)
    for name, item in part.items():
        if name not in ("data", "datasets"):
            yield from _legend_rows(item)

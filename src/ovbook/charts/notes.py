"""What a chart says beside its drawing: evidence under the title, and notes that travel in ``usermeta``.

Vega and Vega-Lite ignore ``usermeta``, so a chart with notes draws the same everywhere. The book's pages read
them: the table behind a figure, the words of a slider, the sentence that says what is shown now.
"""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt
import pandas as pd

from ovbook.errors import OvbookError

__all__ = ["KEY", "evidence", "heading", "noted", "notes_of"]

KEY = "ovbook"
"""Our name in a specification's ``usermeta``."""

_TITLE_LETTER, _SUBTITLE_LETTER = 7.7, 6.0
"""Mean widths in pixels of a letter in a title and below it; pages wrap again to the room they have."""


def noted(chart: Any, **notes: Any) -> Any:
    """Return `chart` with `notes` beside those it has (a note of the same name is replaced)."""
    meta = _plain(chart)
    return chart.properties(usermeta={**meta, KEY: {**meta.get(KEY, {}), **notes}})


def notes_of(chart: Any) -> dict[str, Any]:
    """The notes that `chart` carries."""
    return dict(_plain(chart).get(KEY, {}))


def _plain(chart: Any) -> dict[str, Any]:
    meta = getattr(chart, "usermeta", alt.Undefined)
    return dict(meta) if isinstance(meta, dict) else {}


def evidence(frame: pd.DataFrame, shown_as: str = "band") -> str:
    """What stands behind a chart of means: n, and what its bands (or whiskers, boxes) are.

    Read off `frame`: its column n, and the level and number of worlds that ``ovbook.stats.summarise`` leaves in
    the table's ``attrs``.

    >>> evidence(pd.DataFrame({"n": [5, 5]}))
    'n = 5 seeds; bands: 95% intervals of the mean'
    >>> evidence(pd.DataFrame({"n": [1, 1]}))
    'n = 1 seed, so there is no interval'
    """
    if "n" not in frame or frame.empty:
        raise OvbookError(
            "the table has no column n: a chart says how many seeds stand behind it (ovbook.stats.summarise "
            "counts them)"
        )
    least, most = int(frame["n"].min()), int(frame["n"].max())
    count = f"n = {most}" if least == most else f"n = {least} to {most}"
    worlds = int(frame.attrs.get("worlds", 1))
    each = f", each the mean of {worlds} worlds" if worlds > 1 else ""
    if most <= 1:
        return f"{count} seed{each}, so there is no interval"
    level = round(100 * float(frame.attrs.get("level", 0.95)), 1)
    return f"{count} seeds{each}; {shown_as}s: {level:g}% intervals of the mean"


def heading(title: str, statement: str, *, width: float = 600) -> alt.Title:
    """The chart's title over the statement of its evidence, both wrapped to about `width` pixels.

    `statement` says n and what shows its uncertainty, or that there is no interval: from ``evidence``, or in
    words of the same form ("n = 1 model ...; no interval"). The press publishes no chart without it.
    """
    return alt.Title(
        text=textwrap.wrap(title, max(12, int(width / _TITLE_LETTER))) or [""],
        subtitle=textwrap.wrap(statement, max(12, int(width / _SUBTITLE_LETTER))),
    )

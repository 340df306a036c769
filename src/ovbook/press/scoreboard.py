"""The verdicts for a terminal; the page of the same name is made in ``press/pages/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ovbook.press.columns import columns

__all__ = ["rows_as_text"]


def _number(value: Any) -> str:
    return (
        f"{value:.3g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value or "")
    )


def rows_as_text(rows: Sequence[dict[str, Any]]) -> str:
    """Verdict rows as `ovbook.claims.collect` gives them, one line a claim."""
    if not rows:
        return "no verdicts yet: 'make book' computes them"
    table = [("claim", "scale", "verdict", "statistic", "95% interval", "n")]
    for row in rows:
        low, high = _number(row.get("low")), _number(row.get("high"))
        table.append(
            (
                str(row["id"]),
                str(row.get("scale") or ""),
                str(row["verdict"]),
                _number(row.get("statistic")),
                f"{low} to {high}" if low and high else "",
                str(row.get("n") or ""),
            )
        )
    return "\n".join(columns(table))

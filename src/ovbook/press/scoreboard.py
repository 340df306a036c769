"""The generated page with one row a claim: what the papers say, and what our numbers make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["rows_as_markdown", "rows_as_text", "scoreboard"]


def scoreboard(executed: Sequence[Path], results: Path) -> str:
    """Return the page as Markdown, from the verdicts in executed chapters and in `results`."""
    from ovbook.claims import collect

    return rows_as_markdown(collect(list(executed), results))


def rows_as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The page for given rows, each with id, source, scale, verdict, statistic, low, high and n."""
    lines = [
        "# Scoreboard",
        "",
        "Every claim of the papers, by the rule that was written down before its result was seen. The rows "
        "below are the ones that `ovbook claims --json` prints. n counts seeds, never noise draws or "
        "examples; the interval covers 95%.",
        "",
    ]
    if not rows:
        return "\n".join(
            [*lines, "No chapter has been computed in this copy of the book yet: run `make book`.", ""]
        )
    count = Counter(row["verdict"] for row in rows)
    lines += [", ".join(f"**{number}** {verdict}" for verdict, number in count.most_common()) + ".", ""]
    lines += ["| claim | scale | verdict | statistic | 95% interval | n |", "|---|---|---|---|---|---|"]
    for row in rows:
        low, high = _number(row.get("low")), _number(row.get("high"))
        interval = f"{low} to {high}" if low and high else ""
        cells = (
            row["id"],
            row.get("scale"),
            row["verdict"],
            _number(row.get("statistic")),
            interval,
            row.get("n"),
        )
        lines.append("| " + " | ".join("" if c is None else str(c).replace("|", "\\|") for c in cells) + " |")
    return "\n".join([*lines, ""])


def _number(value: Any) -> str:
    return (
        f"{value:.3g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value or "")
    )


def rows_as_text(rows: Sequence[dict[str, Any]]) -> str:
    """The same rows for a terminal, one line a claim."""
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
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in table
    )

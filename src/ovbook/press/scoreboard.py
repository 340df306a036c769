"""The generated page with one row a claim: what the papers say, and what our numbers make of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["rows_as_markdown", "rows_as_text", "scoreboard"]


def scoreboard(executed: Sequence[Path], results: Path) -> str:
    """Return the page as Markdown, from the verdicts in executed chapters and in `results`."""
    from ovbook.claims import collect

    return rows_as_markdown(collect(list(executed), results))


_PARTS = {
    "A": "Overtraining (Springer et al. 2025)",
    "B": "Staircases (Howard and Whitaker 2023)",
    "C": "Re-warming (Gupta et al. 2023)",
    "R": "Replay and schedules without an end (Ibrahim et al. 2024)",
    "D": "Pre-training and fine-tuning (Sun and Dredze 2024)",
}


def rows_as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The page: every claim of the book by part, with its verdicts in `rows` or "not run yet"."""
    from ovbook.claims import expected_by_chance, scoreboard

    board = scoreboard(rows)
    judged = (
        expected_by_chance(rows)["sentence"]
        if rows
        else "Nothing has been computed in this copy yet: run `make book`."
    )
    lines = [
        "# Scoreboard",
        "",
        "Every claim of the papers that this book tests, in our words, with what our rule made of our numbers. Rules are "
        "committed before their results are seen. n counts seeds, never noise draws or examples; brackets hold 95% "
        "intervals. The same rows come from `ovbook claims --json`.",
        "",
        judged,
        "",
    ]
    for part, name in _PARTS.items():
        lines += [f"## {name}", "", "| | claim | verdict | result | n |", "|---|---|---|---|---|"]
        for _, claims in board[board["part"] == part].groupby("id", sort=False):
            run = claims[claims["verdict"] != "not run yet"]
            for row in (run if len(run) else claims.head(1)).to_dict("records"):
                verdict = f"{row['verdict']} ({row['scale']})" if len(run) else row["verdict"]
                note = f" {row['note']}" if row["note"] else ""
                cells = (row["id"], row["claim"], verdict + note, row["result"], row["n"] or "")
                lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


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

"""Finding the verdicts again: from executed notebooks and committed results to one table of all claims."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ovbook.claims.registry import IDS, claim, load_claims
from ovbook.claims.verdict import MIME, SYMBOLS, VERDICTS, number
from ovbook.errors import OvbookError

__all__ = ["JUDGED", "by_scale", "collect", "expected_by_chance", "scoreboard"]

JUDGED = ("reproduced", "not reproduced", "inconclusive")
SHOWN = ("laptop", "gpu", "paper")
FALSE_AT_MOST = 0.05
_FIELDS = ("id", "source", "scale", "verdict", "statistic", "low", "high", "n", "seeds", "provenance")
Row = dict[str, Any]


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise OvbookError(
            f"cannot read {path} ({error}): execute the chapter again, or remove the file"
        ) from error


def _checked(row: Any, path: Path) -> Row:
    if not isinstance(row, dict) or any(name not in row for name in _FIELDS):
        raise OvbookError(
            f"{path} holds a verdict without all of {', '.join(_FIELDS)}: execute its chapter again"
        )
    if row["id"] not in IDS or row["verdict"] not in VERDICTS:
        raise OvbookError(
            f"{path} holds a verdict '{row['verdict']}' on claim '{row['id']}': execute its chapter again"
        )
    if row["verdict"] in JUDGED and not all(
        isinstance(row[key], (int, float)) for key in ("statistic", "low", "high")
    ):
        raise OvbookError(f"{path} judges {row['id']} without an interval: execute its chapter again")
    return dict(row)


def _executed(notebook: Mapping[str, Any], path: Path) -> float:
    """When a notebook was executed, seconds since 1970: its record, else papermill's note, else the file's time."""
    metadata = notebook.get("metadata", {})
    noted = metadata.get("ovbook", {}).get("executed_at") or metadata.get("papermill", {}).get("end_time")
    if noted:
        try:
            moment = datetime.fromisoformat(str(noted).replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except ValueError:
            pass
    return path.stat().st_mtime


def collect(notebooks: Iterable[Path], results: Path | None = None) -> list[Row]:
    """Verdict rows, one per (id, scale), in the order of the book.

    Read from the outputs of executed notebooks (where two hold the same claim at the same scale the one
    executed last wins, and within one notebook the last output) and, for (id, scale) that no notebook holds,
    from ``*.verdicts.json`` (arrays of rows) in `results`, which holds runs made elsewhere.
    """
    loaded = [(Path(path), _load(Path(path))) for path in notebooks]
    rows: dict[tuple[str, str], Row] = {}
    for path, notebook in sorted(loaded, key=lambda pair: (_executed(pair[1], pair[0]), str(pair[0]))):
        for cell in notebook.get("cells", []):
            for output in cell.get("outputs", []):
                if MIME in output.get("data", {}):
                    row = _checked(output["data"][MIME], path)
                    rows[row["id"], row["scale"]] = row | {"from": path.name}
    if results is not None:
        for path in sorted(Path(results).glob("*.verdicts.json")):
            held = _load(path)
            if not isinstance(held, list):
                raise OvbookError(f"{path} must hold a JSON array of verdicts: write it again from its runs")
            for entry in held:
                row = _checked(entry, path)
                rows.setdefault((row["id"], row["scale"]), row | {"from": path.name})
    return sorted(rows.values(), key=lambda row: (IDS.index(row["id"]), row["scale"]))


def expected_by_chance(rows: Sequence[Row]) -> dict[str, Any]:
    """How many of these verdicts chance alone would give, at most.

    A rule says "reproduced" wrongly, or "not reproduced" wrongly, with a chance of some 3% at worst, and
    below 5% in every simulation of the tests (``ovbook.claims.decide`` says why), so m judged rows hold at
    most 0.05 m of either for nothing. Expectations add up even though verdicts on the same models are not
    independent; no chance of "at least one" is claimed, since that would need independence. Returns tests,
    each (the expected number of either word), counts (of each word) and a sentence.
    """
    counts = {word: sum(row["verdict"] == word for row in rows) for word in VERDICTS}
    tests = sum(counts[word] for word in JUDGED)
    return {
        "tests": tests,
        "each": FALSE_AT_MOST * tests,
        "counts": counts,
        "sentence": "No claim has been judged here yet."
        if not tests
        else (
            f"Of {tests} judged claims {counts['reproduced']} are reproduced, {counts['not reproduced']} are not and "
            f"{counts['inconclusive']} remained open. Could that be luck? A rule is wrong in at most one case of 20, and "
            f"that only if the truth lies exactly on the smallest effect that counts. So of {tests} verdicts we expect "
            f"chance alone to give at most {number(FALSE_AT_MOST * tests)} wrong ones of either kind, a false "
            f"'reproduced' or a false 'not reproduced'."
        ),
    }


def by_scale(rows: Sequence[Row]) -> list[tuple[str, dict[str, int], float]]:
    """For each scale with a verdict: its name, the count of each verdict, and how many of either word chance would give.

    The scales come in the order of their size; `smoke`, at which nothing is judged, is left out.
    """
    held = {row["scale"] for row in rows} - {"smoke"}
    names = [*(name for name in SHOWN if name in held), *sorted(held - set(SHOWN))]
    found = [(name, expected_by_chance([row for row in rows if row["scale"] == name])) for name in names]
    return [(name, expected["counts"], expected["each"]) for name, expected in found]


def _result(row: Row) -> str:
    if row["statistic"] is None:
        return ""
    return f"{number(row['statistic'])} [{number(row['low'])}, {number(row['high'])}] {row.get('unit', '')}"


def scoreboard(rows: Sequence[Row], *, scales: Sequence[str] = SHOWN) -> pd.DataFrame:
    """All claims × scales: id, part, claim, scale, verdict, statistic, result, n, worlds, rule, reason, note.

    What has no row is "not run yet". `note` says where a verdict was given under an earlier version of its
    rule, so that a changed rule cannot keep an old result.
    """
    held = {(row["id"], row["scale"]): row for row in rows}
    wanted = [*scales, *sorted({row["scale"] for row in rows} - set(scales) - {"smoke"})]
    table = []
    for name in IDS:
        known = claim(name)
        for scale in wanted:
            row = held.get((name, scale))
            note = ""
            if row and row["provenance"].get("rule") not in (None, known.rule_hash):
                note = "given under an earlier version of the rule"
            table.append(
                {
                    "id": name,
                    "part": known.part,
                    "claim": known.sentence,
                    "scale": scale,
                    "verdict": f"{SYMBOLS[row['verdict']]} {row['verdict']}" if row else "not run yet",
                    "statistic": row.get("statistic_name", "") if row else known.statistic,
                    "result": _result(row) if row else "",
                    "n": int(row["n"]) if row else 0,
                    "worlds": len(row.get("worlds", ())) if row else 0,
                    "rule": known.rule_status,
                    "reason": row.get("reason", "") if row else "",
                    "note": note,
                }
            )
    changed = {change["claim"] for change in load_claims().changes}
    frame = pd.DataFrame(table)
    frame.loc[frame["id"].isin(changed), "note"] += " (rule changed after it was committed)"
    return frame.assign(note=frame["note"].str.strip())

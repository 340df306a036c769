"""The claims of the sources, the rules by which they are judged, and the verdicts.

``claims.toml`` holds every claim with its rule, committed before the results. A chapter calls ``judge``
with a table and shows what comes back; ``collect`` finds those verdicts again for the Scoreboard.
"""

from __future__ import annotations

from ovbook.claims.judging import judge, untested
from ovbook.claims.outlook import what_would_decide
from ovbook.claims.registry import Claim, changes, citations, claim, load_claims
from ovbook.claims.rules import columns_needed
from ovbook.claims.scoreboard import collect, expected_by_chance, scoreboard
from ovbook.claims.verdict import MIME, VERDICTS, Verdict

__all__ = [
    "MIME",
    "VERDICTS",
    "Claim",
    "Verdict",
    "changes",
    "citations",
    "claim",
    "collect",
    "columns_needed",
    "expected_by_chance",
    "judge",
    "load_claims",
    "scoreboard",
    "untested",
    "what_would_decide",
]

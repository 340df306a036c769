"""A verdict, and how it looks in a notebook, on a page and in JSON."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovbook.claims.reference import Comparison

__all__ = ["MIME", "SYMBOLS", "VERDICTS", "Verdict", "number"]

MIME = "application/vnd.ovbook.verdict+json"
"""The type under which a verdict leaves its row in an executed notebook."""

SYMBOLS: Mapping[str, str] = {
    "reproduced": "✓",
    "not reproduced": "✗",
    "inconclusive": "?",
    "not tested at this scale": "–",
}
VERDICTS = tuple(SYMBOLS)
"""The four words that a rule may come to."""


def number(value: float) -> str:
    """Three significant digits, a real minus sign, no exponent for everyday sizes; what rounding left over is 0."""
    value = 0.0 if abs(value) < 1e-12 else value
    text = f"{value:.3g}" if abs(value) < 1e-4 or abs(value) >= 1e5 else f"{float(f'{value:.3g}'):.10g}"
    return ("0" if float(text) == 0 else text).replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one claim came to at one scale. `statistic`, `low` and `high` are None only where nothing was
    judged. `beside` holds the reference runs to compare with; it is shown and is no part of the row."""

    id: str
    part: str
    source: str
    scale: str
    verdict: str
    sentence: str
    statistic_name: str
    unit: str
    rule: str
    n: int
    seeds: tuple[int, ...]
    worlds: tuple[str, ...]
    reason: str
    statistic: float | None = None
    low: float | None = None
    high: float | None = None
    diverged: tuple[int, ...] = ()
    per_world: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[Comparison, ...] = ()

    def row(self) -> dict[str, Any]:
        """The row of `ovbook claims --json`: plain JSON values, `statistic`, `low` and `high` numbers or
        null."""
        return {
            "id": self.id,
            "part": self.part,
            "source": self.source,
            "scale": self.scale,
            "verdict": self.verdict,
            "statistic": self.statistic,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "statistic_name": self.statistic_name,
            "n": self.n,
            "seeds": list(self.seeds),
            "diverged": list(self.diverged),
            "worlds": list(self.worlds),
            "per_world": dict(self.per_world),
            "reason": self.reason,
            "sentence": self.sentence,
            "rule": self.rule,
            "provenance": dict(self.provenance),
        }

    @property
    def finding(self) -> str:
        """The number with its interval, or a dash."""
        if self.statistic is None or self.low is None or self.high is None:
            return "—"
        return f"{number(self.statistic)} [{number(self.low)}, {number(self.high)}] {self.unit}"

    @property
    def sample(self) -> str:
        lost = f", {len(self.diverged)} diverged" if self.diverged else ""
        worlds = f" × {len(self.worlds)} worlds" if len(self.worlds) > 1 else ""
        equal = ", equal to the reference run" if any(found.identical for found in self.beside) else ""
        return f"{self.n} seed{'' if self.n == 1 else 's'}{worlds}{lost}{equal}"

    @property
    def references(self) -> tuple[str, ...]:
        """One sentence for each reference run that came to another number, or was made in another setting."""
        return tuple(str(found) for found in self.beside if not found.identical)

    def title(self, finding: str, *, otherwise: str) -> str:
        """A chart's title: the finding where the claim was reproduced, else a title that claims nothing."""
        return finding if self.verdict == "reproduced" else otherwise

    def __str__(self) -> str:
        return (
            f"{self.id} {SYMBOLS[self.verdict]} {self.verdict} ({self.scale}): "
            f"{self.finding}, {self.sample}\n"
            f"   {self.sentence}\n   Why: {self.reason}."
        ) + "".join(f"\n   {text}" for text in self.references)

    def to_html(self) -> str:
        """A box that takes its colours from the page, so that it reads in light and dark; no colour carries
        meaning."""
        say = html.escape
        means = "; ".join(f"world {say(name)}: {number(mean)}" for name, mean in self.per_world.items())
        worlds = f"<p>Mean in each world: {means}.</p>" if len(self.per_world) > 1 else ""
        judged = (
            f"{say(self.statistic_name[:1].upper() + self.statistic_name[1:])}: <strong>{say(self.finding)}</strong>, "
            if self.statistic is not None
            else ""
        )
        beside = "".join(
            f'<p class="ovbook-reference" style="margin: 0.2em 0; font-size: 0.93em">{say(text)}</p>'
            for text in self.references
        )
        return (
            f'<div class="ovbook-verdict" id="verdict-{say(self.id)}" data-claim="{say(self.id)}" data-verdict="{say(self.verdict)}" '
            f'style="border-left: 0.3em solid currentColor; padding: 0.2em 0 0.2em 0.8em; margin: 0.8em 0">'
            f'<p style="margin: 0"><strong>{say(self.id)}</strong> {say(self.sentence)}</p>'
            f'<p style="margin: 0.2em 0"><strong><span aria-hidden="true">{SYMBOLS[self.verdict]}</span> '
            f"{say(self.verdict)}</strong> at scale {say(self.scale)}. {judged}{say(self.sample)}.</p>{beside}"
            f"<details><summary>The rule, and why</summary><p>{say(self.rule)}</p>"
            f"<p>Here: {say(self.reason)}.</p>{worlds}</details></div>"
        )

    def to_markdown(self) -> str:
        return (
            f"**{self.id} {SYMBOLS[self.verdict]} {self.verdict}** at scale {self.scale}: {self.sentence} "
            f"{self.statistic_name}: **{self.finding}**, {self.sample}. *Why:* {self.reason}."
        ) + "".join(f" {text}" for text in self.references)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": str(self),
            "text/html": self.to_html(),
            "text/markdown": self.to_markdown(),
            MIME: self.row(),
        }

"""The page with every claim of the book: what the papers say, and what our numbers make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ovbook.press.pages.book import Book, ChapterPage
from ovbook.press.pages.text import cards, plain

__all__ = ["PARTS", "outcome", "scoreboard", "verdict_cell"]

PARTS = {
    "A": "Overtraining",
    "B": "Staircases",
    "C": "Re-warming",
    "R": "Replay and schedules without an end",
    "D": "Pre-training and fine-tuning",
}
_NOT_RUN = "not run yet"
_RULES = {
    "complete": "rule written",
    "settings open": "rule written, settings to be chosen on trial runs",
    "to be written before its chapter": "rule to be written",
}
_HOW_TO_READ = """\
Five sources make {claims} claims that this book can test. Each has a **rule**, a sentence that says which outcome counts as what;
it is written down before the result is seen ({changes}). The rule gives one of four **verdicts**:

✓ reproduced
: Our numbers show what the source says: more clearly than chance allows, in each of two worlds, and by more than the smallest
  difference that we call an effect.

✗ not reproduced
: Our numbers show, just as clearly, that it is not so here.

? inconclusive
: They could mean either. More seeds would be needed, or a larger experiment.

– not tested at this scale
: The runs were too few or too small to ask.

The **result** is the number that the rule looks at; in brackets the interval in which the mean of many more such runs would lie in 95
of 100 cases. **n** counts seeds, that is independent repetitions of the whole experiment; noise draws, tasks and
documents inside one are averaged first. The **scale** is how much was run: `laptop` takes minutes on two cores, `gpu` one
graphics card, `paper` the paper's own models."""


def scoreboard(book: Book) -> str:
    """The page as Markdown."""
    from ovbook.claims import expected_by_chance
    from ovbook.claims.registry import IDS

    said = _HOW_TO_READ.format(
        claims=len(IDS), changes=book.link("changes", "where one changed afterwards, a list says so")
    )
    lines = ["# Scoreboard", "", said, ""]
    if book.rows:
        lines += [_by_scale(book.rows), "", expected_by_chance(book.rows)["sentence"], ""]
    else:
        lines += ["Nothing has been computed in this copy yet: `make book` does it.", ""]
    lines += ["The same rows, for programs: `ovbook claims --json`.", ""]
    shown = _shown(book)
    for letter, name in PARTS.items():
        lines += [f"## Part {letter}: {name}", "", _source(book, letter), ""]
        lines += _part(book, [row for row in shown if row["part"] == letter])
    return "\n".join(lines)


def _by_scale(rows: Sequence[dict[str, Any]]) -> str:
    from ovbook.claims.scoreboard import by_scale

    header = [
        "scale",
        "✓ reproduced",
        "✗ not reproduced",
        "? inconclusive",
        "– not tested",
        "by chance, each of ✓ and ✗",
    ]
    table = [
        [f"`{scale}`", *(str(counts[word]) for word in counts), f"at most {chance:.2g}"]
        for scale, counts, chance in by_scale(rows)
    ]
    return cards(header, table, kind="by-scale")


def _source(book: Book, letter: str) -> str:
    from ovbook.claims import load_claims

    known = load_claims()
    key = next(claim.source for claim in known.claims.values() if claim.part == letter)
    paper = book.papers.get(key)
    named = f"{plain(paper.short)}, *{plain(paper.title)}*" if paper else plain(known.citations[key])
    return f"{named}. {book.link('papers', 'All its claims beside its own numbers')}."


def _shown(book: Book) -> list[Mapping[Any, Any]]:
    """One row for each claim and scale with a verdict, and one for a claim that has none."""
    from ovbook.claims import scoreboard as table

    shown: list[Mapping[Any, Any]] = []
    for _, claim in table(book.rows).groupby("id", sort=False):
        run = claim[claim["verdict"] != _NOT_RUN]
        shown += (run if len(run) else claim.head(1)).to_dict("records")
    return shown


def _part(book: Book, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for chapter in book.chapters:
        mine = [row for row in rows if book.chapter_of(row["id"]) is chapter]
        if mine:
            state = "" if chapter.notebook is not None else ", not computed in this copy"
            yield f"### Chapter {chapter.number}: [{plain(chapter.title)}](../{chapter.doc}){state}\n"
            yield _judged(mine, chapter) + "\n"
    rest = [row for row in rows if book.chapter_of(row["id"]) is None]
    judged = [row for row in rest if row["verdict"] != _NOT_RUN]
    if judged:
        yield "Judged by runs made elsewhere, whose verdicts lie in `results/`:\n"
        yield _judged(judged, None) + "\n"
    waiting = [row for row in rest if row["verdict"] == _NOT_RUN]
    if waiting:
        yield "Without a chapter so far:\n"
        table = [
            [f"**{row['id']}**", plain(row["claim"]), _word(_NOT_RUN), _RULES[row["rule"]]] for row in waiting
        ]
        yield (
            cards(["claim", "in our words", "verdict", "its rule"], table, kind="waiting ovbook-claims")
            + "\n"
        )


def _judged(rows: Sequence[Mapping[str, Any]], chapter: ChapterPage | None) -> str:
    table = [
        [
            f"**{row['id']}**",
            plain(row["claim"]),
            verdict_cell(row, chapter) + (f" *{plain(row['note'])}*" if row["note"] else ""),
            outcome(row),
            str(row["n"] or ""),
            f"`{row['scale']}`" if row["verdict"] != _NOT_RUN else "",
        ]
        for row in rows
    ]
    return cards(
        ["claim", "in our words", "verdict", "result", "n", "scale"], table, kind="scoreboard ovbook-claims"
    )


def outcome(row: Mapping[str, Any]) -> str:
    """The number with its interval and unit, and what it measures."""
    if not row["result"]:
        return ""
    return plain(row["result"]) + (
        f"<br><small>{plain(row['statistic'])}</small>" if row["statistic"] else ""
    )


def verdict_cell(row: Mapping[str, Any], chapter: ChapterPage | None) -> str:
    """The verdict as sign and word, leading to its box where the chapter was executed at the verdict's own scale."""
    word = _word(row["verdict"])
    if chapter is None or chapter.scale != row["scale"] or row["verdict"] == _NOT_RUN:
        return word
    anchor = f"verdict-{row['id']}"
    # Sphinx knows no targets inside HTML, so this is a plain link; it is made only where the target is.
    return (
        f'<a href="../{chapter.doc}.html#{anchor}">{word}</a>' if _holds(chapter.notebook, anchor) else word
    )


def _holds(notebook: Any, anchor: str) -> bool:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return any(f'id="{anchor}"' in "".join(output.get("data", {}).get("text/html", "")) for output in outputs)


def _word(verdict: str) -> str:
    known = verdict.lstrip("✓✗?– ")
    return f'<span class="ovbook-word" data-verdict="{known}">{verdict}</span>'

"""The page with every paper, each of its claims beside its own number, and what our numbers make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ovbook.press.pages.bibliography import Paper
from ovbook.press.pages.book import Book, ChapterPage
from ovbook.press.pages.scoreboard import PARTS, verdict_cell
from ovbook.press.pages.text import cards, plain

__all__ = ["paper_index"]

_KNOWN_FROM = {
    "P": "read in the paper",
    "R": "read in its repository",
    "A": "read in an excerpt",
    "S": "read in somebody else's notes",
    "D": "derived by us",
    "M": "from memory",
}
_SETTING = "What the paper"
"""How the heading begins above a chapter's table of the paper's setting beside ours."""


def paper_index(book: Book) -> str:
    """The page as Markdown."""
    from ovbook.claims import load_claims

    known = load_claims()
    tested = {claim.source: claim.part for claim in known.claims.values()}
    lines = [
        "# Paper index",
        "",
        "Each paper with every claim of it that this book tests: the claim in our words, the number the paper gives, where we "
        "know it from, and our verdict with our number. A dash means that the paper, as far as we know it, gives no number. Numbers "
        "of the papers are from much larger models; ours should agree in sign and order, not in size.",
        "",
    ]
    for key in sorted(tested, key=lambda source: list(PARTS).index(tested[source])):
        lines += _paper(book, key, known.citations[key])
    lines += _others(book, {key: paper for key, paper in book.papers.items() if key not in tested}, known)
    return "\n".join(lines)


def _paper(book: Book, key: str, citation: str) -> Iterator[str]:
    from ovbook.claims import load_claims

    paper = book.papers.get(key)
    claims = [claim for claim in load_claims().claims.values() if claim.source == key]
    yield f"## {plain(paper.short if paper else citation)}\n"
    if paper:
        yield _reference(paper) + "\n"
    settings = [
        text for chapter in book.chapters if (text := _setting(chapter, [claim.id for claim in claims]))
    ]
    if settings:
        yield f"The paper's setting beside ours, value by value: {', '.join(settings)}.\n"
    table = [
        [
            f"**{claim.id}**",
            plain(claim.sentence),
            f"{plain(claim.number) or '–'}<br><small>{_known_from(claim)}</small>",
            "<br>".join(_ours(book, claim.id)),
        ]
        for claim in claims
    ]
    yield (
        cards(["claim", "in our words", "the paper's number", "ours"], table, kind="papers ovbook-claims")
        + "\n"
    )


def _known_from(claim: Any) -> str:
    # Where it says "at second hand" itself, the tag has nothing to add.
    return (
        plain(claim.where)
        if "second hand" in claim.where
        else f"{plain(claim.where)}; {_KNOWN_FROM[claim.tag]}"
    )


def _reference(paper: Paper) -> str:
    title = f"[{plain(paper.title)}]({paper.address})" if paper.address else plain(paper.title)
    return f"*{title}*. {plain(paper.where)}." if paper.where else f"*{title}*."


def _setting(chapter: ChapterPage, claims: Sequence[str]) -> str:
    if not set(claims) & set(chapter.judged):
        return ""
    said = f"chapter {chapter.number}, {plain(chapter.title)}"
    anchor = _anchor(chapter, _SETTING)
    # A heading is no target that MyST knows, so this is a plain link; it is made only where the heading is.
    return f'<a href="../{chapter.doc}.html#{anchor}">{said}</a>' if anchor else f"[{said}](../{chapter.doc})"


def _anchor(chapter: ChapterPage, begins: str) -> str:
    from docutils.nodes import make_id

    for cell in chapter.notebook.cells if chapter.notebook is not None else ():
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            heading = line.lstrip("#").strip()
            if line.startswith("#") and heading.startswith(begins):
                return str(make_id(heading))
    return ""


def _ours(book: Book, claim: str) -> Iterator[str]:
    from ovbook.claims import scoreboard

    chapter = book.chapter_of(claim)
    at = f" in [chapter {chapter.number}](../{chapter.doc})" if chapter else ""
    rows = [row for row in book.rows if row["id"] == claim]
    table = scoreboard(rows)
    run: list[dict[Any, Any]] = table[(table["id"] == claim) & (table["verdict"] != "not run yet")].to_dict(
        "records"
    )
    for row in run:
        result = f": {plain(row['result'])}, {row['n']} seeds" if row["result"] else ""
        yield f"{verdict_cell(row, chapter)} at `{row['scale']}`{at}{result}"
    if not run:
        yield (
            f"not computed yet{at}"
            if chapter
            else '<span class="ovbook-word" data-verdict="not run yet">not run yet</span>'
        )


def _others(book: Book, others: Mapping[str, Paper], known: Any) -> Iterator[str]:
    if not others:
        return
    yield "## Papers the book leans on\n"
    yield "No rule of this book tests a claim of these.\n"
    for key, paper in others.items():
        near = [claim.id for claim in known.claims.values() if key in claim.related]
        uses = [
            f"[chapter {chapter.number}](../{chapter.doc})"
            for chapter in book.chapters
            if key in chapter.cites
        ]
        said = ([f"cited in {', '.join(uses)}"] if uses else []) + (
            [f"close to {', '.join(near)}"] if near else []
        )
        yield f"- {plain(paper.short)}, {_reference(paper)}" + (
            f" {'; '.join(said).capitalize()}." if said else ""
        )
    yield ""

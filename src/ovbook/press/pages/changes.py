"""The page with the rules that were changed after they were committed, and with the errors found in the book."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ovbook.errors import OvbookError
from ovbook.press.pages.book import Book
from ovbook.press.pages.text import cards, say
from ovbook.press.repository import repository_of

__all__ = ["changes_and_errata", "read_errata"]

_KEYS = ("date", "page", "was", "now", "why", "verdicts")


def changes_and_errata(book: Book) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            "# Changes of rules, and errata",
            "",
            "A rule is written down before its result is seen. Sometimes it has to change all the same: a setting proves "
            "impossible, a sentence promises more than the rule does. Then the change stands here, with its reason, and with whether "
            "any result that it judges had been seen. A verdict given under an earlier version of its rule is marked on the "
            f"{book.link('scoreboard', 'Scoreboard')}.",
            "",
            "## Rules changed after they were committed",
            "",
            *_changes(),
            "",
            "## Trial runs",
            "",
            *_pilots(),
            "",
            "## Errata",
            "",
            *_errata(read_errata(book.root / "book" / "errata.toml")),
            "",
            _report(book),
            "",
        ]
    )


def _changes() -> Iterator[str]:
    from ovbook.claims import changes

    table = [
        [
            change["date"],
            f"**{change['claim']}**",
            say(change["old"]),
            say(change["new"]),
            say(change["reason"]),
            "seen" if change["results_seen"] else "not seen",
        ]
        for change in sorted(changes(), key=lambda change: change["date"], reverse=True)
    ]
    yield (
        cards(["date", "claim", "was", "is", "why", "results"], table, kind="changes")
        if table
        else "None yet."
    )


def _pilots() -> Iterator[str]:
    from ovbook.claims import load_claims

    known = load_claims()
    seen = [
        claim.id
        for claim in known.claims.values()
        if claim.pilots_seen and claim.rule_status != "to be written before its chapter"
    ]
    seeds = ", ".join(map(str, sorted(known.pilot_seeds)))
    yield (
        f"Settings and smallest effects were chosen after small trial runs, with seeds {seeds} on world "
        f"{', '.join(sorted(known.pilot_worlds))}. No verdict may rest on these seeds or that world. Trials of the very question had been looked at "
        f"before the rule was written for {', '.join(seen)}; `claims.toml` says what they showed."
    )


def _errata(errata: list[Mapping[str, str]]) -> Iterator[str]:
    if not errata:
        yield "None yet: nothing that a released version of the book says has been found wrong."
        return
    table = [[say(found[key]) for key in _KEYS] for found in errata]
    yield cards(["date", "page", "was", "is now", "why", "verdicts"], table, kind="errata")


def _report(book: Book) -> str:
    repository = repository_of(book.root)
    where = (
        f"[open an issue]({repository.issue('Erratum: ')})"
        if repository
        else "tell whoever you have this copy from"
    )
    return (
        f"Found one? Please {where}: name the page, the sentence or number, and what you believe is right and why. A correction is "
        "printed here with its date, and says whether a verdict moved. An author adds it to `book/errata.toml`, in the commit that mends the page."
    )


def read_errata(file: Path) -> list[Mapping[str, str]]:
    """The entries of an errata file, newest first; raise `OvbookError` for one that is not whole."""
    if not file.is_file():
        return []
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OvbookError(f"{file.name} is not TOML ({error}): mend that line") from error
    entries = data.get("errata", [])
    for entry in entries:
        if set(entry) != set(_KEYS) or not all(str(value).strip() for value in entry.values()):
            raise OvbookError(
                f"{file.name} has the entry {dict(entry)}: it needs {', '.join(_KEYS)}, none of them empty"
            )
    return sorted(
        ({key: str(entry[key]) for key in _KEYS} for entry in entries), key=lambda e: e["date"], reverse=True
    )

"""The papers of ``references.bib``, as the generated pages name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["Paper", "cited", "papers"]

_CITATION = re.compile(r"\{cite[^}]*\}`([^`]+)`")
_ARXIV = re.compile(r"arXiv:\s*(\d{4}\.\d{4,5})")


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One entry: short is "Springer et al. (2025)", where a journal or a preprint's number, address a link or nothing."""

    key: str
    short: str
    title: str
    where: str = ""
    address: str = ""


def papers(file: Path) -> Mapping[str, Paper]:
    """All entries of a BibTeX file by key, in its order; without the file there are none."""
    from pybtex.database import parse_file
    from pybtex.exceptions import PybtexError

    if not file.is_file():
        return {}
    try:
        entries = parse_file(str(file), bib_format="bibtex").entries
    except (PybtexError, UnicodeDecodeError) as error:
        raise OvbookError(
            f"{file.name} is not BibTeX ({' '.join(str(error).split())}): mend that entry"
        ) from error
    return {key: _paper(key, entry) for key, entry in entries.items()}


def cited(text: str) -> frozenset[str]:
    """Keys of all the papers that a text in MyST Markdown cites."""
    return frozenset(key.strip() for keys in _CITATION.findall(text) for key in keys.split(","))


def _paper(key: str, entry: Any) -> Paper:
    names = [_plain(" ".join(person.last_names)) for person in entry.persons.get("author", [])]
    people = f"{names[0]} et al." if len(names) > 2 or "others" in names[1:] else " and ".join(names) or key
    fields = entry.fields
    note = _plain(fields.get("note", ""))
    arxiv = _ARXIV.search(note)
    venue = next((fields[name] for name in ("journal", "booktitle", "howpublished") if name in fields), "")
    return Paper(
        key=key,
        short=f"{people} ({fields.get('year', 'no year')})",
        title=_plain(fields.get("title", key)),
        where=", ".join(part for part in (_plain(venue), note) if part),
        address=fields.get("url") or (f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else ""),
    )


def _plain(latex: str) -> str:
    from pybtex.richtext import Text

    return " ".join(str(Text.from_latex(latex)).split())

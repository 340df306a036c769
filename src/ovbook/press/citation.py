"""How to cite: BibTeX of a chapter, from CITATION.cff, and of the papers it stands on, from ``references.bib``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.press.repository import Repository

__all__ = ["citation_file", "cite_chapter", "cite_papers"]


def cite_chapter(
    root: Path, chapter: str, title: str, repository: Repository | None, commit: str | None
) -> str:
    """BibTeX of one chapter; empty where the project has no CITATION.cff."""
    import yaml
    from pybtex.database import BibliographyData, Entry

    file = root / "CITATION.cff"
    if not file.is_file():
        return ""
    book: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    number, _, words = chapter.partition("-")
    fields = {
        "author": " and ".join(_author(person) for person in book["authors"]),
        "title": title,
        "howpublished": f"Chapter {int(number)} of {{{book['title']}}}"
        if number.isdigit()
        else book["title"],
        "year": str(book.get("date-released", ""))[:4] or _year(root),
        "note": f"Version {book['version']}" + (f", commit {commit[:10]}" if commit else ""),
        "url": f"{repository.pages}chapters/{chapter}.html" if repository else "",
    }
    entry = Entry("misc", {name: value for name, value in fields.items() if value})
    key = f"ovbook-{words or chapter}"
    return str(BibliographyData({key: entry}).to_string("bibtex")).strip()


def _author(person: Mapping[str, Any]) -> str:
    if "family-names" in person:
        return f"{person['family-names']}, {person.get('given-names', '')}".rstrip(", ")
    return f"{{{person['name']}}}"  # a group, not a person with a first name


def _year(root: Path) -> str:
    import yaml

    config = root / "_config.yml"
    said = yaml.safe_load(config.read_text(encoding="utf-8")) if config.is_file() else {}
    return str((said or {}).get("copyright", ""))[:4]


def cite_papers(root: Path, keys: Sequence[str], chapter: str) -> str:
    """BibTeX of the entries `keys` of ``book/references.bib``; one that is not there raises `OvbookError`."""
    from pybtex.database import BibliographyData, parse_file

    if not keys:
        return ""
    entries = parse_file(str(root / "book" / "references.bib"), bib_format="bibtex").entries
    for key in keys:
        if key not in entries:
            raise OvbookError(
                f"the header of chapter {chapter} names the paper '{key}'{did_you_mean(key, list(entries))}: "
                f"book/references.bib has {', '.join(entries)}"
            )
    for key in keys:
        for name, value in entries[key].fields.items():
            entries[key].fields[name] = re.sub(r"\\([&%#_])", r"\1", value)  # writing escapes them again
    return str(BibliographyData({key: entries[key] for key in keys}).to_string("bibtex")).strip()


def citation_file(root: Path, repository: Repository | None) -> str:
    """The text of CITATION.cff with the address from ``_config.yml``, or without one."""
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("repository-code:", "url:"))]
    if repository is not None:
        kept += [f'repository-code: "{repository.url}"', f'url: "{repository.pages}"']
    return "\n".join(kept) + "\n"

"""The page that names what other people made: everything a page of this book brings along, with version and licence."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path

from ovbook.press import vendor
from ovbook.press.pages.text import cards

__all__ = ["INSTALLED", "colophon"]

INSTALLED = (
    ("sphinx-book-theme", "look of the pages", "BSD-3-Clause", ("theme",)),
    ("pydata-sphinx-theme", "look of the pages; with Bootstrap and Font Awesome", "BSD-3-Clause", ("theme",)),
    ("Sphinx", "search", "BSD-2-Clause", ("themes/basic/static",)),
    ("myst-nb", "cells of notebooks", "BSD-3-Clause", ("static",)),
    ("sphinx-copybutton", "the button that copies code; with clipboard.js", "MIT", ("_static",)),
    ("sphinx-togglebutton", "folds", "MIT", ("_static",)),
    ("sphinx-design", "cards and tabs", "MIT", ("static",)),
    ("sphinx-exercise", "exercises", "MIT", ("assets",)),
)
"""Installed libraries whose files end up in the site: name, what for, licence, the folders the files come from.

Licences are the SPDX names of what each library's own files say; most of their metadata say only "BSD".
"""

_INSIDE = (
    ("Bootstrap 5.3.3", "in the theme's script and style", "MIT"),
    ("Font Awesome Free 6.5.2", "the icons of the theme", "CC-BY-4.0 AND OFL-1.1 AND MIT"),
    ("clipboard.js 2.0.8", "in the copy button", "MIT"),
)
_PUBLISHED = {".css", ".js", ".svg", ".png", ".woff2"}


def colophon() -> str:
    """The page as Markdown. Sizes are bytes on disk, before any compression."""
    kept = vendor.read_manifest()
    total = sum(asset.bytes for asset in kept) / 1e6
    return "\n".join(
        [
            "# Colophon",
            "",
            "These pages load nothing from another host. What other people made and the pages need lies beside them, and is "
            "listed here. The text is set in Source Serif, headings and charts in Source Sans, code in Source Code Pro.",
            "",
            "## Kept in the book",
            "",
            f"{total:.1f} MB in all. Every file is compared with its SHA-256 when the pages are built; the sums stand in "
            "`src/ovbook/press/vendored/manifest.toml`, the licence texts lie below `_vendor/` of this site. A page takes only what "
            "it shows: formulas bring MathJax, sliders of a notebook bring RequireJS and html-manager, charts bring Vega.",
            "",
            cards(
                ("what", "version", "licence", "size", "what for", "from"),
                [(a.name, a.version, a.licence, _kilobytes(a.bytes), a.purpose, a.origin) for a in kept],
            ),
            "",
            "## Brought by the libraries that draw the pages",
            "",
            cards(
                ("what", "version", "licence", "size", "what for"),
                [
                    (
                        name,
                        importlib.metadata.version(name),
                        licence,
                        _kilobytes(_published(name, folders)),
                        purpose,
                    )
                    for name, purpose, licence, folders in INSTALLED
                ],
            ),
            "",
            "Inside them: "
            + "; ".join(f"{name} ({where}, {licence})" for name, where, licence in _INSIDE)
            + ".",
            "",
            "## The book itself",
            "",
            "Prose and figures are under CC BY 4.0, the code under Apache-2.0. What a chapter was run with stands at its end.",
            "",
        ]
    )


def _kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f} kB"


def _published(name: str, folders: Sequence[str]) -> int:
    """Bytes of an installed library's files that a build copies into the site."""
    found = importlib.util.find_spec(name.lower().replace("-", "_"))
    if found is None or found.origin is None:
        return 0
    home = Path(found.origin).parent
    files = (file for folder in folders for file in (home / folder).rglob("*"))
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix in _PUBLISHED)

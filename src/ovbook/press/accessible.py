"""What the libraries that write our pages get wrong for readers with a screen reader, put right in the page itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["TEMPLATES", "mended", "named", "setup"]

TEMPLATES = Path(__file__).parent / "templates"
"""Parts of the theme that we write ourselves."""

_EMPTY_HEADER = re.compile(r"<th(?P<rest>(?:\s[^>]*)?)>(?:\s|<p>|</p>)*</th>")
_MISNAMED = re.compile(r'<summary aria-label="Toggle hidden content">')
_PARAMETERS = re.compile(r'(<span class="sig-paren">\(</span>\s*)<dl>')
_UNNAMED = re.compile(r"(?P<link><a [^>]*>(?P<name>[^<]+)</a>\s*<details[^>]*>)<summary>")
_CITATION = re.compile(r'(<div class="citation"[^>]*?) role="doc-biblioentry"')


def mended(body: str) -> str:
    """The HTML of a page's body without four things that mislead a screen reader.

    A header cell without words (pandas writes one above its index) becomes a plain cell. A fold is called what
    can be read on it, not the same as every other fold. An entry of the bibliography becomes the item of the list
    it stands in; docutils gives it a role that ARIA 1.3 has withdrawn. The lines of
    a long signature, which Sphinx writes as a list of definitions without terms, are no list.
    """
    body = _EMPTY_HEADER.sub(r"<td\g<rest>></td>", body)
    body = _MISNAMED.sub("<summary>", body)
    body = _PARAMETERS.sub(r'\1<dl role="presentation">', body)
    return _CITATION.sub(r'\1 role="listitem"', body)


def named(contents: str) -> str:
    """The HTML of the sidebar's contents, the arrow that opens a section named after it."""
    return _UNNAMED.sub(r'\g<link><summary aria-label="Pages of \g<name>">', contents)


def _mend(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if "body" in context:
        context["body"] = mended(context["body"])
    if contents := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = _with_names(contents)


def _with_names(contents: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        made = contents(*arguments, **options)
        return named(made) if isinstance(made, str) else made

    return wrapped


def setup(app: Any) -> None:
    """Called by our Sphinx extension."""
    app.config.templates_path.insert(0, str(TEMPLATES))
    app.add_css_file("ovbook-access.css")
    app.connect(
        "html-page-context", _mend, priority=800
    )  # the theme lays its functions into the context at 500

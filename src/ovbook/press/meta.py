"""What search engines, link previews and screen readers are told about a page."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from ovbook.files import atomic_write

__all__ = ["described", "entrance", "setup", "tags"]

_MOST = 200  # characters of a description that previews show


def described(doctree: Any) -> str:
    """The page's first paragraph as plain text, cut at a word when it is long; empty when there is none."""
    from docutils import nodes

    for paragraph in doctree.findall(nodes.paragraph):
        inside = paragraph.parent
        if isinstance(inside, nodes.Admonition | nodes.table | nodes.entry | nodes.list_item):
            continue
        text = " ".join(paragraph.astext().split())
        if len(text) >= 30:
            return text if len(text) <= _MOST else text[:_MOST].rsplit(" ", 1)[0].rstrip(",;:.") + " …"
    return ""


def tags(title: str, book: str, description: str, address: str = "") -> str:
    """The page's ``meta`` elements. Without `address` (the site's own) nothing absolute is claimed."""
    say = {"og:type": "article", "og:title": title, "og:site_name": book, "og:description": description}
    if address:
        say["og:url"] = address
    lines = [f'<meta name="description" content="{escape(description)}" />'] if description else []
    lines += [f'<meta property="{key}" content="{escape(value)}" />' for key, value in say.items() if value]
    lines.append('<meta name="twitter:card" content="summary" />')
    return "\n    ".join(lines)


def entrance(first: str, title: str, language: str) -> str:
    """The ``index.html`` of a book whose first page is `first`."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n  <head>\n    <meta charset="utf-8" />\n'
        f'    <meta name="viewport" content="width=device-width, initial-scale=1" />\n'
        f'    <meta http-equiv="refresh" content="0; url={escape(first)}" />\n'
        f"    <title>{escape(title)}</title>\n  </head>\n  <body>\n    <main>\n      <h1>{escape(title)}</h1>\n"
        f'      <p><a href="{escape(first)}">Open the book</a></p>\n    </main>\n  </body>\n</html>\n'
    )


def _add_tags(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    title = app.env.titles[page].astext() if page in app.env.titles else str(context.get("title") or "")
    base = str(app.config.html_baseurl or "").rstrip("/")
    added = tags(
        title or app.config.project,
        app.config.html_title or app.config.project,
        described(doctree) if doctree is not None else "",
        f"{base}/{app.builder.get_target_uri(page)}" if base else "",
    )
    context["metatags"] = f"{context.get('metatags') or ''}\n    {added}"


def _write_entrance(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html" or app.config.root_doc == "index":
        return
    first = app.builder.get_target_uri(app.config.root_doc)
    title = app.config.html_title or app.config.project
    atomic_write(Path(app.outdir) / "index.html", entrance(first, title, app.config.language or "en"))


def setup(app: Any) -> None:
    """Called by `ovbook.press.extension`."""
    app.connect("html-page-context", _add_tags)
    app.connect("build-finished", _write_entrance, priority=900)  # after the one that Jupyter Book writes

"""A page in another language than the book's says so: ``lang: zh-Hans`` in its front matter.

Screen readers then speak it with the right voice, and browsers choose the right shapes for Chinese characters.
"""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["marked", "setup"]


def marked(body: str, language: str) -> str:
    """The HTML of a page's body, said to be in `language`."""
    return f'<div lang="{escape(language, quote=True)}">{body}</div>'


def _mark(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    language = app.env.metadata.get(page, {}).get("lang")
    if language and context.get("body"):
        context["body"] = marked(context["body"], str(language))


def setup(app: Any) -> None:
    """Called by `ovbook.press.extension`."""
    app.connect("html-page-context", _mark)

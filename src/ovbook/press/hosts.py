"""The gate at the end of a build: no page may load anything from another host. Links to click on are fine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["foreign", "refuse_foreign"]

_REMOTE = re.compile(r"\s*(?:https?:|wss?:)?//", re.IGNORECASE)
_CSS = re.compile(
    r"""url\(\s*["']?\s*((?:https?:)?//[^"')\s]+)|@import\s+["']\s*((?:https?:)?//[^"']+)""", re.IGNORECASE
)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Where a script names an address that it loads itself. Addresses it only mentions are no requests.
_SCRIPT = re.compile(
    r"""(?:\bimport\s*\(?|\bfrom|\bimportScripts\s*\(|\bfetch\s*\(|\.src\s*=|\bnew\s+(?:Shared)?Worker\s*\(|"""
    r"""\bnew\s+(?:WebSocket|EventSource)\s*\(|\.open\s*\(\s*["'](?:GET|POST)["']\s*,)"""
    r"""\s*["'`]((?:https?:|wss?:)//[^"'`\s]+)""",
    re.IGNORECASE,
)
# What a browser fetches on its own when it meets the element. <a href> and <form action> wait for a person.
_LOADING = {
    "script": ("src",), "img": ("src", "srcset"), "source": ("src", "srcset"), "video": ("src", "poster"),
    "audio": ("src",), "track": ("src",), "iframe": ("src",), "frame": ("src",), "embed": ("src",),
    "object": ("data",), "input": ("src",), "image": ("href", "xlink:href"), "use": ("href", "xlink:href"),
    "body": ("background",),
}  # fmt: skip
_LINKS = {"stylesheet", "preload", "modulepreload", "prefetch", "prerender", "preconnect", "dns-prefetch"}
_LINKS |= {"icon", "apple-touch-icon", "mask-icon", "manifest"}
_WIDGETS = "application/vnd.jupyter.widget-state+json"
_CORE_WIDGETS = ("@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output")


def refuse_foreign(site: Path) -> None:
    """Raise `OvbookError` naming the first thing that a file of `site` would load from another host."""
    for file, what in foreign(site):
        raise OvbookError(
            f"the page file '{file}' would load {what} from another host: put a copy into the book, so that it "
            f"can be read offline"
        )


def foreign(site: Path) -> Iterator[tuple[str, str]]:
    """Yield (file, what it would load) for every reference in the HTML, CSS and JavaScript below `site`."""
    for file in sorted(site.rglob("*")):
        name = file.relative_to(site).as_posix()
        if file.suffix in (".html", ".svg"):
            found: Iterator[str] = _Page(file.read_text(encoding="utf-8", errors="replace")).found()
        elif file.suffix == ".css":
            found = _in_css(file.read_text(encoding="utf-8", errors="replace"))
        elif file.suffix in (".js", ".mjs"):
            found = _in_script(file.read_text(encoding="utf-8", errors="replace"))
        else:
            continue
        for what in found:
            yield name, what


def _in_css(text: str) -> Iterator[str]:
    for match in _CSS.finditer(_CSS_COMMENT.sub("", text)):
        yield f"'{match.group(1) or match.group(2)}'"


def _in_script(text: str) -> Iterator[str]:
    for match in _SCRIPT.finditer(text):
        yield f"'{match.group(1)}'"


class _Page(HTMLParser):
    """Collects what one page loads."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self._list: list[str] = []
        self._inside: str | None = None
        self._body: list[str] = []
        self.feed(text)
        self.close()

    def found(self) -> Iterator[str]:
        return iter(self._list)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in _LOADING.get(tag, ()):
            self._look(given.get(name, ""), several=name == "srcset")
        if tag == "link" and _LINKS & set(given.get("rel", "").lower().split()):
            self._look(given.get("href", ""))
        self._list += _in_css(given.get("style", ""))
        if tag in ("script", "style"):
            kind = given.get("type", "").lower()
            self._inside = kind if tag == "script" and "json" in kind else tag
            self._body = []

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._body.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("script", "style") or self._inside is None:
            return
        kind, text = self._inside, "".join(self._body)
        self._inside = None
        if kind == "style":
            self._list += _in_css(text)
        elif kind == "script":
            self._list += _in_script(text)
        elif kind == _WIDGETS:
            self._list += _in_widgets(_json(text))
        else:
            self._list += _in_chart(_json(text))

    def _look(self, value: str, *, several: bool = False) -> None:
        for part in value.split(",") if several else [value]:
            if _REMOTE.match(part):
                self._list.append(f"'{part.split()[0]}'")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _in_chart(node: Any) -> Iterator[str]:
    """Data and pictures that a chart's specification names by address. Its links wait for a person."""
    if isinstance(node, list):
        for value in node:
            yield from _in_chart(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "url" and isinstance(value, str) and _REMOTE.match(value):
                yield f"'{value}'"
            else:
                yield from _in_chart(value)


def _in_widgets(state: Any) -> Iterator[str]:
    """Widgets beyond the core ones: the page would ask a public host for their code."""
    models = state.get("state", {}).values() if isinstance(state, dict) else ()
    for module in sorted({str(model.get("model_module")) for model in models} - set(_CORE_WIDGETS)):
        yield f"the code of widgets from '{module}'"

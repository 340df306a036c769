"""The page with every figure of every executed chapter, and the pictures it shows."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ovbook.press.mime import MIME
from ovbook.press.pages.book import Book, ChapterPage
from ovbook.press.pages.text import plain

__all__ = ["FOLDER", "Figure", "figures", "gallery", "pictures"]

FOLDER = "figures"
"""Where the pictures lie, beside the page."""

_GLUED = "application/papermill.record/"
_DIRECTIVE = re.compile(
    r"^[`:]{3,}\{glue:figure\}[ \t]+(?P<key>\S+)[ \t]*\n(?P<options>(?::[\w-]+:.*\n)*)", re.MULTILINE
)
_NAME = re.compile(r"""^:name:\s*["']?(?P<name>[\w-]+)["']?\s*$""", re.MULTILINE)
_HIDDEN = {"remove-cell", "remove-output"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart as a picture.

    file: its stable name, such as ``02-sensitivity-grows-fig-damage.png``; label: what ``numref`` knows it by, or
    nothing for a chart that is not numbered; title: the finding; description: for those who cannot see it; png: bytes.
    """

    file: str
    label: str
    title: str
    description: str
    png: bytes


def gallery(book: Book) -> str:
    """The page as Markdown; `pictures` gives the files that it shows."""
    lines = [
        "# Figures",
        "",
        "Every figure of the book as a still picture, with the sentence it is meant to say. Each leads to its place in the chapter, "
        "where it has sliders, tooltips, a caption and the numbers behind it.",
        "",
    ]
    for chapter in book.chapters:
        lines += [f"## Chapter {chapter.number}: [{plain(chapter.title)}](../{chapter.doc})", ""]
        shown = figures(chapter)
        if chapter.notebook is None:
            lines += [f"Not computed in this copy: `ovbook run {chapter.name[:2]}` draws its figures.", ""]
        elif not shown:
            lines += ["This chapter has no chart.", ""]
        else:
            lines += [
                "::::{grid} 1 1 2 2",
                ":gutter: 3",
                "",
                *(_item(chapter, figure) for figure in shown),
                "::::",
                "",
            ]
    return "\n".join(lines)


def _item(chapter: ChapterPage, figure: Figure) -> str:
    # Its number and its picture lead to it; a chart that the chapter does not number leads to the page.
    anchor = f"#{figure.label}" if figure.label else ""
    title = plain(figure.title)
    said = f"{{numref}}`{figure.label}`. {title}" if figure.label else f"[{title}](../{chapter.doc})"
    return "\n".join(
        [
            ":::{grid-item}",
            f"```{{image}} {FOLDER}/{figure.file}",
            f":alt: {' '.join(figure.description.split())}",
            ":class: ovbook-picture",
            ":loading: lazy",
            f":target: ../{chapter.doc}.html{anchor}",
            "```",
            "",
            said,
            ":::",
            "",
        ]
    )


def pictures(book: Book) -> dict[str, bytes]:
    """File name -> PNG of every figure."""
    return {figure.file: figure.png for chapter in book.chapters for figure in figures(chapter)}


def figures(chapter: ChapterPage) -> list[Figure]:
    """The charts that readers of `chapter` see, in the order of the page, each once.

    Numbered are those that the prose places with ``glue:figure``; a chart that is a cell's visible output counts too.
    """
    if chapter.notebook is None:
        return []
    glued = dict(_glued(chapter.notebook))
    found: list[Figure] = []
    shown: list[str] = []
    for label, data in _placed(chapter.notebook, glued):
        spec = _spec(data)
        same = json.dumps(spec, sort_keys=True)
        if same not in shown:
            shown.append(same)
            found.append(_figure(chapter, label or f"chart-{len(found) + 1}", label, spec, data))
    return found


def _placed(notebook: Any, glued: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for directive in _DIRECTIVE.finditer(cell.source):
                data = glued.get(directive["key"])
                if data is not None:
                    name = _NAME.search(directive["options"])
                    yield (name["name"] if name else ""), data
        elif not _HIDDEN & set(cell.metadata.get("tags", [])):
            for output in cell.get("outputs", []):
                if MIME in output.get("data", {}):
                    yield "", output["data"]


def _glued(notebook: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            data = {mime.removeprefix(_GLUED): value for mime, value in output.get("data", {}).items()}
            if name and MIME in data:
                yield name, data


def _spec(data: Mapping[str, Any]) -> Any:
    given = data[MIME]
    return json.loads("".join(given)) if isinstance(given, str | list) else given


def _figure(chapter: ChapterPage, stem: str, label: str, spec: Any, data: Mapping[str, Any]) -> Figure:
    description = str(spec.get("description") or "")
    return Figure(
        file=f"{chapter.name}-{stem}.png",
        label=label,
        title=_title(spec) or description,
        description=description,
        png=base64.b64decode("".join(data.get("image/png", ""))),
    )


def _title(spec: Any) -> str:
    """The title of a chart, or of the first part of a chart made of several."""
    given = spec.get("title") or ""
    text = given.get("text", "") if isinstance(given, Mapping) else given
    joined = " ".join(text) if isinstance(text, list) else str(text)
    if joined:
        return joined
    inner = (part for key in ("layer", "hconcat", "vconcat", "concat") for part in spec.get(key, []))
    return next((title for part in inner if (title := _title(part))), "")

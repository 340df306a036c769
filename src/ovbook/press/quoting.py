"""The book's own results on pages without code: verdicts and their numbers in a sentence, one chart of a chapter.

So that no such page holds a number that somebody typed, and none goes stale:

    {verdict}`A2`                      the verdict in a word, or "not run yet"
    {verdict}`A2 statistic:.2f`        a number of its row: statistic, size (without its sign), low, high, n; also
                                       scale, interval, gamma
    {verdict}`part A`                  how many claims of a part are judged, and how

After a comma the language, where it is not English: {verdict}`A2, zh`. And

    ```{chart} 02-sensitivity-grows fig_after_noise
    What to do, where the chapter was not computed.
    ```
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ovbook.errors import OvbookError, did_you_mean
from ovbook.press.mime import MIME, container
from ovbook.project import Project

__all__ = ["chart_spec", "quoted", "setup"]

_ASKED = re.compile(
    r"(?P<what>part [A-Z]|[A-Z]\d+)(?: (?P<field>\w+)(?::(?P<format>[^,]+))?)?(?:, *(?P<language>\w+))?"
)
_NUMBERS = ("statistic", "size", "low", "high", "n")
_FIELDS = ("verdict", *_NUMBERS, "scale", "interval", "gamma")
_SHOWN = ("laptop", "gpu", "paper")
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "not run yet": "not run yet",
        "": "(not run)",
        "none": "none of {all} claims is judged",
        "some": "{judged} of {all} claims are judged: {words}",
        "count": "{n} {word}",
        "join": ", ",
    },
    "zh": {
        "reproduced": "复现",
        "not reproduced": "未复现",
        "inconclusive": "无定论",
        "not tested at this scale": "本规模未检验",
        "not run yet": "尚未运行",
        "": "（未运行）",
        "none": "共 {all} 条论断，尚无裁定",
        "some": "共 {all} 条论断，已裁定 {judged} 条：{words}",
        "count": "{word} {n} 条",
        "join": "，",
    },
}


def quoted(asked: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """What stands for the role's text `asked`, given the verdict rows of `ovbook.claims.collect`.

    A claim with rows at several scales speaks for `laptop`, which is what is published, else for the next larger.
    Raises `OvbookError` for what cannot be asked.
    """
    from ovbook.claims import claim

    found = _ASKED.fullmatch(asked.strip())
    language = (found and found["language"]) or "en"
    if found is None or language not in _WORDS:
        raise OvbookError(
            f"'{asked}' asks for no verdict: write a claim as A2, a number of it as 'A2 statistic:.2f', or 'part A'; "
            f"after a comma one of {', '.join(_WORDS)}"
        )
    if found["what"].startswith("part"):
        return _part(found["what"][-1], rows, language)
    known = claim(found["what"])
    field = found["field"] or "verdict"
    if field not in _FIELDS:
        raise OvbookError(
            f"a verdict has no '{field}'{did_you_mean(field, _FIELDS)}: it has {', '.join(_FIELDS)}"
        )
    if field == "gamma":
        return f"{known.settings['gamma']:g}" if "gamma" in known.settings else ""
    row = _row(known.id, rows)
    if field == "verdict":
        return _word(row["verdict"] if row else "not run yet", language)
    if row is None or (row["statistic"] is None and field not in ("n", "scale")):
        return _word("", language)
    form = found["format"] or ("d" if field == "n" else ".2f")
    try:
        if field == "scale":
            return str(row["scale"])
        if field == "interval":
            return f"[{row['low']:{form}}, {row['high']:{form}}]".replace("-", "−")
        value = abs(row["statistic"]) if field == "size" else row[field]
        return f"{value:{form}}".replace("-", "−")
    except ValueError as error:
        raise OvbookError(
            f"'{form}' is no format for a number ({error}): write it as in 'A2 low:.2f'"
        ) from error


def _row(claim_id: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    mine = {row["scale"]: row for row in rows if row["id"] == claim_id}
    return next((mine[scale] for scale in _SHOWN if scale in mine), None)


def _word(word: str, language: str) -> str:
    return _WORDS[language].get(word, word)


def _part(letter: str, rows: Sequence[Mapping[str, Any]], language: str) -> str:
    from ovbook.claims import VERDICTS
    from ovbook.claims.registry import IDS

    mine = [name for name in IDS if name[0] == letter]
    if not mine:
        raise OvbookError(
            f"there is no part {letter}: claims begin with {', '.join(sorted({n[0] for n in IDS}))}"
        )
    words = [row["verdict"] for name in mine if (row := _row(name, rows)) and row["statistic"] is not None]
    if not words:
        return _word("none", language).format(all=len(mine))
    counts = [
        _WORDS[language]["count"].format(n=words.count(word), word=_word(word, language))
        for word in VERDICTS
        if word in words
    ]
    joined = _word("join", language).join(counts)
    return _word("some", language).format(judged=len(words), all=len(mine), words=joined)


def chart_spec(notebook: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The Vega-Lite specification that an executed chapter handed to its page as the figure `name`, or None."""
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") != name:
                continue
            for mime, content in output.get("data", {}).items():
                if mime.endswith(MIME):
                    spec = json.loads("".join(content)) if isinstance(content, str | list) else content
                    return dict(spec)
    return None


def _project(environment: Any) -> Project:
    return Project(root=Path(environment.srcdir).parent)


def _rows(environment: Any) -> Sequence[Mapping[str, Any]]:
    project = _project(environment)
    executed = [project.executed(chapter) for chapter in project.chapters()]
    files = [*(path for path in executed if path.is_file()), *sorted(project.results.glob("*.verdicts.json"))]
    for path in (*executed, *files):  # a page is read again when one of them changes, or comes to be
        environment.note_dependency(str(path))
    return _collected(tuple((path, path.stat().st_mtime_ns) for path in files), project.results)


@functools.lru_cache(maxsize=4)
def _collected(files: Iterable[tuple[Path, int]], results: Path) -> Sequence[Mapping[str, Any]]:
    from ovbook.claims import collect

    return collect([path for path, _ in files if path.suffix == ".ipynb"], results)


class _Verdict(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            return [nodes.Text(quoted(self.text, _rows(self.env)))], []
        except OvbookError as error:
            return [], [self.inliner.reporter.warning(str(error), line=self.lineno)]


class _Chart(SphinxDirective):
    """`{chart} CHAPTER FIGURE`: the chart of an executed chapter, drawn as it is there; else the body."""

    has_content = True
    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        chapter, name = self.arguments
        project = _project(self.env)
        path = project.book / "chapters" / f"{chapter}.ipynb"
        self.env.note_dependency(str(path))
        if chapter not in [known.name for known in project.chapters()]:
            return [
                self.state.document.reporter.warning(f"there is no chapter '{chapter}'", line=self.lineno)
            ]
        if not path.is_file():
            return self._instead(self.content)
        spec = chart_spec(json.loads(path.read_text(encoding="utf-8")), name)
        if spec is None:
            said = f"chapter {chapter} hands no figure '{name}' to its page"
            return [self.state.document.reporter.warning(said, line=self.lineno)]
        return [
            nodes.raw(text=container(spec, self.env.docname), format="html", classes=["output", "ovbook"])
        ]

    def _instead(self, content: StringList) -> list[nodes.Node]:
        body = nodes.container()
        self.state.nested_parse(content, self.content_offset, body)
        return [body]


def setup(app: Any) -> None:
    """Called by `ovbook.press.extension`."""
    app.add_role("verdict", _Verdict())
    app.add_directive("chart", _Chart)

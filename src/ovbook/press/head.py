"""The generated head of a chapter: what one learns, what it takes to read and to run, its knobs, ways to open it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ovbook.press.about import About
from ovbook.press.repository import Repository
from ovbook.runs.knobs import Parameter
from ovbook.runs.plan import duration

__all__ = ["DOWNLOADS", "Page", "cost", "devices", "head"]

DOWNLOADS = "_notebooks"
"""Folder of the site, beside ``chapters/``, that holds the notebooks to download."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything that head and foot say about one executed chapter.

    record: see `ovbook.press.provenance.provenance`; minutes: to read; knobs: its parameters by name; values: what they
    were in this execution, filled up from the scale; titles: of the chapters by name; bibtex, papers: how to cite;
    buttons: whether the page stands in the site, where its downloads lie beside it.
    """

    record: Mapping[str, Any]
    title: str = ""
    about: About = field(default_factory=About)
    minutes: int = 1
    knobs: Mapping[str, Parameter] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    repository: Repository | None = None
    bibtex: str = ""
    papers: str = ""
    buttons: bool = False

    @property
    def chapter(self) -> str:
        """The chapter's name, as ``02-sensitivity-grows``."""
        return str(self.record.get("chapter", ""))

    @property
    def number(self) -> str:
        """What the command line calls the chapter."""
        return self.chapter[:2] if re.match(r"\d\d-", self.chapter) else self.chapter


def head(page: Page) -> str:
    """The head as Markdown; its folds are plain HTML, which Jupyter draws as well as a page does."""
    parts = [_facts(page), _learn(page), _actions(page), _knobs(page)]
    inside = "\n\n".join(part for part in parts if part)
    return f'<div class="ovbook-head">\n\n{inside}\n\n</div>'


def _facts(page: Page) -> str:
    record = page.record
    parts = [f"{page.minutes} min to read", cost(record)]
    if "scale" in page.values:
        parts.append(f"scale <code>{html.escape(str(page.values['scale']))}</code>")
    if record.get("commit"):
        parts.append(_commit(record, page.repository))
    return f'<p class="ovbook-facts">{" · ".join(parts)}</p>'


def cost(record: Mapping[str, Any]) -> str:
    """Time and memory that the chapter takes: with its results finished, and from nothing.

    The first is this execution less the time that it spent on runs; the second adds what its runs took when they were
    computed, whenever that was, shared out over the processes that this machine would use. Memory is the largest sum
    over the notebook and its processes: measured where this execution computed, else the notebook and as many
    processes as would compute, each as large as the largest was; left out where runs did not record it.
    """
    here = f"{record['peak_mib'] / 1024:.1f} GiB"
    runs = record.get("runs")
    if not runs:
        return f"{duration(record['seconds'])} and {here} to run"
    rest = record["seconds"] - (runs["seconds_inside"] if runs["computed"] else 0.0)
    whole = rest + runs["seconds_cpu"] / runs["workers"] + runs["seconds_gpu"]
    about = "at least" if runs["not_timed"] else "about"
    again, first = duration(max(rest, 1.0)), f"{about} {duration(whole)}"
    if runs["computed"]:
        again, first = f"about {again}", f"{first} and {here}"
    else:
        again = f"{again} and {here}"
        if runs["peak_mib"] is not None:
            first += f" and {(record['peak_mib'] + runs['workers'] * runs['peak_mib']) / 1024:.1f} GiB"
    return f"{again} to run from stored results, {first} from nothing on {_places(runs)}"


def devices(record: Mapping[str, Any]) -> str:
    """What its runs were computed on, as people say it: CPU, or the name of the GPU."""
    names = (_gpu(device) or "CPU" for device in (record.get("runs") or {}).get("devices") or ["cpu"])
    return html.escape(" and ".join(dict.fromkeys(names)))


def _gpu(device: str) -> str | None:
    """``NVIDIA H200`` from ``cuda (NVIDIA H200)``; None for a CPU."""
    named = re.fullmatch(r"cuda\S* \((.+)\)", device)
    return named[1] if named else None if device.startswith("cpu") else device


def _places(runs: Mapping[str, Any]) -> str:
    """As `devices`, with how many of them."""
    cores = f"{runs['workers']} CPU core{'s' if runs['workers'] > 1 else ''}"
    names = [f"one {gpu}" if (gpu := _gpu(device)) else cores for device in runs["devices"]]
    return html.escape(" and ".join(dict.fromkeys(names)) or "a machine that was not recorded")


def _commit(record: Mapping[str, Any], repository: Repository | None) -> str:
    commit = record["commit"]
    shown = f"<code>{commit[:7]}</code>"
    if repository is not None:
        shown = f'<a href="{html.escape(repository.commit(commit))}">{shown}</a>'
    return f"commit {shown}" + (" with local changes" if record.get("dirty") else "")


def _learn(page: Page) -> str:
    if not page.about.learn:
        return ""
    lines = "\n".join(f"- {line}" for line in page.about.learn)
    text = f"**What you will learn**\n\n{lines}"
    before = [f"[{page.titles[name]}]({name}.ipynb)" for name in page.about.after if name in page.titles]
    if before:
        text += f"\n\nRead first: {', '.join(before)}."
    return text


def _actions(page: Page) -> str:
    if not page.buttons:
        return ""
    file = html.escape(f"{page.chapter}.ipynb")
    links = []
    if page.repository is not None:
        links += [
            ("Open in Colab", page.repository.colab(f"{page.chapter}.ipynb"), ""),
            ("Open in Binder", page.repository.binder(f"{page.chapter}.ipynb"), ""),
        ]
    # Without the attribute a browser would show the notebook's JSON instead of saving it.
    links += [
        ("Download notebook", f"../{DOWNLOADS}/{file}", f' download="{file}"'),
        ("Download without outputs", f"../{DOWNLOADS}/clean/{file}", f' download="{file}"'),
    ]
    if page.repository is not None:
        clean = None if page.record.get("dirty") else page.record.get("commit")
        links.append(("Source", page.repository.source(f"chapters/{page.chapter}.py", clean), ""))
    drawn = [f'<a href="{html.escape(address)}"{more}>{words}</a>' for words, address, more in links]
    return f'<p class="ovbook-actions">{" ".join(drawn)}</p>'


def _knobs(page: Page) -> str:
    if not page.knobs:
        return ""
    rows = [
        f"| `{knob.name}` {knob.annotation} | {_typed(page.values.get(knob.name, knob.default))} | {_cell(knob.help)} |"
        for knob in page.knobs.values()
    ]
    scale = page.values.get("scale")
    here = f"here (`{scale}`)" if scale else "here"
    table = "\n".join([f"| knob | {here} | what it is |", "|---|---|---|", *rows])
    example = f"ovbook run {page.number} -p {_example(page)}"
    return (
        f'<details class="ovbook-fold">\n<summary>Knobs of this chapter ({len(rows)})</summary>\n\n{table}\n\n'
        f"Each can be set, several with one `-p` each; `ovbook plan` in place of `ovbook run` says first what it would "
        f"cost.\n\n```\n{example}\n```\n\n</details>"
    )


def _typed(value: Any) -> str:
    """A value as one types it after ``-p name=``."""
    if value is None or (isinstance(value, list | tuple) and not value):
        return "not set"
    if isinstance(value, list | tuple):
        return f"`{','.join(_item(item) for item in value)}`"
    return f"`{_item(value)}`"


def _item(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _cell(text: str) -> str:
    # What the scale fills in stands in the column before.
    return re.sub(r" ?\(default: the scale's[^)]*\)", "", text).replace("|", "\\|")


def _example(page: Page) -> str:
    seeds = page.values.get("seeds")
    if "seeds" in page.knobs and isinstance(seeds, int):
        return f"seeds={seeds + 3}"
    for name, value in page.values.items():
        if name in page.knobs and isinstance(value, int | float) and not isinstance(value, bool):
            return f"{name}={_item(value * 2)}"
    return f"{next(iter(page.knobs))}=…"

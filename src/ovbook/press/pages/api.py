"""The reference of the package's public names: one page a room, read from the source without importing it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ovbook
from ovbook.errors import OvbookError
from ovbook.press.pages.book import Book
from ovbook.press.pages.text import cards, say

__all__ = ["api_index", "api_pages", "markdown", "public_names", "rooms"]

_MACHINERY = {"cli", "files", "press", "project"}
"""Rooms that neither a chapter nor a program of the reader's own imports."""
_FIRST = (
    "runs", "claims", "stats", "charts", "labs", "world", "text", "tasks", "corpus", "hub", "models", "schedules",
    "optim", "train", "finetune", "perturb", "evaluate",
)  # fmt: skip


def rooms(source: Path | None = None) -> dict[str, Any]:
    """Room -> its module as griffe reads it, in the order of the reference.

    `source` is the folder that holds the package (default: where this one lies).
    """
    import griffe

    folder = source or Path(ovbook.__file__).parent.parent
    package: Any = griffe.load("ovbook", search_paths=[folder], allow_inspection=False)
    found = {
        name: module for name, module in package.modules.items() if name not in _MACHINERY and module.exports
    }
    order = [*(name for name in _FIRST if name in found), *sorted(set(found) - set(_FIRST))]
    return {name: found[name] for name in order}


def public_names(module: Any) -> dict[str, Any]:
    """Name -> what the room offers under it; a name that comes from another module is followed to where it is written."""
    return {str(name): _target(module, str(name)) for name in module.exports}


def _target(module: Any, name: str) -> Any:
    import griffe

    member = module.members.get(name)
    try:
        if (
            member is not None and member.is_module
        ):  # a function that has its module's name, as runs.plan.plan has
            member = member.members.get(name)
        if member is not None:
            return member.final_target if member.is_alias else member
    except griffe.AliasResolutionError:
        pass
    raise OvbookError(
        f"{module.path} offers '{name}' in its __all__, and its source does not show where that is written: assign it in a "
        f"line of its own"
    )


def api_index(book: Book) -> str:
    """The page that leads to the rooms."""
    table = []
    for name, module in rooms().items():
        names = ", ".join(f"`{offered}`" for offered in sorted(map(str, module.exports), key=str.lower))
        table.append([f"[`ovbook.{name}`](api/{name}.md)", say(_first_line(module)), names])
    return "\n".join(
        [
            "# API reference",
            "",
            "Every public name of the package, by room, from the source itself. `import ovbook.runs` and the like; the package "
            "alone holds nothing but its version. A room imports only from rooms below it, so `ovbook.models` and `ovbook.train` "
            "work without the plotting libraries. Mistakes that a person can mend raise `ovbook.errors.OvbookError`, in one sentence.",
            "",
            cards(["room", "what it is", "names"], table, kind="rooms"),
            "",
        ]
    )


def api_pages(book: Book) -> dict[str, str]:
    """File -> Markdown, one page a room."""
    return {f"api/{name}.md": "\n".join(_room(module)) for name, module in rooms().items()}


def _room(module: Any) -> Iterator[str]:
    yield f"# `{module.path}`\n"
    yield f"```{{py:module}} {module.path}\n```\n"
    yield _docstring(module) + "\n"
    for name, target in public_names(module).items():
        yield _entry(f"{module.path}.{name}", target, fence="`" * 5) + "\n"


def _entry(path: str, target: Any, fence: str) -> str:
    """One object as a directive of Sphinx's Python domain, so that other projects can link to it."""
    holder, _, name = path.rpartition(".")
    kind, head, options = _head(target, name)
    inside = [_docstring(target)]
    if target.is_class:
        inside += [_entry(f"{path}.{member}", thing, fence="`" * 4) for member, thing in _members(target)]
    # A member stands inside its class, which says whose it is.
    lines = [f"{fence}{{py:{kind}}} {head}"]
    if len(fence) > 4:
        lines += [f":module: {holder}"]
    return "\n".join([*lines, *options, "", *[f"{text}\n" for text in inside if text], fence])


def _head(target: Any, name: str) -> tuple[str, str, list[str]]:
    inside = target.parent is not None and target.parent.is_class
    if target.is_class:
        made = target.members.get("__init__")
        return "class", name + (_parameters(made) if made is not None else ""), []
    if target.is_function and "property" not in target.labels:
        given = f" -> {target.returns}" if target.returns is not None else ""
        options = [f":{label}:" for label in ("classmethod", "staticmethod") if label in target.labels]
        return ("method" if inside else "function"), name + _parameters(target) + given, options
    if "property" in target.labels:
        return "property", name, _type(target.annotation if target.is_attribute else target.returns)
    value = str(target.value) if target.value is not None else ""
    # A table of settings is for the source; a short value says what the constant is.
    shown = [f":value: {value}"] if value and len(value) <= 80 and not inside else []
    return ("attribute" if inside else "data"), name, [*_type(target.annotation), *shown]


def _type(annotation: Any) -> list[str]:
    return [f":type: {annotation}"] if annotation is not None else []


def _parameters(function: Any) -> str:
    """The parameters as they stand in the source, without ``self``."""
    parts: list[str] = []
    star = slash = False
    for parameter in function.parameters:
        kind = parameter.kind.value
        if parameter.name in ("self", "cls") and not parts and function.parent.is_class:
            continue
        if kind != "positional-only" and slash:
            parts.append("/")
            slash = False
        slash = slash or kind == "positional-only"
        if kind == "keyword-only" and not star:
            parts.append("*")
        star = star or kind in ("keyword-only", "variadic positional")
        text = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "") + parameter.name
        typed = parameter.annotation is not None
        text += f": {parameter.annotation}" if typed else ""
        if parameter.default is not None and not kind.startswith("variadic"):
            text += f" = {parameter.default}" if typed else f"={parameter.default}"
        parts.append(text)
    return f"({', '.join(parts + (['/'] if slash else []))})"


def _members(cls: Any) -> Iterator[tuple[str, Any]]:
    for name, member in cls.members.items():
        if name.startswith("_") or member.is_alias or member.is_class:
            continue
        if member.docstring:  # a field without one stands in the signature with its type
            yield name, member


def _first_line(target: Any) -> str:
    return target.docstring.value.split("\n\n")[0] if target.docstring else ""


def _docstring(target: Any) -> str:
    return markdown(target.docstring.value) if target.docstring else ""


_HEADING = re.compile(r"(?:Args|Attributes|Returns|Yields|Raises):\n")
_FIELD = re.compile(r"(?P<names>[a-z_*]\w*(?:, [a-z_*]\w*)*): +(?P<said>.*)", re.DOTALL)


def markdown(docstring: str) -> str:
    """A docstring as Markdown.

    Lines ``name: what it is`` with hanging indents become a list of definitions, examples and indented lines are fenced,
    and what Markdown would take for HTML or mathematics is escaped; single and double backticks both mean code.
    """
    parts: list[str] = []
    code: list[str] = []
    for paragraph in [*re.split(r"\n\s*\n", docstring.strip("\n")), ""]:
        if paragraph.startswith("    ") and not _HEADING.match(paragraph):
            code.append(paragraph)
            continue
        if code:
            parts.append(_fenced("\n\n".join(code)))
            code = []
        parts += _paragraph(paragraph)
    return "\n\n".join(parts)


def _paragraph(paragraph: str) -> list[str]:
    if paragraph.startswith(">>>"):
        return [f"```pycon\n{paragraph}\n```"]
    text = textwrap.dedent(_HEADING.sub("", paragraph, count=1))
    items = [_FIELD.fullmatch(item) for item in re.split(r"\n(?=\S)", text)]
    if all(items):
        return [f"`{item['names']}`\n: {_prose(' '.join(item['said'].split()))}" for item in items if item]
    return [_prose(re.sub(r",?\s*::$", ":", paragraph))] if paragraph else []


def _fenced(block: str) -> str:
    language = "text" if "`" in block else "python"
    return f"~~~{language}\n{textwrap.dedent(block)}\n~~~"


_LITERAL = re.compile(r"(``.+?``(?!`)|`[^`]+`)", re.DOTALL)


def _prose(text: str) -> str:
    pieces = _LITERAL.split(text)
    return "".join(
        _code(piece) if i % 2 else re.sub(r"([<$*])", r"\\\1", piece) for i, piece in enumerate(pieces)
    )


def _code(literal: str) -> str:
    """What stands between backticks; a backtick inside needs more of them around it."""
    inside = literal[2:-2] if literal.startswith("``") else literal[1:-1]
    return f"``` {inside} ```" if "`" in inside else f"`{inside}`"

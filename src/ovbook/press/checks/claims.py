"""Claims that a chapter judges: known, with a whole rule that is committed, and possible with its defaults."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from typing import Any

from ovbook.errors import OvbookError
from ovbook.press.checks.source import Source
from ovbook.project import Project

__all__ = ["claim_problems", "claims_used"]

_CLAIMS = "src/ovbook/claims.toml"
_LISTED = {
    "gamma": "gammas",
    "gammas": "gammas",
    "rate": "rates",
    "rates": "rates",
    "task": "tasks",
    "tasks": "tasks",
}
"""Settings of a rule, and the parameter of a chapter that must hold them."""


def claim_problems(project: Project, source: Source) -> Iterator[str]:
    """One sentence for each thing that would keep a claim of this chapter from being judged, or judged fairly."""
    from ovbook.claims import claim, columns_needed

    committed = _committed(project)
    for name, judged in claims_used(source).items():
        try:
            known = claim(name)
        except OvbookError as error:
            yield f"{error}; mend the cell, or add the claim to claims.toml"
            continue
        if not judged:
            continue
        if known.rule_status != "complete":
            open_ = f", open: {', '.join(known.open)}" if known.open else ""
            reads = f", and its test reads {', '.join(columns_needed(known))}" if known.test else ""
            yield (
                f"claim {name} is judged and has no whole rule yet ({known.rule_status}{open_}{reads}): complete it "
                f"in claims.toml, in a commit of its own, before its results are seen"
            )
        elif committed is not None and committed.get(name) != known.rule_hash:
            yield (
                f"the rule of claim {name} is not committed as it stands: commit claims.toml by itself, before its "
                f"results are seen"
            )
        yield from _impossible(known, source)


def _impossible(known: Any, source: Source) -> Iterator[str]:
    """Declared settings that the chapter's own defaults do not hold: its claim would stay untested."""
    for setting, parameter in _LISTED.items():
        wanted = known.settings.get(setting)
        default = source.parameters[parameter].default if parameter in source.parameters else None
        if wanted is None or not isinstance(default, list):
            continue
        absent = [
            value for value in (wanted if isinstance(wanted, list) else [wanted]) if value not in default
        ]
        if absent:
            yield (
                f"claim {known.id} is declared for {setting} {', '.join(map(str, absent))}, which the default of "
                f"'{parameter}' lacks: add it there"
            )


def claims_used(source: Source) -> dict[str, bool]:
    """Ids that the code gives to ``judge`` (True) or only to ``claim`` (False), in their order.

    Seen are literals, and names that a loop or a comprehension runs over a list of literals.
    """
    found: dict[str, bool] = {}
    for tree in source.code:
        loops = _loops(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and node.args and _name(node.func) in ("judge", "claim")):
                continue
            first = node.args[0]
            ids = [first.value] if isinstance(first, ast.Constant) else loops.get(_name(first), [])
            for claim_id in ids:
                if isinstance(claim_id, str):
                    found[claim_id] = found.get(claim_id, False) or _name(node.func) == "judge"
    return found


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _loops(tree: ast.AST) -> dict[str, list[Any]]:
    """Loop variables and the literals that they run over."""
    found: dict[str, list[Any]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Tuple | ast.List):
            values = [item.value for item in node.iter.elts if isinstance(item, ast.Constant)]
            found.setdefault(_name(node.target), []).extend(values)
    return found


def _committed(project: Project) -> dict[str, str] | None:
    """Rules by claim as the last commit has them; None where that cannot be known (no git, no such file)."""
    from ovbook.claims.registry import read_claims

    command = ["git", "-C", str(project.root), "show", f"HEAD:{_CLAIMS}"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
        rules = shown.partition("\n[[changes]]")[0]  # the log of changes decides nothing
        return {name: known.rule_hash for name, known in read_claims(rules).claims.items()}
    except (OSError, subprocess.SubprocessError, ValueError):
        return None

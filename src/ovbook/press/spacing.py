"""Formulas in running text stay on one line: γ = 0.3 is read as one thing, so it is not broken at its sign."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["setup", "together"]

_SIGN = re.compile(r"(?<=\S) ([=≈≤≥]) ")


def together(text: str) -> str:
    """`text` with the spaces around a sign of equation made unbreakable."""
    return _SIGN.sub("\u00a0\\1\u00a0", text)


def _join(app: Any, doctree: Any, page: str) -> None:
    from docutils import nodes

    as_typed = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)
    for node in list(doctree.findall(nodes.Text)):
        if not _inside(node, as_typed) and (joined := together(str(node))) != str(node):
            node.parent.replace(node, nodes.Text(joined))


def _inside(node: Any, kinds: tuple[type, ...]) -> bool:
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def setup(app: Any) -> None:
    """Called by our Sphinx extension."""
    app.connect("doctree-resolved", _join)

"""What a folded code cell says about itself: a reader who has not seen one learns what lies behind the bar."""

from __future__ import annotations

from typing import Any

__all__ = ["label", "setup"]

_HIDE = "Hide the code"


def label(tags: list[str], output: str | None) -> str:
    """Return the bar's words for a hidden cell with `tags` whose visible output is `output`.

    `output` is "chart", "widget", "table", "verdict", "text" or None for a cell that shows nothing.
    """
    if "parameters" in tags:
        return "Settings of this chapter"
    named = {
        "chart": "Code of the figure below",
        "widget": "Code of the controls below",
        "table": "Code of the table below",
        "verdict": "Code of the verdict below",
        "text": "Code of the output below",
    }
    return named.get(output or "", "Code that prepares what follows")


def _kind(cell: Any) -> str | None:
    """What the first output of a cell's node is that a reader sees."""
    from docutils import nodes

    found = None
    for container in cell.findall(nodes.container):
        if container.get("nb_element") != "cell_code_output":
            continue
        for raw in container.findall(nodes.raw):
            text = raw.astext()
            if 'class="ovbook-chart"' in text:
                return "chart"
            if "widget-view+json" in text:
                return "widget"
            if "ovbook-verdict" in text:
                return "verdict"
            if "<table" in text:
                return "table"
        if container.children:
            found = found or ("chart" if next(container.findall(nodes.image), None) else "text")
    return found


def _label_cells(app: Any, doctree: Any) -> None:
    from docutils import nodes

    default = app.config.nb_code_prompt_show
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and cell.get("hide_mode") == "input":
            if cell.get("prompt_show") != default:
                continue  # the chapter has words of its own
            tags = list(cell.get("cell_metadata", {}).get("tags", []))
            cell["prompt_show"] = label(tags, _kind(cell))
            cell["prompt_hide"] = _HIDE


def setup(app: Any) -> None:
    """Called by `ovbook.press.extension`."""
    app.connect("doctree-read", _label_cells)

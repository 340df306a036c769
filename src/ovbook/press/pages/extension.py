"""What Sphinx has to know of the generated pages: their style, their script, and their tables on narrow pages.

A style sheet can show each row of a table as a card, but then the column's name has to stand in every cell, and some
browsers forget that it is a table: so each cell gets ``data-label``, and every part its role.
"""

from __future__ import annotations

from typing import Any

__all__ = ["labelled", "setup", "signatures"]

CLASS = "ovbook-cards"


def labelled(body: str) -> str:
    """The HTML of a page's body with the cells of its card tables labelled and their roles written out."""
    from bs4 import BeautifulSoup

    if CLASS not in body:
        return body
    soup = BeautifulSoup(body, "html.parser")
    for table in soup.find_all("table", class_=CLASS):
        names = [" ".join(head.get_text().split()) for head in table.select("thead th")]
        _role(table, "table")
        for part in table.find_all(["thead", "tbody"]):
            _role(part, "rowgroup")
        for row in table.find_all("tr"):
            _role(row, "row")
            for name, cell in zip(names, row.find_all(["th", "td"]), strict=False):
                _role(cell, "columnheader" if cell.find_parent("thead") else "cell")
                if cell.name == "td":
                    cell["data-label"] = name
    return str(soup)


def signatures(body: str) -> str:
    """The HTML of a page's body with the parameters of long signatures in plain boxes.

    Sphinx writes them as a definition list without terms, which is not one.
    """
    from bs4 import BeautifulSoup

    if "sig-object" not in body:
        return body
    soup = BeautifulSoup(body, "html.parser")
    for part in soup.select("dt.sig dl, dt.sig dd"):
        part["class"] = f"ovbook-{'parameters' if part.name == 'dl' else 'parameter'}"
        part.name = "div"
    return str(soup)


def _role(tag: Any, role: str) -> None:
    tag["role"] = role


def _label(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    cards = CLASS in context.get("body", "")
    if cards:
        context["body"] = labelled(context["body"])
        app.add_js_file("ovbook-pages.js", loading_method="defer")
    if page.startswith("_generated/api/"):
        context["body"] = signatures(context["body"])
    if cards or page.startswith("_generated/"):
        app.add_css_file("ovbook-pages.css")


def _for_the_reference(app: Any, config: Any) -> None:
    # The reference names types of torch, numpy and our own inner rooms, which have no page here to link to.
    config.python_maximum_signature_line_length = 80
    config.nitpick_ignore_regex = [*config.nitpick_ignore_regex, (r"py:(class|obj|data|exc)", r".*")]


def setup(app: Any) -> None:
    """Called by our Sphinx extension."""
    app.connect("html-page-context", _label)
    app.connect("config-inited", _for_the_reference)

"""The book's Sphinx extension: our script and style on every page, and the Vega bundle beside them.

The bundle comes out of vl-convert, so pages load nothing from another host. It is written at the end of the
build and not through a static folder, because Jupyter Book puts every script it finds there on every page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovbook.files import atomic_write

__all__ = ["BUNDLE", "bundle", "setup"]

BUNDLE = "_vendor/ovbook-vega.js"
"""Where the bundle lies, relative to the site's root."""


def bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script that defines ``window.ovbookEmbed`` and nothing else."""
    import vl_convert

    # Wrapped, so that it neither leaks names nor takes RequireJS for a module loader when a page has widgets.
    return f"(function(){{{vl_convert.javascript_bundle('window.ovbookEmbed = vegaEmbed;')}}})();\n"


def _write_bundle(app: Any, exception: Exception | None) -> None:
    target = Path(app.outdir) / BUNDLE
    if exception is None and app.builder.format == "html" and not target.exists():
        atomic_write(target, bundle())


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    from myst_nb.core.render import load_mime_renders

    from ovbook.press.mime import VegaLiteRenderer

    plugins = load_mime_renders()
    if VegaLiteRenderer not in plugins:  # the package lies on the path without having been installed
        plugins.append(VegaLiteRenderer)
    app.config.html_static_path.append(str(Path(__file__).parent / "static"))
    app.add_css_file("ovbook.css")
    app.add_js_file("ovbook-charts.js", loading_method="defer")
    app.connect("build-finished", _write_bundle)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""The book's Sphinx extension: our scripts and style on every page, and everything else beside them.

Nothing a page loads comes from another host. The vendored files and the Vega bundle are written into ``_vendor/`` at
the end of the build and not through a static folder, because Jupyter Book puts every script and style that it finds
in one on every page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovbook.files import atomic_write
from ovbook.press import folds, language, meta, quoting, spacing, vendor

__all__ = ["BUNDLE", "bundle", "setup"]

BUNDLE = "_vendor/ovbook-vega.js"
"""Where the bundle lies, relative to the site's root."""

# Sphinx takes paths from _static; this one climbs out of it.
_MATHJAX = "../_vendor/mathjax/tex-chtml-full.js"


def bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script that defines ``window.ovbookEmbed`` and nothing else."""
    import vl_convert

    # Wrapped, so that it neither leaks names nor takes RequireJS for a module loader when a page has widgets.
    return f"(function(){{{vl_convert.javascript_bundle('window.ovbookEmbed = vegaEmbed;')}}})();\n"


def _point_at_our_copies(app: Any, config: Any) -> None:
    config.mathjax_path = _MATHJAX
    # MathJax's own menu can switch on parts that are not here; formulas stay readable aloud without it.
    config.mathjax3_config = {"options": {"enableMenu": False}}
    config.nb_ipywidgets_js = {}  # ovbook-page.js fetches them when a reader comes near


def _our_mark(app: Any, config: Any) -> None:
    """A book that brings no logo or icon of its own gets ours."""
    static = Path(__file__).parent / "static"
    if not config.html_logo:
        images = {
            f"image_{ground}": str(static / f"ovbook-logo-{ground}.svg") for ground in ("light", "dark")
        }
        config.html_theme_options.setdefault("logo", {**images, "text": config.html_title or config.project})
    config.html_favicon = config.html_favicon or str(static / "ovbook-favicon.svg")


def _no_formulas(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Take MathJax off a page without formulas: Sphinx adds it to the first page when any other page has some."""
    from docutils import nodes

    if doctree is not None and any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        return
    context["script_files"] = [s for s in context.get("script_files", ()) if not _of_mathjax(s)]


def _of_mathjax(script: Any) -> bool:
    said = getattr(script, "attributes", {}).get("body") or ""
    return str(script.filename).endswith(_MATHJAX.removeprefix("..")) or said.startswith("window.MathJax")


def _write_vendored(app: Any, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    vendor.install(site / "_vendor")
    if not (site / BUNDLE).exists():
        atomic_write(site / BUNDLE, bundle())


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    from myst_nb.core.render import load_mime_renders

    from ovbook.press import accessible
    from ovbook.press.mime import VegaLiteRenderer
    from ovbook.press.pages import extension as pages

    plugins = load_mime_renders()
    if VegaLiteRenderer not in plugins:  # the package lies on the path without having been installed
        plugins.append(VegaLiteRenderer)
    app.config.html_static_path.append(str(Path(__file__).parent / "static"))
    app.add_css_file("ovbook.css")
    app.add_css_file("ovbook-charts.css")
    app.add_css_file("ovbook-head.css")
    app.add_css_file("ovbook-print.css", priority=900)
    app.add_js_file("ovbook-page.js", loading_method="defer")
    app.add_js_file("ovbook-charts.js", loading_method="defer")
    app.connect("config-inited", _point_at_our_copies)
    app.connect("config-inited", _our_mark)
    app.connect("html-page-context", _no_formulas, priority=900)
    app.connect("build-finished", _write_vendored)
    accessible.setup(app)
    folds.setup(app)
    meta.setup(app)
    quoting.setup(app)
    language.setup(app)
    spacing.setup(app)
    pages.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}

"""Other people's files: complete, unchanged, licensed, small; and pages that need nothing from another host."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from browser import chromium
from ovbook.errors import OvbookError
from ovbook.press import folds, hosts, meta, vendor
from ovbook.press.pages.colophon import colophon
from ovbook.press.render import render
from ovbook.press.serve import server
from ovbook.project import Project

ROOT = Path(__file__).parent.parent
STATIC = Path(vendor.__file__).parent / "static"

# -- what is in the folder ----------------------------------------------------------------------------------


def test_every_vendored_file_is_listed_unchanged_and_licensed():
    assets = vendor.verify()
    listed = {file.path for asset in assets for file in asset.files}
    there = {f.relative_to(vendor.FOLDER).as_posix() for f in vendor.FOLDER.rglob("*") if f.is_file()}
    assert there - {"manifest.toml"} == listed
    for asset in assets:
        assert re.fullmatch(r"[A-Za-z0-9.+-]+(?: (?:AND|OR) [A-Za-z0-9.+-]+)*", asset.licence)
        assert asset.licence_file in listed
        assert len((vendor.FOLDER / asset.licence_file).read_text(encoding="utf-8")) > 500
        assert re.fullmatch(r"(?:npm: @?[\w/.-]+@\d[\w.-]*|pip: [\w-]+)", asset.origin)
        assert all(file.bytes == (vendor.FOLDER / file.path).stat().st_size for file in asset.files)


def test_all_of_it_weighs_at_most_8_mb():
    assets = vendor.read_manifest()
    assert 0 < sum(asset.bytes for asset in assets) <= vendor.MOST_BYTES == 8_000_000
    assert any(asset.made > 500_000 for asset in assets), "the bundle of Vega is not counted"


def test_the_list_names_the_vega_that_the_pages_get():
    vl_convert = pytest.importorskip("vl_convert")
    versions = {asset.package: asset.version for asset in vendor.read_manifest() if asset.via}
    assert versions["vega"] == vl_convert.get_vega_version()
    assert versions["vega-embed"] == vl_convert.get_vega_embed_version()
    assert versions["vega-lite"].startswith(vl_convert.get_vegalite_versions()[-1] + ".")


def test_every_typeface_of_the_style_is_vendored_and_every_vendored_one_is_used():
    style = "".join(file.read_text() for file in STATIC.glob("*.css"))
    used = set(re.findall(r'url\("\.\./_vendor/([^"]+)"\)', style))
    fonts = {f.path for a in vendor.read_manifest() for f in a.files if f.path.startswith("fonts/")}
    assert used == {path for path in fonts if path.endswith(".woff2")}


def test_the_colophon_names_every_part():
    page = colophon()
    for asset in vendor.read_manifest():
        assert f"| {asset.name} | {asset.version} |" in page
        assert asset.licence in page
    assert not re.search(r"\| 0 kB \|", page)


# -- a changed, missing or refreshed file -------------------------------------------------------------------


def small_folder(folder: Path, text: bytes = b"let a = 1") -> Path:
    (folder / "thing").mkdir(parents=True)
    (folder / "thing" / "thing.js").write_bytes(text)
    (folder / "thing" / "LICENSE").write_bytes(b"ours")
    asset = vendor.Asset(
        name="Thing", purpose="tests", package="@some/thing", version="1.2.3", licence="MIT",
        licence_file="thing/LICENSE",
        files=tuple(
            vendor._described(vendor.File(path=path, source=source, sha256="", bytes=0), content)
            for path, source, content in (("thing/thing.js", "dist/thing.js", text), ("thing/LICENSE", None, b"ours"))
        ),
    )  # fmt: skip
    (folder / "manifest.toml").write_text(vendor._as_toml([asset]))
    return folder


def pack(content: dict[str, bytes]):
    """Stands for the registry: gives every package these files."""

    def packed(named: str, scratch: Path) -> Path:
        with tarfile.open(scratch / "package.tgz", "w:gz") as tar:
            for name, data in content.items():
                info = tarfile.TarInfo(f"package/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return scratch / "package.tgz"

    return packed


def test_a_changed_or_missing_file_is_refused_in_one_sentence(tmp_path):
    folder = small_folder(tmp_path / "vendored")
    assert [asset.name for asset in vendor.verify(folder)] == ["Thing"]
    (folder / "thing" / "thing.js").write_bytes(b"let a = 2")
    with pytest.raises(
        OvbookError, match=r"'thing/thing\.js' of Thing 1\.2\.3 has changed.*restore it"
    ) as error:
        vendor.install(tmp_path / "site", folder)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "site").exists()
    (folder / "thing" / "thing.js").unlink()
    with pytest.raises(OvbookError, match=r"'thing/thing\.js' of Thing is missing"):
        vendor.verify(folder)
    (folder / "manifest.toml").write_text("[[asset]]\nname = 1\n")
    with pytest.raises(OvbookError, match="cannot be read"):
        vendor.verify(folder)
    (folder / "manifest.toml").unlink()
    with pytest.raises(OvbookError, match="is missing from"):
        vendor.verify(folder)


def test_installing_mends_what_differs_and_leaves_the_rest(tmp_path):
    folder, site = small_folder(tmp_path / "vendored"), tmp_path / "site"
    vendor.install(site, folder)
    (site / "thing" / "thing.js").write_bytes(b"spoilt")
    (site / "other.js").write_bytes(b"kept")
    before = (site / "thing" / "LICENSE").stat().st_mtime_ns
    vendor.install(site, folder)
    assert (site / "thing" / "thing.js").read_bytes() == b"let a = 1"
    assert (site / "other.js").read_bytes() == b"kept"
    assert (site / "thing" / "LICENSE").stat().st_mtime_ns == before


def test_a_refresh_takes_the_package_s_files_and_keeps_ours(tmp_path):
    folder = small_folder(tmp_path / "vendored")
    vendor.refresh(folder, pack=pack({"dist/thing.js": b"let a = 3", "LICENSE": b"theirs"}))
    assert (folder / "thing" / "thing.js").read_bytes() == b"let a = 3"
    assert (folder / "thing" / "LICENSE").read_bytes() == b"ours"
    assert vendor.verify(folder)[0].origin == "npm: @some/thing@1.2.3"
    with pytest.raises(OvbookError, match=r"'@some/thing@1\.2\.3' holds no file 'dist/thing\.js'"):
        vendor.refresh(folder, pack=pack({"dist/other.js": b""}))
    assert (folder / "thing" / "thing.js").read_bytes() == b"let a = 3"


def test_the_command_compares_and_says_what_is_wrong(capsys, monkeypatch):
    assert vendor.main(["--check"]) == 0
    assert "MathJax 3." in capsys.readouterr().out
    assert vendor.main(["--what"]) == 2
    assert "give nothing, or --check" in capsys.readouterr().err


# -- the gate -----------------------------------------------------------------------------------------------

FAR = "https://far.example/x"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", f'<script src="{FAR}.js"></script>'),
        ("a.html", '<script src="//far.example/x.js"></script>'),
        ("a.html", f'<LINK REL="stylesheet" HREF="{FAR}.css">'),
        ("a.html", f'<link rel="shortcut icon" href="{FAR}.ico">'),
        ("a.html", f'<link rel="preload" as="font" href="{FAR}.woff2">'),
        ("a.html", f'<img alt="" src="{FAR}.png">'),
        ("a.html", f'<img alt="" src="a.png" srcset="a.png 1x, {FAR}.png 2x">'),
        ("a.html", f'<iframe src="{FAR}"></iframe>'),
        ("a.html", f'<p style="background: url({FAR}.png)">'),
        ("a.html", f'<style>@import "{FAR}.css";</style>'),
        ("a.html", f'<script>import("{FAR}.js")</script>'),
        ("a.html", f'<script>const s = {{}}; s.src = "{FAR}.js"</script>'),
        ("a.html", f'<script type="application/json">{{"data": {{"url": "{FAR}.csv"}}}}</script>'),
        (
            "a.html",
            '<script type="application/vnd.jupyter.widget-state+json">{"state": {"1": {"model_module": "anywidget"}}}'
            "</script>",
        ),
        ("_static/a.css", f"@font-face {{ src: url('{FAR}.woff2') }}"),
        ("_static/a.js", f'fetch("{FAR}.json")'),
        ("_static/a.js", f"import {{ x }} from '{FAR}.js'"),
        ("_static/a.svg", f'<svg><image href="{FAR}.png"/></svg>'),
    ],
)
def test_what_another_host_would_serve_is_found(tmp_path, name, text):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    with pytest.raises(OvbookError, match=re.escape(f"'{name}' would load")) as error:
        hosts.refuse_foreign(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.html",
            f'<a href="{FAR}">far</a> <form action="{FAR}"></form> <code>&lt;script src="{FAR}"&gt;</code>',
        ),
        ("a.html", f'<link rel="canonical" href="{FAR}"><link rel="license" href="{FAR}">'),
        ("a.html", f'<meta property="og:url" content="{FAR}">'),
        ("a.html", '<img alt="" src="data:image/png;base64,//8="><script src="../_vendor/x.js"></script>'),
        ("a.html", f'<script type="application/json">{{"$schema": "{FAR}", "href": "{FAR}"}}</script>'),
        (
            "a.html",
            '<script type="application/vnd.jupyter.widget-state+json">'
            '{"state": {"1": {"model_module": "@jupyter-widgets/controls"}}}</script>',
        ),
        (
            "a.css",
            f"/* from {FAR}, once @import '{FAR}' */ p {{ background: url('data:image/svg+xml,//a') }}",
        ),
        ("a.js", f'const about = "{FAR}"; // see {FAR}'),
    ],
)
def test_links_for_people_and_addresses_only_named_pass(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert list(hosts.foreign(tmp_path)) == []


# -- folds and heads ----------------------------------------------------------------------------------------


def test_a_fold_says_what_is_behind_it():
    assert folds.label(["parameters", "hide-input"], None) == "Settings of this chapter"
    assert folds.label(["hide-input"], "chart") == "Code of the figure below"
    assert len({folds.label([], kind) for kind in ("chart", "table", "widget", "verdict", "text", None)}) == 6


def test_a_page_s_head_escapes_and_claims_no_address_it_does_not_have():
    head = meta.tags('A "b" <c>', "Book", "Said & done.")
    assert '<meta property="og:title" content="A &quot;b&quot; &lt;c&gt;" />' in head
    assert '<meta name="description" content="Said &amp; done." />' in head
    assert "://" not in head
    assert 'content="https://b.example/p.html"' in meta.tags("A", "B", "", "https://b.example/p.html")


# -- a book that is built -----------------------------------------------------------------------------------


def write_book(root: Path) -> Project:
    """Three pages: neither, formulas, and a slider that is linked to a number."""
    from ipywidgets import Button, IntSlider, IntText, VBox, jslink
    from ipywidgets.embed import embed_data

    for folder in ("chapters", "results", "book"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", root)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: formulas\n  - file: slider\n"
    )
    (root / "book" / "references.bib").write_text("@misc{a2025, author={A}, title={T}, year={2025}}\n")
    (root / "book" / "intro.md").write_text(
        "# A small book\n\nIt says & shows *very* little, and that little offline. See [far](https://far.example/).\n\n"
        "{cite:t}`a2025`\n\n```{bibliography}\n```\n"
    )
    (root / "book" / "formulas.md").write_text(
        "# Formulas\n\nHere $\\gamma \\in \\mathbb{R}$, and\n\n$$\\frac{\\mathfrak{a}}{2} + \\cancel{x}$$ (eq-a)\n\nSee {eq}`eq-a`.\n"
    )
    slider, number = IntSlider(value=3, max=9, description="steps"), IntText(value=3, description="shown")
    box = VBox([slider, number, Button(description="go", icon="check")])
    jslink((slider, "value"), (number, "value"))
    data = embed_data(views=[box])
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": data["manager_state"]}
    shown = {"text/plain": "VBox()", "application/vnd.jupyter.widget-view+json": data["view_specs"][0]}
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# A slider\n\nMove it, and the number follows without any kernel."),
        nbformat.v4.new_code_cell(
            "box",
            execution_count=1,
            metadata={"tags": ["hide-input"]},
            outputs=[nbformat.v4.new_output("execute_result", execution_count=1, data=shown)],
        ),
    ]
    nbformat.write(notebook, root / "book" / "slider.ipynb")
    return Project(root=root)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Project]:
    pytest.importorskip("jupyter_book")
    project = write_book(tmp_path_factory.mktemp("vendor") / "book")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("OVBOOK_STORE", raising=False)
        patched.setenv("PYTHONPATH", str(ROOT / "src"))
        render(project)
        yield project


def scripts(page: Path) -> list[str]:
    return re.findall(r'<script[^>]* src="([^"?]+)', page.read_text())


@pytest.mark.slow
def test_a_page_loads_only_what_it_shows(built):
    plain, formulas, slider = (scripts(built.site / f"{n}.html") for n in ("intro", "formulas", "slider"))
    mathjax = "_static/../_vendor/mathjax/tex-chtml-full.js"
    assert mathjax in formulas
    assert not any("_vendor" in name for name in plain)
    assert not any("_vendor" in name for name in slider), "widgets wait until a reader comes near"
    assert "widget-state+json" in (built.site / "slider.html").read_text()
    assert not any("fontawesome" in name for name in plain + formulas + slider)
    assert "Code of the controls below" in (built.site / "slider.html").read_text()


@pytest.mark.slow
def test_whatever_a_page_names_is_there(built):
    checked = 0
    for page in built.site.glob("*.html"):
        for named in re.findall(r'(?:src|href)="([^"]+)"', page.read_text()):
            parts = urlsplit(named)
            if parts.scheme or not parts.path:
                continue
            assert (page.parent / unquote(parts.path)).exists(), f"{page.name} names {named}"
            checked += 1
    assert checked > 50
    vendor.verify(_as_installed(built.site / "_vendor"))


def _as_installed(folder: Path) -> Path:
    shutil.copy(vendor.FOLDER / "manifest.toml", folder)
    return folder


@pytest.mark.slow
def test_pages_have_a_language_a_title_a_description_and_an_icon(built):
    first = (built.site / "intro.html").read_text()
    assert '<html lang="en"' in first
    assert (
        '<meta name="description" content="It says &amp; shows very little, and that little offline.' in first
    )
    assert '<meta property="og:title" content="A small book" />' in first
    assert 'rel="icon" href="_static/ovbook-favicon.svg"' in first
    assert "ovbook-logo-dark.svg" in first
    entrance = (built.site / "index.html").read_text()
    assert '<html lang="en">' in entrance
    assert 'url=intro.html"' in entrance
    assert "<title>Trained Too Long?</title>" in entrance


@pytest.mark.slow
def test_a_picture_from_elsewhere_stops_the_build_and_the_site_stays(built, tmp_path):
    root = tmp_path / "book"
    shutil.copytree(built.root, root)
    project, before = Project(root=root), (built.site / "intro.html").read_bytes()
    intro = root / "book" / "intro.md"
    intro.write_text(intro.read_text() + f'\n<img alt="far" src="{FAR}.png">\n')
    with pytest.raises(
        OvbookError, match=re.escape(f"'intro.html' would load '{FAR}.png' from another host")
    ):
        render(project)
    assert (project.site / "intro.html").read_bytes() == before


# -- the same, in a browser ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("served", [True, False], ids=["served", "from-a-file"])
def test_formulas_and_sliders_work_offline(built, served):
    if why := chromium.missing():
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    from browser.visit import Visit, offline

    running = server(built.site, port=0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{running.server_address[1]}/" if served else f"{built.site.as_uri()}/"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.executable(), args=list(chromium.ARGUMENTS)
            )
            with offline(browser, base) as (context, asked):
                formulas = Visit.open(context, base, "formulas.html", asked)
                formulas.page.wait_for_selector("mjx-container mjx-math")
                assert formulas.page.locator("mjx-container").count() == 2
                assert formulas.page.locator("mjx-merror").count() == 0

                slider = Visit.open(context, base, "slider.html", asked)
                slider.page.wait_for_selector(".widget-slider .noUi-handle")
                handle = slider.page.get_by_role("slider", name="steps")
                handle.focus()
                slider.page.keyboard.press("ArrowRight")
                slider.page.wait_for_function("document.querySelector('.widget-text input').value === '4'")

                search = Visit.open(context, base, "search.html?q=formulas", asked)
                search.page.wait_for_selector("#search-results li a")
                assert asked == []
                assert formulas.complaints + slider.complaints + search.complaints == []
            browser.close()
    finally:
        running.shutdown()
        running.server_close()

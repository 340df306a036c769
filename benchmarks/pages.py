"""The built pages: how heavy each is, how long it takes to draw, and when its first chart stands there.

Opens every page of a built site in Chromium from a small server on this machine, with an empty cache each time and
every other host out of reach. Needs Playwright and a Chromium (see CONTRIBUTING); asserts nothing.

    python benchmarks/pages.py [--site book/_build/html] [--repeat 3] [--only 01-,02-]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import threading
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.press.serve import server

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
# Set before the page runs: the moment of the first chart, and the longest stretch that the page did not answer.
WATCH = """
window.ovbookFirst = null;
const seen = () => {
  if (window.ovbookFirst === null && document.querySelector(".ovbook-chart svg.marks")) window.ovbookFirst = performance.now();
};
new MutationObserver(seen).observe(document, { childList: true, subtree: true });
"""
RESULT = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const parts = performance.getEntriesByType("resource");
  const bytes = ending => parts.filter(p => ending.test(new URL(p.name).pathname)).reduce((n, p) => n + p.encodedBodySize, 0);
  return { html: page.encodedBodySize, scripts: bytes(/\\.js$/), styles: bytes(/\\.css$/), fonts: bytes(/\\.(woff2?|ttf)$/),
    all: page.encodedBodySize + parts.reduce((n, p) => n + p.encodedBodySize, 0),
    painted: paint ? paint.startTime : null, loaded: page.loadEventEnd, chart: window.ovbookFirst,
    charts: document.querySelectorAll(".ovbook-chart").length };
}"""
DRAWN = """() => Array.from(document.querySelectorAll(".ovbook-chart"),
  chart => chart.matches(".is-drawn, .is-broken")).every(done => done) && document.readyState === "complete" """


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", type=Path, default=Path("book/_build/html"))
    parser.add_argument("--repeat", type=int, default=3, help="times each page is opened; medians are shown")
    parser.add_argument("--only", default="", help="parts of page names, separated by commas")
    given = parser.parse_args()
    try:
        rows = measure(given.site, given.repeat, [part for part in given.only.split(",") if part])
    except OvbookError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2
    print(table(rows))
    return 0


def measure(site: Path, repeat: int, only: list[str]) -> list[dict[str, Any]]:
    """One row a page, the median over `repeat` openings: sizes in bytes, times in milliseconds."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise OvbookError("pages are measured with Playwright: pip install '.[dev]'") from error
    chromium = next(
        (
            found
            for name in ("chromium", "chromium-browser", "google-chrome")
            if (found := shutil.which(name))
        ),
        None,
    )
    if chromium is None:
        raise OvbookError(
            "pages are measured in Chromium, and none is on PATH (Debian and Ubuntu: apt install chromium)"
        )
    names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html") if "_static" not in p.parts)
    names = [
        name for name in names if name != "index.html" and (not only or any(part in name for part in only))
    ]
    rows = []
    with server(site, port=0) as running, sync_playwright() as playwright:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{running.server_address[1]}/"
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for name in names:
            rows.append({"page": name, **_median([_open(browser, base, name) for _ in range(repeat)])})
        browser.close()
        running.shutdown()
    return rows


def _open(browser: Any, base: str, name: str) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    context.route(lambda address: not address.startswith(base), lambda route: route.abort())
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(base + name, wait_until="load")
    page.wait_for_function(DRAWN)
    found: dict[str, Any] = page.evaluate(RESULT)
    context.close()
    return found


def _median(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        key: None if found[0][key] is None else statistics.median(one[key] for one in found)
        for key in found[0]
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown; the scripts, styles and fonts that pages share are counted for each."""
    lines = [
        "| page | HTML kB | scripts kB | styles kB | fonts kB | all kB | first paint s | loaded s | first chart s | charts |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        sizes = [f"{row[key] / 1000:,.0f}" for key in ("html", "scripts", "styles", "fonts", "all")]
        times = [
            "" if row[key] is None else f"{row[key] / 1000:.2f}" for key in ("painted", "loaded", "chart")
        ]
        lines.append("| " + " | ".join([row["page"], *sizes, *times, str(int(row["charts"]))]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

"""Which browser the tests open, and why not, where they cannot."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REQUIRED = "OVBOOK_REQUIRE_BROWSER"


def required() -> bool:
    """True where a missing browser is a failure and not a skip."""
    return os.environ.get(REQUIRED, "") not in ("", "0")


def executable() -> str | None:
    """The browser on PATH. Playwright's own is never asked for: fetching it would be a download."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@functools.cache
def missing() -> str | None:
    """Why no page can be opened here, in one sentence; None where one can. Starts the browser once."""
    for module in ("playwright", "axe_playwright_python"):
        if importlib.util.find_spec(module) is None:
            return f"the browser tests need {module}: 'make setup' installs it (or pip install '.[dev]')"
    path = executable()
    if path is None:
        return (
            f"the browser tests need Chromium: none of {', '.join(NAMES)} is on PATH (Debian and Ubuntu: apt "
            f"install chromium)"
        )
    with tempfile.TemporaryDirectory() as profile:
        command = [path, *ARGUMENTS, "--headless", f"--user-data-dir={profile}", "--dump-dom", "about:blank"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the browser tests need Chromium, and '{path}' does not start ({error})"
    if done.returncode != 0 or "<html" not in done.stdout:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1][:200]
        return f"the browser tests need Chromium, and '{path}' does not start ({last})"
    return None

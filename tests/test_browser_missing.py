"""Without a browser: one skip that says why, or one failure where a browser is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def collect_browser_tests(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the browser tests with nothing on PATH but what lies in `path`."""
    seen = {name: value for name, value in os.environ.items() if name != "OVBOOK_REQUIRE_BROWSER"}
    seen |= {"PATH": str(path), "PYTHONPATH": str(ROOT / "src"), **environment}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rsf", "tests/browser"]
    return subprocess.run(command, cwd=ROOT, env=seen, capture_output=True, text=True, check=False)


def test_a_missing_browser_is_one_skip_that_says_what_to_install(tmp_path):
    done = collect_browser_tests(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "none of chromium, chromium-browser, google-chrome is on PATH" in done.stdout
    assert "apt install chromium" in done.stdout


@pytest.mark.parametrize("script", ["#!/bin/sh\necho no display >&2\nexit 1\n", "not a program"])
def test_a_browser_that_does_not_start_counts_as_missing(tmp_path, script):
    browser = tmp_path / "chromium"
    browser.write_text(script)
    browser.chmod(0o755)
    done = collect_browser_tests(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert f"'{browser}' does not start" in done.stdout


def test_where_a_browser_is_required_its_absence_is_one_failure(tmp_path):
    done = collect_browser_tests(tmp_path, OVBOOK_REQUIRE_BROWSER="1")
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout
    assert "OVBOOK_REQUIRE_BROWSER is set, so this is a failure" in done.stdout

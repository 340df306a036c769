"""Habits of the project: licences, clean sources, pins, nothing that ties it to one machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tracked() -> list[Path]:
    """Files of the repository, or of the folder when it was unpacked from an archive."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout: the list of tracked files cannot be read")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_both_licences_are_there():
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "CC BY 4.0" in (ROOT / "LICENSE-TEXT").read_text()


def test_no_notebook_and_nothing_heavy_is_in_git():
    files = tracked()
    assert [f.name for f in files if f.suffix == ".ipynb"] == []
    ours = [f for f in files if "vendored" not in f.parts]  # those have a limit of their own, in test_vendor
    assert [f.name for f in ours if f.stat().st_size > 1_000_000] == []


def test_no_absolute_path_of_a_machine_and_no_token():
    unwanted = re.compile(
        r"(?<![\w./])/(?:root|home/\w+|Users/\w+)/|hf_[A-Za-z0-9]{30,}|BEGIN [A-Z ]*PRIVATE KEY"
    )
    allowed = {"lint.py", "test_press.py", "test_gates.py", Path(__file__).name}
    texts = [
        f
        for f in tracked()
        if f.suffix in {".py", ".md", ".toml", ".yml", ".txt", ".js", ".css", ".json", ""}
    ]
    assert [
        f.name for f in texts if f.name not in allowed and unwanted.search(f.read_text(errors="replace"))
    ] == []


def pins(name: str) -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    found = {}
    for line in lines:
        if line and not line.startswith("-"):
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)(?:\s*;.*)?", line)
            assert match, f"{name}: '{line}' is not an exact pin"
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found


def test_requirements_are_exact_and_name_no_registry():
    direct, brought = pins("requirements.txt"), pins("constraints.txt")
    assert direct
    assert not set(direct) & set(brought)
    for name in ("requirements.txt", "constraints.txt", "Makefile", ".ci/run"):
        text = (ROOT / name).read_text()
        assert not re.search(r"--(?:extra-)?index-url|--find-links|--trusted-host", text), name


def test_requirements_cover_what_the_package_declares():
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*declared["dependencies"], *declared["optional-dependencies"]["book"]]
    wanted += declared["optional-dependencies"]["dev"]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ ;\[]", text)[0]).lower() for text in wanted}
    assert names <= set(pins("requirements.txt"))


def test_versions_agree():
    import tomllib

    import ovbook

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert ovbook.__version__ == version
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text()


def checker(*words: str) -> subprocess.CompletedProcess[str]:
    if subprocess.run(
        [sys.executable, "-m", words[0], "--version"], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"{words[0]} is not installed: pip install '.[dev]'")
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_ruff_finds_nothing():
    done = checker("ruff", "check")
    assert done.returncode == 0, done.stdout


def test_ruff_would_not_change_the_format():
    done = checker("ruff", "format", "--check")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_types_agree():
    done = checker("mypy")
    assert done.returncode == 0, done.stdout

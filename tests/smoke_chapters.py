"""The book's own chapters at the smallest scale, executed through the command line and shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from ovbook import cli

ROOT = Path(__file__).parents[1]


class SmokeChapters:
    """Executed notebooks by chapter number, and the store they filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"

    def notebook(self, number: str) -> Path:
        """The executed notebook of chapter `number` (``"02"``)."""
        target = self.folder / f"{number}.ipynb"
        with FileLock(self.folder / f"{number}.lock"):  # another process of the same session may be at it
            if not target.exists():
                with pytest.MonkeyPatch.context() as patched:
                    patched.chdir(ROOT)
                    patched.setenv("OVBOOK_STORE", str(self.store))
                    patched.setenv(
                        "PYTHONPATH", str(ROOT / "src")
                    )  # the kernel's package is the one under test
                    assert cli.main(["run", number, "-p", "scale=smoke", "--out", str(target)]) == 0
        return target

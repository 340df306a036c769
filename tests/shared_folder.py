"""A folder that all processes of one test session see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["shared_folder"]


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """The session's folder `name`, made if need be; the same one in every process of pytest-xdist."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own below the session's
    folder = base / name
    folder.mkdir(exist_ok=True)
    return folder

"""Files that appear whole or not at all, and hashes of what they hold."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["atomic_folder", "atomic_write", "canonical_json", "sha256_bytes", "sha256_file"]


@contextlib.contextmanager
def _explain_full_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OvbookError(
                f"the disk filled while saving {path.name}: nothing finished was lost; free some space "
                f"(or point OVBOOK_STORE at another disk) and run the same command again"
            ) from error
        raise


def _fsync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    try:
        with _explain_full_disk(path), open(partial, "wb") as stream:
            stream.write(data.encode() if isinstance(data, str) else data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a scratch folder that becomes `path` when the block ends without an exception.

    Only final names are ever read, so a killed writer leaves a ``.partial-`` folder and nothing else. A `path`
    that is there already is refused; if another process puts it there meanwhile, its folder is kept and ours is
    dropped.
    """
    path = Path(path)
    if path.exists():
        raise OvbookError(f"the folder {path} is there already: choose another name, or move it away first")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with _explain_full_disk(path):
            yield partial
            for file in sorted(partial.rglob("*")):
                if file.is_file():
                    with open(file, "rb") as stream:
                        os.fsync(stream.fileno())
        if not path.exists():
            os.replace(partial, path)
            _fsync_folder(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def sha256_bytes(data: bytes | str) -> str:
    """Hex SHA-256 of bytes, or of a string's UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

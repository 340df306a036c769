"""The store: every result in a folder of its own that is whole, checked, or not there.

.ovbook/                              (OVBOOK_STORE names another)
  results/perturb/3f/3f9a.../         rows.parquet, provenance.json, manifest.json, checkpoints/...
  set-aside/                          results that had changed since they were written
  locks/  logs/  unfinished/          who computes what, tracebacks, states of long runs in progress
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import BaseFileLock, FileLock, Timeout

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder, atomic_write, canonical_json, sha256_file
from ovbook.runs.operations import operation_of
from ovbook.runs.spec import Spec

__all__ = ["Store", "StoreWarning"]

_PARTIAL = re.compile(r"(?P<key>[0-9a-f]{64})\.partial-(?P<pid>\d+)")


class StoreWarning(UserWarning):
    """A stored result was not as it was written."""


class Store:
    """Results by key, under one folder.

    `root` defaults to what the environment variable OVBOOK_STORE names, else ``.ovbook`` where you are. Any
    number of processes may share a store; the first to ask for a run computes it and the others wait for it.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("OVBOOK_STORE") or ".ovbook").resolve()
        if self.root.exists() and not self.root.is_dir():
            raise OvbookError(f"the store is {self.root}, but that is a file: name a folder in OVBOOK_STORE")
        self._hashed: dict[str, tuple[int, int]] = {}
        self.clean()

    def place(self, spec: Spec) -> Path:
        """Where the result of `spec` belongs, there or not."""
        key = spec.key()
        return self.root / "results" / operation_of(spec).name / key[:2] / key

    def unfinished(self, name: str) -> Path:
        """A folder in which a long run may keep its state, to go on after an interruption."""
        return self.root / "unfinished" / name

    def lock(self, spec: Spec) -> BaseFileLock:
        """Held by whoever computes `spec`; the system frees it when its holder dies."""
        return self._lock(spec.key())

    def _lock(self, key: str) -> BaseFileLock:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{key}.lock")

    def find(self, spec: Spec, *, hashes: bool = True) -> Path | None:
        """The folder of `spec`'s result, or None if it is not there or is not as it was written.

        Sizes are compared every time and hashes once per process (never with ``hashes=False``). A result that
        fails is moved to ``set-aside/`` with a warning, so that it is computed again and nothing is deleted.
        """
        place = self.place(spec)
        if not place.is_dir():
            return None
        problem = self._problem(place, hashes)
        if problem is None:
            return place
        self._set_aside(spec, place, problem)
        return None

    def _problem(self, place: Path, hashes: bool) -> str | None:
        """What is wrong with the folder: None if it is as it was written."""
        manifest = place / "manifest.json"
        try:
            stat = manifest.stat()
            files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
            for name, written in files.items():
                if (place / name).stat().st_size != written["size"]:
                    return f"{name} has another size"
            mark = (stat.st_mtime_ns, stat.st_ino)
            if hashes and self._hashed.get(place.name) != mark:
                for name, written in files.items():
                    if sha256_file(place / name) != written["sha256"]:
                        return f"{name} has other content"
                self._hashed[place.name] = mark
        except FileNotFoundError as error:
            return f"{Path(error.filename or 'a file').name} is missing"
        except (ValueError, KeyError, TypeError, AttributeError):
            return "its manifest cannot be read"
        return None

    def _set_aside(self, spec: Spec, place: Path, problem: str) -> None:
        if not place.exists():
            return
        target = self.root / "set-aside" / f"{operation_of(spec).name}-{place.name[:16]}"
        target.parent.mkdir(parents=True, exist_ok=True)
        free = next(p for n in range(10**6) if not (p := target.with_name(f"{target.name}-{n}")).exists())
        try:
            os.replace(place, free)
        except FileNotFoundError:
            return  # another process was faster
        warnings.warn(
            f"the stored result of {spec} is not as it was written ({problem}): it was moved to "
            f"{free.relative_to(self.root)} in the store and will be computed again",
            StoreWarning,
            stacklevel=3,
        )

    @contextlib.contextmanager
    def writing(self, spec: Spec) -> Iterator[Path]:
        """A scratch folder that becomes `spec`'s result, with its manifest, when the block ends well."""
        with atomic_folder(self.place(spec)) as scratch, _full_disks_by_name():
            yield scratch
            files = {
                str(path.relative_to(scratch)): {"size": path.stat().st_size, "sha256": sha256_file(path)}
                for path in sorted(scratch.rglob("*"))
                if path.is_file()
            }
            content = canonical_json({"key": spec.key(), "spec": str(spec), "files": files})
            (scratch / "manifest.json").write_text(content, encoding="utf-8")

    def rows(self, spec: Spec) -> pa.Table:
        """The rows of `spec`'s result; an `OvbookError` if it is not there."""
        return pq.read_table(self.found(spec) / "rows.parquet", partitioning=None)

    def provenance(self, spec: Spec) -> dict[str, Any]:
        """Where, when and with what `spec` was computed."""
        content = (self.found(spec) / "provenance.json").read_text(encoding="utf-8")
        record: dict[str, Any] = json.loads(content)
        return record

    def found(self, spec: Spec, *, hashes: bool = True) -> Path:
        """As `find`, but an absent result is an `OvbookError`."""
        folder = self.find(spec, hashes=hashes)
        if folder is None:
            raise OvbookError(f"{spec} is not in the store at {self.root}: run execute([...]) with it first")
        return folder

    def log(self, spec: Spec, text: str) -> Path:
        """Keep a traceback; returns the file."""
        path = self.root / "logs" / f"{operation_of(spec).name}-{spec.key()[:16]}.txt"
        atomic_write(path, text)
        return path

    def clean(self) -> None:
        """Remove what killed writers left: folders that never became a result and that nobody is writing."""
        for partial in self.root.glob("results/*/*/*.partial-*"):
            match = _PARTIAL.fullmatch(partial.name)
            if match is None or _alive(int(match["pid"])):
                continue
            # A process of this number may live on another machine that shares the disk: its lock tells.
            with contextlib.suppress(Timeout, OSError), self._lock(match["key"]).acquire(blocking=False):
                shutil.rmtree(partial, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _full_disks_by_name() -> Iterator[None]:
    """Give a full disk its error number back where a library (safetensors, Arrow) has made it a text."""
    try:
        yield
    except Exception as error:
        is_full = "No space left on device" in str(error) or f"os error {errno.ENOSPC})" in str(error)
        if is_full and getattr(error, "errno", None) != errno.ENOSPC:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise

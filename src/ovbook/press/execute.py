"""Running a chapter: papermill in a fresh kernel, watched, normalised, checked, then put in its place."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import atomic_write
from ovbook.press.convert import to_notebook
from ovbook.press.dress import check_header, dress
from ovbook.press.lint import problems
from ovbook.press.normalise import normalise
from ovbook.press.progress import ChapterLine, duration, last_report
from ovbook.press.provenance import provenance, stamp
from ovbook.project import Chapter, Project
from ovbook.runs.ledger import VARIABLE, ledger_summary

__all__ = ["current", "execute", "read_executed", "stale"]

_LEDGER = "ledger.jsonl"
_GRACE = 30.0
"""Seconds a kernel gets to end the run in hand after Ctrl-C."""


def read_executed(path: Path) -> Any | None:
    """The executed notebook at `path`, or None when there is none that can be read."""
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        return None


def current(project: Project, chapter: Chapter, parameters: Mapping[str, Any]) -> bool:
    """True when the executed chapter in place is what running it again would give. Starts no kernel."""
    notebook = read_executed(project.executed(chapter))
    if notebook is None:
        return False
    return bool(notebook.metadata.get("ovbook", {}).get("stamp") == stamp(project, chapter, parameters))


def stale(notebook: Any, chapter: Chapter) -> bool:
    """True when the source of `chapter` has changed since `notebook` was executed from it."""
    return bool(notebook.metadata.get("ovbook", {}).get("source_sha256") != chapter.source_hash)


def execute(
    project: Project, chapter: Chapter, parameters: Mapping[str, Any], output: Path, *, publish: bool = True
) -> Any:
    """Run `chapter` with `parameters` and put the executed notebook at `output`; return it.

    A cell that raises, or (with `publish`) an output that may not be published, raises `OvbookError` with the
    chapter, the cell and the reason; `output` keeps what it had, and the notebook as far as it came lies in
    ``.ovbook/press/failed/``. Results the chapter has finished are in the store and are not computed again.
    """
    import nbformat

    # Taken before the run: a package or results changed meanwhile make the outcome out of date.
    begun = stamp(project, chapter, parameters)
    source_hash = chapter.source_hash
    line = ChapterLine(chapter.name)
    source = to_notebook(chapter.path)
    check_header(source, project, chapter.name)
    run = _Run(project=project, source=source, parameters=dict(parameters))
    try:
        notebook = run.watch(line)
    except KeyboardInterrupt:
        line.end(f"interrupted after {duration(line.elapsed)}; finished runs are kept")
        raise
    except OvbookError:
        line.end(f"stopped after {duration(line.elapsed)}")
        raise
    if run.failure is not None:
        line.end(f"failed after {duration(line.elapsed)}")
        kept = _keep_failed(project, chapter, notebook)
        raise OvbookError(_sentence(chapter, run.failure, kept)) from None
    record = provenance(
        project, chapter, parameters, seconds=line.elapsed, peak_bytes=run.peak_bytes, runs=run.ledger
    )
    record |= {"stamp": begun, "source_sha256": source_hash}
    normalise(notebook, record)
    dress(notebook, project, buttons=output == project.executed(chapter))
    found = problems(notebook) if publish else []
    if found:
        line.end(f"not fit to publish after {duration(line.elapsed)}")
        kept = _keep_failed(project, chapter, notebook)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise OvbookError(
            f"chapter {chapter.name} may not be published: {found[0]}{more}; it is kept in {kept}"
        )
    atomic_write(output, nbformat.writes(notebook) + "\n")
    line.end(f"done in {duration(line.elapsed)}")
    return notebook


def _keep_failed(project: Project, chapter: Chapter, notebook: Any) -> str:
    import nbformat

    path = project.work / "failed" / f"{chapter.name}.ipynb"
    atomic_write(path, nbformat.writes(notebook) + "\n")
    return path.relative_to(project.root).as_posix()


def _sentence(chapter: Chapter, failure: Any, kept: str) -> str:
    lines = [text for text in failure.source.splitlines() if text.strip()]
    starts = lines[0].strip()[:60] if lines else ""
    what = failure.evalue if failure.ename == "OvbookError" else f"{failure.ename}: {failure.evalue}"
    what = " ".join(str(what).split())[:600]
    return (
        f"chapter {chapter.name} stopped at code cell {failure.exec_count} ('{starts}'): {what}; nothing was "
        f"published, finished results are kept, and the notebook so far is in {kept}"
    )


@dataclass(kw_only=True)
class _Run:
    """One execution. papermill works in a thread, so that this thread can watch it and hear Ctrl-C."""

    project: Project
    source: Any
    parameters: dict[str, Any]
    peak_bytes: int = 0
    ledger: dict[str, Any] | None = None
    failure: Any = None
    _notebook: Any = None
    _error: BaseException | None = None
    _done: threading.Event = field(default_factory=threading.Event)

    def watch(self, line: ChapterLine) -> Any:
        with (
            tempfile.TemporaryDirectory(prefix="ovbook-") as scratch,
            _environment(self.project, Path(scratch)),
        ):
            thread = threading.Thread(target=self._papermill, args=(Path(scratch),), daemon=True)
            thread.start()
            try:
                while not self._done.wait(0.5):
                    line.update(last_report(Path(scratch) / "progress.jsonl"))
                    self._sample_memory()
            except KeyboardInterrupt:
                self._stop()
                raise
            thread.join()
            self.ledger = ledger_summary(Path(scratch) / _LEDGER)
        if self._error is not None:
            raise OvbookError(
                f"the kernel did not finish ({type(self._error).__name__}: {self._error}): run the same "
                f"command again, finished results are kept"
            ) from self._error
        return self._notebook

    def _papermill(self, scratch: Path) -> None:
        import nbformat
        import papermill
        from papermill.exceptions import PapermillExecutionError

        given, taken = scratch / "in.ipynb", scratch / "out.ipynb"
        try:
            nbformat.write(self.source, given)
            self._notebook = papermill.execute_notebook(
                given,
                taken,
                parameters=self.parameters,
                cwd=self.project.root,
                progress_bar=False,
                request_save_on_cell_execute=False,
                start_timeout=120,
                extra_arguments=[
                    "--IPKernelApp.log_level=50"
                ],  # its remarks about sockets are not the reader's
            )
        except PapermillExecutionError as error:
            self.failure = error
            self._notebook = nbformat.read(taken, as_version=4)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def _kernels(self) -> list[Any]:
        import psutil

        found = []
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.Error):
                    if any("ipykernel" in word for word in child.cmdline()):
                        found.append(child)
        return found

    def _sample_memory(self) -> None:
        import psutil

        total = 0
        for kernel in self._kernels():
            with contextlib.suppress(psutil.Error):
                for process in (kernel, *kernel.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        total += process.memory_info().rss
        self.peak_bytes = max(self.peak_bytes, total)

    def _stop(self) -> None:
        """Pass Ctrl-C on to the kernel, give it time to put things away, then end it and its workers."""
        kernels = self._kernels()
        families = [(kernel, kernel.children(recursive=True)) for kernel in kernels]
        for kernel in kernels:
            with contextlib.suppress(OSError):
                os.killpg(os.getpgid(kernel.pid), signal.SIGINT)
        with contextlib.suppress(KeyboardInterrupt):
            self._done.wait(_GRACE)
        import psutil

        for kernel, workers in families:
            for process in (kernel, *workers):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        time.sleep(0.1)


@contextlib.contextmanager
def _environment(project: Project, scratch: Path) -> Iterator[None]:
    """What the kernel sees: the project's store, no progress bars, none of the user's start-up files."""
    ours = {
        "OVBOOK_STORE": str(project.store),
        "OVBOOK_PROGRESS_FILE": str(scratch / "progress.jsonl"),
        VARIABLE: str(scratch / _LEDGER),
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "TQDM_DISABLE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "OVBOOK_STILL": "1",  # labs show a still picture: see ovbook.labs.still
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

"""Set-up of ``.venv``: made once from ``requirements.txt``, with the reader's own pip settings.

The Makefile runs this file with the system's Python, before anything is installed, so it uses the standard
library only and nothing of the package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SetupError", "main", "ready", "set_up"]

_INPUTS = ("requirements.txt", "constraints.txt", "pyproject.toml")
_MARK = ".ovbook-ready"


class SetupError(Exception):
    """A set-up that cannot go on: one sentence that says what to do."""


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256(str(root).encode())
    for name in _INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def ready(root: Path, venv: Path) -> bool:
    """True when `venv` was completed for the present pins, from the present folder."""
    try:
        return (venv / _MARK).read_text() == _fingerprint(root) and _python(venv).exists()
    except OSError:
        return False


@contextlib.contextmanager
def _lock(venv: Path) -> Iterator[None]:
    """Wait while another set-up of the same folder is under way (POSIX only; elsewhere there is no lock)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    (venv.parent / ".ovbook").mkdir(exist_ok=True)
    with open(venv.parent / ".ovbook" / "setup.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say(f"another set-up of {venv.name} is under way; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def set_up(root: Path, venv: Path) -> None:
    """Make `venv` and install the pinned requirements and the project; do nothing if that was done.

    Safe to interrupt: the mark that says "ready" is written last, and what pip has installed by then is kept.
    """
    if ready(root, venv):
        return
    with _lock(venv):
        if ready(root, venv):
            return
        started = time.monotonic()
        if not _works(venv):
            _say(f"making {venv.name} with Python {sys.version.split()[0]}")
            _make(venv)
        _say("installing the pinned libraries (2 to 5 minutes the first time, most of it PyTorch)")
        _pip(venv, ["-r", "requirements.txt"], root)
        _pip(venv, ["--no-deps", "--no-build-isolation", "-e", "."], root)
        partial = venv / f"{_MARK}.partial"
        partial.write_text(_fingerprint(root))
        os.replace(partial, venv / _MARK)
        _say(f"{venv.name} is ready after {time.monotonic() - started:.0f} s")


def _works(venv: Path) -> bool:
    """True when the environment's Python starts and has pip (an interrupted or moved one may not)."""
    if not _python(venv).exists():
        return False
    return (
        subprocess.run([_python(venv), "-m", "pip", "--version"], capture_output=True, check=False).returncode
        == 0
    )


def _make(venv: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(
            f"{sys.executable} could not make a virtual environment; install its venv module (on Debian and "
            f"Ubuntu: apt install python3-venv) or name another Python, as in 'make PYTHON=python3.12 book'"
        )


def _pip(venv: Path, what: list[str], root: Path) -> None:
    """Run pip install, showing how many packages it has settled on; keep its words for when it fails."""
    # Python compiles a module when it is first imported; doing it now for all of them costs a minute.
    command = [
        str(_python(venv)),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-compile",
        *what,
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    tail: list[str] = []
    seen = 0
    shown = time.monotonic()
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail = [*tail[-30:], line.rstrip()]
            if line.startswith(("Collecting ", "Requirement already satisfied:")):
                seen += 1
            late = time.monotonic() - shown > 15
            if seen and line.startswith("Installing collected packages"):
                _say(f"  {seen} requirements settled; unpacking")
            elif late and "Download" in line:
                shown = time.monotonic()
                _say(f"  {seen} requirements settled so far; {line.strip()[:80]}")
    if process.returncode != 0:
        said = (
            [text for text in tail if "ERROR" in text or "error" in text] or tail[-1:] or ["no reason given"]
        )
        raise SetupError(
            f"pip could not install {' '.join(what)} ({said[0].strip()[:300]}); check the network or your "
            f"pip settings, then run the same command again"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """``environment.py [VENV]``, run in the project's root."""
    root = Path.cwd()
    venv = (root / (arguments[0] if arguments else ".venv")).absolute()
    try:
        set_up(root, venv)
    except SetupError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ovbook: set-up interrupted; the same command goes on from there", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

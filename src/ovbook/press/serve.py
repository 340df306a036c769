"""Reading the built site through a small server on this machine only."""

from __future__ import annotations

import functools
import http.server
import sys
from pathlib import Path
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["server"]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a reader who serves a book does not want a line per picture."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that hung up; anything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def server(folder: Path, port: int = 8000) -> http.server.ThreadingHTTPServer:
    """Return a server of `folder` on the loopback address, bound, not yet serving; port 0 takes a free one.

    Raises `OvbookError` when there is no site or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise OvbookError(f"there is no site in '{folder}': build it with 'make book' or 'make render'")
    handler = functools.partial(_Quiet, directory=str(folder))
    try:
        return _Server(("127.0.0.1", port), handler)
    except OSError as error:
        raise OvbookError(
            f"port {port} cannot be used ({error.strerror or error}): give another, or --port 0 for a free "
            f"one"
        ) from error
    except OverflowError:
        raise OvbookError(f"port {port} is not a port: give a number from 0 to 65535") from None

"""How long a hub that fails is asked again: the clients' own retries stand, but together last seconds, not minutes."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["GaveUp", "library", "patience"]

_SECONDS = 3.0


class GaveUp(Exception):
    """The hub has failed for as long as it may; `failure` is how, and `explain` says it in a sentence."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(str(failure))
        # Kept here too, since the libraries that this passes through cut causes off ("raise ... from None").
        self.failure = failure


def library() -> Any:
    """The module huggingface_hub, its constants and errors loaded."""
    try:
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError as error:
        raise OvbookError(
            "the hub needs the huggingface_hub library: run 'pip install transformers'"
        ) from error
    return huggingface_hub


class _Watch:
    """Since when every request has failed, over all threads; watched only while somebody waits."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0
        self.failing_since: float | None = None

    def saw(self, failed: bool, started: float) -> bool:
        """Note one request's end; return whether the hub has failed for too long."""
        with self.lock:
            if not failed:
                self.failing_since = None
                return False
            self.failing_since = min(self.failing_since or started, started)
            return time.monotonic() - self.failing_since >= _SECONDS


_WATCH = _Watch()


@contextmanager
def patience() -> Iterator[None]:
    """Inside, requests of huggingface_hub (and of datasets and transformers through it) raise `GaveUp` when none has
    been answered for some seconds: no connection, no answer in time, or a status of 500 and above.

    huggingface_hub itself would try six times, up to half a minute a file, and its number of tries cannot be set.
    """
    _install()
    with _WATCH.lock:
        _WATCH.waiting += 1
        _WATCH.failing_since = None
    try:
        yield
    finally:
        with _WATCH.lock:
            _WATCH.waiting -= 1


@functools.cache
def _install() -> None:
    from huggingface_hub.utils import _http

    # Clients that a reader's own factory makes (proxies, certificates) are watched as they are.
    make: Any = getattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)

    def watched() -> Any:
        client: Any = make()
        client.send = _watch(client.send)
        return client

    library().set_client_factory(watched)


def _watch(send: Callable[..., Any]) -> Callable[..., Any]:
    """`send` of an HTTP client, as it is while nobody waits."""

    @functools.wraps(send)
    def sent(request: Any, **options: Any) -> Any:
        if not _WATCH.waiting:
            return send(request, **options)
        from huggingface_hub.utils import hf_raise_for_status

        # Some requests have no limit, and some one of a minute.
        longest = float(library().constants.HF_HUB_DOWNLOAD_TIMEOUT)
        limits = request.extensions.get("timeout") or {}
        request.extensions["timeout"] = {
            each: min(limits.get(each) or longest, longest) for each in ("connect", "read", "write", "pool")
        }
        started = time.monotonic()
        try:
            response = send(request, **options)
        except OSError:
            raise  # this machine's trouble
        except Exception as error:  # whatever the HTTP library calls a lost connection
            if _WATCH.saw(True, started):
                raise GaveUp(error) from error
            raise
        if _WATCH.saw(response.status_code >= 500, started):
            try:
                hf_raise_for_status(response)
            except Exception as error:
                raise GaveUp(error) from error
            finally:
                response.close()
        return response

    return sent

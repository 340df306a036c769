"""Asking the hub: which revisions there are, which commit one stands for, and what went wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ovbook.errors import OvbookError
from ovbook.hub.names import by_step, is_checkpoint, nearest_revision
from ovbook.hub.patience import library, patience

__all__ = ["Unreachable", "explain", "list_revisions", "resolve"]

_PROBE_SECONDS = 3.0


class Unreachable(OvbookError):
    """The hub gave no usable answer: no network, offline mode, a timeout or a fault of its own."""


def list_revisions(repo: str, *, kind: str = "model") -> list[str]:
    """Names of all branches and tags of a repository on the hub: checkpoints by step, after the other names.

    `kind` is "model" or "dataset". Raises OvbookError as `resolve` does.
    """
    api = _api(repo)
    try:
        # This first request has a time limit, which the listing of refs offers no way to set.
        with patience():
            # A repository may lack a "main", and have other revisions all the same.
            with contextlib.suppress(library().errors.RevisionNotFoundError):
                api.repo_info(repo, repo_type=kind, timeout=_timeout())
            refs = api.list_repo_refs(repo, repo_type=kind)
    except Exception as error:
        raise explain(error, repo, kind=kind) from error
    return by_step({ref.name for ref in [*refs.branches, *refs.tags]})


def resolve(repo: str, revision: str | None = None, *, kind: str = "model") -> str:
    """The commit (40 hex digits) that `revision` of a repository stands for on the hub now; "main" if None.

    Raises:
        Unreachable: no network, offline mode, no answer in time, a fault of the hub.
        OvbookError: no such repository or revision (the nearest is named), or no right to read it.
    """
    api = _api(repo)
    try:
        return str(api.repo_info(repo, revision=revision, repo_type=kind, timeout=_timeout()).sha)
    except Exception as error:
        raise explain(error, repo, revision, kind=kind) from error


def _timeout() -> float:
    return float(library().constants.HF_HUB_ETAG_TIMEOUT)


def _api(repo: str) -> Any:
    """The hub's client, after a quick look whether anything answers, since its own tries take long."""
    client = library()
    if client.constants.is_offline_mode():
        raise Unreachable(
            f"HF_HUB_OFFLINE is set, so '{repo}' cannot be asked for: unset it, or use a world, a 'file:' "
            f"corpus or a local folder"
        )
    api = client.HfApi()
    if not _answers(api.endpoint):
        raise Unreachable(
            f"the hub at {api.endpoint} cannot be reached, so '{repo}' cannot be read: check the network and "
            f"HF_ENDPOINT, or use a world, a 'file:' corpus or a local folder"
        )
    return api


def _answers(endpoint: str) -> bool:
    """Whether something listens where the hub should be; in a thread, because a name look-up can hang."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return True
    answered: list[bool] = []

    def knock() -> None:
        try:
            port = parts.port or (80 if parts.scheme == "http" else 443)
            socket.create_connection((host, port), timeout=_PROBE_SECONDS).close()
            answered.append(True)
        except OSError:
            pass

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return bool(answered)


def explain(
    error: BaseException, repo: str, revision: str | None = None, *, kind: str = "model"
) -> OvbookError:
    """One sentence for an error that a hub client raised while reading `repo`, however it is wrapped."""
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, OvbookError):
            return each
    client = library()
    errors = client.errors
    what = f"{'data set' if kind == 'dataset' else kind} '{repo}'"
    for each in chain:
        if isinstance(each, errors.OfflineModeIsEnabled):
            return Unreachable(
                f"HF_HUB_OFFLINE is set, so {what} cannot be fetched: unset it, or use a local copy"
            )
        if isinstance(each, errors.RevisionNotFoundError):
            return _no_revision(repo, revision, kind, what)
        if isinstance(each, errors.GatedRepoError):
            return OvbookError(
                f"{what} is gated: accept its terms on {client.constants.ENDPOINT} and run 'hf auth login'"
            )
    status = next(
        (s for e in chain if (s := getattr(getattr(e, "response", None), "status_code", None))), None
    )
    missing = any(isinstance(e, errors.EntryNotFoundError) for e in chain)
    return _by_status(status, missing, what, client.constants.ENDPOINT, chain)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = getattr(link, "failure", None) or link.__cause__ or link.__context__


def _by_status(
    status: int | None, missing: bool, what: str, endpoint: str, chain: list[BaseException]
) -> OvbookError:
    if status in (401, 403):
        return OvbookError(
            f"the hub does not show {what} to you ({status}): check its name, or run 'hf auth login' if it "
            f"is private"
        )
    if status == 404:
        part = "lacks a file that is needed" if missing else "does not exist on the hub"
        return OvbookError(f"{what} {part} (404): check its name and what it holds at {endpoint}")
    if status == 429:
        return Unreachable(
            f"the hub asks to slow down while {what} is read (429): wait some minutes and try again"
        )
    if status is not None and status >= 500:
        return Unreachable(
            f"the hub is out of order ({status}), so {what} cannot be read now: try again later"
        )
    if local := next((e for e in chain if isinstance(e, OSError) and e.filename and e.errno), None):
        return OvbookError(
            f"{what} cannot be stored ({local.strerror}: {local.filename}): free some space, or point HF_HOME at "
            f"a folder that you can write to"
        )
    if any("Consistency check failed" in str(e) for e in chain):
        return Unreachable(
            f"the hub sent a file of {what} in another length than it announced: try again later"
        )
    names = {base.__name__ for e in chain for base in type(e).__mro__}
    if any("Timeout" in name for name in names):
        return Unreachable(
            f"the hub at {endpoint} did not answer in time, so {what} cannot be read: try again later"
        )
    if names & {"ConnectError", "NetworkError", "ConnectionError", "ProtocolError", "ClientError"}:
        return Unreachable(
            f"the hub at {endpoint} cannot be reached, so {what} cannot be read: check the network and "
            f"HF_ENDPOINT"
        )
    if names & {"LocalEntryNotFoundError", "EntryNotFoundError"}:
        return OvbookError(f"{what} is not in the local cache and may not be fetched: allow the network once")
    reason = str(chain[0]).strip().split("\n")[0] or type(chain[0]).__name__
    return OvbookError(f"{what} cannot be read ({reason}): check its name, its revision and its files")


def _no_revision(repo: str, revision: str | None, kind: str, what: str) -> OvbookError:
    try:
        names = list_revisions(repo, kind=kind)
    except OvbookError:
        names = []
    near = nearest_revision(revision or "main", names)
    if near is None:
        return OvbookError(f"{what} has no revision '{revision}': it has {', '.join(names[:8]) or 'none'}")
    next_ = nearest_revision(revision or "main", [n for n in names if n != near and is_checkpoint(n)])
    then = f", then '{next_}'" if next_ and is_checkpoint(near) else ""
    help_ = f"the nearest of its {len(names)} is '{near}'{then}"
    return OvbookError(f"{what} has no revision '{revision}': {help_}")

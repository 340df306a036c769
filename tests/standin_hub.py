"""A stand-in for the model hub: a loopback server that the hub's own client libraries take for the real one.

It serves a folder ``{models,datasets}/OWNER/NAME/REVISION/files...`` and speaks the part of the protocol that
listing revisions, resolving them, streaming data and downloading weights needs. It can be told to fail::

    with StandinHub(folder) as hub:
        hub.faults["owner/broken"] = 503            # a status, or HANG, or DROP
        hub.sound_files["owner/broken"] = 2         # only once so many of its files were sent
        hub.file_faults["owner/name/weights"] = [CUT, 503]  # the first two times that file is asked for
        subprocess.run([...], env=hub.environment(cache))
        assert hub.requests("owner/name") > 0

The libraries read ``HF_ENDPOINT`` when they are imported, so clients run in processes of their own, started
with `StandinHub.environment`; nothing they do then leaves this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

__all__ = ["CUT", "DROP", "HANG", "PAGE", "SHORT", "StandinHub"]

HANG, DROP = "hang", "drop"
CUT, SHORT = "cut", "short"
"""Of a file: half of what was announced and then the end; half of it, announced as if it were all."""
PAGE = 2
"""Entries of one page of a tree: few, so that every listing of a test's repository has several pages."""

_API = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree|paths-info|refs)(?:/(.*))?)?")
_FILE = re.compile(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


def _blob_id(path: Path) -> str:
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repository:
    """One repository: its revisions' folders, and the commit of each (a hash of names and contents)."""

    folder: Path
    commits: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.commits = {}
        for revision in sorted(p.name for p in self.folder.iterdir() if p.is_dir()):
            root = self.folder / revision
            listing = [f"{p.relative_to(root)} {_blob_id(p)}" for p in sorted(root.rglob("*")) if p.is_file()]
            self.commits[revision] = hashlib.sha1("\n".join(listing).encode()).hexdigest()

    def find(self, revision: str) -> tuple[Path, str] | None:
        """Folder and commit of a revision given by name or by commit."""
        for name, commit in self.commits.items():
            if revision in (name, commit):
                return self.folder / name, commit
        return None


class StandinHub:
    """The server and, as a context manager, its life; `url` is its address, `faults` what it does wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.faults: dict[str, int | str] = {}
        self.sound_files: dict[str, int] = {}
        self.file_faults: dict[str, list[int | str]] = {}
        self.log: list[tuple[str, str]] = []
        self.resumed: list[str] = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StandinHub:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def repository(self, kind: str, name: str) -> Repository | None:
        folder = self.folder / kind / name
        return Repository(folder) if folder.is_dir() else None

    def fault_of(self, command: str, name: str, file: str) -> int | str | None:
        """What goes wrong with a request for a repository (and a file of it, where `file` is not empty)."""
        with self.lock:
            fault = self.faults.get(name)
            if fault is not None and self.sound_files.get(name, 0) > 0:
                fault = None
                if file and command == "GET":
                    self.sound_files[name] -= 1
            if fault is not None or command != "GET" or not file:
                return fault
            queue = next(
                (q for key, q in self.file_faults.items() if q and f"{name}/{file}".startswith(key)), []
            )
            return queue.pop(0) if queue else None

    def requests(self, text: str = "") -> int:
        """How many requests so far had `text` in their path."""
        return sum(text in path for _, path in self.log)

    def environment(self, cache: Path, **more: str) -> dict[str, str]:
        """Environment for a client process: this hub, caches of its own, no telemetry, no proxy, no token."""
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and "TOKEN" not in k}
        return {
            **{k: v for k, v in kept.items() if not k.startswith("HF_")},
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(cache),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
            **more,
        }


class _Handler(BaseHTTPRequestHandler):
    hub: StandinHub
    fault: int | str | None = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet: the tests read `hub.log`."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.log.append((self.command, path))
        if api := _API.fullmatch(path):
            kind, name, verb, rest = api.groups()
        elif file := _FILE.fullmatch(address.path):
            kind, name, verb = file[1] or "models", file[2], "resolve"
            rest = f"{unquote(file[3])}\n{unquote(file[4])}"
        else:
            return self._error(404, "EntryNotFound")
        fault = self.hub.fault_of(self.command, name, rest.partition("\n")[2] if verb == "resolve" else "")
        self.fault = fault
        if fault == HANG:
            self.hub.released.wait(60)
        if fault in (HANG, DROP):
            self.close_connection = True
            return None
        if isinstance(fault, int):
            return self._error(fault, "RepoNotFound" if fault == 404 else None)
        repository = self.hub.repository(kind, name)
        if repository is None:
            return self._error(404, "RepoNotFound")
        if verb == "refs":
            return self._refs(repository)
        return self._at_revision(repository, kind, name, verb, rest or "main", parse_qs(address.query), body)

    def _at_revision(
        self,
        repo: Repository,
        kind: str,
        name: str,
        verb: str,
        rest: str,
        query: dict[str, list[str]],
        body: bytes,
    ) -> None:
        revision, _, inner = rest.partition("\n" if verb == "resolve" else "/")
        found = repo.find(revision)
        if found is None:
            return self._error(404, "RevisionNotFound")
        root, commit = found
        if verb == "resolve":
            return self._file(root / inner, commit)
        if verb == "tree":
            return self._tree(root, inner, query)
        if verb == "paths-info":
            asked = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode())["paths"]
            return self._json([_entry(root, root / p) for p in asked if (root / p).exists()])
        siblings = [{"rfilename": str(p.relative_to(root))} for p in sorted(root.rglob("*")) if p.is_file()]
        facts = {"id": name, "sha": commit, "private": False, "gated": False, "disabled": False, "tags": []}
        stamps = {"lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z"}
        return self._json(
            {**facts, **stamps, "downloads": 0, "likes": 0, "siblings": siblings, "author": kind}
        )

    def _refs(self, repo: Repository) -> None:
        def described(name: str, where: str) -> dict[str, str]:
            return {"name": name, "ref": f"refs/{where}/{name}", "targetCommit": repo.commits[name]}

        # As on the hub, checkpoints may be branches or tags: "main" and odd ones are branches here.
        branches = [name for i, name in enumerate(repo.commits) if name == "main" or i % 2]
        tags = [name for name in repo.commits if name not in branches]
        self._json(
            {
                "branches": [described(name, "heads") for name in branches],
                "tags": [described(name, "tags") for name in tags],
                "converts": [],
            }
        )

    def _tree(self, root: Path, inner: str, query: dict[str, list[str]]) -> None:
        recursive = query.get("recursive", ["false"])[0].lower() in ("1", "true")
        top = root / inner
        if not top.is_dir():
            return self._error(404, "EntryNotFound")
        paths = sorted(top.rglob("*") if recursive else top.iterdir())
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(paths):
            here = f"{self.hub.url}{urlsplit(self.path).path}?recursive={recursive}&cursor={start + PAGE}"
            headers["Link"] = f'<{here}>; rel="next"'
        return self._json([_entry(root, p) for p in paths[start : start + PAGE]], headers)

    def _file(self, path: Path, commit: str) -> None:
        if not path.is_file():
            return self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
        data = path.read_bytes()
        headers = {"ETag": f'"{_blob_id(path)}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        status, part = 200, data
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            if first >= len(data):
                return self._error(416, None, {"Content-Range": f"bytes */{len(data)}"})
            status, part = 206, data[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            self.hub.resumed.append(path.name)
        headers["Content-Type"] = "application/octet-stream"
        if self.fault == SHORT:
            return self._send(status, part[: len(part) // 2], headers)
        return self._send(status, part, headers, cut=self.fault == CUT)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _error(self, status: int, code: str | None, headers: dict[str, str] | None = None) -> None:
        named = {"X-Error-Code": code, "X-Error-Message": quote(code, safe=" ")} if code else {}
        self._send(status, b"{}", {"Content-Type": "application/json", **named, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection |= cut


def _entry(root: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(root).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0}
    return {"type": "file", "path": name, "oid": _blob_id(path), "size": path.stat().st_size}

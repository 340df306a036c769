"""Third-party files that pages need, kept in ``vendored/`` with version, licence and SHA-256.

They lie in the package and not beside the chapters, because the pages of whatever book this press builds need them
at the versions that this press was tested with. ``python -m ovbook.press.vendor`` fetches them anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ovbook.errors import OvbookError
from ovbook.files import atomic_write, sha256_bytes, sha256_file

__all__ = ["FOLDER", "MOST_BYTES", "Asset", "File", "install", "main", "read_manifest", "refresh", "verify"]

FOLDER = Path(__file__).parent / "vendored"
MOST_BYTES = 8_000_000
"""What all vendored files may weigh together, the Vega bundle included."""

_MANIFEST = "manifest.toml"
_REPAIR = "restore it from version control, or fetch it anew with 'python -m ovbook.press.vendor'"
_HEAD = """\
# Third-party files in this folder. Written by `python -m ovbook.press.vendor`, which fetches every file that has a
# `source` (its path inside the package) and keeps the others, which are ours: licence texts that a package left out.
# To take a newer version, change `version` here and run it.
"""


@dataclass(frozen=True, kw_only=True)
class File:
    """One vendored file: its path below the folder, where it lies in its package (None: written by us)."""

    path: str
    source: str | None
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One third-party work. `package` is its npm name.

    Where a Python package brings the code, `via` names it and `made` is how many bytes the build makes of it.
    """

    name: str
    purpose: str
    package: str
    version: str
    licence: str
    licence_file: str
    files: tuple[File, ...]
    via: str | None = None
    made: int = 0

    @property
    def origin(self) -> str:
        """``npm: mathjax@3.2.2``, or the Python package that brings it."""
        return f"pip: {self.via}" if self.via else f"npm: {self.package}@{self.version}"

    @property
    def bytes(self) -> int:
        """Bytes of all its files, licence texts included, and of what is made of it."""
        return sum(file.bytes for file in self.files) + self.made


def read_manifest(folder: Path = FOLDER) -> tuple[Asset, ...]:
    """Return what the manifest in `folder` lists; `OvbookError` when there is none or it cannot be read."""
    path = folder / _MANIFEST
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["asset"]
        return tuple(Asset(**{**entry, "files": _files(entry)}) for entry in entries)
    except FileNotFoundError:
        raise OvbookError(
            f"the list of third-party files '{path.name}' is missing from '{folder}': {_REPAIR}"
        ) from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise OvbookError(
            f"the list of third-party files '{path.name}' cannot be read ({error}): {_REPAIR}"
        ) from error


def _files(entry: dict[str, Any]) -> tuple[File, ...]:
    return tuple(File(**{"source": None, **file}) for file in entry["files"])


def verify(folder: Path = FOLDER) -> tuple[Asset, ...]:
    """Return the manifest when every file it lists is there unchanged; else raise `OvbookError` naming the first."""
    assets = read_manifest(folder)
    for asset in assets:
        for file in asset.files:
            path = folder / file.path
            if not path.is_file():
                raise OvbookError(f"the vendored file '{file.path}' of {asset.name} is missing: {_REPAIR}")
            found = sha256_file(path)
            if found != file.sha256:
                raise OvbookError(
                    f"the vendored file '{file.path}' of {asset.name} {asset.version} has changed (sha256 "
                    f"{found[:12]}…, the list says {file.sha256[:12]}…): {_REPAIR}"
                )
    return assets


def install(target: Path, folder: Path = FOLDER) -> tuple[Asset, ...]:
    """Copy every listed file below `target` after `verify`, and return the manifest. Other files there stay."""
    assets = verify(folder)
    for asset in assets:
        for file in asset.files:
            to = target / file.path
            if to.is_file() and sha256_file(to) == file.sha256:
                continue
            atomic_write(to, (folder / file.path).read_bytes())
    return assets


# -- fetching anew ------------------------------------------------------------------------------------------


def refresh(folder: Path = FOLDER, *, pack: Callable[[str, Path], Path] | None = None) -> tuple[Asset, ...]:
    """Fetch each file at the manifest's versions, rewrite the manifest and return it.

    Args:
        folder: where the manifest and the files lie.
        pack: takes ``name@version`` and a folder and returns the package's archive; default: ``npm pack``.

    Raises `OvbookError` when a package or a file in it cannot be had; then nothing was written.
    """
    fetched: dict[str, bytes] = {}
    fresh = []
    with tempfile.TemporaryDirectory() as scratch:
        for asset in read_manifest(folder):
            named = f"{asset.package}@{asset.version}"
            archive = (pack or _npm_pack)(named, Path(scratch))
            files = []
            for file in asset.files:
                if file.source is None:
                    content = (folder / file.path).read_bytes()
                else:
                    content = fetched[file.path] = _from_archive(archive, file.source, named)
                files.append(_described(file, content))
            made = _bundled() if asset.made else 0
            fresh.append(replace(asset, files=tuple(files), made=made))
    for path, content in fetched.items():
        atomic_write(folder / path, content)
    atomic_write(folder / _MANIFEST, _as_toml(fresh))
    return tuple(fresh)


def _bundled() -> int:
    from ovbook.press.extension import bundle

    return len(bundle().encode())


def _described(file: File, content: bytes) -> File:
    return replace(file, sha256=sha256_bytes(content), bytes=len(content))


def _npm_pack(named: str, scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise OvbookError("npm is not installed: it is needed only to fetch third-party files anew")
    done = subprocess.run(
        [npm, "pack", "--silent", "--json", named], cwd=scratch, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        why = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise OvbookError(
            f"npm could not fetch '{named}' ({why[-1][:200]}): check the version and the network"
        )
    packed = json.loads(done.stdout)
    # A list of packages, or in newer versions a mapping from their names.
    one = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
    return scratch / PurePosixPath(one["filename"]).name


def _from_archive(archive: Path, source: str, named: str) -> bytes:
    with tarfile.open(archive) as tar:
        try:
            member = tar.extractfile(f"package/{source}")
        except KeyError:
            member = None
        if member is None:
            raise OvbookError(f"'{named}' holds no file '{source}': correct its `source` in {_MANIFEST}")
        return member.read()


def _as_toml(assets: Iterable[Asset]) -> str:
    # The standard library reads TOML and does not write it. A JSON string is a TOML string.
    lines = [_HEAD]
    for asset in assets:
        lines.append("[[asset]]")
        for key in ("name", "purpose", "package", "version", "via", "licence", "licence_file"):
            if (value := getattr(asset, key)) is not None:
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        if asset.made:
            lines.append(f"made = {asset.made}")
        lines.append("files = [")
        for file in asset.files:
            known = {"path": file.path, "source": file.source, "sha256": file.sha256, "bytes": file.bytes}
            inner = ", ".join(f"{k} = {json.dumps(v)}" for k, v in known.items() if v is not None)
            lines.append(f"  {{ {inner} }},")
        lines.append("]\n")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m ovbook.press.vendor [--check]``: fetch the files anew, or only compare them with the list."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if given not in ([], ["--check"]):
            raise OvbookError(f"unknown arguments {' '.join(given)!r}: give nothing, or --check")
        assets = verify() if given else refresh()
    except OvbookError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2
    for asset in assets:
        print(f"{asset.bytes:>9,}  {asset.name} {asset.version} ({asset.licence})")
    print(f"{sum(asset.bytes for asset in assets):>9,}  bytes in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())

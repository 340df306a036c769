"""Reading documents from files, as pieces small enough that no file has to fit in memory.

A plain text file is one document: blank lines mean paragraphs in some collections and articles in others, and
guessing would put document ends where there are none. Each line of a ``.jsonl`` or ``.jsonl.gz`` file is one.
Files must be UTF-8; line ends are read as a single newline; nothing else is changed.
"""

from __future__ import annotations

import glob
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ovbook.errors import OvbookError, did_you_mean
from ovbook.text.names import looks_like_glob

__all__ = ["PIECE", "SUFFIXES", "Piece", "find_files", "kind_of", "pieces_of", "text_of"]

SUFFIXES = (".txt", ".jsonl", ".jsonl.gz")
"""What is taken from a folder; a file given by name may be called anything and is read as plain text."""

PIECE = 1 << 16
"""Characters after which a long document is handed on, at the next line end."""

_LONGEST_LINE = 1 << 20
"""Characters after which even a line is cut: some collections are one endless line."""

Piece = tuple[str, bool]
"""Some text, and whether its document ends with it."""


def kind_of(path: Path) -> str:
    """ "jsonl" or "text", by the file's name."""
    return "jsonl" if path.name.lower().endswith((".jsonl", ".jsonl.gz")) else "text"


def find_files(where: str) -> list[Path]:
    """The files that `where` names: one file, several with commas between, a folder (searched with its
    subfolders for ``.txt``, ``.jsonl`` and ``.jsonl.gz``) or a glob; folders and globs in sorted order.

    Raises:
        OvbookError: a path that does not exist, a folder or a glob with nothing in it.
    """
    written = [where] if Path(where).expanduser().exists() else [w.strip() for w in where.split(",")]
    files: list[Path] = []
    for part in filter(None, written):
        path = Path(part).expanduser()
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if _is_text(p, path))
            if not found:
                raise OvbookError(
                    f"the folder {part} holds no {', '.join(SUFFIXES)} file: name another folder"
                )
            files += found
        elif looks_like_glob(str(path)):
            found = sorted(Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file())
            if not found:
                raise OvbookError(f"the pattern {part} matches no file: check it from {Path.cwd()}")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise OvbookError(
                f"the text file {part} does not exist{did_you_mean(path.name, beside)}: "
                f"check the path, which is read from {Path.cwd()}"
            )
    return files


def _is_text(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.name.lower().endswith(SUFFIXES) and path.is_file()


def pieces_of(path: Path, field: str) -> Iterator[Piece]:
    """The pieces of one file's documents, in order; empty documents are left out.

    Raises:
        OvbookError: not UTF-8, binary, a broken gzip file, a line that is not JSON, a missing field.
    """
    try:
        with _open(path) as raw:
            lines = _lines(path, raw)
            yield from _jsonl(path, lines, field) if kind_of(path) == "jsonl" else _text(lines)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OvbookError(
            f"{path} is cut short or not a gzip file ({error}): fetch or compress it again"
        ) from error
    except PermissionError as error:
        raise OvbookError(
            f"{path} may not be read by you: change its permissions or name another file"
        ) from error


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _lines(path: Path, raw: IO[bytes]) -> Iterator[str]:
    limit = -1 if kind_of(path) == "jsonl" else _LONGEST_LINE
    stream = io.TextIOWrapper(raw, encoding="utf-8-sig", newline=None)
    number = 0
    try:
        while line := stream.readline(limit):
            number += 1
            if "\0" in line:
                raise OvbookError(
                    f"{path} is a binary file (line {number} holds a zero byte): give plain text in UTF-8 "
                    f"or jsonl"
                )
            yield line
    except UnicodeDecodeError as error:
        raise OvbookError(
            f"{path} is a binary file or not in UTF-8 (byte {error.object[error.start]:#04x} after line "
            f"{number}): give plain text in UTF-8 or jsonl"
        ) from error


def _text(lines: Iterator[str]) -> Iterator[Piece]:
    held: list[str] = []
    size = 0
    for line in lines:
        if size >= PIECE:
            yield "".join(held), False
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        yield "".join(held), True


def _jsonl(path: Path, lines: Iterator[str], field: str) -> Iterator[Piece]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise OvbookError(
                f"line {number} of {path} is not JSON ({error.msg}): mend or remove that line"
            ) from error
        text = text_of(record, field, f"line {number} of {path}")
        if text:
            yield text, True


def text_of(record: object, field: str, place: str) -> str:
    """The text of one record; `place` says in errors which record it was."""
    if not isinstance(record, dict):
        raise OvbookError(f'{place} is not a JSON object: each must be one, like {{"{field}": "..."}}')
    if field not in record:
        there = ", ".join(f"'{name}'" for name in record) or "none"
        raise OvbookError(
            f"{place} has no field '{field}': its fields are {there}; "
            f"add '#field=NAME' to the corpus name{did_you_mean(field, record)}"
        )
    value = record[field]
    if value is not None and not isinstance(value, str):
        raise OvbookError(
            f"the field '{field}' in {place} holds {type(value).__name__}, not text: name another with "
            f"'#field=NAME'"
        )
    return _without_lone_surrogates(value or "")


def _without_lone_surrogates(text: str) -> str:
    """JSON may spell half a surrogate pair, which no UTF-8 holds; it becomes the replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

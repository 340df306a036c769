"""A text encoded once: token files on disk, memory-mapped, checked by their hashes, rebuilt when damaged.

Layout of ``<cache>/corpora/<key>/``: ``train.u16`` and ``validation.u16`` (streams of little-endian uint16
tokens, documents ended by ``<eos>``), ``tokenizer.json``, and ``corpus.json`` (counts, and the SHA-256 of the
other files). The key is a hash over the text itself, the field, the tokenizer's settings and `VERSION`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from ovbook.errors import OvbookError
from ovbook.files import atomic_folder, atomic_write, canonical_json, sha256_bytes, sha256_file
from ovbook.text.bpe import EOS, train_bpe
from ovbook.text.documents import Piece

__all__ = [
    "HELD_OUT",
    "VERSION",
    "Encoded",
    "content_hash",
    "encode_once",
    "hash_of",
    "read_encoded",
    "rows_of",
]

VERSION = 1
"""Raise when the same text and settings would give other tokens."""

HELD_OUT = 20
"""One part in twenty, the last, is kept for validation."""

_LEAST_HELD_OUT = 2048
"""Characters: a short text still keeps enough for a row, though never more than half of it."""

_AT_ONCE = 1 << 20
"""Characters encoded in one call: the library's own records take some hundred bytes a token meanwhile."""

DTYPE = np.dtype("<u2")
_FILES = ("train.u16", "validation.u16", "tokenizer.json")


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """An encoded text: two memory-mapped uint16 streams and what is known of them."""

    folder: Path
    train: np.ndarray
    validation: np.ndarray
    tokenizer_json: str
    facts: dict[str, Any]


def encode_once(
    folder: Path, pieces: Callable[[Path], Callable[[], Iterable[Piece]]], *, vocab: int, title: str
) -> Encoded:
    """Return the encoded text in `folder`, making it first if it is missing or damaged.

    `pieces(scratch)` returns a function that starts a new pass over the text (three are made); `scratch` is a
    folder it may spool to, emptied afterwards. `title` names the text in messages. Of several processes one
    encodes and the others wait. A damaged copy is moved aside with a warning, and made again.
    """
    if found := read_encoded(folder):
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        if found := read_encoded(folder):
            return found
        if folder.exists():
            aside = folder.with_name(f"{folder.name}.damaged-{time.time_ns()}")
            os.replace(folder, aside)
            warnings.warn(
                f"the encoded copy of {title} was truncated or altered: it is moved to {aside} and made anew",
                stacklevel=2,
            )
        with atomic_folder(folder) as scratch:
            _encode(scratch, pieces(scratch), vocab, title)
        made = read_encoded(folder)
        if made is None:
            raise OvbookError(
                f"{folder} changed while it was written: check the disk, then run the command again"
            )
        return made


def read_encoded(folder: Path) -> Encoded | None:
    """The encoded text in `folder`, or None where it is missing, truncated or altered."""
    try:
        facts = json.loads((folder / "corpus.json").read_text())
        for name in _FILES:
            if hash_of(folder / name) != facts["files"][name]:
                return None
        return Encoded(
            folder=folder,
            train=_map(folder / "train.u16"),
            validation=_map(folder / "validation.u16"),
            tokenizer_json=(folder / "tokenizer.json").read_text(),
            facts=facts,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _map(path: Path) -> np.ndarray:
    # An empty file cannot be mapped.
    return np.memmap(path, DTYPE, "r") if path.stat().st_size else np.zeros(0, DTYPE)


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content, taken once a process while its size and time of change stay."""
    state = path.stat()
    return _hash_once(path.resolve(), state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _hash_once(path: Path, size: int, modified: int) -> str:
    return sha256_file(path)


def _encode(scratch: Path, passes: Callable[[], Iterable[Piece]], vocab: int, title: str) -> None:
    cut, characters, documents = _plan_cut(passes(), title)
    tokenizer = train_bpe((text for part, text, _ in _parts(passes(), cut) if part == "train"), vocab)
    counts = {"train": 0, "validation": 0}
    with contextlib.ExitStack() as stack:
        # Shown in a terminal only, never on a printed page.
        bar = stack.enter_context(
            tqdm(
                total=characters, desc=f"encoding {title}", unit=" characters", unit_scale=True, disable=None
            )
        )
        files = {part: stack.enter_context(open(scratch / f"{part}.u16", "wb")) for part in counts}
        for batch in _batches(_parts(passes(), cut)):
            encodings = tokenizer.encode_batch_fast([text for _, text, _ in batch], add_special_tokens=False)
            for (part, _, ends), encoding in zip(batch, encodings, strict=True):
                ids = [*encoding.ids, EOS] if ends else encoding.ids
                files[part].write(np.asarray(ids, DTYPE).tobytes())
                counts[part] += len(ids)
            bar.update(sum(len(text) for _, text, _ in batch))
    for leftover in scratch.iterdir():
        if leftover.name not in _FILES:
            leftover.unlink()
    atomic_write(scratch / "tokenizer.json", tokenizer.to_str())
    facts = {
        "title": title,
        "characters": characters,
        "documents": documents,
        "tokens": counts,
        "vocab": tokenizer.get_vocab_size(),
        "version": VERSION,
        "files": {name: sha256_file(scratch / name) for name in _FILES},
    }
    atomic_write(scratch / "corpus.json", json.dumps(facts, indent=1))


def _plan_cut(pieces: Iterable[Piece], title: str) -> tuple[int, int, int]:
    """Where validation begins, in characters from the start; and the counts of characters and documents.

    The last twentieth is held out. The cut moves to the nearest end of a document if one lies within a
    hundredth of the text, so that collections of short documents are cut between two of them.
    """
    ends = [0]
    total = 0
    for text, finished in pieces:
        total += len(text)
        if finished:
            ends.append(total)
    if total == 0 or len(ends) == 1:
        raise OvbookError(f"{title} is empty: a corpus needs at least a few thousand characters of text")
    held_out = max(total // HELD_OUT, min(_LEAST_HELD_OUT, total // 2))
    cut = total - held_out
    near = min(ends[1:-1], key=lambda end: abs(end - cut), default=cut)
    return (near if abs(near - cut) <= total / 100 else cut), total, len(ends) - 1


def _parts(pieces: Iterable[Piece], cut: int) -> Iterator[tuple[str, str, bool]]:
    """(part, text, whether its document ends here): the pieces, with the one that holds the cut divided.

    Inside a document the cut falls after the last line end before it, else the last space, else on the
    character. Both halves of a divided document are ended, so neither runs on into the other part.
    """
    start = 0
    for text, ends in pieces:
        if start + len(text) <= cut:
            yield "train", text, ends or start + len(text) == cut
        elif start >= cut:
            yield "validation", text, ends
        else:
            inside = cut - start
            at = max(text.rfind("\n", 0, inside), -1) + 1 or text.rfind(" ", 0, inside) + 1 or inside
            yield "train", text[:at], True
            yield "validation", text[at:], ends
        start += len(text)


def _batches(parts: Iterable[tuple[str, str, bool]]) -> Iterator[list[tuple[str, str, bool]]]:
    batch: list[tuple[str, str, bool]] = []
    size = 0
    for part in parts:
        batch.append(part)
        size += len(part[1])
        if size >= _AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def content_hash(encoded: Encoded) -> str:
    """Hash of the tokens and the tokenizer: the same rows have the same hash, whatever made them."""
    return sha256_bytes(canonical_json(encoded.facts["files"]))


def rows_of(stream: np.ndarray, context: int) -> int:
    """How many whole rows of `context` tokens a stream gives, each <bos> and context - 1 of its own."""
    return len(stream) // (context - 1)

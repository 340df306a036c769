"""Text from the hub: the first documents of a data set's split, streamed by the `datasets` library."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.text.documents import Piece, text_of
from ovbook.text.names import TextName

__all__ = ["spool"]


def spool(name: TextName, commit: str, scratch: Path) -> Callable[[], Iterator[Piece]]:
    """Stream the first `name.documents` documents into `scratch` once; return a function that starts a pass.

    Raises:
        OvbookError: an unknown configuration, split or field, or a hub that stops answering.
    """
    path = scratch / "documents.jsonl"
    try:
        with open(path, "w", encoding="utf-8") as stream:
            bar = tqdm(
                range(1, name.documents + 1), desc=f"streaming {name.where}", unit=" documents", disable=None
            )
            for number, record in zip(bar, _stream(name, commit), strict=False):
                text = text_of(record, name.field, f"document {number} of hub:{name.where}")
                stream.write(json.dumps(text) + "\n")
    except OvbookError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise  # our disk, not their hub
        raise hub.explain(error, name.where, name.revision, kind="dataset") from error

    def again() -> Iterator[Piece]:
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                if text := json.loads(line):
                    yield text, True

    return again


def _stream(name: TextName, commit: str) -> Iterator[Any]:
    rows = hub.read_data_set(
        name.where,
        commit,
        config=name.config,
        split=name.split,
        revision=name.revision,
        streaming=True,
        how=f"write hub:{name.where}:CONFIG:SPLIT",
    )
    with hub.patient_data_sets():
        yield from rows

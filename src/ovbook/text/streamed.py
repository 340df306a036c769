"""Text from the hub: the first documents of a data set's split, streamed by the `datasets` library."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ovbook import hub
from ovbook.errors import OvbookError, did_you_mean
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
        raise hub.explain(error, name.where, name.revision) from error

    def again() -> Iterator[Piece]:
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                if text := json.loads(line):
                    yield text, True

    return again


def _stream(name: TextName, commit: str) -> Iterable[Any]:
    try:
        import datasets
    except ImportError as error:
        raise OvbookError("a hub: corpus needs the datasets library: run 'pip install datasets'") from error
    try:
        return datasets.load_dataset(
            name.where, name.config, split=name.split, revision=commit, streaming=True
        )
    except ValueError as error:
        raise _choice(datasets, name, commit, error) from error


def _choice(datasets: Any, name: TextName, commit: str, error: ValueError) -> OvbookError:
    """Which configuration or split there is, where the one asked for is not."""
    configs = datasets.get_dataset_config_names(name.where, revision=commit)
    if name.config not in configs and (name.config or len(configs) > 1):
        what = f"has no configuration '{name.config}'" if name.config else "has several configurations"
        near = did_you_mean(name.config, configs) if name.config else ""
        return OvbookError(
            f"{name.where} {what}{near}: write hub:{name.where}:CONFIG with one of {', '.join(configs)}"
        )
    splits = datasets.get_dataset_split_names(name.where, name.config, revision=commit)
    if name.split not in splits:
        config = name.config or (configs[0] if configs else "default")
        return OvbookError(
            f"{name.where} has no split '{name.split}'{did_you_mean(name.split, splits)}: "
            f"write hub:{name.where}:{config}:SPLIT with one of {', '.join(splits)}"
        )
    return OvbookError(f"the hub's data set {name.where} cannot be read as it is ({error}): name another")

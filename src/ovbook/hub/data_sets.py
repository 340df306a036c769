"""Rows of a data set on the hub, through the library `datasets`; what is wrong with a name is said with what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ovbook.errors import OvbookError, did_you_mean
from ovbook.hub.client import explain
from ovbook.hub.patience import patience

__all__ = ["patient_data_sets", "read_data_set"]

_TRIES, _PAUSE_SECONDS = 3, 1


def read_data_set(
    repo: str,
    commit: str | None,
    *,
    config: str | None,
    split: str,
    revision: str | None = None,
    streaming: bool = False,
    how: str = "name another",
) -> Any:
    """One split of a data set at `commit` (of the newest copy in the cache if None and the hub is away): a sequence of rows, or an iterable of them with `streaming`.

    `revision` is what the reader called that commit, and `how` what to do about a wrong name, for the sentence.
    Iterate over streamed rows inside `patient_data_sets`.

    Raises:
        OvbookError: `datasets` is not installed; an unknown configuration or split (those there are, are named);
            files that hold no table.
        Unreachable: the hub stopped answering.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise OvbookError(
            f"data set '{repo}' comes from the hub through the datasets library: run 'pip install datasets'"
        ) from error
    try:
        with patient_data_sets():
            try:
                return datasets.load_dataset(repo, config, split=split, revision=commit, streaming=streaming)
            except ValueError as error:
                if isinstance(error, OvbookError):
                    raise
                raise _choice(datasets, repo, commit, config, split, how) or error from error
    except OvbookError:
        raise
    except Exception as error:  # everything that a network and a file can do
        raise explain(error, repo, revision, kind="dataset") from error


@contextmanager
def patient_data_sets() -> Iterator[None]:
    """Inside, `datasets` asks a hub that fails again for seconds; by itself it does so for minutes."""
    import datasets

    mine = {
        "STREAMING_OPEN_MAX_RETRIES": _TRIES,
        "STREAMING_OPEN_RETRY_INTERVAL": _PAUSE_SECONDS,
        "STREAMING_READ_MAX_RETRIES": _TRIES,
        "STREAMING_READ_RETRY_INTERVAL": _PAUSE_SECONDS,
        "STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL": _PAUSE_SECONDS,
    }
    kept = {name: getattr(datasets.config, name) for name in mine if hasattr(datasets.config, name)}
    try:
        for name in kept:
            setattr(datasets.config, name, mine[name])
        with patience():
            yield
    finally:
        for name, value in kept.items():
            setattr(datasets.config, name, value)


def _choice(
    datasets: Any, repo: str, commit: str | None, config: str | None, split: str, how: str
) -> OvbookError | None:
    """Which configuration or split there is, where the one asked for is not."""
    configs = datasets.get_dataset_config_names(repo, revision=commit)
    if config not in configs and (config or len(configs) > 1):
        what = f"has no configuration '{config}'" if config else "has several configurations"
        near = did_you_mean(config, configs) if config else ""
        return OvbookError(f"data set '{repo}' {what}{near}: it has {', '.join(configs)}; {how}")
    splits = datasets.get_dataset_split_names(repo, config, revision=commit)
    if split not in splits:
        near = did_you_mean(split, splits)
        return OvbookError(
            f"data set '{repo}' has no split '{split}'{near}: it has {', '.join(splits)}; {how}"
        )
    return None

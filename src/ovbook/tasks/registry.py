"""A task by its name, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks.data_rows import open_data_set, open_task_file
from ovbook.tasks.data_sets import DATA_SETS
from ovbook.tasks.example import Task
from ovbook.tasks.world_tasks import WORLD_TASKS, open_world_task

if TYPE_CHECKING:
    from ovbook.world import World

__all__ = ["open_task", "task_names"]


def task_names() -> list[str]:
    """Names of all world tasks and data sets."""
    return sorted(WORLD_TASKS) + sorted(DATA_SETS)


def open_task(name: str, *, world: World | None = None) -> Task:
    """Open a world task, a real data set, or your own files.

    ``topic`` and the other world tasks need the `world` that the model was trained on; ``rte`` and the other
    data sets do not; ``file:FOLDER`` reads train.jsonl and test.jsonl with a question and an answer a row
    (``file:FOLDER#kind=classification`` for labels).
    """
    if name.startswith("file:"):
        folder, _, option = name.removeprefix("file:").partition("#")
        if option and not option.startswith("kind="):
            raise OvbookError(
                f"unknown option '#{option}' of '{name}': write file:FOLDER#kind=classification"
            )
        return open_task_file(folder, kind=option.removeprefix("kind=") or None)
    if name in WORLD_TASKS:
        if world is None:
            raise OvbookError(
                f"task '{name}' is asked in the words of a world and this corpus has none: "
                f"train on a world:SEED/MIX corpus, or choose one of {', '.join(sorted(DATA_SETS))}"
            )
        return open_world_task(name, world)
    if name in DATA_SETS:
        return open_data_set(name)
    raise OvbookError(
        f"unknown task '{name}'{did_you_mean(name, task_names())}: "
        f"the known ones are {', '.join(task_names())}"
    )

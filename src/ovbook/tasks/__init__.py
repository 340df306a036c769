"""Fine-tuning and evaluation tasks: world tasks and real data sets through one interface.

    task = open_task("topic", world=world)            # or open_task("rte"), or open_task("file:FOLDER")
    rows = build_rows(task, task.examples("train", 1000, seed=0), coder_of(world), fmt="Default")
    scores = score(model, task, task.examples("test", 256), coder_of(world), method="constrained")

`DATA_SETS` and `WORLD_TASKS` are the tables of what there is; each entry is one short function.
"""

from __future__ import annotations

from ovbook.tasks.coder import Coder, coder_of
from ovbook.tasks.data_rows import open_data_set, open_task_file
from ovbook.tasks.data_sets import DATA_SETS, DataSet, data_set, label_word
from ovbook.tasks.example import KINDS, SPLITS, Example, Task
from ovbook.tasks.formats import Prompts, Rows, build_prompts, build_rows, prompt_text
from ovbook.tasks.language_model import LanguageModel, transformers_model
from ovbook.tasks.metrics import METRICS, accuracy, final_number, metric_of, rouge_l
from ovbook.tasks.new_people import FLOOR, WORDINGS, Telling, apart, families, new_people, tell
from ovbook.tasks.registry import open_task, task_names
from ovbook.tasks.scoring import METHODS, Scores, answer_losses, score
from ovbook.tasks.wording import FORMATS, Wording
from ovbook.tasks.world_tasks import WORLD_TASKS, open_world_task, world_task

__all__ = [
    "DATA_SETS",
    "FLOOR",
    "FORMATS",
    "KINDS",
    "METHODS",
    "METRICS",
    "SPLITS",
    "WORDINGS",
    "WORLD_TASKS",
    "Coder",
    "DataSet",
    "Example",
    "LanguageModel",
    "Prompts",
    "Rows",
    "Scores",
    "Task",
    "Telling",
    "Wording",
    "accuracy",
    "answer_losses",
    "apart",
    "build_prompts",
    "build_rows",
    "coder_of",
    "data_set",
    "families",
    "final_number",
    "label_word",
    "metric_of",
    "new_people",
    "open_data_set",
    "open_task",
    "open_task_file",
    "open_world_task",
    "prompt_text",
    "rouge_l",
    "score",
    "task_names",
    "tell",
    "transformers_model",
    "world_task",
]

"""The operations that score a model by lm-evaluation-harness, and by a judge of the reader's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.finetune import language_model
from ovbook.own import own_function
from ovbook.runs.harness import Harness, WinRate
from ovbook.runs.memory import READ_BYTES, require_memory
from ovbook.runs.released import Released
from ovbook.runs.specs import Checkpoint
from ovbook.runs.work import Inputs
from ovbook.tasks import coder_of, open_task, score

__all__ = ["compare", "run"]


def run(spec: Harness, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record a benchmark and metric: `benchmark`, `metric`, `value`, its binomial `error`, `items`.

    The model is loaded anew and handed over as an object, and both caches of the library stay off: its request cache
    does not know whose answers it holds (EleutherAI/lm-evaluation-harness, issue 2715).
    """
    try:
        import lm_eval
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ModuleNotFoundError as error:
        raise OvbookError(
            f"scoring by lm-evaluation-harness needs a library that is not installed ({error.name}): pip install lm-eval accelerate"
        ) from error
    manager = TaskManager(include_path=spec.files)
    unknown = [name for name in spec.tasks if name not in manager.all_tasks]
    if unknown:
        raise OvbookError(
            f"lm-evaluation-harness has no benchmark '{unknown[0]}'{did_you_mean(unknown[0], manager.all_tasks)}: "
            f"'lm_eval ls tasks' lists them, and files=FOLDER adds your own"
        )
    model, tokenizer = _transformers(spec.base, inputs, device)
    root = spec.base.root
    found = lm_eval.simple_evaluate(
        model=HFLM(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=spec.batch,
            max_length=model.config.max_position_embeddings,
        ),
        tasks=list(spec.tasks),
        num_fewshot=spec.shots,
        limit=spec.limit,
        task_manager=manager,
        use_cache=None,
        cache_requests=False,
        bootstrap_iters=0,
        log_samples=False,
        random_seed=root.seed,
        numpy_random_seed=root.seed,
        torch_random_seed=root.seed,
        fewshot_random_seed=root.seed,
    )
    return [record for name in spec.tasks for record in _records(name, found)]


def _records(name: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    items = int(found["n-samples"][name]["effective"])
    records = []
    for key, value in found["results"][name].items():
        metric, _, _ = key.partition(",")
        if "," not in key or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = (value * (1 - value) / items) ** 0.5 if 0 <= value <= 1 else float("nan")
        records.append(
            {"benchmark": name, "metric": metric, "value": float(value), "error": error, "items": items}
        )
    return records


def _transformers(base: Checkpoint, inputs: Inputs, device: str) -> tuple[Any, Any]:
    """The model and tokenizer of a checkpoint as transformers loads them; a tuned model keeps its base's tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    root = base.root
    precision = root.precision
    if isinstance(root, Released):
        require_memory(root.repo, root.parameters, READ_BYTES[precision], device, what="scoring")
    folder = inputs.checkpoint(base)
    speaks = root.folder() if isinstance(root, Released) else folder
    model = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=getattr(torch, precision), local_files_only=True
    )
    tokenizer = AutoTokenizer.from_pretrained(str(speaks), local_files_only=True)
    moved: Any = model
    return moved.to(device).eval(), tokenizer


def compare(spec: WinRate, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """One record a question: `question` (its number) and `preferred`, from 0 to 1; nothing that was said is kept."""
    corpus = inputs.corpus
    task, coder = open_task(spec.task, world=corpus.world), coder_of(corpus)
    examples = task.examples("test", spec.rows, spec.evaluation_seed)
    said = []
    for checkpoint in (spec.base, spec.other):
        params, shape = inputs.load(checkpoint, device)
        params = {name: tensor.to(device) for name, tensor in params.items()}
        shape = dataclasses.replace(shape, context=min(shape.context, checkpoint.root.context))
        said.append(score(language_model(params, shape), task, examples, coder, method="free").predictions[0])
    judge = own_function(spec.judge)
    records = []
    for place, (example, answer, other) in enumerate(zip(examples, *said, strict=True)):
        preferred = judge(example.question, answer, other)
        if not isinstance(preferred, int | float | np.number) or not 0 <= float(preferred) <= 1:
            raise OvbookError(
                f"{spec.judge} returned {preferred!r}, but a judge returns how much better the first answer is, 0 to 1"
            )
        records.append({"question": place, "preferred": float(preferred)})
    return records

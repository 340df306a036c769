"""The same fine-tuning by Hugging Face's `transformers.Trainer`: another loop, to see whether a finding is ours alone.

Weights, batches, their order and the rate of every step are those of our loop; forward and backward pass, loss, optimiser
and loop are the library's. What differs in kind: Trainer clips and steps as it does, and logs the loss itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, load_checkpoint, save_checkpoint
from ovbook.runs.memorise import Memorise
from ovbook.train import TrainLog

__all__ = ["train_with_trainer"]

_IGNORED = -100
"""Label of a token on which there is no loss, in transformers."""


def train_with_trainer(
    spec: Memorise, params: Params, model: ModelSpec, tokenizer_json: str, watcher: Any, scratch: Path
) -> TrainLog:
    """Fine-tune through `transformers.Trainer`, and give a log as `ovbook.train.train` does.

    `watcher` gives ``batch(step)`` and takes ``before(step, logits)``; `scratch` is an empty folder. Gradients' norms are
    the Trainer's own.

    Raises:
        OvbookError: accelerate, which Trainer needs, is not installed.
    """
    try:
        import accelerate  # noqa: F401
    except ImportError:
        raise OvbookError(
            "loop is 'trainer', but accelerate, which transformers' Trainer needs, is not installed: pip install accelerate"
        ) from None
    from transformers import AutoModelForCausalLM, TrainerCallback

    folder = scratch / "twin"
    save_checkpoint(folder, params, model, tokenizer_json)
    with _quiet():
        twin = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def logits(tokens: Tensor) -> Tensor:
        training = twin.training
        twin.eval()
        found: Tensor = twin(input_ids=tokens).logits
        twin.train(training)
        return found

    class Watch(TrainerCallback):
        """Looks before every step, and collects what is logged."""

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watcher.before(state.global_step, logits)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
        ) -> None:
            if logs and "loss" in logs:
                losses.append(float(logs["loss"]))
                norms.append(float(logs.get("grad_norm", np.nan)))

    losses: list[float] = []
    norms: list[float] = []
    trainer = _trainer(spec, twin, watcher, scratch / "trainer", Watch())
    with _quiet():
        trainer.train()
    watcher.before(spec.steps, logits)
    if len(losses) != spec.steps:
        raise OvbookError(
            f"Trainer logged {len(losses)} losses in {spec.steps} steps: its version logs in another way"
        )
    with _quiet():
        twin.save_pretrained(folder)
    tuned, _ = load_checkpoint(folder)
    bad = np.flatnonzero(~np.isfinite(losses))
    return TrainLog(
        loss=np.asarray(losses, np.float32)[:, None],
        grad_norm=np.asarray(norms, np.float32)[:, None],
        diverged_at=np.array([bad[0] if len(bad) else -1]),
        params=tuned,
        optimizer_state={},
    )


def _trainer(spec: Memorise, twin: Any, watcher: Any, folder: Path, watch: Any) -> Any:
    from transformers import Trainer, TrainingArguments

    rates = spec.rates

    class Steps(torch.utils.data.Dataset[dict[str, Tensor]]):
        """The rows in the order in which they are met; a batch is `spec.batch` in a row."""

        def __len__(self) -> int:
            return spec.steps * spec.batch

        def __getitem__(self, place: int) -> dict[str, Tensor]:
            tokens, weight = watcher.batch(place // spec.batch)
            row = torch.from_numpy(tokens[place % spec.batch])
            counted = torch.from_numpy(weight[place % spec.batch] > 0)
            labels = torch.full_like(row, _IGNORED)
            labels[1:][counted] = row[1:][counted]
            return {"input_ids": row, "labels": labels}

    class InOrder(Trainer):
        def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    optimizer = torch.optim.AdamW(_groups(twin, spec.weight_decay), lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rates[min(step, spec.steps - 1)])
    return InOrder(
        model=twin,
        args=TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=spec.batch,
            max_steps=spec.steps,
            max_grad_norm=1.0,
            logging_strategy="steps",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            remove_unused_columns=False,
            seed=0,
        ),
        train_dataset=Steps(),
        optimizers=(optimizer, schedule),
        callbacks=[watch],
        data_collator=lambda rows: {name: torch.stack([row[name] for row in rows]) for name in rows[0]},
    )


def _groups(twin: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Decay on matrices only, as in our optimiser."""
    matrices = [p for p in twin.parameters() if p.dim() > 1]
    others = [p for p in twin.parameters() if p.dim() <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Trainer prints every log, loading and saving draw bars, and there is a warning of special tokens without a use."""
    from transformers.utils import logging as theirs

    before = theirs.get_verbosity()
    theirs.set_verbosity(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        theirs.set_verbosity(before)

"""The same fine-tuning by Hugging Face's `transformers.Trainer`: another loop, to see whether a finding is ours alone.

Weights, batches, their order and the rate of every step are those of our loop; forward and backward pass, loss, optimiser
and loop are the library's. What differs in kind: Trainer clips and steps as it does, and logs the loss itself.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models import init, load_checkpoint, save_checkpoint
from ovbook.runs.memorise import Memorise
from ovbook.runs.released_work import Source

__all__ = ["Twin"]

_IGNORED = -100
"""Label of a token on which there is no loss, in transformers."""


class Twin:
    """The model of a run as transformers has it; `context` and `vocab` are its own.

    Raises:
        OvbookError: accelerate, which Trainer needs, is not installed; or the folder holds no causal language model.
    """

    def __init__(self, spec: Memorise, folder: Path, source: Source) -> None:
        try:
            import accelerate  # noqa: F401
        except ImportError:
            raise OvbookError(
                "loop is 'trainer', but accelerate, which transformers' Trainer needs, is not installed: pip install accelerate"
            ) from None
        from transformers import AutoConfig, AutoModelForCausalLM

        self.spec, self.source = spec, source
        with _quiet():
            try:
                config = AutoConfig.from_pretrained(folder)
                theta = spec.rotary
                if theta is not None:
                    config.rope_parameters = dict(config.rope_parameters) | {"rope_theta": theta}
                if spec.start == "scratch":
                    _, model = load_checkpoint(folder)
                    with tempfile.TemporaryDirectory() as fresh:
                        born = init(model, [spec.base.root.init_seed])
                        save_checkpoint(Path(fresh) / "twin", born, model, None)
                        self.model = AutoModelForCausalLM.from_pretrained(
                            Path(fresh) / "twin", config=config, dtype=torch.float32
                        )
                else:
                    self.model = AutoModelForCausalLM.from_pretrained(
                        folder, config=config, dtype=torch.float32
                    )
            except OvbookError:
                raise
            except Exception as error:  # a zoo of architectures, each with its own exceptions
                raise OvbookError(
                    f"{spec.base.root} is no causal language model that transformers loads: {str(error).splitlines()[0]}"
                ) from error
        self.vocab = int(config.vocab_size)
        self.context = spec.context or int(getattr(config, "max_position_embeddings", 2048))

    def logits(self, tokens: Tensor) -> Tensor:
        """Logits in evaluation mode."""
        training = self.model.training
        self.model.eval()
        found: Tensor = self.model(input_ids=tokens).logits
        self.model.train(training)
        return found

    def train(self, watcher: Any) -> tuple[np.ndarray, np.ndarray, int]:
        """Loss and gradient norm of every step, as Trainer logs them, and the step at which a loss was not finite (-1).

        `watcher` gives ``batch(step)`` and takes ``before(step, logits)``.
        """
        from transformers import TrainerCallback

        losses: list[float] = []
        norms: list[float] = []
        logits = self.logits

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

        with tempfile.TemporaryDirectory() as scratch:
            trainer = _trainer(self.spec, self.model, watcher, Path(scratch), Watch())
            with _quiet():
                trainer.train()
        watcher.before(self.spec.steps, logits)
        if len(losses) != self.spec.steps:
            raise OvbookError(
                f"Trainer logged {len(losses)} losses in {self.spec.steps} steps: this version logs in another way"
            )
        bad = np.flatnonzero(~np.isfinite(losses))
        return np.asarray(losses), np.asarray(norms), int(bad[0]) if len(bad) else -1

    def save(self, folder: Path) -> None:
        """The model as it is now, with its tokenizer."""
        with _quiet():
            self.model.save_pretrained(folder)
        if self.source.tokenizer_json is not None:
            (folder / "tokenizer.json").write_text(self.source.tokenizer_json, encoding="utf-8")


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

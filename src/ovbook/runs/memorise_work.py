"""The operation that fine-tunes a model on the same examples for some epochs and watches every step."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from ovbook.corpus import Corpus
from ovbook.errors import OvbookError
from ovbook.memorise import Lesson, Logits, from_rows, from_telling, order_of, read, together
from ovbook.models import ModelSpec, Params, forward, init, save_checkpoint
from ovbook.runs.memorise import NEW_PEOPLE, Chosen, Examples, Memorise
from ovbook.runs.released import Released
from ovbook.runs.source import Source, source_of
from ovbook.runs.spec import purpose_seed
from ovbook.runs.work import Inputs, require_room
from ovbook.tasks import build_rows, coder_of, new_people, open_task, tell
from ovbook.train import train

__all__ = ["chosen_places", "examples_of", "lesson_of", "run"]

Rows = list[dict[str, Any]]

MOST_STEPS, MOST_MET = 1000, 2000
"""Rows kept an epoch of steps (means over equal stretches beyond), and of examples met (evenly spaced in the order)."""
_TENTHS = 10


def run(spec: Memorise, inputs: Inputs, out: Path, device: str) -> pa.Table:
    """Fine-tune, and record. Rows, by `kind`; `step` counts updates done, `progress` epochs (1.5: halfway the second).

    - ``step``: `loss` of the batch before its update (mean over what the loss is on), `epoch` (1, 2, ...), `place` in it
      (0 to 1), `rate_then`, `grad_norm`.
    - ``met``: one example, in evaluation mode, right before the step that trains on it: `example` (its number in data set
      `part`), `loss` of its answers, `style_loss` of its other tokens, `epoch`, `place`, `rate_then`.
    - ``look``: a set of examples in evaluation mode: `set` is "probe" (of the training set), "held out", "held out 2",
      ..., "also 1", ..., or "old" (documents of pre-training's text); `loss`, `style_loss`, `opening_loss` (boilerplate),
      `accuracy` (answer tokens that are the first choice among all words), `confidence` (mean probability of the first
      choice), `calibration` (expected calibration error, `ovbook.memorise.BINS` equal bins), `exact` (examples with all
      answers right), `n` examples.
    - ``tenth``: the same of the probe's examples that are met in tenth `tenth` (0 to 9) of the first epoch: `loss`, `n`.
    - ``probe``: each example of the probe at the beginning of every epoch and at the end: `example`, `part`, `loss`.

    Losses are in nats per token. Every row has `cut`, how many examples were cut to the context, and `diverged_at`, the step at
    which the loss or the gradient stopped being finite (-1: never). The tuned model is kept in ``checkpoints/end``.
    """
    root, source = spec.base.root, source_of(spec.base, inputs)
    if spec.loop == "trainer":
        from ovbook.runs.memorise_trainer import Twin

        require_room(root, "cpu", tune=True)
        twin = Twin(spec, inputs.checkpoint(spec.base), source)
        watcher = _Watcher(spec, inputs, source, _longest(spec, twin.context), twin.vocab, device="cpu")
        losses, norms, diverged_at = twin.train(watcher)
        twin.save(out / "checkpoints" / "end")
        return watcher.table(losses, norms, diverged_at)
    params, model = inputs.load(spec.base, device, tune=True)
    if spec.start == "scratch":
        params = init(model, [spec.fresh_seed])
    model = _reshaped(spec, model)
    params = {name: tensor.to(device) for name, tensor in params.items()}
    watcher = _Watcher(spec, inputs, source, _longest(spec, model.context), model.vocab, device=device)
    log = _train(spec, params, model, watcher, device)
    save_checkpoint(out / "checkpoints" / "end", log.params, model, source.tokenizer_json)
    return watcher.table(log.loss[:, 0], log.grad_norm[:, 0], int(log.diverged_at[0]))


def _train(spec: Memorise, params: Params, model: ModelSpec, watcher: _Watcher, device: str) -> Any:
    def watch(step: int, now: Params, _: dict[str, Tensor]) -> None:
        watcher.before(step, lambda tokens: forward(now, model, tokens[None])[0])

    return train(
        params,
        model,
        lambda step: watcher.batch(step)[0][None],
        weights=lambda step: watcher.batch(step)[1][None],
        steps=spec.steps,
        rates=np.asarray(spec.rates),
        weight_decay=spec.weight_decay,
        dropout=spec.dropout,
        dropout_seed=purpose_seed(spec.seed or 0, "dropout"),
        on_checkpoint=dict.fromkeys(range(spec.steps + 1), watch),
        device=device,
        precision=spec.precision,
    )


def _longest(spec: Memorise, context: int) -> int:
    """Tokens of the longest row; a released model may take longer ones than anyone here has memory for."""
    root = spec.base.root
    return min(context, max(root.context, spec.context or 0)) if isinstance(root, Released) else context


def _reshaped(spec: Memorise, model: ModelSpec) -> ModelSpec:
    """The model with another context or rotary base: neither is a weight.

    Raises:
        OvbookError: a model that our decoder does not read, so that it keeps what it has.
    """
    if model.arch == "auto" and (spec.rotary is not None or (spec.context or 0) > model.context):
        raise OvbookError(
            f"{spec.base.root} is computed by transformers as it is, for rows of up to {model.context} tokens: leave rotary out, "
            f"and context at most that, or take loop='trainer'"
        )
    changes: dict[str, Any] = {}
    if spec.context is not None and spec.context > model.context:
        changes["context"] = spec.context
    if spec.rotary is not None:
        changes["rope_theta"] = spec.rotary
    return dataclasses.replace(model, **changes)


def lesson_of(spec: Memorise, inputs: Inputs, context: int) -> Lesson:
    """The training examples for a model of `context` tokens, all data sets of the mixture together."""
    return _joined(spec, inputs, source_of(spec.base, inputs), spec.data, context)


def _joined(
    spec: Memorise, inputs: Inputs, source: Source, sets: tuple[Examples, ...], context: int
) -> Lesson:
    found = []
    for item in sets:
        seed = item.seed if item.seed is not None else int(spec.seed or 0)
        if source.corpus is None:
            whole = _asked(item, source, seed, context)
        else:
            whole = _lesson(item, source.corpus, seed, spec.context, context)
        found.append(whole.take(chosen_places(item, inputs, len(whole))))
    return together(found, source.coder.pad)


def examples_of(item: Examples, corpus: Corpus, seed: int, context: int) -> Lesson:
    """All `count` examples of a data set, whatever of them is chosen; numbered from 0."""
    return _lesson(item, corpus, seed, None, context)


def chosen_places(item: Examples, inputs: Inputs, available: int) -> list[int]:
    """The numbers of the examples that `item` stands for, repetitions included.

    A validation split may hold fewer than were asked for; then all of them.
    """
    if isinstance(item.chosen, tuple):
        places = list(item.chosen)
    elif isinstance(item.chosen, Chosen):
        places = _first_of(item.chosen, inputs)
    else:
        places = list(range(min(item.count, available)))
    return places * item.repeat


def _first_of(chosen: Chosen, inputs: Inputs) -> list[int]:
    rows = inputs.rows(chosen.run).to_pylist()
    for name, value in chosen.where:
        rows = [row for row in rows if row.get(name) == value]
    found: dict[int, list[float]] = {}
    for row in rows:
        if row.get("example") is not None and row.get(chosen.column) is not None:
            found.setdefault(int(row["example"]), []).append(float(row[chosen.column]))
    if len(found) < chosen.take:
        raise OvbookError(
            f"{chosen.take} examples are to be chosen by '{chosen.column}' of {chosen.run}, but {len(found)} have it there: "
            f"take at most so many"
        )
    mean = {example: float(np.mean(values)) for example, values in found.items()}
    return sorted(mean, key=lambda example: (-mean[example] if chosen.largest else mean[example], example))[
        : chosen.take
    ]


def _asked(item: Examples, source: Source, seed: int, context: int) -> Lesson:
    """Questions and answers of a task."""
    task = open_task(item.task, world=source.world)
    drawn = task.examples("validation" if item.held_out else "train", item.skip + item.count, seed)[
        item.skip :
    ]
    if len(drawn) < item.count and not item.held_out:
        raise OvbookError(
            f"the training split of '{item.task}' holds {len(drawn)} examples after the first {item.skip}, not {item.count}: "
            f"ask for fewer"
        )
    return from_rows(build_rows(task, drawn, source.coder, fmt=item.format, context=context))


@lru_cache(maxsize=64)
def _lesson(item: Examples, corpus: Corpus, seed: int, fixed: int | None, context: int) -> Lesson:
    """All `count` examples of a data set; kept, because many runs of a seed meet the same."""
    coder = coder_of(corpus)
    most = fixed or context
    if item.task != NEW_PEOPLE:
        return _asked(item, Source(coder=coder, tokenizer_json=None, world=corpus.world), seed, most)
    assert corpus.world is not None
    who, facts = new_people(
        corpus.world,
        item.count,
        seed,
        held_out=item.held_out,
        skip=item.skip,
        version=item.version,
        pattern=item.pattern,
    )
    told = tell(corpus.world, who, facts, wording=item.wording, boilerplate=item.boilerplate)
    filling = None
    if fixed is not None:
        rows = -(-fixed // corpus.context)
        old = corpus.validation(purpose_seed(seed, "filling"), item.count * rows)[:, 1:]
        filling = old.reshape(item.count, -1).astype(np.int64)
    return from_telling(told, coder, context=most, filling=filling)


class _Watcher:
    """Batches in their order, and what is seen of the model before each."""

    def __init__(
        self, spec: Memorise, inputs: Inputs, source: Source, context: int, vocab: int, *, device: str
    ) -> None:
        self.spec, self.source, self.vocab, self.device = spec, source, vocab, device
        self.lesson = lesson = _joined(spec, inputs, source, spec.data, context)
        self.order = order_of(
            lesson.part, spec.epochs, spec.order, purpose_seed(int(spec.seed or 0), "order")
        )
        self.rates = spec.rates
        self.rows: Rows = []
        n, epochs = len(lesson), spec.epochs
        evenly = np.unique(np.linspace(0, n - 1, min(spec.probes, n)).round().astype(int))
        self.probe = self.order[0][evenly]
        self.tenth = np.minimum(evenly * _TENTHS // n, _TENTHS - 1)
        self.kept = set(np.unique(np.linspace(0, n - 1, min(MOST_MET, n)).round().astype(int)).tolist())
        self.looks = {round((e + place) * spec.per_epoch) for e in range(epochs) for place in spec.looks} | {
            spec.steps
        }
        self.sets = self._sets(inputs, context)

    def _sets(self, inputs: Inputs, context: int) -> dict[str, Lesson]:
        spec = self.spec
        found = {"probe": self.lesson.take(self.probe)}

        def one(item: Examples) -> Lesson:
            return _joined(spec, inputs, self.source, (item,), context)

        for n, item in enumerate(spec.data, start=1):
            # Unknown ones, drawn as those of the data set are, so that what can be guessed of them is the same.
            held_out = dataclasses.replace(
                item, held_out=True, count=spec.held_out, skip=0, chosen=None, repeat=1
            )
            found["held out" if n == 1 else f"held out {n}"] = one(held_out)
        for n, item in enumerate(spec.also, start=1):
            found[f"also {n}"] = one(item)
        if self.source.corpus is None:
            return found
        old = self.source.corpus.validation(spec.evaluation_seed, spec.documents).astype(np.int64)
        everything = np.ones((len(old), old.shape[1] - 1), dtype=bool)
        found["old"] = Lesson(
            tokens=old,
            answers=everything,
            text=everything,
            boilerplate=~everything,
            part=np.zeros(len(old), np.int64),
            example=np.arange(len(old)),
        )
        return found

    def places(self, step: int) -> np.ndarray:
        """Which examples make up the batch of `step`."""
        epoch, at = divmod(step, self.spec.per_epoch)
        return self.order[epoch][at * self.spec.batch : (at + 1) * self.spec.batch]

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids ``[B, T]`` and weights ``[B, T-1]``; a batch that is not full ends in rows of weight 0."""
        part = self.lesson.take(self.places(step))
        weight = part.answers if self.spec.loss_on == "answers" else part.text | part.boilerplate
        missing = self.spec.batch - len(part)
        tokens = np.pad(part.tokens, ((0, missing), (0, 0)), constant_values=self.source.coder.pad)
        return tokens, np.pad(weight, ((0, missing), (0, 0))).astype(np.float32)

    def before(self, step: int, logits: Logits) -> None:
        """Look at the model after `step` updates, before the next."""
        if step < self.spec.steps:
            self._meet(step, logits)
        if step in self.looks:
            self._look(step, logits)

    def _time(self, step: int) -> dict[str, Any]:
        return {"step": step, "progress": step / self.spec.per_epoch}

    def _meet(self, step: int, logits: Logits) -> None:
        epoch, at = divmod(step, self.spec.per_epoch)
        first = at * self.spec.batch
        kept = [n for n in range(len(self.places(step))) if first + n in self.kept]
        if not kept:
            return
        part = self.lesson.take(self.places(step)[kept])
        found = read(logits, part, self.vocab, self.device)
        for n in range(len(part)):
            self.rows.append(
                self._time(step)
                | {
                    "kind": "met",
                    "epoch": epoch + 1,
                    "place": (first + kept[n]) / len(self.lesson),
                    "rate_then": self.rates[step],
                    "part": int(part.part[n]),
                    "example": int(part.example[n]),
                    "loss": float(found.loss[n]),
                    "style_loss": float(found.style[n]),
                }
            )

    def _look(self, step: int, logits: Logits) -> None:
        for name, lesson in self.sets.items():
            found = read(logits, lesson, self.vocab, self.device)
            row = self._time(step) | {
                "kind": "look",
                "set": name,
                "n": len(lesson),
                "loss": float(found.loss.mean()),
            }
            if name != "old":
                row |= {
                    "style_loss": float(found.style.mean()),
                    "opening_loss": found.opening,
                    "accuracy": float(found.right.mean()),
                    "confidence": float(found.confidence.mean()),
                    "calibration": found.calibration,
                    "exact": float(found.exact.mean()),
                }
            self.rows.append(row)
            if name == "probe":
                self._probe(step, lesson, found.loss)

    def _probe(self, step: int, lesson: Lesson, loss: np.ndarray) -> None:
        for tenth in np.unique(self.tenth).tolist():
            here = loss[self.tenth == tenth]
            self.rows.append(
                self._time(step)
                | {"kind": "tenth", "tenth": tenth, "n": len(here), "loss": float(here.mean())}
            )
        if step % self.spec.per_epoch == 0:
            self.rows += [
                self._time(step)
                | {
                    "kind": "probe",
                    "part": int(lesson.part[n]),
                    "example": int(lesson.example[n]),
                    "loss": float(loss[n]),
                }
                for n in range(len(lesson))
            ]

    def table(self, losses: np.ndarray, norms: np.ndarray, diverged_at: int) -> pa.Table:
        """Everything, with the steps of the training log."""
        per = self.spec.per_epoch
        width = -(-per // MOST_STEPS)
        steps: Rows = []
        last = len(losses) if diverged_at < 0 else diverged_at
        for epoch in range(self.spec.epochs):
            for at in range(0, per, width):
                first = epoch * per + at
                stretch = slice(first, min(first + width, (epoch + 1) * per, last))
                if stretch.stop <= stretch.start:
                    continue
                steps.append(
                    self._time(first)
                    | {
                        "kind": "step",
                        "epoch": epoch + 1,
                        "place": (at + (stretch.stop - stretch.start) / 2) / per,
                        "rate_then": float(np.mean(self.rates[stretch])),
                        "loss": float(losses[stretch].mean()),
                        "grad_norm": float(norms[stretch].mean()),
                    }
                )
        every = {"cut": self.lesson.cut, "diverged_at": diverged_at}
        return pa.Table.from_pylist([row | every for row in [*steps, *self.rows]], schema=_SCHEMA)


_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("kind", "set")]
    + [
        (name, pa.int64())
        for name in ("step", "epoch", "part", "example", "tenth", "n", "cut", "diverged_at")
    ]
    + [
        (name, pa.float64())
        for name in (
            "progress",
            "place",
            "rate_then",
            "loss",
            "style_loss",
            "opening_loss",
            "accuracy",
            "confidence",
            "calibration",
            "exact",
            "grad_norm",
        )
    ]
)

"""Log-probabilities of the choices of a question, and what to do with labels that a tokenizer splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ovbook.errors import OvbookError
from ovbook.tasks.coder import Coder
from ovbook.tasks.example import Example, Task
from ovbook.tasks.formats import Prompts, pad_rows
from ovbook.tasks.language_model import LanguageModel

__all__ = ["EncodedChoices", "choice_log_probs", "encode_choices"]

Labels = list[list[int]]
"""Token ids of each choice of one example."""


@dataclass(frozen=True, kw_only=True)
class EncodedChoices:
    """Token ids of every example's choices; the first `given` of each count nothing in the comparison.

    `method` is the one that holds: ``token`` becomes ``constrained`` where first tokens cannot decide.
    """

    labels: list[Labels]
    given: list[int]
    method: str


def _common_start(labels: Labels) -> int:
    shortest = min(len(label) for label in labels)
    return next((i for i in range(shortest) if len({label[i] for label in labels}) > 1), shortest)


def _one_begins_another(labels: Labels) -> bool:
    return any(a is not b and b[: len(a)] == a for a in labels for b in labels)


def _up_to_the_deciding_token(labels: Labels, eos: int | None) -> tuple[Labels, int] | None:
    """Each label's tokens up to the first that tells it from all others; None where no single token does."""
    skip = _common_start(labels)
    if any(len(label) == skip for label in labels):  # one label is the beginning of all others
        if eos is None:
            return None
        labels = [[*label, eos] for label in labels]
    cut = [label[: skip + 1] for label in labels]
    return (cut, skip) if len({label[skip] for label in cut}) == len(cut) else None


def encode_choices(
    task: Task, examples: Sequence[Example], coder: Coder, *, fmt: str, method: str
) -> EncodedChoices:
    """Encode every example's choices as they stand after its prompt, for ``constrained`` or ``token``."""
    encoded: list[Labels] = []
    known: dict[tuple[tuple[str, ...], str], Labels] = {}
    for example in examples:
        choices = task.choices_of(example)
        prompt = task.wording.ask(fmt, example.question)
        key = (
            choices,
            prompt[len(prompt.rstrip().rpartition(" ")[0]) :],
        )  # a label joins the last word at most
        if key not in known:
            labels = [coder.continuation(prompt, task.wording.joiner + choice) for choice in choices]
            if len({tuple(label) for label in labels}) < len(labels) or not all(labels):
                raise OvbookError(
                    f"two choices of task '{task.name}' are the same tokens, or one has none "
                    f"({', '.join(choices)}): use labels that the tokenizer can tell apart"
                )
            known[key] = labels
        encoded.append(known[key])
    if method == "token":
        decided = [_up_to_the_deciding_token(labels, coder.eos) for labels in encoded]
        sure = [pair for pair in decided if pair is not None]
        if len(sure) == len(decided):
            return EncodedChoices(
                labels=[cut for cut, _ in sure], given=[skip for _, skip in sure], method="token"
            )
    if coder.eos is not None and any(_one_begins_another(labels) for labels in known.values()):
        encoded = [[[*label, coder.eos] for label in labels] for labels in encoded]
    return EncodedChoices(labels=encoded, given=[0] * len(encoded), method="constrained")


@torch.no_grad()
def choice_log_probs(
    model: LanguageModel, prompts: Prompts, choices: EncodedChoices, *, pad: int
) -> np.ndarray:
    """Total log-probability in nats of each choice of each example under each model, [K, N, C].

    C is the largest number of choices; places that an example does not use hold -inf. Where every choice is a
    single token, one row answers for all of them; else each choice gets its own row.
    """
    rows: list[list[int]] = []
    jobs: list[tuple[int, int, int, int]] = []  # example, choice (-1: all), first and last logit position
    for n, (ids, labels, skip) in enumerate(zip(prompts.ids, choices.labels, choices.given, strict=True)):
        if all(len(label) == 1 for label in labels):
            rows.append(ids)
            jobs.append((n, -1, len(ids) - 1, len(ids)))
        else:
            rows.extend(ids + label for label in labels)
            jobs.extend(
                (n, c, len(ids) + skip - 1, len(ids) + len(label) - 1) for c, label in enumerate(labels)
            )
    most = max(len(labels) for labels in choices.labels)
    result = np.full((model.members, len(choices.labels), most), -np.inf)
    tokens = torch.from_numpy(pad_rows(rows, pad=pad, context=model.context).astype(np.int64))
    step = model.rows_at_once(tokens.shape[1])
    for at in range(0, len(tokens), step):
        piece = tokens[at : at + step].to(model.device).expand(model.members, -1, -1)
        logits = model.logits(piece)
        for b, (n, c, first, last) in enumerate(jobs[at : at + step]):
            logs = torch.log_softmax(logits[:, b, first:last].float(), dim=-1)  # [K, tokens, V]
            if c < 0:
                wanted = torch.tensor([label[0] for label in choices.labels[n]], device=logs.device)
                result[:, n, : len(wanted)] = logs[:, 0, wanted].cpu().numpy()
            else:
                wanted = piece[:, b, first + 1 : last + 1, None]
                result[:, n, c] = logs.gather(-1, wanted).double().sum(dim=(1, 2)).cpu().numpy()
    return result

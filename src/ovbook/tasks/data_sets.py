"""Real data sets as tasks: where each one lives, and how one of its rows becomes an example.

To add a data set, write one short function from a row to an `Example` and decorate it with `data_set`: the
decorator is the table of descriptors. Rows come from files on disk (`<folder>/<split>.jsonl` or `.jsonl.gz`,
split names as on the hub) or from the hub through the library `datasets`.

Where the hub's own test labels are hidden (they hold -1), the descriptor takes another split for testing and
says so; Sun & Dredze's scores on two data sets came from such hidden labels (facts sheet, D.5), which is why
a hidden label is refused here and never read as a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ovbook.errors import OvbookError
from ovbook.tasks.example import SPLITS, Example
from ovbook.tasks.wording import DIALOGUE, PLAIN, Wording

__all__ = ["DATA_SETS", "DataSet", "HiddenLabel", "NoExample", "Row", "data_set", "label_word"]

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A descriptor: where the rows live (`hub`, `config`, `splits`), what they become (`example`).

    `splits` maps our train, validation and test to the hub's split names. Splits of ours that share one
    of the hub's are divided by the hash of the item, so they stay disjoint; a `divisible` data set of which a folder
    holds only one split is divided so, too.
    """

    name: str
    kind: str
    metric: str
    instruction: str
    example: Callable[[Row], Example]
    hub: str | None = None
    config: str | None = None
    revision: str | None = None
    labels: tuple[str, ...] | None = None
    splits: Mapping[str, str] = field(default_factory=lambda: {split: split for split in SPLITS})
    max_new: int = 60
    wording: Wording = PLAIN
    cut: str = "end"
    divisible: bool = False


DATA_SETS: dict[str, DataSet] = {}
"""Every known data set by name."""


def data_set(
    name: str, *, kind: str, metric: str = "accuracy", **fields: Any
) -> Callable[[Callable[[Row], Example]], Callable[[Row], Example]]:
    """Register the decorated function (row -> Example) as `name`; `fields` are those of `DataSet`."""

    def register(example: Callable[[Row], Example]) -> Callable[[Row], Example]:
        DATA_SETS[name] = DataSet(name=name, kind=kind, metric=metric, example=example, **fields)
        return example

    return register


class HiddenLabel(Exception):
    """A row whose label is hidden; its reader says which row, in a sentence."""


class NoExample(Exception):
    """A row that holds nothing to learn, such as a dialogue without an answer: it is left out."""


def label_word(labels: Sequence[str], label: Any) -> str:
    """The word for the class number `label`; -1 (or nothing) is a hidden label and is refused."""
    try:
        number = -1 if label is None else int(label)
    except (TypeError, ValueError):
        number = len(labels)
    if number < 0:
        raise HiddenLabel
    if number >= len(labels):
        raise OvbookError(
            f"label {label!r} has no word: labels are 0 to {len(labels) - 1}, for {', '.join(labels)}"
        )
    return labels[number]


_YES_NO = ("yes", "no")
_NO_YES = ("no", "yes")


@data_set(
    "gsm8k",
    hub="openai/gsm8k",
    config="main",
    kind="generation",
    metric="final-number",
    splits={"train": "train", "validation": "train", "test": "test"},
    instruction="Solve the problem step by step and give the final number at the end.",
    max_new=256,
)
def _gsm8k(row: Row) -> Example:
    return Example(question=row["question"], answer=row["answer"])


@data_set(
    "rte",
    hub="nyu-mll/glue",
    config="rte",
    kind="classification",
    labels=_YES_NO,
    # GLUE hides the test labels, so its validation split is ours for testing.
    splits={"train": "train", "validation": "train", "test": "validation"},
    instruction="Does the first text imply the second? Answer yes or no.",
)
def _rte(row: Row) -> Example:
    return Example(
        question=f"Text: {row['sentence1']}\nClaim: {row['sentence2']}",
        answer=label_word(_YES_NO, row["label"]),
    )


@data_set(
    "boolq",
    hub="google/boolq",
    kind="classification",
    labels=_NO_YES,
    # The hub holds no test split.
    splits={"train": "train", "validation": "train", "test": "validation"},
    instruction="Answer the question about the passage with yes or no.",
)
def _boolq(row: Row) -> Example:
    return Example(
        question=f"Passage: {row['passage']}\nQuestion: {row['question']}?",
        answer=label_word(_NO_YES, row["answer"]),
    )


@data_set(
    "sciq",
    hub="allenai/sciq",
    kind="classification",
    instruction="Answer the science question with the help of the passage.",
)
def _sciq(row: Row) -> Example:
    names = ("correct_answer", "distractor1", "distractor2", "distractor3")
    return Example(
        question=f"Passage: {row['support']}\nQuestion: {row['question']}",
        answer=row["correct_answer"],
        # Sorted, so that the answer's place in the list tells nothing.
        choices=tuple(sorted({row[name] for name in names})),
    )


_SAYS = "\n\nAssistant:"


@data_set(
    "hh-rlhf",
    hub="Anthropic/hh-rlhf",
    kind="generation",
    metric="rouge-l",
    splits={"train": "train", "validation": "train", "test": "test"},
    instruction="",
    wording=DIALOGUE,
    cut="start",
    divisible=True,
    max_new=128,
)
def _hh(row: Row) -> Example:
    """The chosen dialogue: all up to the assistant's last turn is the question, that turn the answer."""
    before, mark, answer = str(row["chosen"]).rpartition(_SAYS)
    if not mark or not before.strip() or not answer.strip():
        raise NoExample
    return Example(question=before.strip() + _SAYS, answer=answer.strip())


@data_set(
    "tulu-v2",
    hub="allenai/tulu-v2-sft-mixture",
    kind="generation",
    metric="rouge-l",
    splits=dict.fromkeys(SPLITS, "train"),
    instruction="",
    wording=DIALOGUE,
    cut="start",
    divisible=True,
    max_new=128,
)
def _tulu(row: Row) -> Example:
    """The same of a list of messages; turns are marked as in open-instruct, after which this mixture is trained."""
    messages = list(row["messages"])
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    if len(messages) < 2 or not str(messages[-1]["content"]).strip():
        raise NoExample
    said = "".join(f"<|{message['role']}|>\n{str(message['content']).strip()}\n" for message in messages[:-1])
    return Example(question=f"{said}<|assistant|>", answer=str(messages[-1]["content"]).strip())

"""What a task is: named examples in three splits that cannot overlap.

An example belongs to one split because of what it is about, never because of the order in which it was drawn:
the hash of its item decides. So the splits are disjoint by construction, for every seed and every size, and a
test item can never have been trained on.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks.wording import PLAIN, Wording

__all__ = ["KINDS", "SPLITS", "Example", "Task", "check_split", "item_split", "seeded"]

SPLITS = ("train", "validation", "test")
"""Parts that every task's examples are divided into; none is in two of them."""

KINDS = ("classification", "generation")
"""What a task asks for: one of a few labels, or text."""

_TEST_SHARE, _VALIDATION_SHARE = 0.25, 0.125
_TRIES_PER_EXAMPLE = 200


@dataclass(frozen=True, kw_only=True)
class Example:
    """One question and its answer, as text.

    `choices` are the answers allowed for this example alone (multiple choice); None means the task's own
    labels. `item` says what the example is about and decides its split; it is the question where left empty.
    A task that holds out more than items, such as words, writes the `split` itself. `about` holds what a chapter
    may group by, such as a fact's popularity rank.
    """

    question: str
    answer: str
    choices: tuple[str, ...] | None = None
    item: str = ""
    split: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The text whose hash decides the split."""
        return self.item or self.question


@dataclass(frozen=True, kw_only=True)
class Task:
    """A classification or generation task, whether it comes from a world or from a real data set.

    `source(split, n, seed)` is a pure function that returns the examples; `choices` are the labels (None
    where the task generates, or where each example brings its own); `metric` is a name in
    `ovbook.tasks.METRICS`; `instruction` is the sentence that the Instruct format begins with; `cut` says which part
    of a question that does not fit is left out, its "end" or, of a dialogue, its "start".
    """

    name: str
    kind: str
    metric: str
    instruction: str
    source: Callable[[str, int, int], list[Example]]
    choices: tuple[str, ...] | None = None
    wording: Wording = PLAIN
    max_new: int = 60
    cut: str = "end"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OvbookError(f"task '{self.name}' has kind '{self.kind}': it is one of {', '.join(KINDS)}")
        if self.choices is not None and len(set(self.choices)) < 2:
            raise OvbookError(
                f"task '{self.name}' has {len(set(self.choices))} label: a classification needs at least 2"
            )

    def examples(self, split: str, n: int, seed: int = 0) -> list[Example]:
        """Return up to `n` examples of `split`; the first m of them are the same for every n >= m.

        Validation and test questions are distinct, so a small task may return fewer than `n`; training examples
        may repeat, as they would in a longer training run.
        """
        check_split(split)
        if n < 1:
            raise OvbookError(f"{n} examples of task '{self.name}' were asked for: ask for at least 1")
        found = self.source(split, n, seed)
        if not found:
            raise OvbookError(f"task '{self.name}' has no example in its {split} split: give it more items")
        for example in found:
            choices = example.choices or self.choices
            if choices is not None and example.answer not in choices:
                raise OvbookError(
                    f"task '{self.name}' has the answer '{example.answer}', which is not among its choices "
                    f"({', '.join(choices)}): mend the example or the list of labels"
                )
        return found

    def shots(self, k: int, seed: int = 0) -> list[Example]:
        """Return `k` training examples to show before each question, the same for all questions of a seed."""
        if k < 0:
            raise OvbookError(f"{k} shots were asked for: it is 0 or more")
        return self.examples("train", k, seed + 1_000_003) if k else []

    def choices_of(self, example: Example) -> tuple[str, ...]:
        """The answers among which `example` chooses."""
        choices = example.choices or self.choices
        if choices is None:
            raise OvbookError(
                f"task '{self.name}' generates its answers, so there is nothing to choose among: "
                f"score it with method='free'"
            )
        return choices

    def chance(self, examples: list[Example]) -> float | None:
        """Accuracy of a uniform guess among the choices, or None where the task has none."""
        if self.choices is None and any(example.choices is None for example in examples):
            return None
        return float(np.mean([1.0 / len(self.choices_of(example)) for example in examples]))


def check_split(split: str) -> None:
    """Refuse a split that does not exist."""
    if split not in SPLITS:
        raise OvbookError(
            f"unknown split '{split}'{did_you_mean(split, SPLITS)}: it is one of {', '.join(SPLITS)}"
        )


def item_split(task: str, item: str, among: Sequence[str] = SPLITS) -> str:
    """The split of an item, by the hash of the task and the item: a quarter are test, an eighth validation.

    With fewer splits `among`, the shares of the missing ones go to the first of `among`.
    """
    digest = hashlib.sha256(f"{task}\n{item}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < _TEST_SHARE:
        split = "test"
    else:
        split = "validation" if share < _TEST_SHARE + _VALIDATION_SHARE else "train"
    return split if split in among else among[0]


def seeded(
    name: str, draw: Callable[[np.random.Generator], Iterator[Example]]
) -> Callable[[str, int, int], list[Example]]:
    """Turn a function that draws examples without end into a task's source, splitting by item.

    Draws that fall in another split are dropped; validation and test drop repeated questions too. A task with
    few of them stops after 200 draws for each example asked for, and returns what it found. The last few sets
    drawn are kept.
    """

    @functools.lru_cache(maxsize=8)
    def drawn(split: str, n: int, seed: int) -> tuple[Example, ...]:
        purpose = int.from_bytes(hashlib.sha256(f"task/{name}/{split}".encode()).digest()[:8], "big")
        rng = np.random.default_rng(np.random.SeedSequence([seed, purpose]))
        found: list[Example] = []
        seen: set[str] = set()
        for example in itertools.islice(draw(rng), _TRIES_PER_EXAMPLE * n):
            belongs = example.split or item_split(name, example.key)
            if belongs != split or (split != "train" and example.question in seen):
                continue
            seen.add(example.question)
            found.append(example)
            if len(found) == n:
                break
        return tuple(found)

    return lambda split, n, seed: list(drawn(split, n, seed))

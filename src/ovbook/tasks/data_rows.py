"""The rows of a real data set, from files or from the hub, and the tasks they make."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ovbook import hub
from ovbook.errors import OvbookError, did_you_mean
from ovbook.tasks.data_sets import DATA_SETS, DataSet, HiddenLabel, NoExample, Row
from ovbook.tasks.example import SPLITS, Example, Task, item_split

__all__ = ["open_data_set", "open_task_file"]


def _no_labels(row: Row) -> Example:
    choices = row.get("choices")
    if choices is not None and not isinstance(choices, list | tuple):
        raise OvbookError(f"the field 'choices' holds {choices!r}: write a list of answers")
    texts = tuple(_word(choice) for choice in choices) if choices else None
    return Example(question=row["question"], answer=_word(row["answer"]), choices=texts)


def _word(value: Any) -> Any:
    """An answer as text; JSON files also write numbers and truths bare."""
    return str(value) if isinstance(value, int | float) else value


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            lines = enumerate(stream, start=1)
            rows = [_row(line, f"{path.name}, line {n}") for n, line in lines if line.strip()]
    except (OSError, EOFError, zlib.error) as error:
        raise OvbookError(f"{path} cannot be read ({error}): mend the file or its permissions") from error
    if not rows:
        raise OvbookError(f"{path.name} holds no rows: give it one JSON object a line")
    return rows


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):  # no UTF-8, or no JSON
        row = None
    if not isinstance(row, dict):
        raise OvbookError(f"{place}, is not a JSON object: write one object a line")
    return row


def _file_of(folder: Path, split: str) -> Path | None:
    """A split's file; a collection may put its own name before it (``harmless-base-test.jsonl.gz``)."""
    for end in ("jsonl", "jsonl.gz"):
        if (path := folder / f"{split}.{end}").is_file():
            return path
    named = sorted(p for end in ("jsonl", "jsonl.gz") for p in folder.glob(f"*-{split}.{end}"))
    return named[0] if len(named) == 1 else None


def _from_hub(described: DataSet, split: str) -> Sequence[Row]:
    name, revision = str(described.hub), described.revision
    how = f"put {split}.jsonl in a folder and name it, or mend the descriptor of '{described.name}'"

    def read(commit: str | None) -> Sequence[Row]:
        rows: Sequence[Row] = hub.read_data_set(
            name, commit, config=described.config, split=split, revision=revision, how=how
        )
        return rows

    try:
        # Asked first, because it says at once where there is no network; the library would go on trying.
        commit = hub.resolve(name, revision, kind="dataset")
    except hub.Unreachable as error:
        if revision is not None:
            raise
        try:
            rows = read(None)  # what the library's own cache holds
        except OvbookError:
            raise error from None
        warnings.warn(f"{name}: the copy downloaded earlier is used, because {error}", stacklevel=2)
        return rows
    return read(commit)


class _Reader:
    """The rows of one data set: read once, turned into examples when asked for."""

    def __init__(self, described: DataSet, folder: Path | None) -> None:
        self.described, self.folder = described, folder
        self.rows = cache(self._rows)
        self.keys = cache(self._keys)

    def _rows(self, split: str) -> Sequence[Row]:
        if self.folder is None:
            return _from_hub(self.described, split)
        path = _file_of(self.folder, split)
        if path is None:
            raise OvbookError(
                f"data set '{self.described.name}' has no {split}.jsonl (or .jsonl.gz) in "
                f"{self.folder}: put it there"
            )
        return _read_jsonl(path)

    def _keys(self, split: str) -> frozenset[str]:
        return frozenset(example.key for example in self.examples(split))

    def examples(self, split: str, seed: int | None = None) -> Iterator[Example]:
        """The examples of one of our splits, in file order or, with a seed, shuffled."""
        described = self.described
        theirs = described.splits[split]
        sharing = [ours for ours in SPLITS if described.splits.get(ours) == theirs]
        rows = self.rows(theirs)
        order = np.arange(len(rows)) if seed is None else np.random.default_rng(seed).permutation(len(rows))
        for index in order:
            try:
                example = self.example(rows[int(index)], theirs, int(index))
            except NoExample:
                continue
            if len(sharing) == 1 or item_split(described.name, example.key, among=sharing) == split:
                yield example

    def example(self, row: Row, split: str, index: int) -> Example:
        name = self.described.name
        where = f"row {index + 1} of the {split} split of '{name}'"
        try:
            found = self.described.example(row)
        except KeyError as error:
            raise OvbookError(
                f"{where} has no field {error}: it has {', '.join(row)}; rename the fields or mend the file"
            ) from error
        except HiddenLabel:
            raise OvbookError(
                f"{where} has a hidden label (-1): a score on hidden labels means nothing, so test on a split "
                f"that has labels"
            ) from None
        except OvbookError as error:
            raise OvbookError(f"{where}: {error}") from error
        except (
            TypeError,
            AttributeError,
            ValueError,
        ) as error:  # a field of another type than the descriptor takes
            raise OvbookError(
                f"{where} cannot be read as this task's ({error}): mend its fields {', '.join(row)}"
            ) from error
        texts = {"question": found.question, "answer": found.answer}
        texts |= {f"choice {i + 1}": choice for i, choice in enumerate(found.choices or ())}
        if wrong := [what for what, text in texts.items() if not isinstance(text, str) or not text.strip()]:
            raise OvbookError(
                f"{where} has {texts[wrong[0]]!r} for its {wrong[0]}, where text is needed: mend or drop the row"
            )
        return found

    def source(self, split: str, n: int, seed: int) -> list[Example]:
        """Up to `n` distinct examples; what a later split holds too (test before validation) is left out."""
        if split not in self.described.splits:
            raise OvbookError(f"data set '{self.described.name}' has no {split} split")
        later = [
            ours
            for ours in SPLITS[SPLITS.index(split) + 1 :]
            if self.described.splits.get(ours) not in (None, self.described.splits[split])
        ]
        held_out = frozenset[str]().union(*(self.keys(ours) for ours in later))
        found: dict[str, Example] = {}
        for example in self.examples(split, seed):
            if len(found) == n:
                break
            if example.key not in held_out:
                found.setdefault(example.key, example)
        self.check_labels(list(found.values()), split)
        return list(found.values())

    def check_labels(self, examples: Sequence[Example], split: str) -> None:
        answers = {example.answer for example in examples}
        if self.described.labels is not None and len(examples) >= 20 and len(answers) == 1:
            raise OvbookError(
                f"all {len(examples)} examples of the {split} split of '{self.described.name}' have the "
                f"label '{answers.pop()}': accuracy would measure nothing, so check the labels"
            )


def _task(described: DataSet, folder: Path | None) -> Task:
    return Task(
        name=described.name,
        kind=described.kind,
        metric=described.metric,
        instruction=described.instruction,
        choices=described.labels,
        wording=described.wording,
        max_new=described.max_new,
        cut=described.cut,
        source=_Reader(described, folder).source,
    )


def open_data_set(name: str, *, folder: Path | str | None = None) -> Task:
    """The real data set `name` as a task.

    Rows come from `folder` if given, else from ``OVBOOK_TEXT_DIR/<name>`` if that folder exists, else from
    the hub; nothing is read before examples are asked for. Of dialogues a folder may hold one file only, which is then
    divided into the three splits.
    """
    if name not in DATA_SETS:
        raise OvbookError(
            f"unknown data set '{name}'{did_you_mean(name, DATA_SETS)}: the known ones are "
            f"{', '.join(sorted(DATA_SETS))}"
        )
    if folder is None and (texts := os.environ.get("OVBOOK_TEXT_DIR")) and (Path(texts) / name).is_dir():
        folder = Path(texts) / name
    described = DATA_SETS[name]
    if folder is not None and described.divisible:
        there = [theirs for theirs in set(described.splits.values()) if _file_of(Path(folder), theirs)]
        if len(there) == 1:
            described = dataclasses.replace(described, splits=dict.fromkeys(SPLITS, there[0]))
    return _task(described, None if folder is None else Path(folder))


def open_task_file(folder: Path | str, *, kind: str | None = None, instruction: str = "") -> Task:
    """Your own task: a folder with train.jsonl and test.jsonl, each row a `question` and an `answer`.

    Rows may hold `choices` (a list). `kind` is a classification where rows hold choices, else generation;
    with ``kind="classification"`` and no choices, the labels are the answers that occur in train.jsonl. A
    missing validation.jsonl is made of an eighth of the training rows.
    """
    folder = Path(folder)
    path = _file_of(folder, "train")
    if path is None:
        raise OvbookError(f"there is no train.jsonl (or .jsonl.gz) in {folder}: a task file needs one")
    rows = _read_jsonl(path)
    if kind is None:
        kind = "classification" if rows[0].get("choices") else "generation"
    labels = None
    if kind == "classification" and not rows[0].get("choices"):
        labels = tuple(sorted({str(row["answer"]) for row in rows if "answer" in row}))
        if len(labels) < 2:
            raise OvbookError(
                f"{path.name} in {folder} holds {len(labels)} label ({', '.join(labels) or 'none'}): a "
                f"classification needs at least 2"
            )
    own_validation = _file_of(folder, "validation") is not None
    described = DataSet(
        name=folder.name,
        kind=kind,
        metric="accuracy" if kind == "classification" else "rouge-l",
        instruction=instruction,
        example=_no_labels,
        labels=labels,
        splits={"train": "train", "validation": "validation" if own_validation else "train", "test": "test"},
    )
    return _task(described, folder)

"""Chapter 2 on a text of your own: a file, or a folder of text or jsonl files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.project import find_chapter
from ovbook.runs import Parameters, Perturb, execute, plan
from ovbook.runs.chapter import read_experiment


def budgets_within(
    text: str, *, count: int = 6, batch: int = 16, vocab: int = 1024
) -> list[int]:
    """Budgets by doublings, the largest of them one pass over the text."""
    corpus = open_corpus(f"file:{text}#vocab={vocab}")
    step = batch * corpus.context
    largest = (corpus.train_tokens or 0) // step * step
    budgets = [largest // 2**n // step * step for n in range(count)]
    if min(budgets) < step:
        raise OvbookError(
            f"{text} has {corpus.train_tokens:,} training tokens, and {count} "
            f"doublings need {2 ** (count - 1) * step:,}: give more text, a "
            f"smaller batch or a smaller count"
        )
    return sorted(budgets)


def shake(
    text: str | Path, *, vocab: int = 1024, **settings: Any
) -> tuple[Any, Parameters]:
    """Run the experiment of chapter 2, as its cell says it, on another text.

    `settings` are parameters of the chapter, such as seeds, model or budgets.
    Returns the table, one row a measurement, and the parameters as filled in.
    """
    chapter = read_experiment(find_chapter("02", Path(__file__).parent).path)
    runs, p = chapter.runs({"corpus": f"file:{text}#vocab={vocab}"} | settings)
    print(plan(runs))
    return execute(runs).table(Perturb), p


def verdicts(table: Any, p: Parameters) -> list[Any]:
    """Verdicts on A1 to A3; "not tested" where text was seen twice."""
    from ovbook.claims import judge

    return [
        judge(name, table, scale=p.scale, seeds_expected=p.seeds)
        for name in ("A1", "A2", "A3")
    ]


def main(text: str) -> None:
    """`python own_corpus.py FOLDER`: the verdicts for that text."""
    table, p = shake(text, budgets=budgets_within(text))
    for verdict in verdicts(table, p):
        print(verdict)


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])

"""How right one answer is: accuracy, ROUGE-L, the final number."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ovbook.errors import OvbookError, did_you_mean

__all__ = ["METRICS", "accuracy", "final_number", "metric_of", "rouge_l"]


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" .,;:!?\"'").casefold()


def accuracy(prediction: str, answer: str) -> float:
    """1 if the two say the same, case, spacing and outer punctuation aside; an empty prediction is 0."""
    return float(bool(_plain(prediction)) and _plain(prediction) == _plain(answer))


@lru_cache(maxsize=1)
def _rouge() -> Any:
    try:
        from rouge_score import rouge_scorer
    except ModuleNotFoundError as error:
        raise OvbookError(
            "ROUGE-L needs the package 'rouge-score', which is not installed: pip install rouge-score"
        ) from error
    return rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


def rouge_l(prediction: str, answer: str) -> float:
    """ROUGE-L F-measure by the package `rouge_score`, without stemming; an empty prediction is 0."""
    return float(_rouge().score(answer, prediction)["rougeL"].fmeasure)


def _last_number(text: str) -> float | None:
    found = re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    return float(found[-1].replace(",", "")) if found else None


def final_number(prediction: str, answer: str) -> float:
    """1 if the last numbers in the two texts are equal (worked arithmetic problems); no number is 0."""
    said, wanted = _last_number(prediction), _last_number(answer)
    return float(said is not None and said == wanted)


METRICS: dict[str, Callable[[str, str], float]] = {
    "accuracy": accuracy,
    "rouge-l": rouge_l,
    "final-number": final_number,
}
"""Functions (prediction, answer) -> score in [0, 1], by name."""


def metric_of(name: str) -> Callable[[str, str], float]:
    """The metric of that name."""
    if name not in METRICS:
        raise OvbookError(
            f"unknown metric '{name}'{did_you_mean(name, METRICS)}: it is one of {', '.join(METRICS)}"
        )
    return METRICS[name]

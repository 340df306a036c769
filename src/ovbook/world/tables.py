"""Small tables that several sections share: even chances, claims that are right half the time, sums."""

from __future__ import annotations

import numpy as np

from ovbook.world import words as w
from ovbook.world.facts import ids
from ovbook.world.grammar import Choice, Lookup

__all__ = ["another", "claims", "equal", "even", "sums", "yes_no"]


def even(count: int) -> np.ndarray:
    """Equal chances [count]."""
    return np.full(count, 1.0 / count)


def another(table: np.ndarray) -> np.ndarray:
    """Chances [m, first, second] of a second word that differs from the first, from chances [m, words]."""
    out = np.repeat(table[:, None, :], table.shape[1], axis=1) * (1 - np.eye(table.shape[1]))
    return out / out.sum(axis=2, keepdims=True)


def claims(count: int) -> np.ndarray:
    """Chances [truth, claim] of a claim that is right half the time and else any other, evenly."""
    return np.where(np.eye(count, dtype=bool), 0.5, 0.5 / (count - 1))


def equal(count: int) -> np.ndarray:
    """Bool [count, count], true on the diagonal."""
    return np.eye(count, dtype=bool)


def yes_no(true: np.ndarray, given: tuple[str, ...], role: str = "answer") -> Lookup:
    """The word "yes" where the table `true` holds for the variables `given`, else "no"."""
    return Lookup(ids(["no", "yes"]), true.astype(np.int64), given, role)


def sums() -> dict[str, Choice | Lookup]:
    """Two numbers up to ten, ``one`` and ``two``, and their ``sum``."""
    ten = ids(w.NUMBERS[:11])
    table = np.add.outer(np.arange(11), np.arange(11))
    return {
        "one": Choice(ten, even(11)),
        "two": Choice(ten, even(11)),
        "sum": Lookup(ids(w.NUMBERS), table, ("one", "two"), "answer"),
    }

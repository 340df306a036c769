"""Own verdicts beside the reference rows of ``results/``, for a terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovbook.errors import OvbookError
from ovbook.project import Project, find_chapter

if TYPE_CHECKING:
    from ovbook.claims.reference import Comparison

__all__ = ["as_json", "as_text", "comparisons", "disagreements", "own_notebooks"]


def own_notebooks(project: Project, named: str | None) -> list[Path]:
    """Executed notebooks to compare: of the book, of one chapter (own runs, too), in a folder, or one file.

    Raises `OvbookError` when there is none.
    """
    if named is None:
        found = [project.executed(chapter) for chapter in project.chapters()]
        found = [path for path in found if path.is_file()]
        if not found:
            raise OvbookError(
                "no chapter is executed in this copy of the book: run 'make book', or name a notebook"
            )
        return found
    path = Path(named)
    if path.is_dir():
        found = sorted(path.glob("*.ipynb"))
        if not found:
            raise OvbookError(f"there is no notebook in '{named}': name a folder with executed notebooks")
        return found
    if path.suffix == ".ipynb":
        if not path.is_file():
            raise OvbookError(f"there is no notebook '{named}': name an executed one, or a chapter")
        return [path]
    chapter = find_chapter(named, project.root)
    found = project.own_runs(chapter)
    if not found:
        raise OvbookError(
            f"chapter {chapter.name} is not executed here: run 'ovbook run {chapter.number}' first, or name a notebook"
        )
    return found


def comparisons(
    notebooks: Iterable[Path], references: Sequence[dict[str, Any]]
) -> list[tuple[str, Comparison]]:
    """Every verdict in `notebooks` (their names come along) beside the references of its claim.

    Raises `OvbookError` when the notebooks hold no verdict, or `references` none of their claims.
    """
    from ovbook.claims import collect
    from ovbook.claims.reference import beside

    own = [(path.name, row) for path in notebooks for row in collect([path])]
    if not own:
        raise OvbookError(
            "these notebooks hold no verdict: compare executed chapters, which 'ovbook run CHAPTER' makes"
        )
    found = [(name, one) for name, row in own for one in beside(row, references)]
    if not found:
        claims = ", ".join(dict.fromkeys(row["id"] for _, row in own))
        raise OvbookError(f"results/ holds no reference for {claims}: 'ovbook results' lists what it holds")
    return found


def disagreements(found: Sequence[tuple[str, Comparison]]) -> list[bool | None]:
    """For each comparison: does it disagree? None where the two are not the same experiment.

    It does where the verdicts differ, or where the difference excludes 0 at 5% shared among all comparisons of
    the same experiment, so that chance alone gives even one disagreement in at most one run of the book in 20.
    """
    from ovbook.claims.reference import interval_of
    from ovbook.stats import welch_interval

    asked = sum(one.same_experiment for _, one in found)
    answers: list[bool | None] = []
    for _, one in found:
        if not one.same_experiment:
            answers.append(None)
            continue
        gap = welch_interval(interval_of(one.own), interval_of(one.reference), level=1 - 0.05 / asked)
        inside = one.identical or gap.low <= 0 <= gap.high
        answers.append(one.own["verdict"] != one.reference["verdict"] or not inside)
    return answers


_SHOWN = ("verdict", "statistic", "low", "high", "n", "seeds", "worlds")


def as_json(found: Sequence[tuple[str, Comparison]]) -> list[dict[str, Any]]:
    """One object a comparison, for programs; `agrees` is null where the two are not the same experiment."""
    return [
        {
            "id": one.own["id"],
            "scale": one.own["scale"],
            "from": name,
            "kind": one.kind,
            "unit": one.own.get("unit", ""),
            "own": {key: one.own.get(key) for key in _SHOWN},
            "reference": {"scale": one.reference["scale"], **{key: one.reference.get(key) for key in _SHOWN}},
            "difference": None
            if one.difference is None
            else {"mean": one.difference.mean, "low": one.difference.low, "high": one.difference.high},
            "same_seeds": one.own["seeds"] == one.reference["seeds"],
            "verdicts_agree": one.own["verdict"] == one.reference["verdict"],
            "agrees": None if wrong is None else not wrong,
            "note": one.note,
        }
        for (name, one), wrong in zip(found, disagreements(found), strict=True)
    ]


def as_text(found: Sequence[tuple[str, Comparison]]) -> str:
    """A table with one line a comparison, a remark under those that are not plainly the same, and a sum."""
    from ovbook.press.columns import columns

    head, *lines = columns([_HEAD, *(_line(one) for _, one in found)])
    said, last = [head], None
    several = len({name for name, _ in found}) > 1
    for (name, one), line in zip(found, lines, strict=True):
        if several and name != last:
            said.append(f"{name}:")
        said.append(line)
        if one.kind != "identical":
            said.append(f"       {one.note}")
        last = name
    return "\n".join([*said, _sum(found)])


_HEAD = ("claim", "scale", "own", "reference", "difference", "95% interval", "same seeds", "verdicts")


def _line(one: Comparison) -> tuple[str, ...]:
    from ovbook.claims.reference import signed
    from ovbook.claims.verdict import number

    own, there, gap = one.own, one.reference, one.difference
    where = "" if there["scale"] == own["scale"] else f" ({there['scale']})"
    return (
        own["id"],
        own["scale"],
        "—" if own["statistic"] is None else number(own["statistic"]),
        ("—" if there["statistic"] is None else number(there["statistic"])) + where,
        "identical" if one.identical else "" if gap is None else signed(gap.mean),
        "" if gap is None or one.identical else f"{number(gap.low)} to {number(gap.high)}",
        "yes" if own["seeds"] == there["seeds"] else "no",
        f"both {own['verdict']}"
        if own["verdict"] == there["verdict"]
        else f"{own['verdict']}; there {there['verdict']}",
    )


def _sum(found: Sequence[tuple[str, Comparison]]) -> str:
    answers = disagreements(found)
    alike = [one for (_, one), answer in zip(found, answers, strict=True) if answer is not None]
    if not alike:
        return "Nothing here was run in the setting of its reference, so there is nothing that should agree."
    wrong = sum(answer is True for answer in answers)
    verdicts = sum(one.own["verdict"] != one.reference["verdict"] for one in alike)
    identical = sum(one.identical for one in alike)
    return (
        f"{len(alike)} compared in the setting of the reference: {identical} identical, "
        f"{len(alike) - identical - wrong} within the interval of the difference, {wrong} in disagreement"
        + (f" ({verdicts} with another verdict)." if verdicts else ".")
    )

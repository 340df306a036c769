"""Before and after a tuning, side by side."""

from __future__ import annotations

import pandas as pd
import pytest

from ovbook.errors import OvbookError
from ovbook.stats import before_after, tuned_on_others


def table() -> pd.DataFrame:
    rows = []
    for seed in (100, 101):
        for rate in (1e-3, 3e-3):
            for stage, extra in (("before", 0.0), ("after", 100 * rate)):
                for scored in ("topic", "fact"):
                    rows.append(
                        {
                            "corpus": "world:1/almanac", "world": 1, "seed": seed, "rate": rate, "stage": stage,
                            "scored": scored, "start": None, "loss": 2.0 + seed / 1000 + extra,
                            "score": 0.2 + extra, "answer_loss": 3.0 - extra, "diverged_at": -1 if seed == 100 else 4,
                        }
                    )  # fmt: skip
    return pd.DataFrame(rows)


def test_one_row_a_run_with_what_changed():
    found = before_after(table())
    assert len(found) == 8
    row = found[(found["seed"] == 101) & (found["rate"] == 3e-3) & (found["scored"] == "fact")].iloc[0]
    assert row["base"] == pytest.approx(2.101)
    assert row["increase"] == pytest.approx(0.3)
    assert row["gain"] == pytest.approx(0.3)
    assert row["answer_before"] == 3.0
    assert row["answer_loss"] == pytest.approx(2.7)
    assert list(found["diverged"]) == list(found["seed"] == 101)


def test_rows_in_any_order_find_their_partner():
    shuffled = before_after(table().sample(frac=1, random_state=3)).sort_values(["seed", "rate", "scored"])
    in_order = before_after(table()).sort_values(["seed", "rate", "scored"])
    pd.testing.assert_frame_equal(shuffled.reset_index(drop=True), in_order.reset_index(drop=True))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="stage"), "needs a column stage"),
        (lambda t: pd.concat([t, t]), "share every setting"),
        (lambda t: t[(t["stage"] == "after") | (t["seed"] == 100)], "none before"),
    ],
)
def test_tables_that_cannot_be_paired_are_one_sentence(change, says):
    with pytest.raises(OvbookError, match=says):
        before_after(change(table()))


def grid(**losses: list[float]) -> pd.DataFrame:
    """Validation losses of one task at 125 tokens: for each seed (a name such as s100) one a rate, in both worlds."""
    return pd.DataFrame(
        [
            {
                "world": world, "seed": int(seed[1:]), "task": "topic", "tokens": 125, "rate": rate,
                "validation_loss": loss, "loss": 10 * rate + int(seed[1:]), "diverged": loss == float("inf"),
            }
            for world in (1, 2)
            for seed, row in losses.items()
            for rate, loss in zip((1e-3, 2e-3, 4e-3), row, strict=True)
        ]
    )  # fmt: skip


def rates(found: pd.DataFrame) -> dict[int, float]:
    assert (found.groupby("seed")["rate"].nunique() == 1).all()  # both worlds of a seed get one rate
    return dict(zip(found["seed"], found["rate"], strict=True))


def test_a_seeds_rate_is_chosen_by_the_other_seeds():
    found = tuned_on_others(grid(s100=[1, 5, 9], s101=[9, 2, 9], s102=[9, 2, 9]))
    # Seed 100 alone likes 1e-3; it gets what the two others like, and they get what its vote does not change.
    assert rates(found) == {100: 2e-3, 101: 2e-3, 102: 2e-3}
    assert len(found) == 6
    assert not found["at_border"].any()
    assert list(found["loss"]) == [10 * 2e-3 + seed for seed in found["seed"]]
    swayed = tuned_on_others(grid(s100=[0, 9, 9], s101=[3, 2, 9], s102=[3, 2, 9]))
    assert rates(swayed) == {100: 2e-3, 101: 1e-3, 102: 1e-3}
    assert dict(zip(swayed["seed"], swayed["at_border"], strict=True)) == {100: False, 101: True, 102: True}


def test_a_rate_that_diverged_on_another_seed_is_never_chosen():
    table = grid(s100=[3, 1, 9], s101=[3, 1, 9], s102=[3, 1, 9])
    lost = (table["seed"] == 101) & (table["rate"] == 2e-3) & (table["world"] == 2)  # in one of its worlds
    table = table.assign(validation_loss=table["validation_loss"].mask(lost, float("inf")), diverged=lost)
    assert rates(tuned_on_others(table)) == {100: 1e-3, 101: 2e-3, 102: 1e-3}


def test_a_single_seed_chooses_by_itself():
    assert rates(tuned_on_others(grid(s100=[3, 1, 9]))) == {100: 2e-3}


def test_seeds_with_different_grids_are_refused():
    table = grid(s100=[3, 1, 9], s101=[3, 1, 9])
    with pytest.raises(OvbookError, match="rates differ between seeds at topic, 125"):
        tuned_on_others(table[(table["seed"] == 100) | (table["rate"] < 4e-3)])

"""The weights between two checkpoints: its ends are the models themselves, its middle their mean, and what cannot be."""

from __future__ import annotations

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import init, parse_model
from ovbook.runs import Blend, Checkpoint, FineTune, Pretrain, execute, plan
from ovbook.runs.blend_work import blended

BASE = Pretrain(model="olmo:16x1", budget=8 * 8 * 128, batch=8, corpus="world:0/almanac", seed=3)
TUNED = FineTune(
    base=Checkpoint(run=BASE),
    task="topic-known-labels",
    examples=64,
    batch=16,
    rate=1e-2,
    rows=12,
    documents=5,
)
ENDS = (Checkpoint(run=BASE), Checkpoint(run=TUNED))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVBOOK_STORE", str(tmp_path_factory.mktemp("store")))
        line = Blend(models=ENDS, task="topic-known-labels", rows=12, documents=5, shares=(0, 0.5, 1))
        back = Blend(models=ENDS[::-1], documents=5, shares=(0, 0.5, 1))
        assert plan([line]).seconds > 0
        yield execute([TUNED, line, back], workers=1), line, back


def test_the_ends_are_what_fine_tuning_measured_before_and_after(results):
    found, line, _ = results
    tuned = found.table(FineTune).set_index("stage")
    rows = found.table(Blend, task=line.task).set_index("share")
    for share, stage in ((0.0, "before"), (1.0, "after")):
        for name in (
            "loss",
            "score",
            "answer_loss",
            "chance",
            "items",
            "best_of_16",
            "untrained",
            "parameters",
        ):
            assert rows.loc[share, name] == tuned.loc[stage, name], (share, name)
    assert rows.loc[1.0, "change"] == pytest.approx(tuned.loc["after", "change"], rel=1e-6)
    assert rows.loc[0.0, "change"] == 0


def test_the_middle_is_the_same_from_either_side(results):
    found, line, back = results
    one, other = _tables(found, line, back)
    assert other["loss"][0.5] == pytest.approx(one["loss"][0.5], rel=1e-6)
    assert other["loss"][0.0] == one["loss"][1.0]
    assert "score" not in other or other["score"].isna().all()


def _tables(found, *specs):
    for spec in specs:
        table = found.table(Blend)
        yield table[table["task"].isna() == (spec.task is None)].set_index("share")


def test_columns_say_where_the_line_begins(results):
    found, _, back = results
    row = found.table(Blend, share=0.5).iloc[0]
    assert (row["world"], row["seed"], row["tokens"], row["ending"]) == (0, 3, BASE.budget, "annealed")
    assert row["rate"] == 1e-2
    assert back.base.run == TUNED


def test_a_mean_of_weights_is_a_mean():
    spec = parse_model("olmo:16x1", vocab=64, context=16)
    first, second = init(spec, [0]), init(spec, [1])
    middle = blended(first, second, 0.25)
    for name in first:
        torch.testing.assert_close(middle[name], 0.75 * first[name] + 0.25 * second[name])
    broken = {name: tensor * torch.nan for name, tensor in second.items()}
    assert all(torch.equal(blended(first, broken, 0)[name], first[name]) for name in first)
    with pytest.raises(OvbookError, match="the same tensors"):
        blended(first, init(parse_model("olmo:32x1", vocab=64, context=16), [0]), 0.5)


def test_what_cannot_be_is_said_in_a_sentence(tmp_path):
    wide = Checkpoint(run=Pretrain(budget=1_000_000, model="olmo:64x2"))
    text = tmp_path / "notes.txt"
    text.write_text("One fish, two fish, red fish, blue fish. " * 2000)
    notes = Pretrain(budget=8 * 8 * 128, batch=8, model="olmo:16x1", corpus=f"file:{text}#vocab=300")
    with pytest.raises(OvbookError, match=r"a olmo:16x1 of context 128 and a olmo:64x2 .* of one shape"):
        Blend(models=(ENDS[0], wide))
    with pytest.raises(OvbookError, match="different vocabularies"):
        Blend(models=(ENDS[0], Checkpoint(run=notes)))
    with pytest.raises(OvbookError, match="two Checkpoints"):
        Blend(models=ENDS[:1])
    with pytest.raises(OvbookError, match="from 0 to 1"):
        Blend(models=ENDS, shares=(0.0, 1.5))
    with pytest.raises(OvbookError, match="asked in the words of a world"):
        Blend(models=(Checkpoint(run=notes), Checkpoint(run=notes)), task="topic-known-labels")
    with pytest.raises(OvbookError, match=r"documents is 0.*rows is -1"):
        Blend(models=ENDS, documents=0, rows=-1)
    other = Pretrain(budget=BASE.budget, batch=8, model="olmo:16x1", corpus="world:5/almanac", seed=3)
    assert Blend(models=(ENDS[0], Checkpoint(run=other))).key() != Blend(models=ENDS).key()

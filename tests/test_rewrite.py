"""Rewriting a person: the sentences are the world's own, an edit takes, unlearning forgets, and others are let be."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.corpus import WorldCorpus
from ovbook.errors import OvbookError
from ovbook.models import forward, init, parse_model
from ovbook.rewrite import WORDINGS, asked, draw_people, probes, rewrite
from ovbook.runs import Checkpoint, Pretrain, Rewrite, execute, plan
from ovbook.runs.rewrite_work import _silent_on
from ovbook.world import open_world

WORLD = open_world(0)
CORPUS = WorldCorpus(0, "almanac")
SPEC = parse_model("olmo:16x1", vocab=512, context=128)
PEOPLE = draw_people(WORLD, 4, seed=7)
BASE = Checkpoint(run=Pretrain(model="olmo:16x1", budget=8 * 8 * 128, batch=8, corpus="world:0/almanac"))


def test_the_wordings_are_sentences_of_the_section_on_people():
    written = {template.text for template in WORLD.domains("almanac")["People"].templates}
    for relation, texts in WORDINGS.items():
        for text in texts:
            sentence = text.replace("{who}", "{first} {family}").replace("{value}", f"{{{relation}}}")
            assert sentence in written


def test_people_are_well_known_differ_and_get_a_value_that_is_not_theirs():
    order = np.argsort(-WORLD.popularity).tolist()
    assert len({person.row for person in PEOPLE}) == 4
    assert {person.relation for person in PEOPLE} == set(WORLD.relations)
    for person in PEOPLE:
        assert order[person.rank - 1] == person.row
        assert 9 <= person.rank <= 64
        true = WORLD.person(*(WORLD.vocab[i] for i in WORLD.people[person.row]))[person.relation]
        assert person.told in WORLD.relations[person.relation]
        assert person.told != true
    assert draw_people(WORLD, 4, seed=7) == PEOPLE != draw_people(WORLD, 4, seed=8)
    with pytest.raises(OvbookError, match="57 people of ranks 9 to 64"):
        draw_people(WORLD, 57, seed=0)


def test_questions_end_where_the_answer_is_due():
    said, other, same, others = probes(WORLD, PEOPLE, 8)
    assert [p.what for p in (said, other, same, others)] == ["said", "other words", "same person", "others"]
    assert (same.tokens.shape[1], others.tokens.shape[1]) == (3, 8 * 4)
    person = PEOPLE[0]
    name = " ".join(WORLD.vocab[i] for i in WORLD.people[person.row])
    first = WORLD.decode(said.tokens[0, 0, : said.at[0, 0] + 1])
    assert first == f"People: {name} was born in"
    assert (said.true != said.told).all()
    assert (others.true == others.told).all()
    names = {tuple(WORLD.people[p.row]) for p in PEOPLE}
    assert not names & {tuple(row[3:5]) for row in others.tokens[0]}, "nobody rewritten is among the others"
    for probe in (said, other, same, others):
        assert (probe.values == probe.true[..., None]).any(axis=2).all()


def test_answers_are_those_of_the_forward_pass():
    params = {n: t.expand(4, *t.shape[1:]) for n, t in init(SPEC, [0]).items()}
    import torch

    probe = probes(WORLD, PEOPLE, 8)[0]
    found = asked(params, SPEC, probe)
    logits = forward(params, SPEC, torch.from_numpy(probe.tokens))[2, 0, probe.at[2, 0]]
    chances = torch.softmax(logits, dim=-1)
    assert found["true"][2] == pytest.approx(float(chances[probe.true[2, 0]]), rel=1e-4)
    assert found["answer_loss"][2] == pytest.approx(-np.log(found["true"][2]), rel=1e-4)
    assert set(found["right"]) <= {0.0, 1.0}


def test_an_edit_takes_and_unlearning_makes_the_truth_less_likely():
    params = init(SPEC, [0])
    for kind, keep in (("edit", 0), ("unlearn", 2)):
        seen = {}
        rewrite(
            params,
            SPEC,
            CORPUS,
            PEOPLE,
            kind=kind,
            steps=12,
            rate=1e-2,
            keep=keep,
            seed=5,
            watch=dict.fromkeys(
                (0, 12),
                lambda step, now, seen=seen: seen.update(
                    {step: [asked(now, SPEC, probe) for probe in probes(WORLD, PEOPLE, 8)]}
                ),
            ),
        )
        before, after = seen[0][0], seen[12][0]
        if kind == "edit":
            assert (after["took"] == 1).all()
            assert (after["told"] > 10 * before["told"]).all()
        else:
            assert (after["answer_loss"] > before["answer_loss"] + 1).all()
            assert (seen[12][2]["answer_loss"] > seen[0][2]["answer_loss"] + 1).all(), "all four facts go"
    with pytest.raises(OvbookError, match="it is one of edit, unlearn"):
        rewrite(params, SPEC, CORPUS, PEOPLE, kind="erase", steps=1, rate=1e-3, keep=0, seed=0, watch={})


def test_documents_that_speak_of_a_person_are_left_out_of_the_old_loss():
    rows = np.array([[1, 5, 6, 9], [1, 6, 5, 9], [5, 9, 5, 6]])
    assert _silent_on(rows, np.array([5, 6])).tolist() == [False, True, False]
    assert _silent_on(rows, np.array([5, 9])).tolist() == [True, False, False]
    assert _silent_on(rows[:1], np.array([5, 6])).tolist() == [True], "something must be left to measure"


def test_a_run_measures_everything_at_every_mark(tmp_path, monkeypatch):
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path))
    spec = Rewrite(base=BASE, kind="unlearn", keep=1, people=2, steps=(1, 3), others=4, documents=6)
    longer = Rewrite(base=BASE, kind="unlearn", keep=1, people=2, steps=(1, 3, 4), others=4, documents=6)
    assert plan([spec]).seconds > 0
    one, more = (execute([each], workers=1).table(Rewrite) for each in (spec, longer))
    assert len(one) == 2 * 3 * 4
    assert set(one["step"]) == {0, 1, 3}
    assert (one.loc[one["step"] == 0, "change"] == 0).all()
    assert not one["diverged"].any()
    cells = ["person", "step", "asked"]
    both = one.merge(more, on=cells, suffixes=("", "_longer"))
    assert np.allclose(both["loss"], both["loss_longer"]), "a longer run passes through the same weights"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "erase"}, "kind is 'erase'"),
        ({"people": 0}, "people is 0"),
        ({"people": 500}, "there are 56 to choose from"),
        ({"steps": ()}, "steps is ()"),
        ({"steps": (4, 2)}, "in ascending order"),
        ({"rate": 0}, "rate is 0"),
        ({"keep": -1}, "keep is -1"),
        (
            {"base": Checkpoint(run=Pretrain(budget=1_000_000, corpus="hub:wikitext"))},
            "live in a tiny world only",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(fields, said):
    with pytest.raises(OvbookError) as error:
        Rewrite(**({"base": BASE, "kind": "edit"} | fields))
    assert said in str(error.value)

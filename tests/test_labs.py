"""Labs: what the slider does is a plain function, and moving a control changes the answer."""

from __future__ import annotations

import pytest

from ovbook.corpus import open_corpus
from ovbook.errors import OvbookError
from ovbook.labs import NoiseLab, shake
from ovbook.models import init, parse_model, save_checkpoint

CORPUS = open_corpus("world:3/almanac")
SPEC = parse_model("olmo:16x1", vocab=CORPUS.vocab_size, context=128)


@pytest.fixture
def lab(tmp_path):
    folders = {}
    for seed, budget in enumerate((250_000, 1_000_000)):
        folders[budget] = tmp_path / str(budget)
        save_checkpoint(folders[budget], init(SPEC, [seed]), SPEC, CORPUS.tokenizer_json())
    return NoiseLab(folders, CORPUS, gamma=0.2)


def test_no_noise_changes_nothing_and_noise_does():
    params = init(SPEC, [0])
    still = shake(params, SPEC, CORPUS, gamma=0.0, rows=4, words=5)
    moved = shake(params, SPEC, CORPUS, gamma=0.8, rows=4, words=5)
    assert still.before == still.after == moved.before
    assert moved.after != moved.before
    assert still.text != ""


def test_every_control_changes_the_answer(lab):
    seen = {lab.answer.value}
    lab.gamma.value = 0.6
    seen.add(lab.answer.value)
    lab.draw.value = 3
    seen.add(lab.answer.value)
    lab.budget.value = 250_000
    seen.add(lab.answer.value)
    assert len(seen) == 4
    assert "nats per token" in lab.answer.value


def test_a_lab_without_models_says_what_to_do():
    with pytest.raises(OvbookError, match="run the experiment cell"):
        NoiseLab({}, CORPUS)

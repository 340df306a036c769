"""The tokenizer: the same ids in plain Python and in transformers, and text that reads well."""

from __future__ import annotations

import numpy as np
import pytest

from ovbook.world import MIXES, World, open_world


@pytest.fixture(scope="module")
def world() -> World:
    return open_world(0)


@pytest.fixture(scope="module")
def fast(world: World):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer.from_str(world.tokenizer_json()),
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        pad_token="<pad>",
    )


def test_text_reads_well(world: World) -> None:
    ids = world.encode("Mara Venn was born in Oster . does Mara want a boat ? yes , she does .")
    assert world.decode([world.bos, *ids]) == (
        "Mara Venn was born in Oster. does Mara want a boat? yes, she does."
    )
    assert world.decode([world.bos, *ids], special=True).startswith("<bos> Mara")


@pytest.mark.parametrize("mix", MIXES)
def test_every_row_comes_back_from_its_text(world: World, mix: str) -> None:
    for row in world.block(mix, 1, 0)[:200]:
        assert world.encode(world.decode(row)) == row[1:].tolist()
        assert world.encode(world.decode(row, special=True)) == row.tolist()


def test_every_word_is_its_own_token(world: World) -> None:
    assert world.encode(" ".join(world.vocab)) == list(range(len(world.vocab)))


def test_transformers_agrees_on_ids_and_text(world: World, fast) -> None:
    texts = [document.text for mix in MIXES for document in world.documents(mix, 2, 40)]
    texts += [
        "### Input Mara Venn ### Output alpha",
        "a word nobody knows: Quux, 42!? snake_case ...",
        " ".join(world.vocab),
        "two\nlines\tand a tab",
        "",
    ]
    for text in texts:
        assert fast(text, add_special_tokens=False)["input_ids"] == world.encode(text), text
    for row in world.block("almanac", 2, 0)[:50]:
        assert fast.decode(row.tolist(), skip_special_tokens=True) == world.decode(row)
    assert len(fast) == len(world.vocab)
    assert (fast.pad_token_id, fast.bos_token_id, fast.eos_token_id, fast.unk_token_id) == (0, 1, 2, 3)


def test_unknown_words_become_unk_and_nothing_else(world: World) -> None:
    ids = np.array(world.encode("Mara saw a dragon ."))
    assert (ids == world.unk).tolist() == [False, False, False, True, False]

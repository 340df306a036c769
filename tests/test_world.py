"""The tiny world: its words, tables and rows."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.world import BLOCK_ROWS, MIXES, ROLES, World, open_world
from ovbook.world import words as w


@pytest.fixture(scope="module")
def world() -> World:
    return open_world(0)


def counts(world: World, mix: str, blocks: int = 3) -> np.ndarray:
    pages = [world.block(mix, 5, index) for index in range(blocks)]
    return np.bincount(np.concatenate(pages).ravel(), minlength=len(world.vocab))


def test_vocabulary_is_small_without_doubles_and_the_same_in_every_world(world: World) -> None:
    assert len(world.vocab) == len(set(world.vocab)) <= 512
    assert world.vocab[:4] == ("<pad>", "<bos>", "<eos>", "<unk>")
    assert world.vocab == World(7).vocab
    assert world.tokenizer_json() == World(7).tokenizer_json()


def test_reserved_words_appear_in_no_mix_and_all_others_in_some(world: World) -> None:
    total = sum(counts(world, mix) for mix in MIXES)
    never = {word for word, count in zip(world.vocab, total, strict=True) if count == 0}
    assert never == {*world.reserved, "<pad>", "<eos>", "<unk>"}
    assert len(world.labels) == 32


def test_abroad_shares_only_names_towns_and_signs_with_the_almanac(world: World) -> None:
    common = (counts(world, "almanac") > 0) & (counts(world, "abroad") > 0)
    words = {world.vocab[i] for i in np.flatnonzero(common)}
    assert words <= {"<bos>", *w.PUNCTUATION, *w.FIRST_NAMES, *w.TOWNS}


def test_rows_are_uint16_with_bos_first_and_only_first(world: World) -> None:
    for mix in MIXES:
        block = world.block(mix, 0, 0)
        assert block.dtype == np.uint16
        assert block.shape == (BLOCK_ROWS, 128)
        assert block.size >= 64_000
        assert (block[:, 0] == world.bos).all()
        assert (block[:, 1:] != world.bos).all()


def test_batches_are_slices_of_one_endless_sequence(world: World) -> None:
    stream = world.stream("almanac")
    rows = np.concatenate([world.block("almanac", 3, index) for index in range(3)])
    for size in (1, 100, 700, 1500):
        got = np.concatenate([stream.batch(3, step, size) for step in range(2048 // size)])
        assert np.array_equal(got, rows[: len(got)]), size
    # Any order, and a caller that writes into its batch, change nothing.
    stream.batch(3, 1, 64)[:] = 0
    assert np.array_equal(World(0).stream("almanac").batch(3, 1, 64), rows[64:128])


def test_streams_differ_by_world_mix_seed_and_block(world: World) -> None:
    pages = [
        world.block("almanac", 0, 0),
        world.block("almanac", 0, 1),
        world.block("almanac", 1, 0),
        world.block("gazette", 0, 0),
        World(1).block("almanac", 0, 0),
    ]
    for i, one in enumerate(pages):
        for other in pages[:i]:
            assert (one == other).mean() < 0.3


GOLDEN = {
    "almanac": "4e8b8ee0c18e8a4a",
    "gazette": "008fc3186cfead17",
    "abroad": "7e957e5704e5decd",
}


@pytest.mark.parametrize("mix", MIXES)
def test_version_1_still_writes_the_same_rows(world: World, mix: str) -> None:
    """If this fails, stored runs have lost their data: undo the change, or raise `VERSION` and start over."""
    page = world.block(mix, 0, 0).astype("<u2")
    assert hashlib.sha256(page.tobytes()).hexdigest()[:16] == GOLDEN[mix]


def test_shares_and_overlap_are_as_stated(world: World) -> None:
    for mix in MIXES:
        floor = world.floor(mix)
        assert sum(floor.share.values()) == pytest.approx(1.0)
        known = world.annotated(mix, 2, 4 * BLOCK_ROWS)
        seen = np.bincount(known.domains, minlength=len(known.names)) / len(known.rows)
        share = np.array([floor.share[name] for name in known.names])
        assert np.abs(seen - share).max() < 5 * np.sqrt(0.25 / len(known.rows))
        assert np.array_equal(known.rows[:, 1], [world.encode(known.names[d])[0] for d in known.domains])
    assert world.overlap("almanac", "almanac") == {"sections": 1.0, "same": 1.0}
    assert world.overlap("almanac", "abroad") == {"sections": 0.0, "same": 0.0}
    weak = world.overlap("almanac", "gazette")
    assert weak == world.overlap("gazette", "almanac")
    assert 0 < weak["same"] < weak["sections"] < 1


def test_popularity_is_zipf_over_people_in_an_order_of_the_seed(world: World) -> None:
    zipf = 1 / np.arange(1, 4097)
    assert np.allclose(np.sort(world.popularity)[::-1], zipf / zipf.sum())
    assert np.allclose(np.sort(world.gazette_popularity), np.sort(world.popularity))
    assert np.argmax(world.popularity) != np.argmax(world.gazette_popularity)
    assert not np.array_equal(world.facts, World(1).facts)
    with pytest.raises(ValueError, match="read-only"):
        world.popularity[0] = 1.0


def test_rows_tell_the_truth_about_people(world: World) -> None:
    """Every home, pet and trade told in plain sentences is the one in the tables."""
    told = 0
    for document in world.documents("almanac", 4, 300):
        words = [world.vocab[t] for t in document.tokens]
        for i in range(len(words) - 7):
            if words[i + 2 : i + 5] == ["was", "born", "in"] and words[i + 1] in w.FAMILY_NAMES:
                assert world.person(words[i], words[i + 1])["home"] == words[i + 5]
                told += 1
            if words[i + 2 : i + 4] == ["keeps", "a"] and words[i + 1] in w.FAMILY_NAMES:
                assert world.person(words[i], words[i + 1])["pet"] == words[i + 4]
                told += 1
    assert told > 200


def test_sums_opposites_and_comparisons_are_right(world: World) -> None:
    number = {word: i for i, word in enumerate(world.numbers)}
    opposite = dict(world.opposites) | {b: a for a, b in world.opposites}
    checked = {"plus": 0, "opposite": 0, "bigger": 0, "north": 0}
    for document in world.documents("almanac", 6, 3000):
        for sentence in document.text.split(": ", 1)[-1].split("."):
            match sentence.split():
                case [a, "plus", b, "is", c]:
                    assert number[a] + number[b] == number[c]
                    checked["plus"] += 1
                case [a, "is", "the", "opposite", "of", b]:
                    assert opposite[a] == b
                    checked["opposite"] += 1
                case ["the", a, "is", "bigger", "than", "the", b]:
                    assert world.sizes.index(a) > world.sizes.index(b)
                    checked["bigger"] += 1
                case [a, "is", "north", "of", b]:
                    assert world.towns.index(a) < world.towns.index(b)
                    checked["north"] += 1
    assert min(checked.values()) > 10, checked


def test_notes_change_no_row_and_mark_facts_and_recall(world: World) -> None:
    known = world.annotated("almanac", 0, 1500)
    plain = np.concatenate([world.block("almanac", 0, index) for index in range(2)])[:1500]
    assert np.array_equal(known.rows, plain)
    predicted = known.rows[:, 1:]
    values = set(world.facts.ravel().tolist()) | set(world.encode("yes no"))
    assert set(predicted[known.roles == ROLES.index("fact")].tolist()) <= values
    for role in ("fact", "answer"):
        # Certain for who knows the world; a little of the sentence's own choice may fall on the same word.
        assert np.median(known.nats[known.roles == ROLES.index(role)]) == 0.0
    for document in world.documents("almanac", 1, 40, section="Memory"):
        seen: set[int] = {world.bos}
        for token, role in zip(document.tokens[1:].tolist(), document.roles, strict=True):
            assert role != "recall" or token in seen
            seen.add(token)


def test_documents_of_one_section_carry_their_latents(world: World) -> None:
    diaries = world.documents("almanac", 0, 400, section="Diary")
    assert {d.domain for d in diaries} == {"Diary"}
    own = [
        sum(word in world.topics[d.latents["topic"]] for word in d.text.replace(".", "").split())
        / sum(word in {n for words in world.topics.values() for n in words} for word in d.text.split())
        for d in diaries
    ]
    assert np.mean(own) > 0.5
    assert {d.latents["mood"] for d in diaries} == set(world.moods)


def test_worlds_are_cheap_kept_and_pickled_by_seed(world: World) -> None:
    assert open_world(0) is world
    twin = pickle.loads(pickle.dumps(World(3)))
    assert len(pickle.dumps(World(3))) < 200
    assert twin.hash == World(3).hash != world.hash


def test_description_is_plain_data_that_agrees_with_the_tables(world: World) -> None:
    page = world.describe()
    assert page["words"] == len(world.vocab)
    best = page["best known"][0]
    assert best["popularity"] == world.popularity.max()
    assert world.person(*best["name"].split()) == {name: best[name] for name in world.relations}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda world: World(-1), "whole number"),
        (lambda world: World(1.5), "whole number"),
        (lambda world: World(True), "whole number"),
        (lambda world: world.stream("almanack"), "did you mean 'almanac'"),
        (lambda world: world.floor("news"), "almanac, gazette, abroad"),
        (lambda world: world.block("almanac", -1, 0), "seed -1"),
        (lambda world: world.block("almanac", 0, "a"), "block index 'a'"),
        (lambda world: world.stream("almanac").batch(0, -3, 4), "step -3"),
        (lambda world: world.stream("almanac").batch(0, 0, 0), "at least 1"),
        (lambda world: world.documents("almanac", 0, 0), "at least 1"),
        (lambda world: world.documents("almanac", 0, 1, section="Dairy"), "did you mean 'Diary'"),
        (lambda world: world.person("Mara", "Nobody"), "nobody is called 'Mara Nobody'"),
    ],
)
def test_mistakes_get_one_sentence(world: World, call, says: str) -> None:
    with pytest.raises(OvbookError) as caught:
        call(world)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)

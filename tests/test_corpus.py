"""The one protocol through which every room reads worlds, files and the hub."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovbook.corpus import TextCorpus, open_corpus
from ovbook.errors import OvbookError
from standin_hub import StandinHub
from test_text import prose

BOS = 1


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> TextCorpus:
    """A small text corpus with rows of 32 tokens."""
    folder = tmp_path_factory.mktemp("notes")
    (folder / "notes.txt").write_text(prose(20_000))
    corpus = open_corpus(f"file:{folder}/notes.txt", context=32, vocab=300, cache_dir=folder)
    assert isinstance(corpus, TextCorpus)
    return corpus


# --- real text


def test_rows_start_with_bos_and_hold_the_text(notes: TextCorpus) -> None:
    rows = notes.batch(0, 0, 5)
    assert rows.shape == (5, 32)
    assert rows.dtype == np.uint16
    assert (rows[:, 0] == BOS).all()
    assert rows.max() < notes.vocab_size <= 300
    stream = notes.encoded.train
    assert any(np.array_equal(rows[0, 1:], stream[i * 31 : (i + 1) * 31]) for i in range(notes.rows))
    assert notes.decode(rows[0]) in prose(20_000)
    assert notes.decode(notes.encode("the old miller")) == "the old miller"


def test_batches_are_pure_slices_of_one_endless_order(notes: TextCorpus) -> None:
    long = notes.batch(3, 0, 24)
    for step in (3, 0, 2, 1):
        np.testing.assert_array_equal(notes.batch(3, step, 6), long[6 * step : 6 * step + 6])
    assert not np.array_equal(notes.batch(4, 0, 24), long)


def test_an_epoch_is_a_permutation_and_the_next_another(notes: TextCorpus) -> None:
    n = notes.rows
    two = notes.batch(0, 0, 2 * n)
    # One batch that straddles the end of an epoch sees the rest of the first and the start of the second.
    np.testing.assert_array_equal(
        notes.batch(0, 1, n + 3), np.concatenate([two[n + 3 :], notes.batch(0, 0, 2 * n + 6)[-6:]])
    )

    def contents(rows: np.ndarray) -> list[bytes]:
        return sorted(row.tobytes() for row in rows)

    whole = notes.encoded.train[: n * 31].reshape(n, 31)
    assert contents(two[:n, 1:]) == contents(two[n:, 1:]) == contents(whole)
    assert not np.array_equal(two[:n], two[n:])


def test_validation_is_the_end_of_the_text_and_never_more_than_there_is(notes: TextCorpus) -> None:
    every = notes.validation(0, 10**6)
    assert len(every) == notes.validation_rows > 0
    assert len({row.tobytes() for row in every}) == len(every)
    np.testing.assert_array_equal(notes.validation(0, 4), every[:4])
    text = prose(20_000)
    assert all(text.rfind(notes.decode(row)) >= 0.94 * len(text) for row in every)


def test_repetition_is_counted_labelled_and_bars_a_verdict(notes: TextCorpus) -> None:
    once = notes.rows * 32
    assert notes.train_tokens == once
    assert notes.epochs(once) == notes.repeats(once) == 1.0
    assert (notes.epochs(once // 2), notes.repeats(once // 2)) == (0.5, 1.0)
    assert notes.verdict_allowed(once)
    assert notes.repetition_label(once) == ""
    assert not notes.verdict_allowed(once + 1)
    assert notes.repetition_label(round(2.4 * once)) == "×2.4"
    assert notes.repetition_label(round(1.04 * once)) == "×1.04"
    assert notes.repetition_label(120 * once) == "×120"


def test_the_hash_is_of_what_is_read(tmp_path: Path, notes: TextCorpus) -> None:
    def opened(text: str, **settings: Any) -> str:
        (tmp_path / "a.txt").write_text(text)
        return open_corpus(f"file:{tmp_path}/a.txt", cache_dir=tmp_path, **settings).hash

    same = opened(prose(20_000), context=32, vocab=300)
    assert same == notes.hash
    others = [
        opened(prose(20_000), context=64, vocab=300),
        opened(prose(20_000), context=32, vocab=301),
        opened(prose(20_000, seed=1), context=32, vocab=300),
    ]
    assert len({same, *others}) == 4


def test_a_corpus_sent_to_a_worker_maps_the_same_rows(notes: TextCorpus) -> None:
    sent = pickle.dumps(notes)
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent).batch(1, 2, 3), notes.batch(1, 2, 3))


def test_too_little_text_is_refused_with_its_size(tmp_path: Path, notes: TextCorpus) -> None:
    notes.require(notes.rows)
    with pytest.raises(OvbookError, match=rf"shorter than one batch: it has {notes.rows:,} training rows"):
        notes.require(notes.rows + 1)
    (tmp_path / "a.txt").write_text("A very short story.")
    with pytest.raises(OvbookError, match="too short"):
        open_corpus(f"file:{tmp_path}/a.txt", cache_dir=tmp_path)
    with pytest.raises(OvbookError, match="context is 1"):
        open_corpus(f"file:{tmp_path}/a.txt", context=1, cache_dir=tmp_path)
    with pytest.raises(OvbookError, match="data seed is -1"):
        notes.batch(-1, 0, 2)
    for ask_for in (lambda: notes.batch(0, 0, 0), lambda: notes.validation(0, -1)):
        with pytest.raises(OvbookError, match="at least 1"):
            ask_for()


def test_text_has_no_floor_and_no_world(notes: TextCorpus) -> None:
    assert notes.floor is None
    assert notes.world is None


def test_transformers_loads_the_tokenizer_with_the_same_ids(notes: TextCorpus) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    loaded = tokenizers.Tokenizer.from_str(notes.tokenizer_json())
    text = "the old <unk> miller\ncounts ☂"
    assert loaded.encode(text).ids == notes.encode(text)


def test_the_store_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "there"))
    (tmp_path / "a.txt").write_text(prose(3000))
    open_corpus(f"file:{tmp_path}/a.txt")
    assert list((tmp_path / "there/corpora").glob("*/train.u16"))


@pytest.mark.parametrize(
    ("where", "field", "contains"),
    [
        ("wikitext-2", "text", "lobster"),
        ("gsm8k/train.jsonl", "question", "How many"),
        ("hh-rlhf/harmless-base-test.jsonl.gz", "chosen", "Assistant:"),
    ],
)
def test_real_text(tmp_path: Path, where: str, field: str, contains: str) -> None:
    folder = os.environ.get("OVBOOK_TEXT_DIR")
    if not folder or not Path(folder, where).exists():
        pytest.skip(f"OVBOOK_TEXT_DIR names no folder with {where}")
    corpus = open_corpus(f"file:{folder}/{where}#field={field}", cache_dir=tmp_path)
    assert corpus.train_tokens is not None
    assert corpus.train_tokens > 300_000
    assert corpus.vocab_size == 1024
    corpus.require(64)
    assert contains in "".join(corpus.decode(row) for row in corpus.batch(0, 0, 2000))
    assert corpus.validation(0, 8).shape == (8, 128)


# --- worlds


def test_a_world_is_a_corpus() -> None:
    corpus = open_corpus("world:0/almanac")
    rows = corpus.batch(0, 2, 8)
    assert rows.shape == (8, corpus.context)
    np.testing.assert_array_equal(rows, corpus.batch(0, 0, 24)[16:])
    assert rows.max() < corpus.vocab_size
    assert corpus.train_tokens is None
    assert corpus.epochs(10**12) == 0.0
    assert corpus.verdict_allowed(10**12)
    assert corpus.repetition_label(10**12) == ""
    corpus.require(10**9)
    assert corpus.floor is not None
    assert 0 < corpus.floor.lower <= corpus.floor.upper < np.log(corpus.vocab_size)
    assert corpus.world is not None
    assert corpus.encode(corpus.decode(rows[0])) is not None


def test_a_worlds_validation_is_apart_from_training() -> None:
    corpus = open_corpus("world:0/almanac")
    train = {row.tobytes() for row in corpus.batch(0, 0, 256)}
    held = corpus.validation(0, 256)
    assert held.shape == (256, corpus.context)
    # A world's short documents may recur by chance; a shared row sequence would make them all the same.
    assert sum(row.tobytes() in train for row in held) < 64
    np.testing.assert_array_equal(corpus.validation(0, 16), held[:16])
    with pytest.raises(OvbookError, match="data seed"):
        corpus.batch(1 << 48, 0, 1)


def test_worlds_are_told_apart() -> None:
    names = ["world:0/almanac", "world:1/almanac", "world:0/gazette"]
    assert len({open_corpus(name).hash for name in names}) == 3
    again = pickle.loads(pickle.dumps(open_corpus(names[0])))
    assert again.name == names[0]
    assert again.hash == open_corpus(names[0]).hash


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("world:0/almanack", "did you mean 'almanac'"),
        ("world:almanac", "world:SEED/MIX"),
        ("word:0/almanac", "'world'"),
    ],
)
def test_a_wrong_world_says_what_is_wrong(name: str, says: str) -> None:
    with pytest.raises(OvbookError, match=says):
        open_corpus(name)


# --- the hub

CLIENT = """
import json, sys, time, warnings
from ovbook.corpus import open_corpus
out = {}
for name in sys.argv[2:]:
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            corpus = open_corpus(name, context=32, cache_dir=sys.argv[1])
            facts = corpus.encoded.facts
            said = {"hash": corpus.hash, "documents": facts["documents"], "tokens": corpus.train_tokens}
        except Exception as error:
            said = {"error": str(error), "type": type(error).__name__}
    warned = [str(w.message) for w in caught if "encoded earlier" in str(w.message)]
    out.setdefault(name, []).append({**said, "seconds": time.perf_counter() - started, "warned": warned})
print(json.dumps(out))
"""


def ask(environment: dict[str, str], cache: Path, *names: str) -> dict[str, list[dict[str, Any]]]:
    """Open corpora, in order, in a process with its own environment; what came of each."""
    command = [sys.executable, "-c", CLIENT, str(cache), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def make_data_sets(root: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    tales = [{"text": f"Tale {i}. {prose(60, seed=i)}", "n": i} for i in range(300)]
    lines = "\n".join(map(json.dumps, tales))
    plain, packed, table = (root / f"datasets/owner/{n}/main" for n in ("plain", "packed", "table"))
    for folder in (
        plain,
        packed,
        table,
        root / "datasets/owner/plain/v1",
        root / "datasets/owner/broken/main",
    ):
        folder.mkdir(parents=True)
    (plain / "train.jsonl").write_text(lines)
    (plain / "test.jsonl").write_text("\n".join(map(json.dumps, tales[:120])))
    (plain / "README.md").write_text("# Tales\n")
    (root / "datasets/owner/plain/v1/train.jsonl").write_text("\n".join(map(json.dumps, tales[::-1])))
    (packed / "train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (table / "data").mkdir()
    for i in range(3):
        part = pyarrow.Table.from_pylist(tales[100 * i : 100 * i + 100])
        pyarrow.parquet.write_table(part, table / f"data/train-{i:05}-of-00003.parquet")


def test_the_hub_is_streamed_by_the_real_library(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    make_data_sets(tmp_path / "hub")
    with StandinHub(tmp_path / "hub") as hub:
        environment = hub.environment(tmp_path / "home", HF_HUB_ETAG_TIMEOUT="1")
        hub.faults = {
            "owner/private": 401,
            "owner/out-of-order": 503,
            "owner/silent": "hang",
            "owner/cut": "drop",
        }
        names = [
            "plain",
            "plain",
            "packed",
            "table",
            "plain::test",
            "plain#documents=100",
            "plain#revision=v1",
        ]
        wrong = ["plain:default:tset", "plain:other", "plain#field=txt", "plain#revision=v2", "none", *"ab"]
        wrong[-2:] = ["private", "out-of-order", "silent", "cut"]
        got = ask(environment, tmp_path / "store", *(f"hub:owner/{name}" for name in [*names, *wrong]))
        served = hub.requests("train.jsonl")
    first, second = got["hub:owner/plain"]
    assert first["documents"] == 300
    assert first["hash"] == second["hash"]
    assert second["seconds"] < first["seconds"] / 3, "the second opening asks for the commit and nothing else"
    # The same documents in another wrapping are the same corpus.
    assert {got[f"hub:owner/{name}"][0].get("hash") for name in ("plain", "packed", "table")} == {
        first["hash"]
    }
    assert got["hub:owner/plain::test"][0]["documents"] == 120
    assert got["hub:owner/plain#documents=100"][0]["documents"] == 100
    assert got["hub:owner/plain#revision=v1"][0]["hash"] != first["hash"]
    says = {
        "plain:default:tset": "no split 'tset' (did you mean 'test'?)",
        "plain:other": "no configuration 'other'",
        "plain#field=txt": "no field 'txt': its fields are 'text', 'n'",
        "plain#revision=v2": "no revision 'v2': the nearest of its 2 is 'v1'",
        "none": "does not exist on the hub (404)",
        "private": "does not show data set 'owner/private' to you (401)",
        "out-of-order": "out of order (503)",
        "silent": "did not answer in time",
        "cut": "cannot be reached",
    }
    for name, sentence in says.items():
        answer = got[f"hub:owner/{name}"][0]
        assert sentence in answer["error"]
        assert "\n" not in answer["error"]
        assert answer["seconds"] < 10
    assert served > 0

    # The hub is gone now. What was encoded is still there, with a warning; the rest says so at once.
    gone = ask(environment, tmp_path / "store", "hub:owner/plain", "hub:owner/plain#documents=200")
    assert gone["hub:owner/plain"][0]["hash"] == first["hash"]
    assert "the copy encoded earlier is used" in gone["hub:owner/plain"][0]["warned"][0]
    refused = gone["hub:owner/plain#documents=200"][0]
    assert "cannot be reached" in refused["error"]
    assert refused["seconds"] < 8


def test_offline_mode_is_respected_at_once(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    with StandinHub(tmp_path) as hub:
        offline = hub.environment(tmp_path / "home", HF_HUB_OFFLINE="1")
        answer = ask(offline, tmp_path / "store", "hub:owner/plain")["hub:owner/plain"][0]
        assert hub.log == []
    assert "HF_HUB_OFFLINE is set" in answer["error"]
    assert answer["seconds"] < 3

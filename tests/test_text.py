"""Reading, byte-pair encoding and keeping real text."""

from __future__ import annotations

import errno
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.text import SPECIAL_TOKENS, Encoded, load_bpe, open_text, parse_text_name, train_bpe
from ovbook.text import encoded as encoded_module
from ovbook.text.documents import PIECE, find_files, pieces_of
from ovbook.text.encoded import _parts, _plan_cut

WORDS = [
    "the",
    "river",
    "bends",
    "north",
    "and",
    "the",
    "old",
    "miller",
    "counts",
    "his",
    "sacks",
    "of",
    "grain",
    "before",
    "rain",
]


def prose(words: int, seed: int = 0) -> str:
    """Made-up text of so many words, a line end after every tenth."""
    chosen = np.random.default_rng(seed).choice(WORDS, words)
    return "".join(f"{word}{' ' if i % 10 else chr(10)}" for i, word in enumerate(chosen, 1))


def write_jsonl(path: Path, texts: list[str], field: str = "text") -> Path:
    data = "\n".join(json.dumps({field: text, "id": i}) for i, text in enumerate(texts)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def documents(path: Path, field: str = "text") -> list[str]:
    """The documents of one file, put together from their pieces."""
    out, open_ = [], ""
    for text, ends in pieces_of(path, field):
        open_ += text
        if ends:
            out.append(open_)
            open_ = ""
    assert open_ == "", "the last document never ended"
    return out


def open_file(where: object, cache: Path, options: str = "") -> Encoded:
    return open_text(parse_text_name(f"file:{where}{options}"), cache)


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by one title whenever a text is really encoded."""
    seen: list[str] = []
    encode = encoded_module._encode

    def counted(scratch, passes, vocab, title):  # type: ignore[no-untyped-def]
        seen.append(title)
        encode(scratch, passes, vocab, title)

    monkeypatch.setattr(encoded_module, "_encode", counted)
    return seen


# --- names


def test_a_name_is_taken_apart() -> None:
    file = parse_text_name("file:a/b.jsonl#field=chosen#vocab=2048")
    assert (file.where, file.field, file.vocab) == ("a/b.jsonl", "chosen", 2048)
    hub = parse_text_name("hub:openai/gsm8k:main:test#field=question#documents=50#revision=v1", vocab=512)
    assert (hub.where, hub.config, hub.split) == ("openai/gsm8k", "main", "test")
    assert (hub.field, hub.documents, hub.revision, hub.vocab) == ("question", 50, "v1", 512)
    bare = parse_text_name("hub:gsm8k")
    assert (bare.config, bare.split, bare.documents, bare.vocab) == (None, "train", 20_000, 1024)
    assert parse_text_name("hub:owner/tales::test").config is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("flie:notes.txt", "did you mean 'file'"),
        ("notes.txt", "no known scheme"),
        ("file:", "names nothing"),
        ("hub:a/b/c", "is not a data set's name"),
        ("hub:owner/name:main:test:more", "is not a data set's name"),
        ("hub:owner/name:", "is not a data set's name"),
        ("hub:../secret", "is not a data set's name"),
        ("file:a.txt#feild=x", "did you mean 'field'"),
        ("file:a.txt#documents=3", "is not an option"),
        ("file:a.txt#vocab=10", "from 260 to 65,536"),
        ("file:a.txt#vocab=many", "vocab is 'many'"),
        ("hub:owner/name#documents=0", "at least 1"),
    ],
)
def test_a_wrong_name_says_what_is_wrong(name: str, says: str) -> None:
    with pytest.raises(OvbookError, match=says):
        parse_text_name(name)


# --- files and documents


def test_files_are_found_one_many_by_folder_and_by_glob(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.txt", "a.jsonl", "deep/c.jsonl.gz", "deep/picture.png", ".git/d.txt", "with,comma.txt"):
        (tmp_path / name).write_text("x")

    def names(where: str) -> list[str]:
        return [p.name for p in find_files(where)]

    assert names(str(tmp_path)) == ["a.jsonl", "b.txt", "c.jsonl.gz", "with,comma.txt"]
    assert names(f"{tmp_path}/b.txt,{tmp_path}/a.jsonl") == ["b.txt", "a.jsonl"]
    assert names(f"{tmp_path}/**/*.gz") == ["c.jsonl.gz"]
    assert names(f"{tmp_path}/with,comma.txt") == ["with,comma.txt"]


@pytest.mark.parametrize(
    ("where", "says"),
    [("noets.txt", "did you mean 'notes.txt'"), ("*.md", "matches no file"), ("empty", "holds no")],
)
def test_files_that_are_not_there(tmp_path: Path, where: str, says: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OvbookError, match=says):
        find_files(str(tmp_path / where))


def test_a_text_file_is_one_document_whatever_its_length(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    text = prose(40_000)
    assert len(text) > 3 * PIECE
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert len(list(pieces_of(path, "text"))) > 3
    assert documents(path) == [text]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_each_line_of_jsonl_is_a_document(tmp_path: Path, suffix: str) -> None:
    path = write_jsonl(
        tmp_path / f"tales{suffix}", ["one", "", "zwei\nZeilen", "trois \ud83d"], field="story"
    )
    assert documents(path, "story") == ["one", "zwei\nZeilen", "trois �"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"text\0more", "binary file"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "binary file or not in UTF-8"),
        ("a.txt", "smörgås".encode("latin-1"), "not in UTF-8"),
        ("a.jsonl", b'{"text": "ok"}\n\n{"text": \n', "line 3 of .* is not JSON"),
        (
            "a.jsonl",
            b'{"question": "q", "texts": "a"}\n',
            "its fields are 'question', 'texts'.*did you mean 'texts'",
        ),
        ("a.jsonl", b'["text"]\n', "line 1 of .* is not a JSON object"),
        ("a.jsonl", b'{"text": ["a"]}\n', "holds list, not text"),
        ("a.jsonl.gz", b"plain", "not a gzip file"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "some words"}\n' * 50, mtime=0)[:-12], "cut short"),
    ],
)
def test_bad_files_say_what_is_bad_and_where(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(OvbookError, match=says) as caught:
        documents(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ("a.jsonl.gz" if data[:1] == b"\x1f" else "a.jsonl")
    path.write_bytes(data)
    with pytest.raises(OvbookError, match="is empty"):
        open_file(path, tmp_path / "store")
    assert not list((tmp_path / "store/corpora").glob("*partial*"))


# --- byte-pair encoding


def test_any_text_survives_the_encoding() -> None:
    tokenizer = train_bpe([prose(2000)], 400)
    text = "Ünseen wörds, 漢字, \t tabs\n\n  and 😀 \u0000 bytes "
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text
    assert [tokenizer.token_to_id(t) for t in SPECIAL_TOKENS] == [0, 1, 2, 3]
    assert tokenizer.encode("a <unk> word").ids.count(3) == 1


def test_training_is_repeatable_and_keeps_to_its_size() -> None:
    first, again = (train_bpe([prose(3000)], 320).to_str() for _ in range(2))
    assert first == again
    assert load_bpe(first).get_vocab_size() <= 320
    assert train_bpe(["tiny"], 1024).get_vocab_size() < 300


# --- held-out text


def test_the_last_twentieth_is_held_out_between_documents() -> None:
    pieces = [(f"document {i:04} " * 20, True) for i in range(1000)]
    cut, total, count = _plan_cut(pieces, "made up")
    assert count == 1000
    assert cut == 950 * len(pieces[0][0])
    held = [text for part, text, _ in _parts(pieces, cut) if part == "validation"]
    assert held == [text for text, _ in pieces[950:]]
    assert sum(map(len, held)) * 20 == total


def test_one_long_document_is_cut_at_a_line_end_and_nothing_is_lost() -> None:
    text = prose(20_000)
    pieces = [(text[:50_000], False), (text[50_000:], True)]
    cut, total, _ = _plan_cut(pieces, "made up")
    parts = list(_parts(pieces, cut))
    assert "".join(t for _, t, _ in parts) == text
    train = "".join(t for part, t, _ in parts if part == "train")
    assert train.endswith("\n")
    assert 0.9495 < len(train) / total <= 0.95
    assert [ends for *_, ends in parts][-2:] == [True, True]


def test_the_tokenizer_never_learns_from_held_out_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(prose(8000) + "\n" + "zqxzqx " * 250)
    encoded = open_file(path, tmp_path)
    vocabulary = load_bpe(encoded.tokenizer_json).get_vocab()
    assert not [token for token in vocabulary if "zq" in token]
    assert [token for token in vocabulary if "miller" in token]


# --- kept on disk


def test_a_text_is_encoded_once(tmp_path: Path, encodings: list[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(prose(4000))
    first = open_file(path, tmp_path / "store")
    moved = path.rename(tmp_path / "elsewhere.txt")
    second = open_file(moved, tmp_path / "store")
    assert len(encodings) == 1
    assert isinstance(second.train, np.memmap)
    assert second.folder == first.folder
    np.testing.assert_array_equal(first.train, second.train)
    open_file(moved, tmp_path / "store", "#vocab=300")
    moved.write_text(prose(4000, seed=1))
    open_file(moved, tmp_path / "store")
    assert len(encodings) == 3


def test_tokens_give_the_text_back(tmp_path: Path) -> None:
    texts = [prose(30, seed=i) for i in range(200)]
    encoded = open_file(write_jsonl(tmp_path / "a.jsonl", texts), tmp_path)
    tokenizer = load_bpe(encoded.tokenizer_json)
    ids = np.concatenate([encoded.train, encoded.validation]).tolist()
    assert tokenizer.decode(ids, skip_special_tokens=False) == "".join(f"{text}<eos>" for text in texts)


@pytest.mark.parametrize("harm", ["truncate", "alter", "lose", "garble"])
def test_a_damaged_copy_is_moved_aside_and_made_again(
    tmp_path: Path, encodings: list[str], harm: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(prose(4000))
    good = open_file(path, tmp_path / "store")
    tokens, file = np.array(good.train), good.folder / "train.u16"
    if harm == "lose":
        file.unlink()
    elif harm == "garble":
        (good.folder / "corpus.json").write_text("{")
    else:
        data = bytearray(file.read_bytes())
        data[7] ^= 1
        file.write_bytes(data if harm == "alter" else data[:-5])
    with pytest.warns(UserWarning, match="truncated or altered"):
        mended = open_file(path, tmp_path / "store")
    np.testing.assert_array_equal(mended.train, tokens)
    assert len(list((tmp_path / "store/corpora").glob("*.damaged-*"))) == 1
    assert len(encodings) == 2


def test_a_full_disk_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text(prose(4000))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(encoded_module, "atomic_write", full)
        with pytest.raises(OvbookError, match="the disk filled"):
            open_file(path, tmp_path / "store")
    assert not [p for p in (tmp_path / "store/corpora").iterdir() if p.is_dir()]
    assert len(open_file(path, tmp_path / "store").train) > 1000


def test_of_two_processes_one_encodes_and_the_other_waits(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(prose(30_000))
    script = """
import pathlib, sys
from ovbook.text import encoded, open_text, parse_text_name
encode, here = encoded._encode, pathlib.Path(sys.argv[1])
def told(*arguments):
    with open(here / "log", "a") as log:
        log.write("encoded ")
    encode(*arguments)
encoded._encode = told
print(len(open_text(parse_text_name(f"file:{here}/a.txt"), here / "store").train))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert counts[0] == counts[1] != ""
    assert (tmp_path / "log").read_text() == "encoded "

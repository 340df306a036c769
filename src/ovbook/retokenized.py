"""Real text in the tokens of a released model.

A released model was trained on text that nobody here holds, with a tokenizer of its own. Its old loss is measured on
a text that the reader names, in that tokenizer's tokens. Files and the hub are read, cut and hashed as any other real
text (`ovbook.corpus`): the byte-pair encoding in which they are kept is turned back into text, which it does without
loss, and encoded again.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from ovbook.corpus import Corpus, TextCorpus, WorldCorpus, open_corpus
from ovbook.errors import OvbookError
from ovbook.files import canonical_json, sha256_bytes, sha256_file
from ovbook.tasks import Coder, coder_of

__all__ = ["RetokenizedCorpus", "corpus_for", "tokenizer_in"]

_END = 2
"""The id of <eos> in the text as it is kept."""
_ENDLESS = 1 << 60


def corpus_for(name: str, folder: Path, *, context: int) -> Corpus:
    """The text `name` in the tokens of the model in `folder`.

    A tiny world speaks only to models of its own vocabulary, and gives them its rows as they are.

    Raises:
        OvbookError: a world whose tokenizer is not the model's; a folder without a tokenizer; a text too short.
    """
    if not name.startswith("world:"):
        return RetokenizedCorpus(name, folder, context=context)
    corpus = open_corpus(name)
    assert isinstance(corpus, WorldCorpus)
    own = folder / "tokenizer.json"
    if not own.exists() or own.read_text(encoding="utf-8") != corpus.tokenizer_json():
        raise OvbookError(
            f"corpus is {name}, but the model in {folder.name} has another vocabulary than that world: give real text, "
            f"as file:PATH or hub:NAME"
        )
    return corpus


class RetokenizedCorpus(Corpus):
    """Rows of `context` tokens of a text, each document ended by the tokenizer's end token.

    A row begins with the tokenizer's begin token if it has one. The last twentieth of the text is held out, as for
    every real text; what stands before it serves as replay. A released model has not been trained on these rows as
    far as we know, so `epochs` is 0.
    """

    def __init__(self, name: str, folder: Path, *, context: int) -> None:
        text = TextCorpus(name, context=2)
        self._opened = (name, Path(folder), context)
        self.tokenizer = tokenizer_in(Path(folder))
        self.name, self.context = name, context
        self.vocab_size = len(self.tokenizer)
        self.coder: Coder = coder_of(self.tokenizer)
        identity = (
            sha256_file(Path(folder) / "tokenizer.json") if self._json.exists() else str(self.tokenizer)
        )
        self.hash = sha256_bytes(
            canonical_json({"text": text.hash, "tokenizer": identity, "context": context})
        )
        self._train = functools.cache(lambda: self._rows(text, text.encoded.train))
        self._held_out = functools.cache(lambda: self._rows(text, text.encoded.validation))

    @property
    def _json(self) -> Path:
        return self._opened[1] / "tokenizer.json"

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, self._opened

    def _rows(self, text: TextCorpus, stream: np.ndarray) -> np.ndarray:
        ends = np.flatnonzero(np.asarray(stream) == _END)
        documents = np.split(np.asarray(stream), ends + 1)
        end = [] if self.coder.eos is None else [self.coder.eos]
        ids: list[int] = []
        for document in documents:
            said = text.decode(document[document != _END])
            if said:
                ids += [*self.coder.encode(said), *end]
        begin = [] if self.coder.bos is None else [self.coder.bos]
        width = self.context - len(begin)
        count = len(ids) // width
        if count == 0:
            raise OvbookError(
                f"{self.name} is too short: a part of it does not fill one row of {self.context} tokens of this model; "
                f"give more text or a shorter context"
            )
        rows = np.asarray(ids[: count * width], np.uint32).reshape(count, width)
        return np.concatenate([np.full((count, len(begin)), begin, np.uint32), rows], axis=1)

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        rows = self._train()
        places = np.arange(step * size, (step + 1) * size)
        order = np.random.default_rng(np.random.SeedSequence([seed, 7])).permutation(len(rows))
        return rows[order[places % len(rows)]]

    def validation(self, seed: int, rows: int) -> np.ndarray:
        held_out = self._held_out()
        order = np.random.default_rng(np.random.SeedSequence([seed, 11])).permutation(len(held_out))
        return held_out[order[:rows]]

    def encode(self, text: str) -> list[int]:
        return self.coder.encode(text)

    def decode(self, ids: list[int] | np.ndarray) -> str:
        return self.coder.decode([int(i) for i in ids])

    def tokenizer_json(self) -> str:
        return self._json.read_text(encoding="utf-8")


def _reopened(name: str, folder: Path, context: int) -> RetokenizedCorpus:
    return RetokenizedCorpus(name, folder, context=context)


def tokenizer_in(folder: Path) -> Any:
    """The tokenizer of the model in `folder`, by ``AutoTokenizer``."""
    try:
        from transformers import AutoTokenizer

        found: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except ModuleNotFoundError as error:
        raise OvbookError(
            "a released model's tokenizer needs transformers: pip install transformers"
        ) from error
    except Exception as error:  # many kinds
        reason = str(error).strip().split("\n")[0]
        raise OvbookError(
            f"{folder.name} holds no tokenizer that transformers reads ({reason}): take a revision that has one"
        ) from error
    found.model_max_length = _ENDLESS  # rows are cut here; it would warn of every long document
    return found

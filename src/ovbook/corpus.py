"""What a model reads: a tiny world or real text, behind one protocol.

``open_corpus("world:0/almanac")`` is endless and has a known floor. ``open_corpus("file:notes.txt")`` and
``open_corpus("hub:openai/gsm8k:main#field=question")`` are real text: finite, so that a run can see it more
than once, and with no known floor. Every other room of the package works with any of them.
"""

from __future__ import annotations

import functools
import operator
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import canonical_json, sha256_bytes
from ovbook.text import BOS, content_hash, load_bpe, open_text, parse_text_name, rows_of
from ovbook.world import MIXES, Annotated, Floor, World, open_world

__all__ = ["Corpus", "TextCorpus", "WorldCorpus", "open_corpus"]


class Corpus(ABC):
    """Rows of tokens for training, other rows held out for validation, and what is known of them.

    Attributes:
        name: as it was asked for; `open_corpus(name)` gives the same corpus.
        hash: of everything that decides the rows; part of a run's key.
        context: tokens in a row, the first of which is ``<bos>``.
        vocab_size: ids are below this.
        train_tokens: tokens of one pass over the training rows, ``<bos>`` included; None if endless.
        validation_rows: how many rows are held out; None if endless.
        floor: the least possible loss in nats per predicted token, or None where it is not known.
        world: the world behind the rows, or None.
    """

    name: str
    hash: str
    context: int
    vocab_size: int
    train_tokens: int | None = None
    validation_rows: int | None = None
    floor: Floor | None = None
    world: World | None = None

    @abstractmethod
    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        """Training rows step x size up to (step + 1) x size of `seed`: uint16 [size, context]; pure."""

    @abstractmethod
    def validation(self, seed: int, rows: int) -> np.ndarray:
        """Rows never trained on: uint16 [rows, context]; pure.

        Real text gives at most its `validation_rows`, each once: rows repeated would pass for evidence.
        """

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without ``<bos>``."""

    @abstractmethod
    def decode(self, ids: list[int] | np.ndarray) -> str:
        """The text of token ids."""

    @abstractmethod
    def tokenizer_json(self) -> str:
        """JSON of the `tokenizers.Tokenizer`, as `transformers` loads it."""

    def epochs(self, tokens: int) -> float:
        """Passes over the training rows that a budget of `tokens` makes; 0 where they never end."""
        return tokens / self.train_tokens if self.train_tokens else 0.0

    def repeats(self, tokens: int) -> float:
        """How often the average row seen has been seen: 1 up to one epoch, `epochs(tokens)` past it."""
        return max(1.0, self.epochs(tokens))

    def repetition_label(self, tokens: int) -> str:
        """The page's label for a budget that repeats the text, like "×2.4"; empty up to one epoch."""
        if self.verdict_allowed(tokens):
            return ""
        times = self.repeats(tokens)
        digits = 2 if times < 1.1 else 1 if times < 10 else 0
        return f"×{times:.{digits}f}"

    def verdict_allowed(self, tokens: int) -> bool:
        """Whether claims of part A may be judged at this budget: not where tokens are repeated.

        Those claims are about more training tokens, and a second pass over old ones is something else.
        """
        return self.epochs(tokens) <= 1.0

    def require(self, batch_rows: int) -> None:
        """Refuse a corpus that does not fill one batch of `batch_rows` rows.

        Raises:
            OvbookError: fewer training rows than that.
        """
        if self.train_tokens is not None and (rows := self.train_tokens // self.context) < batch_rows:
            raise OvbookError(
                f"{self.name} is shorter than one batch: it has {rows:,} training rows of {self.context} "
                f"tokens and a batch takes {batch_rows:,}; give more text or a smaller batch"
            )


class WorldCorpus(Corpus):
    """One mix of one tiny world: endless rows, a known floor, facts to ask about."""

    def __init__(self, seed: int, mix: str) -> None:
        self.world = self._world = world = open_world(seed)
        self.name = f"world:{seed}/{mix}"
        self.seed = seed
        self.mix = mix
        self.hash = sha256_bytes(canonical_json({"world": world.hash, "mix": mix}))
        self.context = world.context
        self.vocab_size = len(world.vocab)
        self.floor = world.floor(mix)
        self._stream = world.stream(mix)

    def __reduce__(self) -> tuple[Any, ...]:
        return WorldCorpus, (self.seed, self.mix)

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        return self._stream.batch(_checked(seed), step, size)

    def validation(self, seed: int, rows: int) -> np.ndarray:
        # Seeds of validation are all above the seeds of training, so the two never share a row sequence.
        return self._stream.batch(_SEEDS + _checked(seed), 0, rows)

    def annotated(self, seed: int, rows: int) -> Annotated:
        """The same rows as `validation` gives, with the section, role and surprise of their tokens."""
        return self._world.annotated(self.mix, _SEEDS + _checked(seed), rows)

    def encode(self, text: str) -> list[int]:
        return self._world.encode(text)

    def decode(self, ids: list[int] | np.ndarray) -> str:
        return self._world.decode(ids)

    def tokenizer_json(self) -> str:
        return self._world.tokenizer_json()


_SEEDS = 1 << 48


def _at_least_one(rows: int) -> None:
    if rows < 1:
        raise OvbookError(f"{rows} rows were asked for: ask for at least 1")


def _checked(seed: int) -> int:
    if not 0 <= seed < _SEEDS:
        raise OvbookError(f"the data seed is {seed}: it must be a whole number from 0 to {_SEEDS - 1}")
    return operator.index(seed)


class TextCorpus(Corpus):
    """Real text, encoded once. Its documents, each ended by ``<eos>``, are laid end to end and cut in rows.

    A row is ``<bos>`` and context - 1 tokens of that stream, so a row may hold the end of one document and
    the beginning of another. An epoch is a permutation of all rows, drawn from (seed, epoch). The last
    twentieth of the text is held out: neither the tokenizer nor any run is trained on it.
    """

    def __init__(
        self, name: str, *, context: int = 128, vocab: int | None = None, cache_dir: Path | None = None
    ) -> None:
        if context < 2:
            raise OvbookError(
                f"context is {context}: a row needs at least 2 tokens, <bos> and one to predict"
            )
        self.encoded = open_text(parse_text_name(name, vocab=vocab), cache_dir)
        self.name = name
        self.context = context
        self._opened = (name, context, vocab, cache_dir)
        self.hash = sha256_bytes(canonical_json({"text": content_hash(self.encoded), "context": context}))
        self.vocab_size = int(self.encoded.facts["vocab"])
        self.rows = rows_of(self.encoded.train, context)
        self.validation_rows = rows_of(self.encoded.validation, context)
        for part, rows in (("training", self.rows), ("held-out (last 5%)", self.validation_rows)):
            if rows == 0:
                raise OvbookError(
                    f"{name} is too short: its {part} part does not fill one row of {context} tokens; "
                    f"give more text or a shorter context"
                )
        self.train_tokens = self.rows * context
        self._tokenizer = load_bpe(self.encoded.tokenizer_json)
        self._order = functools.lru_cache(maxsize=2)(functools.partial(_permutation, "rows", self.rows))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker maps the same files again instead of being sent their contents.
        return _reopened, self._opened

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        _at_least_one(size)
        places = np.arange(step * size, (step + 1) * size)
        chosen = np.empty(size, np.int64)
        for epoch in np.unique(places // self.rows):
            here = places // self.rows == epoch
            chosen[here] = self._order(_checked(seed), int(epoch))[places[here] % self.rows]
        return self._take(self.encoded.train, chosen)

    def validation(self, seed: int, rows: int) -> np.ndarray:
        assert self.validation_rows is not None
        _at_least_one(rows)
        order = _permutation("validation", self.validation_rows, _checked(seed), 0)
        return self._take(self.encoded.validation, order[:rows])

    def _take(self, stream: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        width = self.context - 1
        out = np.empty((len(chosen), self.context), np.uint16)
        out[:, 0] = BOS
        out[:, 1:] = stream[: len(stream) // width * width].reshape(-1, width)[chosen]
        return out

    def encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int] | np.ndarray) -> str:
        # <pad> and <bos> (0 and 1) are scaffolding; <eos> stays, because it shows where a document ends.
        return self._tokenizer.decode([int(i) for i in ids if int(i) > BOS], skip_special_tokens=False)

    def tokenizer_json(self) -> str:
        return self.encoded.tokenizer_json


def _reopened(name: str, context: int, vocab: int | None, cache_dir: Path | None) -> TextCorpus:
    return TextCorpus(name, context=context, vocab=vocab, cache_dir=cache_dir)


def _permutation(purpose: str, rows: int, seed: int, epoch: int) -> np.ndarray:
    words = np.frombuffer(bytes.fromhex(sha256_bytes(f"corpus/{purpose}/{seed}/{epoch}")), "<u4")
    return np.random.default_rng(np.random.SeedSequence(words.tolist())).permutation(rows)


_WORLD_NAME = re.compile(r"(\d+)/(\w+)", re.ASCII)


def open_corpus(
    name: str, *, context: int = 128, vocab: int | None = None, cache_dir: str | Path | None = None
) -> Corpus:
    """Open the corpus that `name` names.

    ``world:SEED/MIX``: a tiny world and its mix "almanac", "gazette" or "abroad"; rows of 128 tokens.
    ``file:PATH[#field=NAME][#vocab=SIZE]``: text files (each one document) or jsonl, plain or gzipped (each
    line one document, its text in field "text" unless named); PATH is a file, several with commas between, a
    folder or a glob.
    ``hub:NAME[:CONFIG[:SPLIT]][#field=..][#vocab=..][#documents=..][#revision=..]``: the first 20,000
    documents (or as many as said) of a data set's split, "train" unless named.

    Args:
        context: tokens in a row of real text, ``<bos>`` included.
        vocab: the most tokens the byte-pair encoding of real text may have, where its name does not say;
            1,024 if neither does.
        cache_dir: where encoded text is kept; the folder ``OVBOOK_STORE`` names, else ``.ovbook``.

    Raises:
        OvbookError: with one sentence that says what is wrong with the name, the text or the hub.
    """
    if name.startswith("world:"):
        return _open_world(name, context)
    return TextCorpus(name, context=context, vocab=vocab, cache_dir=Path(cache_dir) if cache_dir else None)


def _open_world(name: str, context: int) -> WorldCorpus:
    written = _WORLD_NAME.fullmatch(name.removeprefix("world:"))
    if written is None:
        raise OvbookError(f"'{name}' is not a world's name: write world:SEED/MIX, like 'world:0/almanac'")
    seed, mix = int(written[1]), written[2]
    if mix not in MIXES:
        raise OvbookError(
            f"the world has no mix '{mix}'{did_you_mean(mix, MIXES)}: it is one of {', '.join(MIXES)}"
        )
    corpus = WorldCorpus(seed, mix)
    if context != corpus.context:
        raise OvbookError(
            f"context is {context}: a world's rows are {corpus.context} tokens, so ask for that"
        )
    return corpus

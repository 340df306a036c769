"""Byte-level byte-pair encoding by the `tokenizers` library, trained on the training part of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["BOS", "EOS", "SPECIAL_TOKENS", "TRAINING_CHARACTERS", "load_bpe", "train_bpe"]

SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<unk>")
"""The first four ids, the same as a world's. Where a text spells one of them out, as WikiText does with
``<unk>``, it becomes that token, here and in any library that loads the tokenizer."""

BOS = 1
"""Id of the token that begins a document."""

EOS = 2
"""Id of the token that ends a document."""

TRAINING_CHARACTERS = 50_000_000
"""Merges are learnt from the first 50 million characters; more text hardly moves a vocabulary this small."""


def _library() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise OvbookError("real text needs the tokenizers library: run 'pip install tokenizers'") from error
    return tokenizers


def train_bpe(texts: Iterable[str], vocab: int) -> Any:
    """Train a ``tokenizers.Tokenizer`` of at most `vocab` tokens; a short text may have fewer merges to give.

    The result is a pure function of the texts and `vocab`. Every byte is in the vocabulary, so any text can
    be encoded and ``decode(encode(text)) == text``.
    """
    library = _library()
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_learnt_from(texts), trainer)
    return tokenizer


def _learnt_from(texts: Iterable[str]) -> Iterator[str]:
    left = TRAINING_CHARACTERS
    for text in texts:
        text = text[:left]
        left -= len(text)
        for special in SPECIAL_TOKENS:
            # Spelt-out special tokens never reach the merges, so merges must not be spent on them.
            text = text.replace(special, " ")
        yield text
        if left <= 0:
            return


def load_bpe(json: str) -> Any:
    """A ``tokenizers.Tokenizer`` from its JSON."""
    return _library().Tokenizer.from_str(json)

"""Real text: files or a data set of the hub, byte-pair encoded once into memory-mapped streams."""

from __future__ import annotations

from ovbook.text.bpe import BOS, EOS, SPECIAL_TOKENS, load_bpe, train_bpe
from ovbook.text.encoded import Encoded, content_hash, rows_of
from ovbook.text.names import DEFAULT_DOCUMENTS, DEFAULT_FIELD, DEFAULT_VOCAB, TextName, parse_text_name
from ovbook.text.opening import default_cache, open_text

__all__ = [
    "BOS",
    "DEFAULT_DOCUMENTS",
    "DEFAULT_FIELD",
    "DEFAULT_VOCAB",
    "EOS",
    "SPECIAL_TOKENS",
    "Encoded",
    "TextName",
    "content_hash",
    "default_cache",
    "load_bpe",
    "open_text",
    "parse_text_name",
    "rows_of",
    "train_bpe",
]

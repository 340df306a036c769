"""Words to ids and back, the same way in plain Python and in Hugging Face ``tokenizers``.

Text is cut into marked tokens such as ``<bos>``, runs of ``#``, words, and single signs; what is not in the
vocabulary becomes ``<unk>``. Decoding joins with spaces and lets punctuation lean on the word before it, so
that a decoded text encodes to the same ids.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from ovbook.files import canonical_json
from ovbook.world.words import BOS, EOS, IDS, PAD, UNK, VOCAB

__all__ = ["decode", "encode", "tokenizer_json"]

_PATTERN = r"<[a-z]+>|#+|\w+|[^\w\s]"
_SPECIAL = (PAD, BOS, EOS, UNK)
_LEANING = re.compile(r" ([.,?:;])")


def encode(text: str) -> list[int]:
    """Token ids of `text`; nothing is added at its ends. A word the world does not know becomes ``<unk>``."""
    return [IDS.get(piece, IDS[UNK]) for piece in re.findall(_PATTERN, text)]


def decode(tokens: Iterable[int], *, special: bool = False) -> str:
    """Text of token ids, without ``<bos>``, ``<eos>`` and ``<pad>`` unless `special` asks for them."""
    drop = set() if special else {IDS[PAD], IDS[BOS], IDS[EOS]}
    return _LEANING.sub(r"\1", " ".join(VOCAB[t] for t in (int(t) for t in tokens) if t not in drop))


@functools.cache
def tokenizer_json() -> str:
    """The tokenizer as ``tokenizers`` JSON, which transformers' ``PreTrainedTokenizerFast`` loads."""
    added = [
        {
            "id": IDS[word],
            "content": word,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for word in _SPECIAL
    ]
    leaning = [{"type": "Replace", "pattern": {"String": f" {sign}"}, "content": sign} for sign in ".,?:;"]
    return canonical_json(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": _PATTERN},
                "behavior": "Removed",
                "invert": True,
            },
            "post_processor": None,
            # The WordPiece decoder joins with spaces; no word starts with its prefix, so nothing else joins.
            "decoder": {
                "type": "Sequence",
                "decoders": [{"type": "WordPiece", "prefix": "@@", "cleanup": False}, *leaning],
            },
            "model": {"type": "WordLevel", "vocab": IDS, "unk_token": UNK},
        }
    )

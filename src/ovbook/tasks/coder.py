"""One face for every tokenizer: a world, a corpus, or a tokenizer of transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ovbook.errors import OvbookError

__all__ = ["Coder", "coder_of"]

_PAD, _BOS, _EOS, _UNK = 0, 1, 2, 3
"""The ids that worlds and corpora give to <pad>, <bos>, <eos> and <unk>."""


@dataclass(frozen=True, kw_only=True)
class Coder:
    """Text to token ids and back, with the special ids that a row needs.

    `encode` adds no special tokens. `bos` may be None (GPT-NeoX tokenizers have none); `unk`, where given, is
    refused in questions and answers, because a model cannot answer what its tokenizer cannot say.
    """

    encode: Callable[[str], list[int]]
    decode: Callable[[Sequence[int]], str]
    bos: int | None = None
    eos: int | None = None
    pad: int = 0
    unk: int | None = None

    def ids(self, text: str) -> list[int]:
        """Encode, refusing text that holds a word outside the vocabulary."""
        ids = list(self.encode(text))
        if self.unk is not None and self.unk in ids:
            words = [word for word in text.split() if self.unk in self.encode(word)]
            raise OvbookError(
                f"the tokenizer has no word for '{(words or [text])[0]}' (in '{text[:60]}'): "
                f"ask with words of its vocabulary"
            )
        return ids

    def continuation(self, prompt: str, rest: str) -> list[int]:
        """Token ids of `rest` as they stand after `prompt`.

        A tokenizer may join the end of the prompt and the start of the rest into one token; then the rest is
        encoded by itself, so that the prompt's tokens are the same for every answer.
        """
        before, whole = self.ids(prompt), self.ids(prompt + rest)
        return whole[len(before) :] if whole[: len(before)] == before else self.ids(rest)


def coder_of(source: Any) -> Coder:
    """Make a `Coder` of a world, of a corpus (`open_corpus`), or of a transformers tokenizer."""
    if isinstance(source, Coder):
        return source
    if isinstance(own := getattr(source, "coder", None), Coder):  # a corpus in the tokens of a released model
        return own
    if hasattr(source, "bos_token_id"):  # transformers
        eos = source.eos_token_id
        pad = source.pad_token_id if source.pad_token_id is not None else eos
        return Coder(
            encode=lambda text: source.encode(text, add_special_tokens=False),
            decode=lambda ids: source.decode(list(ids), skip_special_tokens=True),
            bos=source.bos_token_id,
            eos=eos,
            pad=pad or 0,
        )
    # Byte-level text has no unknown words; there, id 3 may stand for a spelt-out "<unk>".
    of_a_world = hasattr(source, "reserved") or getattr(source, "world", None) is not None
    return Coder(
        encode=lambda text: list(source.encode(text)),
        decode=lambda ids: source.decode(list(ids)),
        bos=_BOS,
        eos=_EOS,
        pad=_PAD,
        unk=_UNK if of_a_world else None,
    )

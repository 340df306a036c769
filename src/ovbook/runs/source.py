"""What a run reads beside a base's weights: its words and texts, whoever trained it."""

from __future__ import annotations

from dataclasses import dataclass

from ovbook.corpus import Corpus
from ovbook.runs.released import Released
from ovbook.runs.specs import Checkpoint
from ovbook.runs.work import Inputs
from ovbook.tasks import Coder, coder_of
from ovbook.world import World

__all__ = ["Source", "source_of"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Words and texts behind a base: its coder and tokenizer, its corpus and world where there are any."""

    coder: Coder
    tokenizer_json: str | None
    corpus: Corpus | None = None
    world: World | None = None


def source_of(base: Checkpoint, inputs: Inputs) -> Source:
    """What lies behind `base`."""
    root = base.root
    if not isinstance(root, Released) or root.corpus is not None:
        corpus = inputs.corpus
        return Source(
            coder=coder_of(corpus), tokenizer_json=corpus.tokenizer_json(), corpus=corpus, world=corpus.world
        )
    from ovbook.retokenized import tokenizer_in

    folder = root.folder()
    file = folder / "tokenizer.json"
    return Source(
        coder=coder_of(tokenizer_in(folder)),
        tokenizer_json=file.read_text(encoding="utf-8") if file.exists() else None,
    )

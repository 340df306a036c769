"""What models write: the same beginning, continued after each budget."""

from __future__ import annotations

import pandas as pd
import torch

from ovbook.corpus import open_corpus
from ovbook.models import generate, load_checkpoint
from ovbook.runs import Checkpoint, Pretrain, Results

__all__ = ["samples"]


def samples(
    results: Results, *, seed: int, corpus: str, words: int = 60, prompt: str, temperature: float = 0.7
) -> pd.DataFrame:
    """Columns tokens, text: `words` tokens written by each budget's model after the same `prompt`.

    The random numbers that choose the words are the same for every budget, so that texts differ by the models.
    """
    text = open_corpus(corpus)
    start = torch.tensor(
        [[[int(text.validation(0, 1)[0, 0]), *text.encode(prompt)]]]
    )  # rows begin with <bos>
    records = []
    for run in results.of(Pretrain):
        if (run.seed, run.corpus) != (seed, corpus):
            continue
        params, spec = load_checkpoint(results.checkpoint(Checkpoint(run=run)))
        chance = torch.Generator().manual_seed(seed)
        ids = generate(params, spec, start, words, temperature=temperature, generator=chance)
        records.append({"tokens": run.budget, "text": text.decode(ids.flatten().tolist()) + " […]"})
    return pd.DataFrame(records)

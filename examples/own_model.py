"""Chapter 2's noise on checkpoints of your own: folders, or revisions of a repository on the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from ovbook.evaluate import mean_loss
from ovbook.models import Params, init_std_of, load_checkpoint
from ovbook.perturb import perturbed, unit_noise

Loss = Callable[[Params], float]
Read = tuple[Params, Loss, dict[str, float]]
"""A model's weights, their loss on some text, the scale of noise by tensor."""


class Model(NamedTuple):
    """One checkpoint: a folder or hub name, and the tokens it has seen.

    `seed` tells repetitions of the training apart; most models have only one.
    """

    name: str
    tokens: int
    revision: str | None = None
    seed: int = 0


def rows_of(
    model: Model, text: str, context: int = 128, most: int = 64
) -> Tensor:
    """`text` in the model's own tokens, cut into rows: [rows, context]."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        model.name, revision=model.revision
    )
    ids = tokenizer(text).input_ids
    n = min(most, len(ids) // context)
    return torch.tensor(ids[: n * context]).view(n, context)


def ours(model: Model, rows: Tensor) -> Read:
    """OLMo, OLMo 2 or GPT-NeoX (Pythia), computed by the book's decoder."""
    name, revision = model.name, model.revision
    params, spec = load_checkpoint(
        name, revision=revision, dtype=torch.float32
    )

    def loss(weights: Params) -> float:
        return float(mean_loss(weights, spec, rows)[0])

    return params, loss, init_std_of(spec)


def any_other(model: Model, rows: Tensor) -> Read:
    """Any causal language model that transformers reads.

    How its weights were born is not written in its files, so the scale of the
    noise is the size of each tensor as it is now.
    """
    from transformers import AutoModelForCausalLM

    where = {"revision": model.revision, "dtype": torch.float32}
    network = AutoModelForCausalLM.from_pretrained(model.name, **where).eval()
    params = {name: t.detach() for name, t in network.named_parameters()}

    @torch.no_grad()
    def loss(weights: Params) -> float:
        asked = {"input_ids": rows, "labels": rows}
        return float(
            torch.func.functional_call(network, weights, (), asked).loss
        )

    sizes = {
        name: float(t.square().mean().sqrt()) for name, t in params.items()
    }
    return params, loss, sizes


def shaken(
    models: Iterable[Model],
    text: str,
    *,
    gammas: Sequence[float] = (0.0, 0.02, 0.05, 0.1),
    draws: int = 4,
    read: Callable[[Model, Tensor], Read] = ours,
) -> pd.DataFrame:
    """Loss of every model under noise, as a table such as chapter 2's.

    The models of one seed are shaken by the same noise, so their differences are
    theirs and not the noise's.
    """
    records = []
    for model in models:
        rows = rows_of(model, text)
        params, loss, scales = read(model, rows)
        for draw in range(draws):
            noise = unit_noise(params, seed=model.seed, draw=draw)
            records += [
                {
                    "corpus": "text",
                    "seed": model.seed,
                    "tokens": model.tokens,
                    "gamma": gamma,
                    "draw": draw,
                    "loss": loss(perturbed(params, noise, scales, gamma)),
                }
                for gamma in gammas
                if gamma or not draw
            ]
    return pd.DataFrame(records)


def released(
    repository: str, revisions: Sequence[str], *, step_tokens: int = 2_097_152
) -> list[Model]:
    """Revisions of one repository with the tokens they have seen.

    Names such as ``step1000-tokens4B`` say how many; where a name tells only the
    step, a step has `step_tokens` (Pythia's by default).
    """
    from ovbook.hub import parse_revision

    found = []
    for name in revisions:
        place = parse_revision(name)
        tokens = place.tokens
        if tokens is None:
            tokens = place.step * step_tokens
        found.append(Model(repository, tokens, name))
    return found


def main(folder: str, text_file: str) -> None:
    """`python own_model.py FOLDER TEXT`: what noise adds to one model's loss."""
    from pathlib import Path

    from ovbook.stats import increase_over_base, summarise

    text = Path(text_file).read_text(encoding="utf-8")
    added = increase_over_base(shaken([Model(folder, tokens=1)], text))
    print(summarise(added, "increase", by=["gamma"], within=["draw"]))


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])

"""Drag the noise, see the loss and the text fall apart."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets as widgets
import torch

from ovbook.charts.theme import tokens_label
from ovbook.corpus import Corpus, open_corpus
from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.models import ModelSpec, Params, generate, load_checkpoint
from ovbook.perturb import noise_scales, perturbed, unit_noise
from ovbook.runs import Checkpoint, Pretrain, Results

__all__ = ["NoiseLab", "Shaken", "shake"]


class Shaken(NamedTuple):
    """What noise did to one model: loss in nats per token before and after, and a sampled text."""

    before: float
    after: float
    text: str


def shake(
    params: Params,
    spec: ModelSpec,
    corpus: Corpus,
    *,
    gamma: float,
    seed: int = 0,
    rows: int = 32,
    words: int = 40,
) -> Shaken:
    """Add noise of size `gamma` (times the initial spread) to one model, score it and let it write.

    A plain function, so that a test or a script can do what the slider does.
    """
    held_out = torch.from_numpy(corpus.validation(0, rows).astype("int64"))
    noise = unit_noise(params, seed=seed, draw=0)
    moved = perturbed(params, noise, noise_scales(params, spec, "init"), gamma)
    start = held_out[:1, :8].unsqueeze(0)
    generator = torch.Generator().manual_seed(seed)
    ids = generate(moved, spec, start, words, temperature=0.7, generator=generator)
    return Shaken(
        float(mean_loss(params, spec, held_out)[0]),
        float(mean_loss(moved, spec, held_out)[0]),
        corpus.decode(ids.flatten().tolist()),
    )


class NoiseLab:
    """A slider over gamma, a choice of budget, and the model's answer; shown by leaving it as a cell's last line.

    `checkpoints` maps a budget in tokens to the folder of a checkpoint. Models are read once and kept.
    """

    def __init__(
        self, checkpoints: Mapping[int, Path], corpus: Corpus, *, gamma: float = 0.0, largest: float = 1.0
    ):
        if not checkpoints:
            raise OvbookError("the lab was given no checkpoints: run the experiment cell above it first")
        self.corpus = corpus
        self._checkpoints = dict(sorted(checkpoints.items()))
        self._models: dict[int, tuple[Params, ModelSpec]] = {}
        wide = {"description_width": "9em"}
        layout = widgets.Layout(width="32em", max_width="100%")
        self.gamma = widgets.FloatSlider(
            gamma,
            min=0.0,
            max=largest,
            step=0.05,
            description="noise γ",
            style=wide,
            layout=layout,
            continuous_update=False,
        )
        self.budget = widgets.SelectionSlider(
            options=[(f"{tokens_label(b)} tokens", b) for b in self._checkpoints],
            value=max(self._checkpoints),
            description="pre-trained on",
            style=wide,
            layout=layout,
            continuous_update=False,
        )
        self.draw = widgets.IntSlider(
            0, min=0, max=9, description="draw of noise", style=wide, layout=layout, continuous_update=False
        )
        self.answer = widgets.HTML()
        for control in (self.gamma, self.budget, self.draw):
            control.observe(self._update, names="value")
        self._update()

    @classmethod
    def from_results(cls, results: Results, *, seed: int, corpus: str) -> NoiseLab:
        """The lab over every base model of one seed and corpus that `results` stand on."""
        runs = [run for run in results.of(Pretrain) if (run.seed, run.corpus) == (seed, corpus)]
        folders = {run.budget: results.checkpoint(Checkpoint(run=run)) for run in runs}
        return cls(folders, open_corpus(corpus))

    def _model(self, budget: int) -> tuple[Params, ModelSpec]:
        if budget not in self._models:
            self._models[budget] = load_checkpoint(self._checkpoints[budget])
        return self._models[budget]

    def _update(self, _change: Any = None) -> None:
        params, spec = self._model(self.budget.value)
        result = shake(params, spec, self.corpus, gamma=self.gamma.value, seed=self.draw.value)
        self.answer.value = (
            f"<p><b>loss {result.after:.2f}</b> nats per token ({result.before:.2f} without noise)</p>"
            f"<p style='max-width: 40em'>{html.escape(result.text)}</p>"
        )

    def widget(self) -> widgets.VBox:
        """The lab as one ipywidget, to place where you like."""
        return widgets.VBox([self.budget, self.gamma, self.draw, self.answer])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget())

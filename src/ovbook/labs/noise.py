"""Drag the noise, see the loss and the text fall apart."""

from __future__ import annotations

import functools
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import torch

from ovbook.charts.notes import noted
from ovbook.charts.theme import tokens_label
from ovbook.corpus import Corpus, open_corpus
from ovbook.errors import OvbookError
from ovbook.evaluate import mean_loss
from ovbook.labs.pictures import inline, noise_picture, noise_twin
from ovbook.labs.still import LabDisplay
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

    A plain function, so that a test or a script can do what the slider does. With `words` 0 it does not write.
    """
    held_out = torch.from_numpy(corpus.validation(0, rows).astype("int64"))
    noise = unit_noise(params, seed=seed, draw=0)
    moved = perturbed(params, noise, noise_scales(params, spec, "init"), gamma)
    text = ""
    if words:
        start = held_out[:1, :8].unsqueeze(0)
        generator = torch.Generator().manual_seed(seed)
        ids = generate(moved, spec, start, words, temperature=0.7, generator=generator)
        text = corpus.decode(ids.flatten().tolist())
    return Shaken(
        float(mean_loss(params, spec, held_out)[0]), float(mean_loss(moved, spec, held_out)[0]), text
    )


class NoiseLab(LabDisplay):
    """A slider over gamma, a choice of budget, and the model's answer; shown by leaving it as a cell's last line.

    `checkpoints` maps a budget in tokens to the folder of a checkpoint. Models are read once and kept. It opens
    on the longest budget at `gamma`; `largest` ends the slider. Where no front end listens (a chapter that is
    printed) it shows a still picture of that opening instead, computed like any other answer.
    """

    def __init__(
        self, checkpoints: Mapping[int, Path], corpus: Corpus, *, gamma: float = 0.0, largest: float = 1.0
    ):
        if not checkpoints:
            raise OvbookError("the lab was given no checkpoints: run the experiment cell above it first")
        self.corpus = corpus
        self._checkpoints = dict(sorted(checkpoints.items()))
        self.start = (max(self._checkpoints), round(float(gamma), 6), 0)
        self.gammas = tuple(round(i * largest / 10, 6) for i in range(11))
        self._model = functools.cache(self._read)
        self.answer = functools.cache(self._answer)

    @classmethod
    def from_results(
        cls, results: Results, *, seed: int, corpus: str, gamma: float = 0.0, largest: float = 1.0
    ) -> NoiseLab:
        """The lab over every base model of one seed and corpus that `results` stand on."""
        runs = [run for run in results.of(Pretrain) if (run.seed, run.corpus) == (seed, corpus)]
        folders = {run.budget: results.checkpoint(Checkpoint(run=run)) for run in runs}
        return cls(folders, open_corpus(corpus), gamma=gamma, largest=largest)

    def _read(self, budget: int) -> tuple[Params, ModelSpec]:
        return load_checkpoint(self._checkpoints[budget])

    def _answer(self, budget: int, gamma: float, draw: int, words: int = 40) -> Shaken:
        params, spec = self._model(budget)
        return shake(params, spec, self.corpus, gamma=gamma, seed=draw, words=words)

    def picture(self, budget: int, gamma: float, draw: int) -> alt.TopLevelMixin:
        """The chosen model's loss at every size of noise, and where it stands now."""
        sizes = sorted({*self.gammas, gamma})
        losses = [self.answer(budget, size, draw, words=0).after for size in sizes]
        frame = pd.DataFrame({"gamma": sizes, "loss": losses})
        return noise_picture(frame, gamma=gamma, title=f"One model, trained on {tokens_label(budget)} tokens")

    def still(self) -> alt.TopLevelMixin:
        """What the lab shows when it opens, for a page without a kernel."""
        budget, gamma, draw = self.start
        found = self.answer(budget, gamma, draw)
        note = {
            "controls": [
                ["pre-trained on", f"{tokens_label(budget)} tokens"],
                ["noise γ", f"{gamma:g}"],
                ["draw of noise", str(draw)],
            ],
            "answer": [
                f"loss {found.after:.2f} nats per token ({found.before:.2f} without noise)",
                f"{found.text} […]",
            ],
        }
        return noted(self.picture(budget, gamma, draw), still=note, name="lab_noise")

    def twin(
        self, gammas: Sequence[float], *, title: str, description: str, words: int = 40
    ) -> alt.TopLevelMixin:
        """The same answers computed beforehand, for every budget and each of `gammas`, behind two sliders."""
        sizes = sorted({round(float(gamma), 6) for gamma in gammas})
        records = []
        for budget in self._checkpoints:
            for size in sizes:
                found = self.answer(budget, size, self.start[2], words=words)
                records.append(
                    {"tokens": budget, "gamma": size, "loss": found.after, "text": f"{found.text} […]"}
                )
        near = min(sizes, key=lambda size: abs(size - self.start[1]))
        return noise_twin(
            pd.DataFrame(records), start=(self.start[0], near), title=title, description=description
        )

    def widget(self) -> Any:
        """The lab as one ipywidget (a ``VBox``), to place where you like; every call makes a new one."""
        import ipywidgets as widgets

        budget, gamma, draw = self.start
        wide = {"description_width": "9em"}
        layout = widgets.Layout(width="32em", max_width="100%")
        common = {"style": wide, "layout": layout, "continuous_update": False}
        controls = [
            widgets.SelectionSlider(
                options=[(f"{tokens_label(b)} tokens", b) for b in self._checkpoints],
                value=budget,
                description="pre-trained on",
                **common,
            ),
            widgets.FloatSlider(
                gamma, min=0.0, max=self.gammas[-1], step=0.05, description="noise γ", **common
            ),
            widgets.IntSlider(draw, min=0, max=9, description="draw of noise", **common),
        ]
        shown = widgets.HTML()

        def update(_change: Any = None) -> None:
            place = (controls[0].value, round(controls[1].value, 6), controls[2].value)
            shown.value = self._html(*place)

        for control in controls:
            control.observe(update, names="value")
        update()
        return widgets.VBox([*controls, shown])

    def _html(self, budget: int, gamma: float, draw: int) -> str:
        found = self.answer(budget, gamma, draw)
        return (
            f"<p><b>loss {found.after:.2f}</b> nats per token ({found.before:.2f} without noise)</p>"
            f"{inline(self.picture(budget, gamma, draw))}"
            f"<p style='max-width: 40em'>{html.escape(found.text)}</p>"
        )

"""Draw a learning-rate schedule, see what the second epoch makes of it."""

from __future__ import annotations

import functools
import html
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts.notes import noted
from ovbook.errors import OvbookError
from ovbook.labs.pictures import inline, schedule_picture
from ovbook.labs.still import LabDisplay
from ovbook.runs import Checkpoint, Examples, Memorise, Results
from ovbook.runs.memorise_work import run
from ovbook.runs.work import Inputs
from ovbook.schedules import epoch_rates

__all__ = ["KNOTS", "ScheduleLab", "Walk", "drawn_rates", "walk"]

KNOTS = (0.0, 0.1, 0.4, 0.7, 1.0, 1.1, 1.4, 1.7, 2.0)
"""Where in two epochs the rate is set by hand; between them it runs straight."""
_PEAKS = (2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3)
_ASKS = "Rate, as a share of the peak, at these points of the two epochs:"
_PARTS = 10
"""Parts of an epoch over which the training loss is averaged."""


class Walk(NamedTuple):
    """Two epochs: `curves` (series, progress, mean: nats per answer) and `rates` (progress, rate), one row a step."""

    curves: pd.DataFrame
    rates: pd.DataFrame

    def at(self, series: str, start: float, end: float) -> float:
        """Mean of one curve over a stretch of the run, in epochs."""
        rows = self.curves[self.curves["series"] == series]
        return float(rows.loc[rows["progress"].between(start, end), "mean"].mean())


def drawn_rates(heights: Sequence[float], *, peak: float, per_epoch: int) -> tuple[float, ...]:
    """The rate of each step of two epochs: straight lines between `heights` (shares of `peak`) at `KNOTS`.

    Raises:
        OvbookError: another number of heights than of knots, a height outside 0 to 1, a peak that is negative or not finite.
    """
    values = np.asarray(list(heights), dtype=float)
    if len(values) != len(KNOTS):
        raise OvbookError(
            f"{len(values)} heights were drawn, but there are {len(KNOTS)} places: give one each"
        )
    if wrong := [v for v in values.tolist() if not 0 <= v <= 1]:
        raise OvbookError(f"a height is {wrong[0]:g}, but it must be a share of the peak, from 0 to 1")
    if not np.isfinite(peak) or peak < 0:
        raise OvbookError(f"the peak is {peak:g}, but it must be a finite number of at least 0")
    middles = (np.arange(2 * per_epoch) + 0.5) / per_epoch
    return tuple((peak * np.interp(middles, KNOTS, values)).tolist())


def walk(spec: Memorise, root: Path | str) -> Walk:
    """Fine-tune as `spec` says, here and now, with nothing stored; `root` is the store that holds its base.

    The very operation that the chapter runs, so that a lab's answer and a chapter's are alike.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = run(spec, Inputs(spec=spec, root=str(root)), Path(folder), "cpu").to_pandas()
    steps = rows[rows["kind"] == "step"]
    part = (
        (steps["epoch"] - 1) * _PARTS + np.minimum((steps["place"] * _PARTS).astype(int), _PARTS - 1)
    ).astype(int)
    training = steps.groupby(part)["loss"].mean()
    looks = rows[(rows["kind"] == "look") & (rows["set"] == "held out")].sort_values("step")
    curves = pd.concat(
        [
            pd.DataFrame(
                {
                    "series": "training",
                    "progress": (training.index + 0.5) / _PARTS,
                    "mean": training.to_numpy(),
                }
            ),
            pd.DataFrame({"series": "validation", "progress": looks["progress"], "mean": looks["loss"]}),
        ],
        ignore_index=True,
    )
    rates = pd.DataFrame({"progress": np.arange(spec.steps) / spec.per_epoch, "rate": spec.rates})
    return Walk(curves, rates)


class ScheduleLab(LabDisplay):
    """Nine handles that draw the rate over two epochs, the peak, and the order; a new run answers each move.

    It opens on the schedule that is repeated each epoch. `base` is the model, `root` the store that holds it,
    `data` what is taught. Where no front end listens it shows a still picture of that opening, computed like any other answer.
    """

    def __init__(
        self, base: Checkpoint, root: Path | str, data: Examples, *, batch: int = 8, peak: float = 1e-3
    ) -> None:
        self.base, self.root, self.data, self.batch = base, root, data, batch
        self.peaks = tuple(sorted({*_PEAKS, float(peak)}))
        self.per_epoch = -(-len(data) // batch)
        self.start = (self.preset("each epoch"), float(peak), "same")
        self.answer = functools.cache(self._answer)

    @classmethod
    def from_results(
        cls, results: Results, *, seed: int, corpus: str, examples: int = 240, batch: int = 8
    ) -> ScheduleLab:
        """The lab on the base model, the kind of data and the rate of the runs in `results`, with `examples` of them at most."""
        of = [s for s in results.of(Memorise) if (s.base.root.seed, s.base.root.corpus) == (seed, corpus)]
        if not of:
            raise OvbookError(
                f"there is no run of seed {seed} on {corpus} here: run the experiment cell above it first"
            )
        spec = of[0]
        taught = spec.data[0]
        data = Examples(
            task=taught.task,
            count=min(examples, taught.count),
            seed=taught.seed,
            format=taught.format,
            wording=taught.wording,
            pattern=taught.pattern,
        )
        return cls(spec.base, results.store.root, data, batch=min(batch, len(data)), peak=spec.rate)

    @staticmethod
    def preset(name: str) -> tuple[float, ...]:
        """Heights of a schedule known by name: "constant", "one cycle", "each epoch" or "each epoch, mirrored"."""
        mirrored = name.removesuffix(", mirrored")
        fine = 1000
        rates = epoch_rates(mirrored, peak=1.0, per_epoch=fine, epochs=2)
        if name != mirrored:
            rates = np.concatenate([rates[:fine][::-1], rates[fine:][::-1]])
        ends = {0.0: rates[0], 2.0: rates[-1]}
        at = [ends.get(k, float(np.interp(k * fine, np.arange(2 * fine), rates))) for k in KNOTS]
        return tuple(round(float(height), 2) for height in at)

    def spec(self, heights: tuple[float, ...], peak: float, order: str) -> Memorise:
        """The run behind an answer: an ordinary `Memorise`, to be taken into a chapter."""
        return Memorise(
            base=self.base,
            data=(self.data,),
            epochs=2,
            batch=self.batch,
            rate=peak,
            schedule=drawn_rates(heights, peak=peak, per_epoch=self.per_epoch),
            order=order,
            probes=1,
            held_out=48,
            documents=1,
            looks=tuple(n / _PARTS for n in range(_PARTS)),
        )

    def _answer(self, heights: tuple[float, ...], peak: float, order: str) -> Walk:
        return walk(self.spec(heights, peak, order), self.root)

    def said(self, heights: tuple[float, ...], peak: float, order: str) -> str:
        """The answer in a sentence."""
        found = self.answer(heights, peak, order)
        after, end = found.at("training", 1.1, 1.3), found.at("training", 1.8, 2.0)
        before = found.at("training", 0.8, 1.0)
        return (
            f"training loss {before:.2f} in the last fifth of epoch 1, {after:.2f} from 10% to 30% of epoch 2, {end:.2f} in its "
            f"last fifth; validation loss {found.at('validation', 1, 1):.2f} between the epochs, "
            f"{found.at('validation', 2, 2):.2f} at the end"
        )

    def picture(self, heights: tuple[float, ...], peak: float, order: str) -> alt.TopLevelMixin:
        """Training and validation loss through two epochs, the drawn rate behind them."""
        found = self.answer(heights, peak, order)
        how = "the same order twice" if order == "same" else "another order in epoch 2"
        return schedule_picture(
            found.curves,
            found.rates,
            title=f"{len(self.data)} examples, {how}",
            description=f"Loss of one model through two epochs under the drawn schedule: {self.said(heights, peak, order)}.",
        )

    def still(self) -> alt.TopLevelMixin:
        """What the lab shows when it opens, for a page without a kernel."""
        _, peak, order = self.start
        note = {
            "controls": [
                ["schedule", "each epoch: up over a tenth, then down"],
                ["peak rate", f"{peak:g}"],
                ["order", order],
            ],
            "answer": [self.said(*self.start)],
        }
        return noted(self.picture(*self.start), still=note, name="lab_schedule")

    def widget(self) -> Any:
        """The lab as one ipywidget; every call makes a new one."""
        import ipywidgets as widgets

        heights, peak, order = self.start
        presets = ("each epoch", "each epoch, mirrored", "constant", "one cycle")
        wide = {
            "style": {"description_width": "9em"},
            "layout": widgets.Layout(width="32em", max_width="100%"),
        }
        preset = widgets.Dropdown(options=presets, value=presets[0], description="start from", **wide)
        rate = widgets.SelectionSlider(
            options=[(f"{p:g}", p) for p in self.peaks],
            value=peak,
            description="peak rate",
            continuous_update=False,
            **wide,
        )
        orders = widgets.Dropdown(
            options=["same", "reshuffled"], value=order, description="order of epoch 2", **wide
        )
        handles = [
            widgets.FloatSlider(
                height,
                min=0.0,
                max=1.0,
                step=0.05,
                orientation="vertical",
                tooltip=f"rate after {knot:g} epochs, as a share of the peak",
                readout=False,
                continuous_update=False,
                layout=widgets.Layout(height="9em", width="3em"),
            )
            for knot, height in zip(KNOTS, heights, strict=True)
        ]
        shown, says = widgets.HTML(), widgets.HTML(_ASKS)
        moving = {"all": False}

        def update(_change: Any = None) -> None:
            if not moving["all"]:
                says.value = f"{_ASKS} <i>training two epochs …</i>"
                drawn = tuple(round(handle.value, 2) for handle in handles)
                shown.value = self._html(drawn, rate.value, orders.value)
                says.value = _ASKS

        def take(_change: Any) -> None:
            moving["all"] = True
            for handle, height in zip(handles, self.preset(preset.value), strict=True):
                handle.value = height
            moving["all"] = False
            update()

        preset.observe(take, names="value")
        for control in (rate, orders, *handles):
            control.observe(update, names="value")
        update()
        # A label below its handle: above, the handle covers it at the top of its way.
        columns = [
            widgets.VBox([handle, widgets.Label(f"{knot:g}")], layout=widgets.Layout(align_items="center"))
            for knot, handle in zip(KNOTS, handles, strict=True)
        ]
        row = widgets.HBox(columns, layout=widgets.Layout(flex_flow="row wrap"))
        return widgets.VBox([preset, rate, orders, says, row, shown])

    def _html(self, heights: tuple[float, ...], peak: float, order: str) -> str:
        said = html.escape(self.said(heights, peak, order))
        return f"{inline(self.picture(heights, peak, order))}<p style='max-width: 40em'>{said}</p>"

"""Sliders over what was run: every stop is a value of the data, named, and said aloud when it changes.

A chart with sliders works wherever Vega does. What the book's pages add comes from its notes: the value with
its unit beside the handle, and one sentence under the chart that a screen reader speaks after each move.

A chart with a slider through the steps of a run, in full::

    step = Slider("step", losses["step"], label="training step", write="step {:,.0f}".format)
    chart = alt.Chart(losses).mark_line().encode(...).transform_filter(step.at("step"))
    chart = with_sliders(chart, step, sentence=lambda s: f"step {s:,}: loss {loss_at[s]:.2f}")
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import altair as alt

from ovbook.charts.notes import noted
from ovbook.errors import OvbookError

__all__ = ["SAYS", "Slider", "with_sliders"]

SAYS = "says"
"""The signal that holds the sentence about what is shown now."""
_STOPS = 200
"""More stops than pixels of the handle's way help nobody."""


class Slider:
    """A slider whose stops are `values`; in a chart's expressions its `name` stands for the chosen value.

    `values` may repeat (a column of a table) and be numbers in any spacing, shown in ascending order, or words,
    in the order given. `label` names the slider, `write` puts a value into words with its unit ("γ = 0.35");
    `start` is the value shown first, by default the last.
    """

    def __init__(
        self,
        name: str,
        values: Iterable[Any],
        *,
        label: str,
        write: Callable[[Any], str] = str,
        start: Any = None,
    ):
        stops = list(dict.fromkeys(_plain(value) for value in values))
        if all(isinstance(value, int | float) for value in stops):
            stops.sort()
        if not 1 <= len(stops) <= _STOPS:
            raise OvbookError(
                f"the slider '{name}' has {len(stops)} stops: it needs 1 to {_STOPS} values that were run"
            )
        if start is not None and _plain(start) not in stops:
            near = ", ".join(map(str, stops[:12])) + (", ..." if len(stops) > 12 else "")
            raise OvbookError(
                f"the slider '{name}' cannot start at {start}, which was not run: choose from {near}"
            )
        self.name, self.label, self.values, self.write = name, label, stops, write
        self.labels = [write(value) for value in stops]
        self.start = len(stops) - 1 if start is None else stops.index(_plain(start))

    @property
    def index(self) -> str:
        """The signal that counts stops from 0."""
        return f"{self.name}_index"

    @property
    def bound(self) -> str:
        """The signal that the handle moves: the value itself where stops are even, else their count."""
        return f"{self.name}_slider"

    def at(self, field: str) -> str:
        """The filter that keeps the rows whose `field` has the chosen value."""
        return f"datum[{json.dumps(field)}] === {self.name}"

    def parameters(self) -> list[alt.Parameter]:
        """The Vega-Lite parameters: handle, count and chosen value."""
        step = _even_step(self.values)
        if step is None:
            handle = alt.binding_range(min=0, max=len(self.values) - 1, step=1, name=f"{self.label} ")
            start, count = self.start, self.bound
        else:
            first = self.values[0]
            handle = alt.binding_range(min=first, max=self.values[-1], step=step, name=f"{self.label} ")
            start, count = self.values[self.start], f"round(({self.bound} - {first!r}) / {step!r})"
        return [
            alt.param(name=self.bound, value=start, bind=handle),
            alt.param(name=self.index, expr=f"clamp({count}, 0, {len(self.values) - 1})"),
            alt.param(name=self.name, expr=f"{_json(self.values)}[{self.index}]"),
        ]


def with_sliders(chart: Any, *sliders: Slider, sentence: Callable[..., str], instead: bool = False) -> Any:
    """Return `chart` with `sliders` and, for each place they can stand at, what is then to be seen.

    `sentence` takes one value per slider and says in one sentence what the chart shows there, with its numbers;
    it is called once for each combination. A first line that ends with a line break is shown as a heading.
    With `instead` the words take the drawing's place on the page (a text to read is no picture).
    Call it last, on the finished chart: layering afterwards would lose the notes.
    """
    if not sliders:
        raise OvbookError("with_sliders was given no slider: pass at least one, or leave the call out")
    places = itertools.product(*(slider.values for slider in sliders))
    sentences = [sentence(*place) for place in places]
    where, position = sliders[0].index, sliders[0].start
    for slider in sliders[1:]:
        where = f"({where}) * {len(slider.values)} + {slider.index}"
        position = position * len(slider.values) + slider.start
    says = alt.param(name=SAYS, expr=f"{_json(sentences)}[{where}]")
    parameters = [parameter for slider in sliders for parameter in slider.parameters()]
    return noted(
        chart.add_params(*parameters, says),
        sliders={
            slider.bound: {"label": slider.label, "index": slider.index, "values": slider.labels}
            for slider in sliders
        },
        says={"signal": SAYS, "start": sentences[position], "instead": instead},
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Numpy's scalars as Python's, whole floats as whole numbers: as they stand in a chart's JSON."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _even_step(values: list[Any]) -> float | None:
    if len(values) < 2 or not all(isinstance(value, int | float) for value in values):
        return None
    step = round((values[-1] - values[0]) / (len(values) - 1), 9)
    even = all(math.isclose(b - a, step, rel_tol=1e-6) for a, b in itertools.pairwise(values))
    return step if even else None

"""Roughness of slices: known curves have known numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ovbook.errors import OvbookError
from ovbook.stats import roughness


def table(function, reach=1.0, points=201, **columns):
    x = np.linspace(-reach, reach, points)
    place = {"world": "1", "seed": 100, "start": "pre-trained", "direction": 0} | columns
    return pd.DataFrame({"place": x, "loss": function(x / reach)}).assign(**place)


@pytest.mark.parametrize("height", [0.01, 7.0])
@pytest.mark.parametrize("reach", [0.1, 1.0])
def test_a_parabola_bends_by_two_whatever_its_size(height, reach):
    row = roughness(table(lambda x: 3 + height * x**2, reach)).iloc[0]
    assert row["bend"] == pytest.approx(2, rel=1e-6)
    assert row["maxima"] == 0
    assert row["rise"] == pytest.approx(height)
    assert row["below"] == pytest.approx(0, abs=1e-12)


def test_straight_lines_do_not_bend_and_waves_do():
    both = pd.concat([table(lambda x: x), table(lambda x: np.cos(20 * x), direction=1)])
    straight, wavy = roughness(both)["bend"]
    assert straight == pytest.approx(0, abs=1e-8)
    assert wavy > 100
    assert roughness(both)["maxima"].tolist() == [0, 7]
    assert roughness(table(np.zeros_like))["bend"].tolist() == [0.0]


def test_what_cannot_be_read_is_refused():
    line = table(lambda x: x)
    with pytest.raises(OvbookError, match="no column direction"):
        roughness(line.drop(columns="direction"))
    with pytest.raises(OvbookError, match="name in `by`"):
        roughness(pd.concat([line, line]))
    with pytest.raises(OvbookError, match="at least 3"):
        roughness(line.head(2))

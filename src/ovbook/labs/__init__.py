"""Labs: a reader's hands on a real model. They need a kernel; every lab has a twin chart that does not."""

from ovbook.labs.noise import NoiseLab, shake
from ovbook.labs.schedule import ScheduleLab, drawn_rates, walk
from ovbook.labs.writing import samples

__all__ = ["NoiseLab", "ScheduleLab", "drawn_rates", "samples", "shake", "walk"]

"""How a lab is shown: as widgets where somebody can move them, as a still picture where a page is printed."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

__all__ = ["STILL", "LabDisplay"]

STILL = "OVBOOK_STILL"
"""Set in the environment by the press while it executes a chapter: nobody is there to move a slider."""


class LabDisplay(ABC):
    """A lab that is shown by leaving it as a cell's last line.

    Under the press no widget is made at all, since one widget's state alone would put RequireJS on the page.
    """

    @abstractmethod
    def widget(self) -> Any:
        """The live lab, as one ipywidget."""

    @abstractmethod
    def still(self) -> Any:
        """What it shows when it opens, as a chart with the note ``still`` (controls and answer, in words)."""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.still() if os.environ.get(STILL) else self.widget())

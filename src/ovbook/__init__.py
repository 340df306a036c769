"""Machinery of the lab book *Trained Too Long?*: worlds, models, runs, statistics and charts.

The chapters hold the experiments; this package holds what they share. Rooms import only from floors below
their own (``tests/test_floors.py`` holds the list and checks it).
"""

__version__ = "0.1.0"

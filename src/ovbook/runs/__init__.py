"""Runs: specs, what they cost, who computes them and where results are kept.

A chapter says what it wants as a list of frozen specs; `plan` counts and prices them, `execute` computes what
the store does not hold yet, and its `Results` give tables.

    p = parameters(scale="laptop", seeds=5)
    runs = [Perturb(base=Checkpoint(run=run), gammas=(0.0, 0.4)) for run in suite(p)]
    print(plan(runs))
    results = execute(runs)
    frame = results.table(Perturb)
"""

from __future__ import annotations

from ovbook.runs.blend import Blend
from ovbook.runs.continued import Continue
from ovbook.runs.harness import Harness, WinRate
from ovbook.runs.learning import Reinforce, Rewrite
from ovbook.runs.linear import LinearNetwork, LinearNoise, LinearTuning
from ovbook.runs.measures import Evaluate, Perturb, Sharpness
from ovbook.runs.memorise import Chosen, Examples, Memorise
from ovbook.runs.one_example import OneExample
from ovbook.runs.overturn import Overturn
from ovbook.runs.plan import Plan, plan
from ovbook.runs.publish import publish, repository
from ovbook.runs.pupils import pupils
from ovbook.runs.recite import Recite
from ovbook.runs.released import Released, distinct_weights, released
from ovbook.runs.results import Results
from ovbook.runs.runner import Interrupted, execute
from ovbook.runs.settings import FIRST_SEED, SCALES, Parameters, parameters
from ovbook.runs.slices import Slice
from ovbook.runs.spec import Spec
from ovbook.runs.specs import Checkpoint, FineTune, Pretrain
from ovbook.runs.store import Store, StoreWarning
from ovbook.runs.suite import suite
from ovbook.runs.upstream import EARLIER, SHOWN, SIXTH, downstream, length_of, onward, upstream
from ovbook.runs.worth import Worth
from ovbook.schedules import InfiniteSchedule, Schedule

__all__ = [
    "EARLIER",
    "FIRST_SEED",
    "SCALES",
    "SHOWN",
    "SIXTH",
    "Blend",
    "Checkpoint",
    "Chosen",
    "Continue",
    "Evaluate",
    "Examples",
    "FineTune",
    "Harness",
    "InfiniteSchedule",
    "Interrupted",
    "LinearNetwork",
    "LinearNoise",
    "LinearTuning",
    "Memorise",
    "OneExample",
    "Overturn",
    "Parameters",
    "Perturb",
    "Plan",
    "Pretrain",
    "Recite",
    "Reinforce",
    "Released",
    "Results",
    "Rewrite",
    "Schedule",
    "Sharpness",
    "Slice",
    "Spec",
    "Store",
    "StoreWarning",
    "WinRate",
    "Worth",
    "distinct_weights",
    "downstream",
    "execute",
    "length_of",
    "onward",
    "parameters",
    "plan",
    "publish",
    "pupils",
    "released",
    "repository",
    "suite",
    "upstream",
]

# ---
# jupyter:
#   jupytext:
#     cell_markers: r"""
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   ovbook:
#     learn:
#       - how much old text, mixed into the new, keeps a model from forgetting, and what it costs
#       - why a far-off text needs more of it than a near one
#       - whether a learning rate can go on without an end, and what that is worth
#     papers: [ibrahim2024simple, gupta2023continual]
#     after: [16-which-checkpoint-to-continue-from]
# ---

# %% [markdown]
r"""
# Replay, and schedules without an end

**A model goes on with new text and forgets the old. How much of the old text must be mixed in to stop that, and what does it cost?** Whoever has the old text can always do what is dearest: train on both from
the beginning. The second paper on re-warming {cite}`ibrahim2024simple` says that a small share of old rows in each batch is nearly as good. And it asks a second thing: must the rate fall and be raised again each time new
text comes, or can a schedule be left open?

{glue:text}`short_answer`
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's)
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
length: int = None  # tokens of pre-training, and of the schedule that continues it (default: the part's)
batch: int = None  # rows of 128 tokens in a step of the suite; here half as many (default: the scale's)
rate: float = None  # peak learning rate, of pre-training and of continuing (default: the scale's)
form: str = "clipped cosine"  # how the rate falls: "clipped cosine" or "cosine"
replays: list = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5]  # share of old rows in every batch, under the weak shift
shares: list = [0.0, 0.05, 0.25, 0.5]  # the same under the strong shift

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    model=model,
    length=length,
    batch=batch,
    rate=rate,
    form=form,
    replays=replays,
    shares=shares,
)

# %% [markdown]
r"""
## What the paper did, and what we do

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| model | 405M parameters (and 10B) | {glue:text}`parameters_said` parameters | Ibrahim et al., at second hand |
| weak shift | the Pile, then SlimPajama, 300B tokens each | almanac, then gazette: {glue:text}`length_said` and {glue:text}`new_said` tokens | Ibrahim et al., at second hand |
| strong shift | the Pile, then German, 200B | almanac, then another language | Ibrahim et al., at second hand |
| replay | 0, 0.5, 1, 5, 10, 50% (weak); 0, 1, 5, 10, 25, 50% (strong) | {glue:text}`replays_said` (weak); {glue:text}`strong_said` (strong) | table 2, at second hand |
| how | old rows in their old order take the place of new ones | the same | Ibrahim et al., at second hand |
| union | both texts from scratch, as many tokens as the two trainings together | the same, under the weak shift | table 2, at second hand |
| infinite schedule | warm-up, cool-down to a constant rate (0.55 of the peak) over 60% of the iterations, constant, annealing; three times 100B tokens of SlimPajama | the same over three stretches of {glue:text}`stretch_said` tokens of the almanac; the cool-down takes 60% of the first | Ibrahim et al., at second hand |
| optimiser's state | reset between data sets | reset | Ibrahim et al., at second hand |
| repetitions | one | {glue:text}`seeds_said` | Ibrahim et al., at second hand |

"At second hand" means in a third party's excerpts. Whether the cool-down took 60% of all iterations or of one stretch is not clear from them, nor how long the annealing was; ours takes a fifth of the last stretch.

## The experiment
"""

# %% tags=["experiment"]
from ovbook.runs import (
    Checkpoint,
    Continue,
    InfiniteSchedule,
    Schedule,
    length_of,
    onward,
    upstream,
)

NEW = 0.4  # new tokens, as a share of those of pre-training
STRETCH = 0.2  # and one of the three stretches


def stretches(p, base, schedules):
    """Three stretches of the old text from scratch, one after another."""
    length = round(STRETCH * length_of(p))
    runs = []
    for schedule in schedules:
        runs.append(
            Continue(
                base=Checkpoint(run=runs[-1]) if runs else base,
                start="pre-trained" if runs else "scratch",
                corpus=base.root.corpus,
                length=length,
                schedule=schedule,
                batch=base.root.batch,
            )
        )
    return runs


def whole(p, base, share, **fields):
    """A continuation whose schedule ends with it."""
    horizon = round(share * length_of(p))
    return onward(p, base, share=share, horizon=horizon, **fields)


def experiment(p):
    """Shares of replay under two shifts, union; two kinds of schedule."""
    cosine = Schedule(kind=p.form, peak=p.rate, warmup=0.01, final=0.1)
    at_rest = {"peak": p.rate, "warmup": 0.0, "cooldown": 0.0}
    infinite = [
        InfiniteSchedule(peak=p.rate),
        InfiniteSchedule(**at_rest),
        InfiniteSchedule(**at_rest, anneal=0.2),
    ]
    specs = []
    for base in upstream(p):
        specs += [whole(p, base, NEW, replay=r) for r in p.replays]
        strong = {"mix": "abroad"}
        specs += [whole(p, base, NEW, replay=r, **strong) for r in p.shares]
        # Both texts from scratch, with as many tokens as both trainings.
        both = {"start": "scratch", "replay": 1 / (1 + NEW)}
        specs.append(whole(p, base, 1 + NEW, **both))
        specs += stretches(p, base, [cosine] * 3)
        specs += stretches(p, base, infinite)
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
looks = results.table(Continue, kind="look")
shown = ["seed", "corpus", "replay", "start", "set", "seen", "loss"]
looks[shown].head()

# %% tags=["hide-input"]
import pandas as pd

from ovbook.charts import figure, paths, through_run
from ovbook.claims import judge
from ovbook.stats import summarise, with_world

KEYS = ["world", "seed"]
looks = with_world(looks)
ours = looks["corpus"] == looks["base_corpus"]  # the stretches, which read the old text
mixed, calm = looks[~ours], looks[ours]
union = mixed[mixed["start"] == "scratch"]
mixed = mixed[mixed["start"] != "scratch"].assign(
    shift=lambda t: t["corpus"].str.endswith("/abroad").map({True: "strong", False: "weak"})
)


def at_ends(table, by):
    """Old and new loss at the end of each run, with what old text lost on the way."""
    final = table[table["seen"] == table.groupby("length")["seen"].transform("max")]
    wide = final.pivot_table(index=[*KEYS, *by], columns="set", values="loss").reset_index()
    before = table[(table["seen"] == 0) & (table["set"] == "old")].groupby([*KEYS, *by])["loss"].mean()
    wide = wide.merge(before.rename("before").reset_index(), on=[*KEYS, *by])
    return wide.assign(left=wide["old"] - wide["before"], average=(wide["old"] + wide["new"]) / 2)


ends = at_ends(mixed, ["shift", "replay"])
near, far = (ends[ends["shift"] == name] for name in ("weak", "strong"))


def at(table, replay, value):
    """A measure at one share, by world and seed."""
    return table[table["replay"] == replay].set_index(KEYS)[value]


removed = pd.DataFrame(
    {
        "forgotten": at(near, 0.0, "left"),
        "excess_removed": at(near, 0.0, "old") - at(near, 0.01, "old") - at(near, 0.0, "left") / 2,
    }
).reset_index()
r1 = judge("R1", removed, scale=p.scale, seeds_expected=p.seeds)
r2 = judge("R2", near, scale=p.scale, seeds_expected=p.seeds)
gained = pd.concat(
    [
        pd.DataFrame(
            {"left": at(table, 0.05, "left"), "gain": at(table, 0.05, "left") - at(table, 0.25, "left")}
        )
        .reset_index()
        .assign(shift=name)
        for name, table in (("strong", far), ("weak", near))
    ]
)
r3 = judge("R3", gained, scale=p.scale, seeds_expected=p.seeds)
against = pd.concat(
    [
        near[near["replay"] == 0.05].assign(training="replay"),
        at_ends(union, []).assign(training="union"),
    ]
)
r6 = judge("R6", against, scale=p.scale, seeds_expected=p.seeds)
last = calm[(calm["depth"] == 3) & (calm["seen"] == calm["seen"].max())]
last = last.assign(schedule=last["schedule"].where(last["schedule"] == "infinite", "repeated cosine"))
r5 = judge("R5", last, scale=p.scale, seeds_expected=p.seeds)

# %% [markdown]
r"""
## What replay saves, and what it costs
"""

# %% tags=["hide-input", "remove-output"]
across = ends.melt([*KEYS, "shift", "replay"], ["old", "new"], var_name="set", value_name="loss")
by_share = summarise(across[across["set"] == "old"], "loss", by=["shift", "replay"])
by_share["at"] = summarise(across[across["set"] == "new"], "loss", by=["shift", "replay"])["mean"]
figure(
    "fig_replay_frontier",
    paths(
        by_share,
        series="shift",
        along="replay",
        along_title="share of old rows",
        x="new loss at the end (nats per token)",
        y="old loss at the end (nats per token)",
        zero=False,
        title=r1.title(
            "A hundredth of old rows takes away most of the forgetting",
            otherwise="Old loss against new loss, share by share",
        ),
        description="Old loss against new loss at the end of continued training, one path for each shift, one point for each share of "
        "replayed rows.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_replay_frontier
:name: fig-replay-frontier

One point a share of old rows, from none at the top to half at the bottom.
```
"""

# %% tags=["remove-input"]
r1

# %% tags=["remove-input"]
r2

# %% tags=["remove-input"]
r3

# %% [markdown]
r"""
## As good as both at once?
"""

# %% tags=["remove-input"]
r6

# %% [markdown]
r"""
## A schedule without an end
"""

# %% tags=["hide-input", "remove-output"]
calm = calm.assign(
    whole=calm["seen"] + (calm["depth"] - 1) * calm["length"],
    kind=calm["schedule"].where(calm["schedule"] == "infinite", "repeated cosine"),
)
course = summarise(calm[(calm["seen"] > 0) & (calm["loss"] < 6)], "loss", by=["kind", "whole"])
figure(
    "fig_three_stretches",
    through_run(
        course.rename(columns={"whole": "seen"}),
        y="loss (nats per token)",
        series="kind",
        held="repeated cosine",
        x_title="tokens from the start",
        title=r5.title(
            "An open schedule ends where repeated cosines end",
            otherwise="Three stretches under two kinds of schedule",
        ),
        description="Loss against tokens over three stretches of training, under repeated cosine schedules and under an infinite one that is "
        "annealed at the very end.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_three_stretches
:name: fig-three-stretches

Each stretch reads rows of its own. The infinite schedule is brought down only in the last fifth of the last stretch.
```
"""

# %% tags=["remove-input"]
r5

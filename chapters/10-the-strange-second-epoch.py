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
#       - why a training loss can rise while nothing goes wrong
#       - how to tell the effect of the learning rate from that of position and lag
#       - what validation loss, accuracy and confidence each say about overfitting
#       - how to read a loss curve by what the model remembers
#     papers: [howard2023learning]
#     after: [02-sensitivity-grows]
# ---

# %% [markdown]
r"""
# The strange second epoch

**Why would a training loss plunge, and then climb, while the model is being trained on the very same examples?** Howard and Whitaker
{cite}`howard2023learning` saw it in the second {term}`epoch` of a fine-tuning whose learning-rate schedule was repeated each epoch, and took it for a
fingerprint: the curve replays, example by example, how high the rate was when each was met for the first time.

**{glue:text}`headline`.** {glue:text}`short_answer`

If they are right, a loss curve over repeated data shows memory, not skill, and a rise in it is no alarm. Whoever watches such a
curve, and stops or restarts a run because of it, should know which of the two is on the screen.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions, each with its own base model, people and order (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]; then with a task
task: str = None  # what is taught, such as gsm8k or file:FOLDER (default: new people; on a corpus gsm8k)
models: list = None  # the base model: ARCHITECTURE:WIDTHxLAYERS (default: the part's at this scale)
batch: int = None  # rows of 128 tokens in a step of pre-training (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
people: int = None  # examples to be taught (default: 320; 32 at smoke)
peak: float = 1e-3  # peak learning rate of the fine-tuning

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    corpus=corpus,
    task=task,
    models=models,
    batch=batch,
    rate=rate,
    people=people,
    peak=peak,
)

# %% [markdown]
r"""
## What was seen, and what we do

The post's account, as third parties tell it: in epoch 1 all is ordinary. In epoch 2 nothing happens at first, where the rate is being warmed up
again. Towards the end of that warm-up the training loss plunges, and the validation loss *worsens*. Late in the epoch the training loss
rises again, while validation recovers. Their explanation: the order is the same in both epochs, so what comes at a high rate in epoch 2
was met at a high rate in epoch 1, too, and memorised; what comes last was met at nearly none.

| | the paper | this chapter at `laptop` | source |
|---|---|---|---|
| model | a large language model, which one was not recovered | {glue:text}`parameters_said` parameters, after {glue:text}`tokens_said` tokens | at second hand |
| data | multiple-choice science questions | {glue:text}`people_said` new people, four facts each; half of the facts follow from the family name | at second hand |
| schedule | up over the first 10% of each epoch, then a cosine down; two epochs | the same | at second hand |
| second schedule | one cycle over three epochs | the same | at second hand |
| order | the same each epoch, as its explanation needs | the same; reshuffled as the control | ours, from the explanation |
| peak rate, batch | not recovered | {glue:text}`peak_said`, 2 | none: not in what we read |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

"At second hand": we read the post's beginning, and others' summaries of the rest.

A **new person** is one of whom pre-training said next to nothing: a document states home, trade, pet and wish, each one of 32 words, and the
loss is on those four words alone. Were the facts pure chance, accuracy on people not met would mean nothing, and B6 could not be asked. So **half of the facts follow
a pattern**: all people of one family share them. A model can memorise all facts, and
*understand* half; only the understanding shows on the 96 {term}`held-out` people, whom *validation* means from here on. {glue:text}`other_said`

## Three things that move together

In the repeated schedule an example that comes early is met at a high rate, long before the end of the epoch, and by a model still
new to the task; one that comes late, at a low rate by a model that has learnt. **Rate at first sight** and **position in the epoch** are almost one
variable (rank correlation {glue:text}`collinear_said` here), so a correlation of memory with either could be one with the other. Three changes pull them apart.

1. **A constant second epoch**, at the mean rate of the first, so that the second meeting happens under the same rate for all.
2. **A reshuffled order** in that second epoch, so that the *lag* between the two meetings (in epochs, from 0 to 2) no longer follows the position.
3. **A mirrored first epoch**: the rate climbs along the cosine and falls over the last 10%. The same people stand at the same positions, in
   both epochs; only the rates are turned round. A person's memory under one schedule minus that under the other is then a matter of the rates.

Declared before any of this chapter's runs, beside the rules of B4, B5 and B6: five contrasts, one number a seed, worlds averaged inside it, each with a smallest
effect of 0.05 nats. *Order*: the rise of B4 in the same order minus reshuffled. *Rate*, *position* and *lag*: slopes of an example's drop on all
three at once (rate as a share of its peak, position and lag in epochs), over falling and mirrored runs together. *Rate, same person*: slope of the
difference between the two runs' drops on the difference of their rates. An interval wholly beyond 0.05, with each world's mean beyond it, is *an
effect*; wholly inside ±0.05, *none worth the name*; else *undecided*. Pilots on another world had shown the rise in the same order and little of it
reshuffled, and rank correlations near 0 in the mirrored run.
"""

# %% tags=["experiment"]
from ovbook.runs import Examples, Memorise, Schedule, pupils

LOOKS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def arms(p):
    """Runs by name; all of a seed share base model, people and order."""
    count = p.people or (32 if p.scale == "smoke" else 320)
    worldly = p.task is None and p.corpus is None
    facts = {"pattern": 0.5} if worldly else {"task": p.task or "gsm8k"}
    data = Examples(count=count, **facts)
    steps = -(-count // 2)
    once = Schedule(peak=p.peak, warmup=0.1).rates(steps).tolist()
    level = [sum(once) / steps] * steps
    same = {"data": data, "batch": 2, "rate": p.peak, "held_out": 96, "documents": 8}
    watched = same | {"looks": LOOKS, "probes": 80}
    twice = {"epochs": 2, "schedule": "each epoch"}
    # For B5: each example twice, the second time at one rate.
    blind = same | {"looks": (0.0,), "probes": 1}
    again = blind | {"epochs": 2, "order": "reshuffled"}
    found = {name: [] for name in ("same", "reshuffled", "falling", "mirrored", "cycle")}
    for base in pupils(p):
        found["same"].append(Memorise(base=base, **watched, **twice))
        found["reshuffled"].append(Memorise(base=base, **blind, **twice, order="reshuffled"))
        found["falling"].append(Memorise(base=base, **again, schedule=(*once, *level)))
        found["mirrored"].append(Memorise(base=base, **again, schedule=(*once[::-1], *level)))
    for base in pupils(p)[: p.seeds]:  # the first world
        found["cycle"].append(Memorise(base=base, **watched, epochs=3, schedule="one cycle"))
    return found


def experiment(p):
    """The same examples over epochs, under five schedules and orders."""
    return [spec for specs in arms(p).values() for spec in specs]


# %%
from ovbook.runs import Results, execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
runs = {name: Results(tuple(specs), results.store).table(Memorise) for name, specs in arms(p).items()}
shown = ["seed", "epoch", "place", "example", "rate_then", "loss"]
met = runs["same"].query("kind == 'met'")
met[shown].astype({"example": int, "epoch": int}).head()

# %% [markdown]
r"""
One row of kind `met` is one person, right before the step that trains on their document: what the model already knew. The mean
over a batch of them is the training loss.
"""

# %% tags=["hide-input"]
import pandas as pd

from ovbook.charts import Slider, figure, forest, over_places, paths, say, through_epochs, tokens_label
from ovbook.claims import judge, what_would_decide
from ovbook.stats import (
    cube,
    estimate,
    in_bins,
    jumps,
    meetings,
    rank_correlations,
    reading,
    slopes_together,
    summaries,
    summarise,
    window_means,
    with_world,
    written,
)

SMALLEST = 0.05  # nats, of the declared contrasts
BY = ["corpus"]


def rows(name, kind, where="held out"):
    """Rows of one kind of an arm; of looks, those at one set."""
    table = with_world(runs[name])
    table = table[table["kind"] == kind]
    table = table[table["set"] == where] if kind == "look" else table
    return table.assign(at=table["epoch"] - 1 + table["place"])


def rates(name):
    """The rate of every step."""
    steps = rows(name, "step").drop_duplicates("step").sort_values("step")
    return pd.DataFrame({"progress": steps["progress"], "rate": steps["rate_then"]}).reset_index(drop=True)


def curves(parts, value="loss"):
    """Means and intervals of several curves, by name, in their order."""
    tables = {name: table if isinstance(table, tuple) else (table, value) for name, table in parts.items()}
    return summaries(tables, by=["progress"], name="curve")


def values(table, value):
    """One number for each [world, seed]."""
    return cube(table, value).values[:, :, 0]


WINDOWS = {
    "boundary": (1.0, 1.0),
    "start": (1.0, 1.05),
    "warm": (1.1, 1.3),
    "middle": (1.2, 1.6),
    "late": (1.7, 2.0),
    "end": (2.0, 2.0),
}
of_steps = {name: WINDOWS[name] for name in ("start", "warm", "late")}
of_looks = {name: WINDOWS[name] for name in ("boundary", "middle", "end")}


def inside(name):
    """The training loss inside epoch 2: its rise, and its drop after the warm-up."""
    w = window_means(rows(name, "step"), "loss", of_steps, by=BY, time="at")
    return w.assign(rise=w["late"] - w["warm"], after_warmup=w["warm"] - w["start"])


def looked(value, name="same"):
    """A validation measure at the boundary, in the middle and at the end of epoch 2."""
    return window_means(rows(name, "look"), value, of_looks, by=BY)


loss, accuracy, sure, error = (looked(v) for v in ("loss", "accuracy", "confidence", "calibration"))
second = inside("same").assign(
    validation_up=loss["middle"] - loss["boundary"],
    validation_down=loss["end"] - loss["middle"],
    accuracy_change=accuracy["middle"] - accuracy["boundary"],
    confidence_up=sure["middle"] - sure["boundary"],
    confidence_down=sure["end"] - sure["middle"],
)
b4, b6 = (judge(which, second, scale=p.scale, seeds_expected=p.seeds) for which in ("B4", "B6"))

# %% [markdown]
r"""
## Plunge, rise, recalibration

{numref}`fig-strange` is the whole run. The shaded hills are the learning rate, twice the same.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_strange",
    through_epochs(
        curves(
            {
                "training": in_bins(rows("same", "step"), bins=10),
                "reshuffled": in_bins(rows("reshuffled", "step"), bins=10),
                "validation": rows("same", "look"),
            }
        ),
        y="loss (nats per answer)",
        series="curve",
        rates=rates("same"),
        title=b4.title(
            "The second epoch plunges, and climbs again",
            otherwise="Two epochs under one schedule, repeated",
        ),
        description="Training loss in the same and in a reshuffled order, and validation loss, against epochs, with the "
        "learning rate behind them.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_strange
:name: fig-strange

Training loss by tenths of an epoch, in the same order and reshuffled; validation loss, of the same order, at the looks between. In epoch 1 the two training curves are one, since the order is. Bands are 95%
intervals over {glue:text}`seeds_said`.
```

{glue:text}`second_said`
"""

# %% tags=["remove-input"]
b4

# %% [markdown]
r"""
{glue:text}`parts_said`

## What is remembered, and when

The curve meets each person only when their turn comes. {numref}`fig-memory` looks at the memory itself: training people, sorted by
when they are met, all scored at the same moment. Move the slider through the run.
"""

# %% tags=["hide-input", "remove-output"]
tenths = rows("same", "tenth").assign(curve="training people", x=lambda t: (t["tenth"] + 0.5) / 10)
unknown = pd.concat([rows("same", "look").assign(curve="unknown people", x=x) for x in (0.05, 0.95)])
profile = summarise(
    pd.concat([tenths, unknown])[["world", "seed", "curve", "x", "progress", "loss"]],
    "loss",
    by=["progress", "curve", "x"],
)
rate_at = rates("same").set_index("progress")["rate"]
level = profile.set_index(["progress", "curve", "x"])["mean"]


def moment(progress):
    """What the slider says."""
    known = level[progress, "training people"]
    now = f"rate {rate_at[progress]:.2g}" if progress in rate_at.index else "training is over"
    return (
        f"After {progress:.2f} epochs ({now}): people met in the first half of an epoch "
        f"{known[known.index < 0.5].mean():.2f}, in the second half {known[known.index > 0.5].mean():.2f}, unknown people "
        f"{level[progress, 'unknown people'].mean():.2f} nats per answer."
    )


figure(
    "fig_memory",
    over_places(
        profile,
        x="x",
        x_title="position in the epoch",
        y="loss now (nats per answer)",
        series="curve",
        ticks=[0, 0.25, 0.5, 0.75, 1],
        slider=Slider(
            "progress", profile["progress"], label="epochs trained", write="{:.2f}".format, start=1
        ),
        sentence=moment,
        title="What the model knows of each tenth of the epoch, at one moment",
        description="Loss on training people by their position in the epoch, and on unknown people, with a slider over the "
        "epochs trained.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_memory
:name: fig-memory

At 1.00 the second epoch is about to begin: this is the shape that its training loss will trace, as far as the model stays as it is. What lies below the line
of unknown people is memory of those very documents; what both lines share is understanding.
```

{glue:text}`profile_said`

## Is it the rate?

For each person: loss when first met, minus loss when met again (*drop*). In {numref}`fig-first-rate` the second epoch has one rate for all and another order; the
mirrored runs meet the same people at the same positions under turned-round rates. If the rate at first sight is what counts, both lines climb together. If the position does, one
climbs and the other falls.
"""

# %% tags=["hide-input", "remove-output"]
twice = {
    name: meetings(rows(name, "met"), by=BY).assign(share=lambda t: t["rate_first"] / p.peak)
    for name in ("falling", "mirrored")
}
correlations = {name: rank_correlations(t, "rate_first", "drop", by=BY) for name, t in twice.items()}
b5 = judge("B5", correlations["falling"], scale=p.scale, seeds_expected=p.seeds)
both = pd.concat([t.assign(schedule=name) for name, t in twice.items()])
both = both.assign(tenth=(both["place_first"] * 10).astype(int).clip(upper=9))
cells = both.groupby(["world", "seed", "schedule", "tenth"])[["drop", "share"]].mean().reset_index()
by_rate = summarise(cells, "drop", by=["schedule", "tenth"])
by_rate = by_rate.merge(
    cells.groupby(["schedule", "tenth"])["share"].mean().rename("at").reset_index(), on=["schedule", "tenth"]
)
by_rate.attrs = {"worlds": cells["world"].nunique()}
figure(
    "fig_first_rate",
    paths(
        by_rate,
        series="schedule",
        series_title="first epoch",
        along="tenth",
        along_title="tenth of the epoch",
        x="rate at first sight, as a share of the peak",
        y="drop until met again (nats per answer)",
        title=b5.title(
            "What was met at a higher rate is remembered better",
            otherwise="Rate at first sight, and what is left of it",
        ),
        description="Mean drop of an example's loss between its two meetings against the rate at the first, for a falling "
        "and a mirrored schedule.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_first_rate
:name: fig-first-rate

One point a tenth of the epoch, joined in the order of training: *falling* starts in its warm-up and goes right, then left; *mirrored* climbs and ends in its
own descent. Whiskers are 95% intervals over {glue:text}`seeds_said`.
```
"""

# %% tags=["remove-input"]
b5

# %% [markdown]
r"""
{glue:text}`mirror_said` {numref}`fig-separate` has the contrasts that separate the three.
"""

# %% tags=["hide-input", "remove-output"]
keys = ["corpus", "world", "seed", "part", "example"]
pair = twice["falling"].merge(twice["mirrored"], on=keys, suffixes=("_f", "_m"))
pair = pair.assign(drop=pair["drop_f"] - pair["drop_m"], share=pair["share_f"] - pair["share_m"])
together = slopes_together(both, "drop", ["share", "place_first", "lag"], by=BY)
order = inside("same").assign(order=inside("same")["rise"] - inside("reshuffled")["rise"])
contrasts = {
    "order: same − reshuffled": (order, "order"),
    "rate": (together, "share"),
    "rate, same person": (slopes_together(pair, "drop", ["share"], by=BY), "share"),
    "position": (together, "place_first"),
    "lag": (together, "lag"),
}


def nats(found, digits=2):
    """An interval in words."""
    return written(found, digits)


got = {name: estimate(values(*of)) for name, of in contrasts.items()}
read = {name: reading(values(*of), SMALLEST) for name, of in contrasts.items()}
estimates = pd.DataFrame(
    [
        {"contrast": name, "mean": i.mean, "low": i.low, "high": i.high, "n": i.n, "reading": read[name]}
        for name, i in got.items()
    ]
)
estimates.attrs = {"worlds": order["world"].nunique()}
figure(
    "fig_separate",
    forest(
        estimates,
        row="contrast",
        x="nats per answer",
        band=(-SMALLEST, SMALLEST),
        names=["reading"],
        title="Order, rate, position and lag: the declared contrasts",
        description="Five contrasts with 95% intervals in nats per answer, and a band for effects too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_separate
:name: fig-separate

Inside the grey band an effect is too small to matter. Slopes on position and lag are per epoch. A slope on rate of 0.1 says that meeting a person at the peak rate leaves 0.1 nats more memory
than meeting them at a rate of zero.
```

{glue:text}`contrasts_said`

## Is it overfitting?

The usual alarm is a validation loss that goes up while the training loss goes down. {numref}`fig-apart` has three more numbers of the same people: *accuracy*, the share of
answers that are the model's first choice; *confidence*, the mean probability it gives to its first choice; and the {term}`calibration error`, how far the two
lie apart, answer by answer.
"""

# %% tags=["hide-input", "remove-output"]
measures = {"accuracy": "accuracy", "confidence": "confidence", "calibration": "calibration error"}
figure(
    "fig_apart",
    through_epochs(
        curves({said: (rows("same", "look"), column) for column, said in measures.items()}),
        y="of validation answers",
        series="curve",
        rates=rates("same"),
        percent=True,
        zero=True,
        title=b6.title(
            "Validation loss worsens, accuracy does not",
            otherwise="Accuracy, confidence and calibration on people not met",
        ),
        description="Validation accuracy, confidence and calibration error against epochs, with the learning rate behind them.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_apart
:name: fig-apart

Where confidence runs ahead of accuracy the model is surer than it should be, and the loss charges for that. Guessing at random is right once in 32
times; knowing every family's pattern, a little more than half the time.
```
"""

# %% tags=["remove-input"]
b6

# %% [markdown]
r"""
{glue:text}`overfit_said` {glue:text}`enough_said`

## One cycle over three epochs

Does it need the repeated hill? {numref}`fig-cycle` has a single warm-up and one long descent over three epochs, in the first world only, as a description.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_cycle",
    through_epochs(
        curves({"training": in_bins(rows("cycle", "step"), bins=10), "validation": rows("cycle", "look")}),
        y="loss (nats per answer)",
        series="curve",
        rates=rates("cycle"),
        title="One cycle over three epochs",
        description="Training and validation loss through three epochs under one warm-up and one cosine, with the rate behind "
        "them.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_cycle
:name: fig-cycle

As {numref}`fig-strange`, under one cycle. Dashed rules end an epoch.
```

{glue:text}`cycle_said`

## What else could explain it

- **"The late examples are simply harder."** Facts are drawn at random, and order and people anew for each seed; the reshuffled runs use the same people.
- **"Forgetting: early examples are longer ago."** With the order unchanged every lag is one epoch, so it cannot make the rise; where the order is reshuffled the lag has a slope of its own above.

**What this cannot exclude.** The mirrored schedule also changes *when* the model learns the task, so a person met at position 0.2 meets a more ignorant model under it. The slope
for the same person takes that in as a constant, not as a curve. And part of every drop is no memory of the person at all: the family's pattern is learnt in between.

## Play

In a running notebook, draw a schedule with nine handles, choose the order, and two epochs are run for you. This page shows how it opens.
"""

# %% tags=["hide-input"]
from ovbook.labs import ScheduleLab

lab = ScheduleLab.from_results(results, seed=p.seed_numbers[0], corpus=p.corpora[0])
lab

# %% [markdown]
r"""
One model and {glue:text}`lab_people` people make a ragged curve: try the same schedule in both orders before believing a bump.

## What it means

{glue:text}`meaning_said`

Read a training loss over repeated data as *what is still remembered from last time*, weighted by the schedule of last time. For what the model can do, look at people, or
questions, it has not met, and at more than one number of them. And if a run's second epoch looks odd, reshuffle: a curve that goes flat was a record of the order.

It stops being shown beyond this: models of {glue:text}`parameters_said` parameters, facts of one word, one optimiser (AdamW).

## Exercises

```{exercise}
:label: ex-draw
In the lab, draw a first epoch with two hills and a constant second one. Before you look: where will the training loss of epoch 2 be low?
```

```{solution} ex-draw
:class: dropdown
Twice low, a valley for each hill, if the rate at first sight is what counts. One run is noisy: take 640 people (`ScheduleLab.from_results(..., examples=640)` after
running with `people=640`), or average several seeds.
```

```{exercise}
:label: ex-pattern
Suppose no fact followed the family. Predict accuracy, confidence and loss on validation people at the end of epoch 2. Then set `pattern` to 0 in the experiment
cell and run from there.
```

```{solution} ex-pattern
:class: dropdown
Accuracy stays at one in 32, and no loss below ln 32 ≈ 3.47 is possible except by luck. Any confidence above 1/32 is then unfounded, so what the loss charges for it is all of the rise.
In the pilot the loss stood at 3.6 at the end, with a confidence of 0.07.
```

```{exercise}
:label: ex-peak
`ovbook run 10 -p peak=0.003 -p seeds=2 -p worlds=1`: does a rate three times as high make the rise larger?
```

```{solution} ex-peak
:class: dropdown
A higher rate writes more of each person into the weights, and more over what was written before. In a pilot with 640 people in batches of 4 they were remembered worse at 0.003: the correlation of B5
fell from 0.19 to 0.11. Your run decides; with two seeds no verdict is given.
```
"""

# %% tags=["remove-cell"]
from ovbook.models import load_checkpoint

last_fifth = {"before": (0.8, 1.0)}
before = window_means(rows("same", "step"), "loss", last_fifth, by=BY, time="at")["before"]
rise, control = (estimate(values(inside(name), "rise")) for name in ("same", "reshuffled"))
whole = {"loss": loss, "accuracy": accuracy}
ends = {name: estimate(values(t.assign(x=t["end"] - t["boundary"]), "x")) for name, t in whole.items()}
rho = {name: estimate(values(t, "correlation")) for name, t in correlations.items()}
collinear = rank_correlations(twice["falling"], "place_first", "rate_first", by=BY)["correlation"].mean()
pupil = pupils(p)[0]
size = sum(tensor.numel() for tensor in load_checkpoint(results.checkpoint(pupil))[0].values())


def part(value):
    """Interval of one part of B4 or B6."""
    return estimate(values(second, value))


def headline():
    """The finding, by contrasts."""
    if rise.n < 2:
        return "One seed decides nothing; here is how it is measured"
    if rise.low <= 0:
        return "The climb was not shown in these runs"
    if read["order: same − reshuffled"] != "an effect":
        return "The climb is there; that the order makes it was not shown"
    return "The climb is there, and the order makes it" + (
        ": each example's memory keeps the rate at which it was first met"
        if read["rate, same person"] == "an effect"
        else ""
    )


def answer():
    """The numbers behind the headline."""
    return (
        f"From 10–30% of the second epoch to its last 30% the training loss changes by {nats(rise)} nats in the same order, and by {nats(control)} reshuffled. "
        f"The verdicts: {b4.verdict} for the whole story (B4), {b5.verdict} for memory that follows the rate at first sight (B5), {b6.verdict} for validation loss and "
        "accuracy that part (B6)."
    )


def course():
    """The course of the curve, in numbers."""
    means = second[["start", "warm", "late"]].mean()
    return (
        f"In the same order the training loss is {before.mean():.2f} nats in the last fifth of epoch 1, {means['start']:.2f} in the first 5% of epoch 2, "
        f"{means['warm']:.2f} from 10% to 30% of it, and {means['late']:.2f} in its last 30%."
    )


def parts():
    """The parts of B4, one by one."""
    names = {
        "the rise of the training loss": "rise",
        "its drop after the second warm-up": "after_warmup",
        "the rise of the validation loss": "validation_up",
        "its fall until the end": "validation_down",
    }
    text = f"B4 has four parts, in nats: {'; '.join(f'{name} {nats(part(value))}' for name, value in names.items())}."
    if part("after_warmup").high <= -0.02:
        return text
    known = before.mean() - second["start"].mean()
    return f"{text} The delay, a plunge that waits for the warm-up, is not clear here" + (
        f": the first 5% of epoch 2 stand {known:.2f} nats below the end of epoch 1 already."
        if known > 0
        else "."
    )


def profile_sentence():
    """Memory at the boundary, by position."""
    known, unseen = level[1, "training people"], level[1, "unknown people"].mean()
    early, late = known[(known.index > 0.1) & (known.index < 0.4)].mean(), known[known.index > 0.7].mean()
    return (
        f"When epoch 2 begins, people met between 10% and 40% of epoch 1 stand {unseen - early:.2f} nats below unknown ones, those of the last 30% {unseen - late:.2f}."
    ).replace("-", "−")


def contrasts_sentence():
    """The contrasts by the declared rule."""
    text = f"By the declared rule: {'; '.join(f'{name}, {nats(got[name])}: {read[name]}' for name in got)}."
    if read["position"] == "an effect the other way":
        text += (
            " So at the same rate what comes early drops more. That need not be memory: a model that is new to the task scores badly on whoever comes first, and has learnt the "
            "families' pattern when it meets them again."
        )
    return text


def overfit():
    """A short measured answer."""
    worse, right, sure_up = (part(v) for v in ("validation_up", "accuracy_change", "confidence_up"))
    text = (
        f"From the boundary to the middle of epoch 2 the validation loss changes by {nats(worse)} nats, accuracy by {nats(right, 3)} and confidence by {nats(sure_up, 3)}; from there "
        f"to the end confidence changes by {nats(part('confidence_down'), 3)}. Over the whole epoch accuracy goes from {accuracy['boundary'].mean():.1%} to "
        f"{accuracy['end'].mean():.1%} and the loss changes by {nats(ends['loss'])}."
    )
    if min(worse.low, right.low, sure_up.low) > 0:
        text += " So the measured answer is: over-confidence for a while, and no loss of skill."
    elif ends["accuracy"].low > 0:
        text += " Accuracy grew over the epoch; of overfitting as a loss of skill these runs show nothing."
    if sure["middle"].mean() < accuracy["middle"].mean():
        text += " On average the model is even less sure than it is right."
    return text


def cycle():
    """Jumps of the one-cycle run."""
    found = summarise(jumps(rows("cycle", "step")), "jump", by=["boundary"])
    said = " and ".join(
        f"{nats(row)} nats after epoch {row.boundary}" for row in found.itertuples(index=False)
    )
    near = rates("cycle").query("progress < 1")["rate"].iloc[-1] / p.peak
    return (
        f"The training loss jumps by {said} (beyond its slope, as in B1). At the end of epoch 1 the rate still has {near:.0%} of its peak, so the second epoch has no hill to replay. "
        "In the post's run the jump came at the third epoch."
    )


def meaning():
    """What follows, by what was found."""
    said = []
    if rise.low > 0 and read["order: same − reshuffled"] == "an effect":
        said.append(
            "A loss that climbs through the second epoch need be neither a bug nor overfitting: here it does not climb once the order is another."
            if control.high <= 0.05
            else "A loss that climbs through the second epoch need be neither a bug nor overfitting: here it climbs less once the order is another."
        )
    if "an effect" in (read["rate"], read["rate, same person"]):
        said.append(
            "How well an example sticks depends on the rate at which it was met. Under a decaying schedule what comes last in an epoch is learnt least: put what matters where the rate is high, or reshuffle."
        )
    if b6.verdict == "reproduced":
        said.append(
            "And a validation loss that worsens may be paying for confidence alone: look at accuracy before you stop."
        )
    return " ".join(said) or "These runs decide too little to build on."


say(
    headline=headline(),
    short_answer=answer(),
    other_said=""
    if p.task is None and p.corpus is None
    else f"On this page, though, the examples are of '{p.task or 'gsm8k'}', and what is said of people and their families does not hold for them.",
    second_said=course(),
    parts_said=parts(),
    profile_said=profile_sentence(),
    mirror_said=f"The rank correlation is {nats(rho['falling'])} in the falling runs, and {nats(rho['mirrored'])} in the mirrored ones. Were the rate all that counts, the two would be alike; were it the "
    "position alone, they would be opposite.",
    contrasts_said=contrasts_sentence(),
    overfit_said=overfit(),
    enough_said=what_would_decide(b4, b5, b6),
    cycle_said=cycle(),
    meaning_said=meaning(),
    collinear_said=f"{collinear:.2f}".replace("-", "−"),
    parameters_said=f"{size:,}",
    tokens_said=tokens_label(pupil.at),
    people_said=int(runs["same"]["examples"].iloc[0]),
    peak_said=f"{p.peak:g}",
    lab_people=len(lab.data),
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)

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
#       - why the training loss can fall in steps, one at the end of each epoch
#       - how to tell a step of the model from a step of the logging
#       - how its height depends on the learning rate, on pre-training and on the data
#       - which innocent explanations people tried, and what each of them does here
#     papers: [howard2023learning]
#     after: [01-a-world-you-can-hold]
# ---

# %% [markdown]
r"""
# Steps

**Your training loss is flat for a whole epoch, drops at the epoch's end, and is flat again. Is that a bug?** People who fine-tune
language models have asked this on many forums, because a model learns a little from every {term}`batch`: its loss ought to fall a little all the time,
and not down a {term}`staircase`.

**{glue:text}`headline`.** {glue:text}`short_answer`

Howard and Whitaker {cite}`howard2023learning` met it, suspected their code, and came to a stranger idea: that the model remembers an example
after seeing it *once*. Inside the first {term}`epoch` every example is new, so the loss hardly moves; from the second on each has been seen before. If that is
right, it says how few repetitions a model needs, and how little a training loss tells you after the first epoch.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation, data and examples (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]; then with a task of its own, such as gsm8k
released: list = None  # instead of a model of our own: some from the hub, as EleutherAI/pythia-410m or NAME@REVISION, with a task such as gsm8k
models: list = None  # the model that is judged, as olmo:64x2; then others, of the suite's lengths of training (default: the scale's)
budgets: list = None  # tokens of pre-training of the other models (default: the scale's)
batch: int = None  # rows in a pre-training step (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
task: str = "new people"  # what is to be learnt: facts about new people, or any task or data set
lessons: int = None  # examples met in an epoch (default: the scale's)
rates: list = [3e-5, 1e-4, 3e-4, 1e-3]  # learning rates of fine-tuning; the last one is the main one

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    corpus=corpus,
    released=released,
    models=models,
    budgets=budgets,
    batch=batch,
    rate=rate,
    task=task,
    lessons=lessons,
    rates=rates,
)

# %% [markdown]
r"""
## What they saw, and what we do

They first saw it on multiple-choice science questions. More than one training loop drew the same curve, so a bug of the loop was set
aside. A companion report repeats it with Llama-2-7B on coding exercises, and we know of ten public threads with the same picture, at rates from
10⁻⁵ to 3·10⁻⁴; in one (FastChat's number 2025) it went away when the rate was cut tenfold.

| | the paper | this chapter at `laptop` | source |
|---|---|---|---|
| model | Llama-2-7B in the companion; the first not recovered | {glue:text}`parameters_said` parameters, pre-trained on {glue:text}`tokens_said` tokens | companion report, first part |
| data | science questions; 5,000 coding exercises | {glue:text}`lessons_said` examples: a person each, four facts, drawn anew | the post's first part; companion report |
| what the loss counts | not recovered | the answers alone (the four facts) | none: not in what we read |
| epochs | 3 | 3 | the post's first part |
| learning rate | two in the companion, "low" and "high" | {glue:text}`rates_said`, constant | companion report |
| batch | not recovered | 2 | none: not in what we read |
| method | {term}`low-rank adapters <LoRA>` of rank 16, in the companion | all weights, AdamW | companion report |
| order of examples in each epoch | not recovered | the same; reshuffled as a control | none: not in what we read |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

We could read the beginning of the post and of the report, and a detailed summary of the rest, but not the plots.

Our examples are people of whom pre-training said next to nothing, with facts drawn at random: "{glue:text}`example_said`" Each fact is one of 32 words, so
on a person not met before no model can do better than ln 32 = {glue:text}`floor_said` {term}`nats <nat>` an answer (an answer is one of those four words). Our models begin above that: they are sure of wrong words. A training loss
below it can only be memory; above it, memory is the distance to people never met. {glue:text}`other_said`

Two measures. The **jump** is what the eye sees: mean training loss in the first 5% of an epoch minus that in the last 5% of the one before, less what
a straight line fitted inside the earlier epoch predicts. **{term}`Memory <memory (of examples met)>`** never looks at the training log: at the boundary itself, in {term}`evaluation mode`, it is the loss on
{glue:text}`unknown_said` people never met minus the loss on a fixed sample of {glue:text}`probes_said` people met in training, less the same difference before the first step. So
neither logging, averaging nor {term}`dropout` can make it, and what is learnt about all people alike cancels.

## What we will call an explanation

This was written before anything here was run. Each control changes one thing, in world {glue:text}`first_world`, with the same seeds, examples and first weights. Its memory at the first boundary
is divided by that of the run as it is, seed by seed. An interval of that share wholly above one half: the thing *does not explain* the step. Wholly below
one half: it *does*. Otherwise it is *undecided*. Trials had been seen, on world 0 (not kept): jumps of 0.05 to 0.18 nats, larger for smaller batches and for fewer people; of the controls, none.

A referee read the page with its results. No rule, run or verdict was changed after that; what was added is marked as described, not declared, and sentences that claimed more than both worlds carry were taken back.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Examples, Memorise, pupils

# One thing changed at a time. Declared before anything was run: memory at
# the first boundary as a share of that of the run as it is. Above one half,
# with its interval: no explanation. Below: an explanation.
CONTROLS = {
    "order reshuffled": {"order": "reshuffled"},
    "dropout 0.1": {"dropout": 0.1},
    "Hugging Face's Trainer": {"loop": "trainer"},
    "loss on all words": {"loss_on": "whole sequences"},
    "rows of 128 words": {"context": 128},
    "256 words and another rotary base": {"context": 256, "rotary": 40_000},
}
GUESSABLE = 0.9  # share of the easy people's facts that the family name tells


def experiment(p):
    """Teach models new facts, several epochs long, and watch each step."""
    facts = Examples(task=p.task, count=p.lessons)
    usual = {"data": facts, "batch": 2, "epochs": 2, "probes": 64}
    usual |= {"held_out": 128, "documents": 8}
    quick = usual | {"looks": (0.0, 0.5)}
    main, lower = p.rates[-1], p.rates[:-1]
    bases = pupils(p)
    specs = []
    for base in bases:  # judged: three epochs, all rates, fresh weights
        specs.append(Memorise(base=base, **usual | {"epochs": 3}, rate=main))
        specs += [Memorise(base=base, **quick, rate=r) for r in lower]
        specs.append(Memorise(base=base, **quick, rate=main, start="scratch"))
    if p.corpus or p.released:
        return specs  # the controls are asked in a tiny world's words

    quick |= {"rate": main}
    easy = {"data": Examples(count=p.lessons, pattern=GUESSABLE)}
    other = Examples(task="topic-known-labels", count=p.lessons)
    one_world = [b for b in bases if b.root.corpus == p.corpora[0]]
    for base in one_world:
        specs += [Memorise(base=base, **quick | c) for c in CONTROLS.values()]
        # Easy or hard facts, after a stage of another task or directly.
        stage = Memorise(base=base, **quick | {"data": other, "epochs": 1})
        taught = Checkpoint(run=stage)
        specs.append(Memorise(base=base, **quick | easy))
        specs.append(Memorise(base=taught, **quick))
        specs.append(Memorise(base=taught, **quick | easy))
    # Shorter pre-training, and other models: the suite's.
    for model in (p.models or ())[1:] or (p.model,):
        for tokens in sorted(p.budgets)[:-1][::2]:
            shorter = pupils(p, model=model, tokens=tokens)[: len(one_world)]
            specs += [Memorise(base=base, **quick) for base in shorter]
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
steps = results.table(Memorise, kind="step")
steps[["world", "seed", "rate", "epoch", "step", "loss"]].head()

# %% tags=["hide-input"]
import numpy as np

from ovbook.charts import BASE, TUNED, Slider, figure, forest, paths, say, through_epochs, tokens_label
from ovbook.claims import judge, what_would_decide
from ovbook.stats import (
    gaps,
    in_bins,
    jumps,
    mean_interval,
    memory,
    probe_steps,
    summaries,
    summarise,
    with_world,
)
from ovbook.tasks import FLOOR

MAIN = p.rates[-1]
AS_IT_IS, FRESH, EASY = "as it is", "fresh weights", "guessable facts"
STAGED, BOTH = "another task first", "another task first, guessable"
BY = ["arm", "rate", "corpus", "model", "tokens", "examples"]
own = p.corpus is None and p.released is None
first = str(p.worlds[0]) if own else p.corpus or p.released[0].partition("@")[0]


def named(frame):
    """Rows with their arm: what was changed."""
    frame = with_world(frame)
    base = frame[["model", "tokens"]].astype(str)
    tokens = frame["tokens"].map(tokens_label, na_action="ignore").astype(str)
    arm = base["model"].str.cat(tokens, " after ").where(~base.eq(base.iloc[0]).all(axis=1), AS_IT_IS)
    arm = arm.mask(frame["start"] == "scratch", FRESH)
    for name, change in CONTROLS.items():
        arm = arm.mask(frame[list(change)].eq(list(change.values())).all(axis=1), name)
    easy, staged = frame["pattern"] > 0, frame["stage"] == 2
    arm = arm.mask(easy, EASY).mask(staged, STAGED).mask(easy & staged, BOTH)
    return frame.assign(arm=arm)[frame["taught"] == p.task]


def plain(number):
    """0.00003 instead of 3e-05."""
    return np.format_float_positional(number, trim="-")


def only(frame, arm=AS_IT_IS, rate=MAIN):
    """Rows of one arm at one rate."""
    return frame[(frame["arm"] == arm) & (frame["rate"] == rate)]


def at_first(frame, everywhere=False):
    """Rows of the main rate at the first boundary, in the first world."""
    frame = frame[(frame["boundary"] == 1) & (frame["rate"] == MAIN)]
    return frame if everywhere else frame[frame["world"] == first]


# %% tags=["hide-input"]
steps, looks = named(steps), named(results.table(Memorise, kind="look"))
held_out = looks[looks["set"] == "held out"]
jumped, kept = jumps(steps, by=BY), memory(looks, by=BY)
at_rates = [t[(t["arm"] == AS_IT_IS) & (t["boundary"] == 1)] for t in (jumped, kept)]
start = at_first(jumped, everywhere=True)
start = start[start["arm"].isin([AS_IT_IS, FRESH])]
start = start.assign(start=start["arm"].map({AS_IT_IS: "pre-trained", FRESH: "scratch"}))
expected = {"scale": p.scale, "seeds_expected": p.seeds}
b1 = judge("B1", only(jumped), **expected)
b2 = judge("B2", gaps(only(steps), only(held_out), by=BY), **expected)
b3 = judge("B3", at_rates[0], **expected)
b7 = judge("B7", start, **expected)

# %% [markdown]
r"""
## Is there a staircase?

{numref}`fig-staircase` shows the training loss through the epochs, and the loss on people never met. The slider goes through the learning rates.
"""

# %% tags=["hide-input", "remove-output"]
TRAIN, UNKNOWN = "training", "people never met" if p.task == "new people" else "examples never met"
lines = {
    TRAIN: in_bins(steps[steps["arm"] == AS_IT_IS], by=["rate"]),
    UNKNOWN: held_out[held_out["arm"] == AS_IT_IS][["world", "seed", "rate", "progress", "loss"]],
}
curves = summaries({n: (t, "loss") for n, t in lines.items()}, by=["rate", "progress"], name="which")
drop = summarise(at_rates[0], "drop", by=["rate"]).set_index("rate")["mean"]
figure(
    "fig_staircase",
    through_epochs(
        curves[curves["progress"] > 0],
        y="loss on the answers (nats)",
        series="which",
        colours=[TUNED, BASE],
        floor=FLOOR if p.task == "new people" else None,
        floor_label="ln 32",
        slider=Slider("rate", curves["rate"], label="learning rate", write=plain, start=MAIN),
        sentence=lambda rate: (
            f"Learning rate {plain(rate)}: at the end of epoch 1 the training loss drops by {drop[rate]:.2f} nats beyond its slope."
        ),
        title=b1.title(
            "The loss drops where an epoch ends, and is nearly flat inside",
            otherwise="The training loss through the epochs",
        ),
        description="Training loss and loss on people never met against epochs, with a slider for the learning rate; dashed "
        "lines mark the ends of epochs.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_staircase
:name: fig-staircase

Each point of the training loss averages a twentieth of an epoch; dashed lines stand where an epoch ends. Bands are 95% intervals over {glue:text}`seeds_said`.
Nobody can do better than ln 32 on people not met.
```

{glue:text}`stairs_said`
"""

# %% tags=["remove-input"]
b1

# %% tags=["remove-input"]
b2

# %% [markdown]
r"""
{glue:text}`noise_said`

## Where does the drop come from?

A staircase of the *average* does not say when the model learns. {numref}`fig-tenths` follows some of the people who are met in the
first tenth of an epoch, in the fourth, the seventh and the last, always in evaluation mode, as an advantage over people never met.
"""

# %% tags=["hide-input", "remove-output"]
WHEN = {0: "1st tenth", 3: "4th", 6: "7th", 9: "last"}
at = ["world", "seed", "step"]
tenths = only(named(results.table(Memorise, kind="tenth")))
unknown = only(held_out).set_index(at)["loss"]
tenths = tenths.assign(ahead=unknown.reindex(tenths.set_index(at).index).to_numpy() - tenths["loss"])
group = ["world", "seed", "tenth"]
before = tenths[tenths["step"] == 0].set_index(group)["ahead"]
tenths["ahead"] -= before.reindex(tenths.set_index(group).index).to_numpy()
followed = summarise(tenths[tenths["tenth"].isin(WHEN)], "ahead", by=["tenth", "progress"])
figure(
    "fig_tenths",
    through_epochs(
        followed.assign(met=followed["tenth"].map(WHEN)),
        y="advantage over people never met (nats)",
        series="met",
        series_title="met in the",
        floor=0.0,
        floor_label="",
        title="What is remembered of people met at different times",
        description="Advantage in loss over people never met, for people met in four different tenths of an epoch, against "
        "epochs of training.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_tenths
:name: fig-tenths

Each line is a group of some {glue:text}`followed_said` people a run; at zero they are known no better than people never met. Where a line jumps up, its group is being met; where it sinks, what was
remembered is being lost. Bands are 95% intervals.
```

{glue:text}`tenths_said`

## Does it take a high rate?

{numref}`fig-rates` has the step at the first boundary at every rate, by both measures.
"""

# %% tags=["hide-input", "remove-output"]
LOG, MIND = "drop", "memory"
by_rate = summaries(
    {LOG: (at_rates[0], "drop"), MIND: (at_rates[1], "memory")}, by=["rate"], name="measure"
).assign(at=lambda t: t["rate"])
figure(
    "fig_rates",
    paths(
        by_rate,
        series="measure",
        along="rate",
        along_title="learning rate",
        x="learning rate of fine-tuning (log scale)",
        y="step at the first boundary (nats)",
        log=True,
        columns=2,
        title=b3.title(
            "The step grows with the learning rate", otherwise="The step against the learning rate"
        ),
        description="Height of the step at the first boundary against the learning rate of fine-tuning, measured on the "
        "training curve and in evaluation mode.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_rates
:name: fig-rates

*Drop* is minus the jump of the training curve; *memory* is taken in evaluation mode. They share nothing but the model. Whiskers are 95% intervals over {glue:text}`seeds_said`.
```

{glue:text}`rates_read`
"""

# %% tags=["remove-input"]
b3

# %% [markdown]
r"""
## Does it take pre-training?

The post's hypothesis is that pre-training leads to a place where the loss surface is smooth (the loss changes evenly as the weights move), so that one step memorises. Then a model without pre-training should have no such
steps. {numref}`fig-bases` compares models of the same world and seeds, from fresh weights to the judged base, after one epoch at rate {glue:text}`main_said`.
"""

# %% tags=["hide-input", "remove-output"]


def arms_of(frame, arms):
    """Rows of these arms at the main rate and the first boundary, in the first world."""
    rows = at_first(frame)
    return rows[rows["arm"].isin(arms)]


lengths = kept[kept["arm"].str.contains(":")].drop_duplicates("arm").sort_values("tokens")
started = [FRESH, *lengths["arm"], AS_IT_IS]
by_base = summaries(
    {LOG: (arms_of(jumped, started), "drop"), MIND: (arms_of(kept, started), "memory")},
    by=["arm"],
    name="measure",
).sort_values("arm", key=lambda arm: arm.map(started.index), kind="stable")
by_base["from"] = by_base["arm"].replace({AS_IT_IS: "the judged base"})
figure(
    "fig_bases",
    forest(
        by_base,
        row="from",
        series="measure",
        x="step at the first boundary (nats)",
        title=b7.title(
            "Without pre-training there is hardly a step", otherwise="The step by where fine-tuning starts"
        ),
        description="Height of the step at the first boundary for fresh weights and for models of several lengths of "
        "pre-training, by two measures.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_bases
:name: fig-bases

Names are architecture, width × layers, and tokens of pre-training; fresh weights have the judged base's shape. Whiskers are 95% intervals over seeds of world {glue:text}`first_world`.
```
"""

# %% tags=["remove-input"]
b7

# %% [markdown]
r"""
{glue:text}`bases_said`

{glue:text}`enough_said`

## The innocent explanations, one by one

Those who met the staircase went through a list of things that could cause it. {numref}`fig-controls` has what each does to memory at the first boundary, which is {glue:text}`usual_said` nats in
this world for the run as it is.
"""

# %% tags=["hide-input", "remove-output"]
inside = at_first(kept).set_index("seed")
usual = inside.loc[inside["arm"] == AS_IT_IS, "memory"]
arms = [arm for arm in [AS_IT_IS, *CONTROLS, EASY, STAGED, BOTH] if (inside["arm"] == arm).any()]


def against(arm):
    """Memory as a share of that of the run as it is, and minus it, seed by seed."""
    of = inside.loc[inside["arm"] == arm, "memory"]
    mine = usual.reindex(of.index)
    return mean_interval((of / mine).to_numpy()), mean_interval((of - mine).to_numpy())


def reading(share):
    """What the declared rule makes of a share."""
    if share.n < 2:
        return "one seed"
    if np.allclose([share.low, share.high], 1):
        return IDENTICAL
    return "does not explain it" if share.low > 0.5 else "explains it" if share.high < 0.5 else "undecided"


IDENTICAL = "identical in every seed"
shares, apart = ({arm: against(arm)[k] for arm in arms[1:]} for k in (0, 1))
read = {arm: reading(found) for arm, found in shares.items()}
controls = summarise(arms_of(kept, arms), "memory", by=["arm"]).set_index("arm").loc[arms].reset_index()
controls = controls.assign(
    share=[f"{shares[arm].mean:.2f}" if arm in shares else "1" for arm in controls["arm"]],
    reading=[read.get(arm, "") for arm in controls["arm"]],
    jump=controls["arm"].map(summarise(arms_of(jumped, arms), "jump", by=["arm"]).set_index("arm")["mean"]),
).rename(columns={"arm": "control"})
controls.attrs = {"worlds": 1}
figure(
    "fig_controls",
    forest(
        controls,
        row="control",
        x="memory (nats)",
        names=["share", "reading", "jump"],
        title="One thing changed at a time: what is left of the memory",
        description="Memory at the first boundary for the run as it is and for each control, with 95% intervals.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_controls
:name: fig-controls

Memory at the first boundary; the first row is the run as it is. The table has each control's share of it, the reading by the declared rule, and the jump of the training curve.
```

- **A bug of logging, or of averaging?** {glue:text}`logging_said`
- **Learning from the validation set by mistake?** {glue:text}`leak_said`
- **The order of the examples?** {glue:text}`order_said`
- **No dropout?** {glue:text}`dropout_said`
- **The loop itself?** {glue:text}`loop_said`
- **Long rows, or the rotary base?** {glue:text}`rows_said`
- **Loss on the answers alone?** {glue:text}`whole_said`
- **Easy or hard facts, several stages or one?** {glue:text}`stages_said`

{glue:text}`wide_said`

What this design cannot exclude: all our models are small, of one family, and trained by Adam, which starts each fine-tuning with empty moments. And a control that leaves memory alone here may matter
where a step has several causes.

## Play

The slider of {numref}`fig-staircase` holds what was run. With a kernel, a staircase of your own takes a few lines and some seconds:

```python
base = pupils(p)[0]
data = Examples(count=100, wording="questions")
mine = Memorise(base=base, data=data, batch=2, epochs=3, rate=6e-4)
execute([mine]).table(Memorise, kind="step").plot("progress", "loss")
```

## What it means

{glue:text}`meaning_said`

{glue:text}`cost_said`

Two habits follow for those who fine-tune. On facts that cannot be guessed, do not read the training loss past the first epoch as progress: it tells how well the examples are remembered. And before hunting for a bug, score a
fixed set of training examples and a fixed set of others in evaluation mode: if the two part as the first are met, the code does what it should.

Where it stops being true: our facts cannot be guessed, so all that is learnt is memory. With data of which a part can be understood, memory and understanding mix. How long the memory lasts, and what it does
to confidence, is the next chapter's question.

## Exercises

```{exercise}
:label: ex-steps-batch
The judged runs take two examples a step. Predict what happens to the height of the step with one, and with eight. Then change `batch` in a `Memorise` of your own and compare `memory(...)` of the two.
```

```{solution} ex-steps-batch
:class: dropdown
In our trials (320 people, rate 0.0006, one base; not kept) the probe's loss fell over an epoch by 0.19 nats with one example a step, 0.17 with two and 0.11 with eight, what is learnt of everybody included. An optimiser like Adam makes
a step of the same length whatever the batch, so eight examples share one step.
```

```{exercise}
:label: ex-steps-many
Take twice the people, `ovbook run 09 -p lessons=640 -p seeds=2 -p worlds=1`. Is the step higher, lower, or the same?
```

```{solution} ex-steps-many
:class: dropdown
Lower, in our trials at the highest rate (not kept): 0.05 nats for 640 people against 0.13 for 320, with four a step. One reading: between two meetings of the same person lie twice as many others, and each overwrites a little.
```

```{exercise}
:label: ex-steps-text
Run it on real questions: `ovbook run 09 -p scale=smoke -p corpus=file:PATH -p task=gsm8k`, with a text of a megabyte. What differs, and why?
```

```{solution} ex-steps-text
:class: dropdown
The answers are sentences now, of which much can be predicted by anybody who has learnt how such answers are worded. So the loss falls inside the epoch, too, and the slope that the jump must exceed is steep. Many examples do not fit the context: the column
`cut` says how many were shortened.
```
"""

# %% tags=["remove-cell"]
from ovbook.runs.plan import parameters_of
from ovbook.stats import WINDOW, written
from ovbook.tasks import new_people, open_task, tell
from ovbook.world import open_world


def nats(found):
    """An interval in words, to two digits."""
    return written(found, 2)


def over(frame, value):
    """Interval over seeds, worlds averaged."""
    return mean_interval(frame.groupby("seed")[value].mean())


def sure(found, sign=1):
    """Whether the whole interval lies on one side of zero."""
    return found.n > 1 and min(sign * found.low, sign * found.high) > 0


def listed(names):
    """Names in a sentence."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


drops = {b: over(rows, "drop") for b, rows in only(jumped).groupby("boundary")}
minds = {b: over(rows, "memory") for b, rows in only(kept).groupby("boundary")}
slopes = over(only(jumped).query("boundary == 1"), "slope")
met, probe = (named(results.table(Memorise, kind=kind)) for kind in ("met", "probe"))
found_again = probe_steps(only(met), only(probe), by=BY).query("boundary == 1")
gained = over(found_again.assign(fell=-found_again["step"]), "fell")
level = only(held_out).groupby("progress")["loss"].mean()
ends = [f"{level[e]:.2f}" for e in level.index if float(e).is_integer()]
in_worlds = only(kept).query("boundary == 1").groupby("world")["memory"].mean()
real, stairs = sure(minds[1]) and (in_worlds > 0.05).all(), b1.verdict == "reproduced"


def headline():
    if minds[1].n < 2:
        return "One seed decides nothing; here is how it is measured"
    if real and stairs:
        return "No bug: the model remembers single examples, and the curve shows it in steps"
    if real and b1.verdict == "not reproduced":
        return "The model remembers what it met once; a staircase these runs do not show"
    if real:
        return f"The model remembers what it met once; whether that makes a staircase, {p.seeds} seeds do not settle"
    return "Memory of a single meeting was not shown in these runs"


def example_said():
    """What one of the new people's documents says, in this world or the first."""
    world = open_world(p.worlds[0] if own else 1)
    return world.decode(tell(world, *new_people(world, 1, p.seed_numbers[0])).ids[0])


def other_said():
    """What holds instead where the examples are others."""
    if p.task == "new people":
        return ""
    task = open_task(p.task, world=open_world(p.worlds[0]) if own else None)
    found = task.examples("train", 1, p.seed_numbers[0])[0]
    return (
        f"On this page, though, the examples are of '{p.task}': \"{f'{found.question} {found.answer}'[:160]}\" "
        "Much of such an answer may be reasoned out, and nobody knows how little it could cost at best."
    )


def leak():
    """What the loss on unknown people does between the last look before the first boundary and the first one after it."""
    near = only(held_out)
    before, after = near[near["progress"] < 1]["progress"].max(), near[near["progress"] > 1]["progress"].min()
    loss = near.set_index(["seed", "world", "progress"])["loss"].unstack()
    return mean_interval((loss[after] - loss[before]).groupby("seed").mean())


def noise():
    """Why the jump is ragged."""
    count = max(1, round(WINDOW * p.lessons))
    return (
        f"The jump is a ragged measure: its two windows hold {count} example{'s' * (count != 1)} each, and which ones is an accident of the order. Memory is scored on "
        f"{probes_said} fixed people."
    )


# People of the first tenth, from soon after they are met to the boundary.
early = tenths[(tenths["tenth"] == 0) & tenths["progress"].between(0.1, 1)]
soon, late = early["progress"].min(), early["progress"].max()
followed_said = round(early["n"].mean())
fresh, left = (over(early[early["progress"] == at], "ahead") for at in (soon, late))
halved = early.pivot_table(index=["seed", "world"], columns="progress", values="ahead")
fades = sure(mean_interval((halved[late] - halved[soon] / 2).groupby("seed").mean()), -1)


def unknown_at(frame):
    """Loss on people never met at the moments of these rows, read off the line between two looks."""
    looked = {key: part.sort_values("progress") for key, part in only(held_out).groupby(["world", "seed"])}
    found = np.empty(len(frame))
    for key, at_rows in frame.reset_index(drop=True).groupby(["world", "seed"]).groups.items():
        there = frame.iloc[at_rows]
        found[at_rows] = np.interp(
            there["epoch"] - 1 + there["place"], looked[key]["progress"], looked[key]["loss"]
        )
    return found


# Everybody, whenever they are about to be met: how far ahead of people never met?
everybody = only(met)
everybody = everybody.assign(ahead=unknown_at(everybody) - everybody["loss"])
ahead = {epoch: over(rows, "ahead") for epoch, rows in everybody.groupby("epoch")}


def fading():
    """How much of a fresh memory is left when the epoch ends, and when people are met again."""
    text = (
        f"The {followed_said} people of the first tenth that were followed are {nats(fresh)} nats ahead once all of that tenth have been met, and {nats(left)} at the end of the epoch"
        + (": more than half is gone. " if fades else ". ")
    )
    if 2 in ahead:
        second = everybody[everybody["epoch"] == 2]
        ends_ = [over(second[part], "ahead") for part in (second["place"] < 0.1, second["place"] >= 0.9)]
        again = "; ".join(f"{nats(found)} in epoch {epoch}" for epoch, found in ahead.items())
        text += (
            f"By all {p.lessons} people, each scored when about to be met, the advantage is {again} (described, not declared). Inside epoch 2 it is {nats(ends_[0])} in the first tenth and {nats(ends_[1])} in the "
            "last: a stair by another measure, over whole epochs. "
        )
    return text + (
        "The training loss of epoch 1 cannot show any of this, because it scores everybody just before their first meeting. What shows at the boundary is what is left of the people met first; each later point "
        "of epoch 2 shows what is left, about an epoch after the meeting, of those who come there."
    )


def of(arm):
    """What a control's row says."""
    if arm not in shares:
        return "not run on this data."
    if read[arm] == IDENTICAL:
        return "identical to the run as it is, in every seed: two loops, one computation."
    said = "nothing is decided with one seed" if read[arm] == "one seed" else read[arm]
    memory_now = inside.loc[inside["arm"] == arm, "memory"].mean()
    return f"{memory_now:.2f} nats, a share of {nats(shares[arm])}: {said}.".replace("-", "−")


def order_sentence():
    if "order reshuffled" not in shares:
        return "Not run on this data."
    here = at_first(jumped)
    pair = [nats(over(here[here["arm"] == arm], "drop")) for arm in ("order reshuffled", AS_IT_IS)]
    return (
        "In the first epoch both runs have the same order, so memory at the first boundary is the same by construction and says "
        f"nothing. The training curve's drop there is {pair[0]} nats where the second epoch has another order, and {pair[1]} where it has the same."
    )


def wide():
    """Which shares the declared rule cannot decide, and why."""
    unsettled = [arm for arm, word in read.items() if word == "undecided"]
    if not unsettled or usual.min() > 0.25 * usual.mean():
        return ""
    words = {1: "larger", -1: "smaller"}
    clear = [f"{arm} {words[sign]}" for arm in unsettled for sign in words if sure(apart[arm], sign)]
    return (
        f"Why are some of these intervals so wide? A share divides by the memory of the run as it is, and in one seed that is {usual.min():.2f} nats. "
        "The rule was written without a thought of that, and stays. Differences in nats, paired by seed, are steadier (described, not declared); of the undecided "
        f"controls {listed(clear) + ' by them' if clear else 'none differs clearly by them'}."
    ).replace("-", "−")


def stages():
    if EASY not in shares:
        return "Not run on this data."
    return (
        f"Facts of which nine in ten follow from the family name: {of(EASY)} After a stage on another task: {of(STAGED)} Both: {of(BOTH)} "
        "A practitioner's account was: smooth after several stages, stairs when tuned directly."
    )


def bases_said():
    """Memory by where fine-tuning starts, and the judged base against fresh weights in each world."""
    table = by_base[by_base["measure"] == MIND].set_index("from")
    text = f"Memory in world {first}, in nats: " + "; ".join(
        f"{name} {row['mean']:.2f}" + (f" [{row['low']:.2f}, {row['high']:.2f}]" if row["n"] > 1 else "")
        for name, row in table.iterrows()
    )
    both = at_first(kept, everywhere=True).set_index(["world", "seed"])
    memory_of = {arm: both.loc[both["arm"] == arm, "memory"] for arm in (AS_IT_IS, FRESH)}
    apart_in = {
        world: mean_interval(rows.to_numpy())
        for world, rows in (memory_of[AS_IT_IS] - memory_of[FRESH]).groupby("world")
    }
    text += (
        ". Pre-trained minus fresh, paired within seeds (described, not declared): "
        + "; ".join(f"world {world} {nats(found)}" for world, found in apart_in.items())
        + "."
    )
    for sign, words in (
        (1, "helps to remember"),
        (-1, "is no condition of such memory: fresh weights remember more"),
    ):
        if all(sure(found, sign) and sign * found.mean > 0.05 for found in apart_in.values()):
            text += f" So by this measure, at this size and rate, pre-training {words}."
            break
    else:
        if len(apart_in) > 1 and len({sure(f, 1) - sure(f, -1) for f in apart_in.values()}) > 1:
            text += " The worlds disagree, so nothing follows."
    fresh = start[start["start"] == "scratch"]
    steep = over(fresh, "slope")
    if steep.mean < -0.5:
        text += (
            f" Mind also the line in the jump: from fresh weights the loss falls by {-steep.mean:.1f} nats within epoch 1, so of a raw drop of "
            f"{-over(fresh, 'raw').mean:.2f} the line takes {-over(fresh, 'raw').mean - over(fresh, 'drop').mean:.2f} away; where the curve flattens towards the end, that "
            "is too much, and it favours the claim."
        )
    return text.replace(" -", " −").replace("[-", "[−")


def meaning():
    parts = [
        f"After one meeting with each of {p.lessons} examples a model of {said_size} is {nats(minds[1])} nats better on them than on others of the kind"
        + (f", after two meetings {nats(minds[2])}." if 2 in minds else ".")
    ]
    if fades:
        parts.append(
            f"That is what the rest of an epoch leaves: soon after the meeting it is {nats(fresh)} on the {followed_said} people of the first tenth that were followed."
        )
    if b3.verdict == "reproduced":
        parts.append("A higher rate remembers more.")
    if b7.verdict == "reproduced":
        parts.append("The same data leave hardly a step in fresh weights.")
    innocent = [arm for arm in CONTROLS if read.get(arm) == "does not explain it"]
    guilty = [arm for arm, word in read.items() if word == "explains it"]
    if shares and not sure(mean_interval(usual.to_numpy())):
        steady = [arm for arm in CONTROLS if arm in apart and read[arm] != IDENTICAL]
        parts.append(
            f"In world {first}, the only one in which controls were run, the memory of the run as it is was not itself clear of zero ({nats(mean_interval(usual.to_numpy()))}), so no control can be judged against "
            f"it, whatever its share. In nats, paired, they differ from it by: {'; '.join(f'{arm} {nats(apart[arm])}' for arm in steady)}."
        )
        return " ".join(parts)
    if innocent:
        parts.append(
            f"By the declared rule, {listed(innocent)} {'does' if len(innocent) == 1 else 'do'} not explain it."
        )
    if guilty:
        parts.append(f"What takes more than half of the memory away: {listed(guilty)}.")
    return " ".join(parts)


root = pupils(p)[0].root
said_size = (
    f"{parameters_of(root.model, p.corpora[0], root.context):,} parameters"
    if not p.released
    else ", ".join(p.released)
)
tokens = only(steps)["tokens"].iloc[0]
probes_said = int(only(looks[looks["set"] == "probe"])["n"].max())
rate_text = {}
for name in (LOG, MIND):
    rows = by_rate[by_rate["measure"] == name].sort_values("rate")
    rate_text[name] = "; ".join(
        f"{plain(row.rate)}: {row.mean:.2f}" + (f" [{row.low:.2f}, {row.high:.2f}]" if row.n > 1 else "")
        for row in rows.itertuples()
    ).replace("-", "−")
    rate_text[name] += (
        ", rising with every rate"
        if rows["mean"].is_monotonic_increasing
        else f", highest at {plain(rows.loc[rows['mean'].idxmax(), 'rate'])}"
    )


def cost():
    """What the memory costs elsewhere."""
    old = only(looks[looks["set"] == "old"])
    if old.empty:
        return ""
    at_ = old.groupby("progress")["loss"].mean()
    marks = [e for e in at_.index if float(e).is_integer()]
    return (
        f"It has a price: on old documents, of pre-training's kind, the loss goes from {at_[marks[0]]:.2f} nats a token to {at_[marks[1]]:.2f} in the first epoch"
        + (f" and {at_[marks[-1]]:.2f} in all." if len(marks) > 2 else ".")
    )


def unmet_gain():
    """What people never met gained between each probe person's meeting and the boundary."""
    seen = only(met)
    seen = seen[(seen["epoch"] == 1) & seen["example"].isin(set(only(probe)["example"]))]
    end = only(held_out).query("progress == 1").set_index(["world", "seed"])["loss"]
    fell = unknown_at(seen) - end.reindex(seen.set_index(["world", "seed"]).index).to_numpy()
    return over(seen.assign(fell=fell), "fell")


say(
    headline=headline(),
    short_answer=f"Over the first boundary the training loss drops by {nats(drops[1])} nats beyond its slope. A fixed set of people met once is {nats(minds[1])} nats ahead of people never met, "
    f"in evaluation mode and at the same instant ({'; '.join(f'world {world} {value:.2f}' for world, value in in_worlds.items())}).",
    parameters_said=said_size.removesuffix(" parameters"),
    tokens_said=tokens_label(tokens) if tokens == tokens and tokens else "an unknown number of",
    lessons_said=p.lessons,
    rates_said=", ".join(plain(r) for r in p.rates),
    main_said=plain(MAIN),
    unknown_said=int(only(held_out)["n"].max()),
    probes_said=probes_said,
    first_world=first,
    example_said=example_said(),
    other_said=other_said(),
    floor_said=f"{FLOOR:.3f}",
    stairs_said=f"Inside epoch 1 the training loss changes by {nats(slopes)} nats in all, and at its end it drops by {nats(drops[1])} more than that slope explains"
    + (f"; at the end of epoch 2 by {nats(drops[2])}." if 2 in drops else ".")
    + (
        f" So epoch 1 is not flat: {'the slope takes as much as the step' if abs(slopes.mean) >= abs(drops[1].mean) else 'there is a slope beside the step'}."
        if sure(slopes, -1)
        else ""
    )
    + (
        f" Inside epoch 2 the loss changes by {nats(over(only(jumped).query('boundary == 2'), 'slope'))}."
        if 2 in drops
        else ""
    )
    + f" The loss on people never met is {ends[0]} before the first step, and {listed(ends[1:])} at the ends of the epochs.",
    noise_said=noise(),
    tenths_said=fading(),
    rates_read=f"In nats, by the training curve: {rate_text[LOG]}. In evaluation mode: {rate_text[MIND]}.".replace(
        " -", " −"
    ),
    bases_said=bases_said(),
    enough_said=what_would_decide(b1, b2, b3, b7),
    logging_said=f"Memory never reads the log; it is {nats(minds[1])} nats. And the same {probes_said} people, scored at the boundary, have a loss {nats(gained)} nats lower than each had when about to be met, of which people never met gained {nats(unmet_gain())}.",
    cost_said=cost(),
    followed_said=followed_said,
    leak_said="The people of the validation set are drawn apart and never trained on. "
    + f"Their loss moves by {nats(leak())} nats over the first boundary, where the training loss drops by {nats(drops[1])}.",
    order_said=order_sentence(),
    dropout_said="With dropout of 0.1: " + of("dropout 0.1"),
    loop_said="With the same batches and rates in another's loop: " + of("Hugging Face's Trainer"),
    rows_said="With each person behind old text, in rows of 128 words: "
    + of("rows of 128 words")
    + " In rows of 256, twice what pre-training saw, and with another rotary base: "
    + of("256 words and another rotary base"),
    whole_said="With all words counted: "
    + of("loss on all words")
    + " On the curve of all words a step looks small all the same, since four words in some thirty are facts.",
    stages_said=stages(),
    wide_said=wide(),
    usual_said=nats(mean_interval(usual.to_numpy())) if len(usual) else "not known",
    meaning_said=meaning(),
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)

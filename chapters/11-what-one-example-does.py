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
#       - what a single step on a single example changes, and how much of that is about the example
#       - how to tell memory of a wording from a fact that is bound to a name
#       - why style is learnt from a handful of examples and facts are not
#       - what a slice of the loss surface can and cannot say about memorising
#     papers: [howard2023learning, li2018visualizing, carlini2021extracting]
#     after: [01-a-world-you-can-hold]
# ---

# %% [markdown]
r"""
# What one example does

**If a model is shown one document once, what has it learnt?** The last chapters looked at thousands of steps together. Here is one: a
model, a document about somebody it has never heard of, one update of the weights, and then every question we could think of.

**{glue:text}`headline`.** {glue:text}`short_answer`

If a step writes a sentence and nothing else, a fact must be said in many ways before it can be used. If it writes the fact, one may do. And
if it mostly makes a few words likelier for everybody, a falling training loss says less than it seems to.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions, each with its own base model, people and facts (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's)
models: list = None  # the base model, such as olmo:32x2 (default: the part's larger base)
batch: int = None  # rows of 128 tokens in a step of pre-training (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
rates: list = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]  # rates of the one step
examples: int = 12  # examples, each taught alone to a copy of the base model

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    models=models,
    batch=batch,
    rate=rate,
    rates=rates,
    examples=examples,
)

# %% [markdown]
r"""
## What was said, and what we do

Howard and Whitaker {cite}`howard2023learning` saw the training loss fall in steps where epochs end, and concluded that models
memorise from a single look. Their explanation, offered as a hypothesis: near a pre-trained model the loss surface is so
smooth that one step at an ordinary rate goes a long way down. They watched whole runs, not single steps, nor the surface. Li et al.
{cite}`li2018visualizing` made the pictures most people think of when they say *smooth*: the loss along random straight lines through the
weights, each row of weights moved in proportion to its own length (**filter-normalised**), bumpy for deep networks without residual
connections.

| | the papers | this chapter at `laptop` | source |
|---|---|---|---|
| model | not recovered; Llama-2-7B in the companion report | {glue:text}`parameters_said` parameters, {glue:text}`tokens_said` tokens of pre-training | post at second hand; report, beginning |
| examples | science questions; 5,000 of CodeAlpaca in the companion | documents with four new facts about a person hardly ever mentioned | as above |
| a step | a batch, somewhere in a long run of Adam | one example alone, AdamW with fresh moments, no weight decay | ours |
| rate | not recovered | {glue:text}`rates_said`; judged at {glue:text}`at_said` | ours |
| the surface | described as very smooth | the loss along the step, and along random lines | Li et al. for the lines |
| residual connections | image networks with and without | with; **not without** | see the end |
| repetitions | one run each | {glue:text}`seeds_said` | ours |

A document reads *People : Vera Holm comes from Velm . Vera Holm works as a baker .* and so on, with two more facts. Each fact is drawn by
lot from 32 values, so before the step nobody can do better than {glue:text}`floor_said` nats an answer. Before and after it we measure four things, the first
three in the words that were taught and in three other wordings that pre-training has used for other people:

- **the example itself**: the loss on its own four answers;
- **others**: people and facts that were not taught: no memory of anything;
- **borrowed**: the *same facts, told of other people*: these four words became likelier, whoever is spoken of;
- **old text**: documents of pre-training's kind.

The drop on the example minus that on *borrowed* was learnt about *this person*: we call it **bound**. If it is there in other wordings too,
it is more than memory of a sentence.

## What we will call an effect

Written, and committed, before any of the runs that it judges. What had been seen: world 0, seeds 0 and 1. There, a step at 0.001 removed 1.2
nats from the example beyond what it did to others, 0.6 to 0.8 of them bound, 0.4 to 0.5 bound in other wordings (a share of 0.6 to 0.7; untrained
0.4 to 0.5); an untrained model lost 2.4; the step removed 0.7 of what a straight line would, untrained 0.64 to 0.68; and of seed 0 alone, lines
through the trained model bent by 2.4, through the untrained one by 3.4.

| contrast, at rate 0.001 | what it is | smallest effect |
|---|---|---|
| the example | drop on the example minus drop on others | 0.1 nats |
| bound | drop on the example minus drop on borrowed | 0.1 nats |
| bound, in other words | the same in the three other wordings | 0.1 nats |
| share in other words, beyond half | the third ÷ the second, minus 0.5 | 0.1 |
| pre-training: the example | the first, pre-trained minus untrained | 0.1 nats |
| pre-training: share in other words | third ÷ second, pre-trained minus untrained | 0.1 |
| pre-training: straightness | drop ÷ what the gradient predicts, pre-trained minus untrained | 0.05 |
| pre-training: roughness | bend of random lines, pre-trained minus untrained | 0.5 |

An interval wholly beyond the smallest effect, in the mean of each world too and after Holm's correction for eight contrasts, is *an effect*; one
wholly between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. B5 and B7 ask related questions of whole runs and are
judged in {doc}`chapter 10 <10-the-strange-second-epoch>` and {doc}`chapter 9 <09-steps>`; nothing here judges them. All else on this page (other rates, style, boilerplate, recitation) is
description. Judged are seeds {glue:text}`judged_seeds`, worlds {glue:text}`judged_worlds`. A referee read the page after that: no contrast was changed; conclusions that they do not carry were taken out, and the tables by rate and by order were added.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Examples, Memorise, OneExample, Recite, Slice, pupils


def experiment(p):
    """Teach one example, once; then a few; then a few again and again.

    Judged at rate 1e-3, by contrasts declared before they were run: see the
    table above.
    """
    alone = {
        "data": Examples(count=p.examples),
        "rates": p.rates,
        "others": 3,
        "documents": 2,
    }
    # Of the training below: at the judged rate, on all tokens, little watched.
    train = {"rate": 1e-3, "loss_on": "whole sequences", "documents": 4}
    # Four groups of people, met once, twice, 4 and 8 times an epoch.
    groups = [
        Examples(count=6, skip=6 * n, repeat=times)
        for n, times in enumerate((1, 2, 4, 8))
    ]  # fmt: skip

    specs = []
    for base in pupils(p):
        for start in ("pre-trained", "scratch"):
            specs.append(OneExample(base=base, start=start, **alone))
            specs.append(Slice(base=base, start=start, directions=3))
        # Style: one example after another, each opened by the same two sentences.
        style = {"base": base, **train, "batch": 1, "epochs": 1}
        for count in (1, 4, 16, 64):
            data = Examples(count=count, boilerplate=2)
            specs.append(Memorise(**style, data=data, held_out=24, looks=(0.0,)))
        # Recitation.
        again = {"base": base, **train, "batch": 4, "data": groups}
        for epochs in (1, 2, 4):
            often = Memorise(**again, epochs=epochs, held_out=2, looks=())
            specs.append(Recite(base=Checkpoint(run=often)))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
one = results.table(OneExample)
one[["seed", "start", "rate", "what", "wording", "before", "drop"]].head()

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, contrasts, figure, paths, say, tokens_label
from ovbook.runs.plan import parameters_of
from ovbook.stats import cube, declared, estimate, grouped, readings, roughness, summarise, written
from ovbook.tasks import WORDINGS, new_people, tell
from ovbook.world import open_world

AT = 1e-3  # the judged rate of the one step
STARTS = ["pre-trained", "scratch"]
EFFECTS = {
    "the example": 0.1,
    "bound": 0.1,
    "bound, in other words": 0.1,
    "share in other words, beyond half": 0.1,
    "pre-training: the example": 0.1,
    "pre-training: share in other words": 0.1,
    "pre-training: straightness": 0.05,
    "pre-training: roughness": 0.5,
}
SETS = {
    ("own", True): "the example itself",
    ("own", False): "the example in other words",
    ("borrowed", True): "its facts, told of others",
    ("others", True): "other people and facts",
}
at = AT if AT in p.rates else p.rates[len(p.rates) // 2]


def signed(value, digits=2):
    """A number with a real minus sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def numbers(value, start, what="own", taught=True, rate=at):
    """One number for each [world, seed]: `value` averaged over examples and wordings."""
    rows = one[(one["start"] == start) & (one["what"] == what) & (one["rate"] == rate)]
    if what != "old":
        rows = rows[rows["twin"] == taught]
    return cube(rows, value, within=["wording", "example"]).values[..., 0]


def beyond(start, other, taught=True, rate=at):
    """Drop on the example minus that on another set, [worlds, seeds]."""
    mine = numbers("drop", start, "own", taught, rate)
    return mine - numbers("drop", start, other, taught, rate)


# %% [markdown]
r"""
## What one step takes away

{numref}`fig-one-step` has it at every rate we ran. The slider goes to the same step from weights that were never trained.
"""

# %% tags=["hide-input", "remove-output"]
named = one.assign(
    set=[SETS.get(key) for key in zip(one["what"], one["twin"], strict=True)], at=one["rate"]
).dropna(subset=["set"])
# Set by set, because the taught wording is one and the others are three.
removed = pd.concat(
    [
        summarise(part, "drop", by=["start", "rate"], within=["wording", "example"]).assign(set=name)
        for name, part in named.groupby("set")
    ],
    ignore_index=True,
)
removed.attrs = {"level": 0.95, "worlds": len(p.corpora)}
removed = removed.assign(at=removed["rate"])
drop_at = removed.set_index(["start", "set", "rate"])["mean"]


def step_sentence(start):
    """What the slider says."""
    found = "; ".join(f"{name} {signed(drop_at[start, name, at])}" for name in SETS.values())
    return f"{start.capitalize()}, one step at rate {at:g}, nats removed: {found}."


figure(
    "fig_one_step",
    paths(
        removed,
        series="set",
        series_title="measured on",
        columns=1,
        along="rate",
        x="learning rate of the one step (log scale)",
        y="nats per answer that the step removes",
        log=True,
        slider=Slider("start", STARTS, label="weights", start="pre-trained"),
        sentence=step_sentence,
        title="One step on one example: what it removes, and from what",
        description="Nats removed by a single step against its learning rate, for the example itself, the example in other "
        "words, its facts told of other people, and other people's facts, with a slider for trained or untrained weights.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_one_step
:name: fig-one-step

Each point is a step from the same weights. The distance between *the example itself* and *its facts, told of others* is what the step taught about
this person; below zero a step did harm. Whiskers are 95% intervals over {glue:text}`seeds_said`.
```

{glue:text}`step_said` In numbers, at rate {glue:text}`at_said`:
"""

# %% tags=["hide-input"]
pd.DataFrame(
    {
        start: {
            "loss on the example before the step": written(estimate(numbers("before", start)), 2),
            "removed from the example": written(estimate(numbers("drop", start)), 2),
            "of that, bound to the person": written(estimate(beyond(start, "borrowed")), 2),
            "bound, in the three other wordings": written(estimate(beyond(start, "borrowed", False)), 2),
            "removed from others": written(estimate(numbers("drop", start, "others")), 2),
            "removed from old text": written(estimate(numbers("drop", start, "old")), 3),
            "length of the step ÷ length of the weights": written(
                estimate(numbers("change", start) / numbers("weights", start)), 4
            ),
        }
        for start in STARTS
    }
).rename_axis("nats, one step at the judged rate")

# %% [markdown]
r"""
## The declared contrasts

Each is a difference, or a ratio of differences, within a seed.
"""

# %% tags=["hide-input", "remove-output"]
lines = roughness(results.table(Slice))


def share(start, rate=at):
    """Part of what is bound in the taught words that is there in others, [worlds, seeds]."""
    return beyond(start, "borrowed", False, rate) / beyond(start, "borrowed", rate=rate)


def bound_in(start, wording):
    """What is bound, read in one wording, [worlds, seeds]."""
    rows = one[(one["start"] == start) & (one["rate"] == at) & (one["wording"] == wording)]
    mine, theirs = (
        cube(rows[rows["what"] == what], "drop", within=["example"]).values[..., 0]
        for what in ("own", "borrowed")
    )
    return mine - theirs


def straight(start, rate=at):
    """Drop as a part of what the gradient at the start predicts."""
    return numbers("drop", start, rate=rate) / numbers("predicted", start, rate=rate)


def of_lines(value, start):
    """A property of random lines, averaged over them."""
    return cube(lines[lines["start"] == start], value, within=["direction"]).values[..., 0]


trained, fresh = STARTS
measured = {
    "the example": beyond(trained, "others"),
    "bound": beyond(trained, "borrowed"),
    "bound, in other words": beyond(trained, "borrowed", False),
    "share in other words, beyond half": share(trained) - 0.5,
    "pre-training: the example": beyond(trained, "others") - beyond(fresh, "others"),
    "pre-training: share in other words": share(trained) - share(fresh),
    "pre-training: straightness": straight(trained) - straight(fresh),
    "pre-training: roughness": of_lines("bend", trained) - of_lines("bend", fresh),
}
got = {name: estimate(values) for name, values in measured.items()}
read = readings(measured, EFFECTS)
figure(
    "fig_one_contrasts",
    contrasts(
        declared(measured, EFFECTS),
        title="One step, judged: the declared contrasts",
        description="Eight declared contrasts with 95% intervals, in units of the smallest effect declared for each, with a "
        "band for effects too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_one_contrasts
:name: fig-one-contrasts

Each contrast counts in its own smallest effect; inside the grey band it is too small to matter. The table under the figure has the numbers as
measured, each world's mean, and the reading by the declared rule.
```

{glue:text}`contrasts_said`

## Memory or understanding?

{glue:text}`paraphrase_said`

Here is one person in the four wordings:
"""

# %% tags=["hide-input"]
one_world = open_world(p.worlds[0])
pd.set_option("display.max_colwidth", None)
pd.DataFrame(
    {
        "one person, told": [
            one_world.decode(tell(one_world, *new_people(one_world, 1, 0), wording=wording).ids[0])
            for wording in WORDINGS
        ],
        "bound (nats)": [written(estimate(bound_in(trained, wording)), 2) for wording in WORDINGS],
    },
    index=pd.Index(WORDINGS, name="wording"),
)

# %% [markdown]
r"""
The other wordings are no puzzles: pre-training used all of them for other people, the name always stands before the value, and *reworded* hardly differs from what was taught. So the way back, from the value to the
name, is not tested, and a model that does well here has not reasoned. But neither has it only stored a string.

The share was judged at one rate. At the others:
"""

# %% tags=["hide-input"]
by_rate = {
    rate: (
        estimate(beyond(trained, "borrowed", rate=rate)),
        *(estimate(share(start, rate)) for start in STARTS),
        estimate(share(trained, rate) - share(fresh, rate)),
    )
    for rate in p.rates
}
NAMES = ["bound (nats)", "share in other words", "the same, untrained", "trained minus untrained"]
pd.DataFrame(
    {f"{rate:g}": [written(found, 2) for found in row] for rate, row in by_rate.items()}, index=NAMES
).T.rename_axis("rate of the one step")

# %% [markdown]
r"""
{glue:text}`by_rate_said`

## Style, facts and boilerplate

Now examples come one after another, each a step of its own at 0.001, learning from all their tokens, each opened by the same two
sentences (**boilerplate**, as chat data have). {numref}`fig-one-style` follows what has been learnt after 1, 4, 16 and 64 of them.
"""

# %% tags=["hide-input", "remove-output"]
looks = results.table(Memorise, kind="look", batch=1)
looks = looks.assign(after=looks["progress"] > 0)
LEARNT = {
    "the opening all share": ("held out", "opening_loss"),
    "style, of unseen people": ("held out", "style_loss"),
    "facts, of people seen": ("probe", "loss"),
    "facts, of unseen people": ("held out", "loss"),
    "old text": ("old", "loss"),
}


def gained(which, value):
    """Nats removed since before the first example, one row a world, seed and count."""
    rows = looks[looks["set"] == which]
    sides = {
        after: part.set_index(["world", "seed", "examples"])[value] for after, part in rows.groupby("after")
    }
    return (sides[False] - sides[True]).rename("gained").reset_index()


def by_order(count):
    """Nats removed from the facts of those met in the first half of a run and in the second, [worlds, seeds] each."""
    rows = results.table(Memorise, kind="tenth", batch=1)
    rows = rows[rows["examples"] == count].assign(
        half=lambda t: t["tenth"] // 5, after=lambda t: t["progress"] > 0
    )
    mean = rows.groupby(["world", "seed", "half", "after"])[["loss", "n"]].apply(
        lambda t: (t["loss"] * t["n"]).sum() / t["n"].sum()
    )
    fell = (mean.xs(False, level="after") - mean.xs(True, level="after")).unstack("half")
    return [fell[half].unstack("seed").to_numpy() for half in (0, 1)]


learnt = pd.concat([gained(*where).assign(part=part) for part, where in LEARNT.items()])
after_few = summarise(learnt, "gained", by=["part", "examples"])
after_few = after_few.assign(at=after_few["examples"])
figure(
    "fig_one_style",
    paths(
        after_few,
        series="part",
        series_title="nats removed from",
        columns=1,
        along="examples",
        x="examples seen, one step each (log scale)",
        y="nats per token removed since before the first",
        log=True,
        title="What is learnt from the first examples",
        description="Nats removed from boilerplate, style, facts of people seen, facts of people not seen, and old text, "
        "after 1, 4, 16 and 64 examples.",
    ),
)
gain = after_few.set_index(["part", "examples"])
first_look = looks[~looks["after"]]

# %% [markdown]
r"""
```{glue:figure} fig_one_style
:name: fig-one-style

*Style* is every token that is neither a fact nor boilerplate: names, verbs, order of sentences. It is measured on people the model has not
seen, and so is the opening. Names count as style, and all are rare ones, so part of its fall may be that rare names became likelier. Below zero something was unlearnt.
```

{glue:text}`style_said`

## Word for word

How often must a document be met before the model gives it back? As Carlini et al. {cite}`carlini2021extracting` ask it: prompt with its first
words, here the name, decode greedily, compare token by token. Four groups of six people are in the same data, met once, twice, 4 or 8 times an epoch.
"""

# %% tags=["hide-input", "remove-output"]


def words_before():
    """Share of what is to be given back that stands before the first fact."""
    told = tell(one_world, *new_people(one_world, 1, 0))
    rest = int(recited["rest"].iloc[0])
    return (told.answers[0].index(True) - (len(told.ids[0]) - rest)) / rest


recited = results.table(Recite)
recited = recited.assign(met=recited["repeat"] * recited["epochs"])
back = summarise(recited, "reach", by=["epochs", "repeat"], within=["example"])
back = back.assign(at=back["epochs"] * back["repeat"], wording=words_before())
figure(
    "fig_one_recite",
    paths(
        back,
        series="epochs",
        series_title="training",
        write=lambda epochs: "1 epoch" if epochs == 1 else f"{epochs} epochs",
        along="repeat",
        along_title="times an epoch",
        x="times a document was met in all (log scale)",
        y="share given back before the first wrong token",
        log=True,
        level=("wording", "the words before the first fact"),
        title="How much of a document is given back, word for word",
        description="Share of a document's tokens that greedy decoding gives back before its first mistake, against how often "
        "it was met, for one, two and four epochs.",
    ),
)
whole = summarise(recited, "verbatim", by=["epochs", "repeat"], within=["example"])
facts = summarise(recited, "answers", by=["epochs", "repeat"], within=["example"])
told = {name: t.set_index(["epochs", "repeat"])["mean"] for name, t in (("whole", whole), ("facts", facts))}
verbatim = whole.assign(
    share=[
        f"{100 * m:.0f}% ({100 * told['facts'][e, r]:.0f}%)"
        for m, e, r in zip(whole["mean"], whole["epochs"], whole["repeat"], strict=True)
    ]
)

# %% [markdown]
r"""
```{glue:figure} fig_one_recite
:name: fig-one-recite

Lines that lie on one another would mean that only the number of meetings counts, not whether they come as epochs or as repetitions within one.
(The longer runs have also seen everything else more often.) The dashed line is where the first fact stands: up to there only the wording is given back.
```

{glue:text}`recite_said` Documents given back whole, and in brackets those of which all four facts are the model's first choice after the true text:
"""

# %% tags=["hide-input"]
verbatim.pivot_table(index="epochs", columns="repeat", values="share", aggfunc="first").rename_axis(
    columns="times an epoch"
)

# %% [markdown]
r"""
## How smooth is the way down?

The hypothesis is about the way down. AdamW's first step from fresh moments goes the same way at every rate, only farther; so the drops of
{numref}`fig-one-step` *are* a slice of the surface, in the direction the optimiser takes. On a straight slope a step would remove what the
gradient promises for its length. {numref}`fig-one-straight` shows the part of that promise that is kept.
"""

# %% tags=["hide-input", "remove-output"]
kept = pd.DataFrame(
    [
        {"start": start, "rate": r, "at": r, "n": i.n, "mean": i.mean}
        | {"low": i.low if i.n > 1 else i.mean, "high": i.high if i.n > 1 else i.mean}
        for start in STARTS
        for r in p.rates
        if (i := estimate(straight(start, r)))
    ]
)
kept.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_one_straight",
    paths(
        kept,
        series="start",
        series_title="weights",
        along="rate",
        x="learning rate of the one step (log scale)",
        y="drop ÷ drop that the gradient promises",
        log=True,
        title="How much of the gradient's promise one step keeps",
        description="Drop on the example as a share of what the gradient at the start predicts, against the learning rate, for "
        "pre-trained and untrained weights.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_one_straight
:name: fig-one-straight

1 is a perfectly straight slope; at 0 the step ends as high as it began.
```

{glue:text}`straight_said`

The familiar picture is another one: random lines. {numref}`fig-one-slice` has the loss on four held-out documents along three lines through each
model, from minus to plus one length of its own rows of weights.
"""

# %% tags=["hide-input", "remove-output"]
slices = results.table(Slice)
along = summarise(slices, "loss", by=["start", "place"], within=["direction"])
figure(
    "fig_one_slice",
    paths(
        along.assign(at=along["place"]),
        series="start",
        series_title="weights",
        along="place",
        x="place on the line (lengths of the rows of weights)",
        y="loss on old text (nats per token)",
        title="Random lines through a trained and an untrained model",
        description="Loss along random filter-normalised lines through pre-trained and untrained weights, averaged over lines.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_one_slice
:name: fig-one-slice

Averaged over lines; bumps that cancel in the mean are counted line by line in the table below. A *bend* of 2 is that of a parabola around the
middle, whatever its height.
```
"""

# %% tags=["hide-input"]
pd.DataFrame(
    {
        start: {
            "bend": written(estimate(of_lines("bend", start)), 2),
            "local maxima on a line": written(estimate(of_lines("maxima", start)), 2),
            "rise to the highest point (nats)": written(estimate(of_lines("rise", start)), 2),
            "lowest point below the model (nats)": written(estimate(of_lines("below", start)), 3),
        }
        for start in STARTS
    }
).rename_axis("random lines")

# %% [markdown]
r"""
{glue:text}`slice_said`

**Not tested: without residual connections.** Li et al.'s striking pictures are of networks of 56 layers and more; ours has two.

## What else could explain it

**"Fresh moments make the step too large."** Adam's first step moves every weight by the full rate, where later steps move most of them less. So
ours is a generous step, and a step of the same rate in the middle of a run should do less. {glue:text}`order_said`

**"The answers only became likelier."** In part: *borrowed*, the same four words for other people, is there to be subtracted.

**"An untrained model has more to lose."** It starts at {glue:text}`before_scratch` nats, the trained one at {glue:text}`before_trained`, so their
drops are not on one scale. The share that reaches other words is a ratio within a model; but the table above shows that it, too, moves with the rate.

**"The person may be known."** Hardly: all are from the rarest half of the world's people, and their facts were drawn anew.

Not excluded: with other examples in the same step the gradient is shared, and each example may get less of it. And *bound* compares with three other people, who mostly share neither name: what was learnt of
everybody called Vera, or of every Holm, counts as bound. Borrowers with one name in common would tell.

## Play

The slider of {numref}`fig-one-step` moves between trained and untrained weights. With a kernel, any task can be taught one example at a time on a
base model of real text: `OneExample(base=..., data=Examples(task="gsm8k", count=8), rates=(1e-4, 1e-3))`. Only the example, others and old text are
measured there; *borrowed* and other wordings need a tiny world, where we know four ways to say a fact, and so does this chapter.

## What it means

{glue:text}`meaning_said`

It stops being shown outside what we ran: models of {glue:text}`parameters_said` parameters, facts of one word, wordings that pre-training knew, one example a step.

## Exercises

```{exercise}
:label: ex-one-tenth
Without running anything: at a rate of 0.0001 the step is ten times shorter than at 0.001. By how much should the drop on the example shrink if the
surface were straight? Check in the table of {numref}`fig-one-step`.
```

```{solution} ex-one-tenth
:class: dropdown
By ten. {glue:text}`tenth_said`
```

```{exercise}
:label: ex-one-width
Predict what a base model with a quarter of the width does to the share in other words, then run `ovbook run 11 -p models=olmo:16x2 -p seeds=2 -p worlds=1`.
```

```{solution} ex-one-width
:class: dropdown
There is no theorem to lean on. A narrower model shares more of its weights between names, so one may expect more to fall on *borrowed* and less
to be bound. Two seeds show a direction and decide nothing.
```

```{exercise}
:label: ex-one-questions
Teach in the form of questions: replace `Examples(count=p.examples)` by `Examples(count=p.examples, wording="questions")` in the experiment cell. Is
what is bound as easily read off statements as the other way round?
```

```{solution} ex-one-questions
:class: dropdown
The rows with `twin` true are now the questions and the three other wordings are statements, so every cell works unchanged. Compare the share in other
words with the one on this page, and remember that it is a ratio: if little is bound in the taught words, it means little.
```
"""

# %% tags=["remove-cell"]
EXAMPLE, BOUND, WORDS, HALF, PRE, PRE_SHARE, PRE_STRAIGHT, PRE_ROUGH = EFFECTS
FOUND, OTHER, NONE, UNSURE = "an effect", "an effect the other way", "none worth the name", "undecided"
shares = {start: estimate(share(start)) for start in STARTS}


def percent(found):
    """A share with its interval, in percent."""
    if found.n < 2:
        return f"{100 * found.mean:.0f}%".replace("-", "−")
    return f"{100 * found.mean:.0f}% [{100 * found.low:.0f}, {100 * found.high:.0f}]".replace("-", "−")


def headline():
    """The short answer, by the readings."""
    if read[BOUND] == FOUND and read[WORDS] == FOUND:
        knows = chance_of("after", trained) > 0.5
        return "One step moves a fact towards its person, in words that were not taught too" + (
            "" if knows else "; it does not yet teach it"
        )
    if read[BOUND] == FOUND:
        return (
            "One step teaches something about the person; whether it outlives the wording is undecided here"
        )
    if read[EXAMPLE] == FOUND:
        return "One step removes much from its example, but not clearly about its person"
    return "These runs do not decide it"


def answer():
    """The numbers behind the headline."""
    parts = [
        f"A single step at a rate of {at:g} takes {written(got[EXAMPLE], 2)} nats per answer off the example beyond what it does to other people's facts. "
        f"Of these, {written(got[BOUND], 2)} are about this person; the rest makes the four words likelier for everybody. The right word's probability goes from {100 * chance_of('before', trained):.1f}% to "
        f"{100 * chance_of('after', trained):.1f}% (geometric mean; a guess among the 32 has {100 / 32:.1f}%)."
    ]
    if read[BOUND] == FOUND:
        parts.append(
            f"Of what is bound to the person, {percent(shares[trained])} is there when the same facts are asked in words that were not taught; without pre-training it is "
            f"{percent(shares[fresh])}."
        )
    if read[PRE] == OTHER:
        more = estimate(beyond(fresh, "others") - beyond(trained, "others"))
        higher = float((numbers("before", fresh) - numbers("before", trained)).mean())
        parts.append(
            f"Without pre-training the step removes more, by {written(more, 2)} nats, from a loss that starts {higher:.1f} nats higher."
        )
    parts.append(f"The loss surface is {surface()}.")
    return " ".join(parts)


def chance_of(when, start):
    """Geometric mean of the right word's probability, before or after the step."""
    loss = numbers("before", start) - (numbers("drop", start) if when == "after" else 0)
    return float(np.exp(-loss.mean()))


def interval(part, count):
    """What was gained of a part, with its interval."""
    row = gain.loc[(part, count)]
    ends = f" [{signed(row['low'])}, {signed(row['high'])}]" if row["n"] > 1 else ""
    return signed(row["mean"]) + ends


def surface():
    """Smoothness in half a sentence."""
    words = {
        FOUND: "straighter along the step than that of an untrained model",
        OTHER: "less straight along the step than that of an untrained model",
        NONE: "no straighter along the step than that of an untrained model",
    }
    return words.get(
        read[PRE_STRAIGHT], "not shown to be straighter along the step than that of an untrained model"
    )


def step_text():
    """What figure 1 shows, from its numbers."""
    off = {rate: estimate(numbers("drop", trained, rate=rate)) for rate in p.rates}
    bound = {rate: estimate(beyond(trained, "borrowed", rate=rate)) for rate in p.rates}
    others = {rate: estimate(numbers("drop", trained, "others", rate=rate)) for rate in p.rates}
    peak, best = (max(found, key=lambda rate: found[rate].mean) for found in (off, bound))
    text = f"Most comes off the example at a rate of {peak:g}: {written(off[peak], 2)} nats; what is bound is largest at {best:g}, {written(bound[best], 2)}"
    text += "." if best == peak else f", against {written(bound[peak], 2)} there."
    harmed = [rate for rate in sorted(p.rates) if others[rate].n > 1 and others[rate].high < 0]
    if harmed:
        text += f" From {harmed[0]:g} on other people's facts get worse: by {-others[harmed[0]].mean:.2f} nats there and {-others[harmed[-1]].mean:.2f} at {harmed[-1]:g}."
    start = estimate(numbers("before", trained))
    if start.n > 1 and start.low > np.log(32):
        text += f" The model starts at {written(start, 2)}, worse than a guess: it is confident and wrong, and part of the fall only takes that back."
    return text


def by_rate_text():
    """How the share depends on the rate."""
    apart = {rate: row[3] for rate, row in by_rate.items() if row[3].n > 1}
    if not apart:
        return "One seed says nothing about differences."
    clear = [f"{rate:g}" for rate, found in apart.items() if found.low > 0.1]
    rest = [f"{rate:g}" for rate in apart if f"{rate:g}" not in clear]
    text = f"The share moves with the rate. That it is larger by more than 0.1 than without training is clear at {', '.join(clear) or 'no rate'}"
    text += f", and not at {', '.join(rest)}." if rest else "."
    most = [f"{rate:g}" for rate, row in by_rate.items() if row[1].n > 1 and row[1].low > 0.6]
    return text + (
        f" By the declared rule (beyond 0.6) it would be more than half at {', '.join(most) or 'no rate'}."
    )


def paraphrase_text():
    """Memory or understanding."""
    rest = {
        FOUND: "So most of it is no memory of the sentence.",
        OTHER: "So most of it stays with the sentence.",
        NONE: "So about half of it stays with the sentence.",
    }.get(read[HALF], "Whether that is more than half is undecided by our rule.")
    by = {
        FOUND: "Pre-training makes a difference: without it, a smaller part of what is bound gets through",
        OTHER: "Without pre-training an even larger part gets through",
        NONE: "Without pre-training the part is the same",
    }.get(read[PRE_SHARE], "Whether pre-training changes that part is undecided")
    return (
        f"The step saw one wording. In the three others it bound {written(got[WORDS], 2)} nats to the person, where it had bound {written(got[BOUND], 2)} in its own: a share of "
        f"{percent(shares[trained])}. {rest} {by} (untrained: {percent(shares[fresh])})."
    )


def style_text():
    """Style against fact, from the table."""
    counts = sorted(after_few["examples"].unique())
    first, last = counts[0], counts[-1]
    opening, style, seen, unseen, old = LEARNT

    def row(part):
        return f"{interval(part, first)} nats after {first} example{'s' if first > 1 else ''}, {interval(part, last)} after {last}"

    begins = {
        part: first_look[first_look["set"] == which][value].mean() for part, (which, value) in LEARNT.items()
    }
    spread = (
        ", and as it is measured on people never met, it generalises"
        if gain["low"][style, last] > 0.1
        else ""
    )
    return (
        f"The opening, which starts at {begins[opening]:.2f}, loses {row(opening)}; style, from {begins[style]:.2f}, {row(style)}{spread}. Facts of people seen, from {begins[seen]:.2f}, lose {row(seen)}. "
        f"Facts of people not seen cannot be learnt: {row(unseen)}. Old text, from {begins[old]:.2f}: {row(old)}. {halves_text()} A loss averaged over all tokens falls mostly by what the documents share."
    )


def halves_text():
    """Who kept more of what was learnt: those met first, or those met last."""
    count = max(after_few["examples"])
    early, late = by_order(count)
    found = estimate(late - early)
    text = f"Of {count} people, those met in the first half had lost {written(estimate(early), 2)} at the end, those met in the second {written(estimate(late), 2)}"
    if found.n < 2:
        return text + "."
    if found.high < 0:
        return (
            text
            + ". So it is not that later examples overwrite earlier ones: a step late in the run had written less by the end. One reason may be that Adam's moments have built up, and that its momentum is not yet spent."
        )
    if found.low > 0:
        return text + ", as it would be if later examples overwrite earlier ones."
    return text + "; which way round it is, these runs do not say."


def order_text():
    """Whether a step within a run does less than the first."""
    count = max(after_few["examples"])
    early, late = by_order(count)
    found = estimate(late - early)
    less = "does less" if found.n > 1 and found.high < 0 else "does not clearly do less"
    return f"The order in the longest of the runs above speaks to that: by its end, the second half of the people met had lost {written(found, 2)} nats more than the first (below zero: less). So a step late in a run {less}; how much at its own moment was not measured."


def recite_text():
    """Recitation, from the table."""
    most, once = back.sort_values("at").iloc[-1], back.sort_values("at").iloc[0]
    exact = told["whole"][int(most["epochs"]), int(most["repeat"])]
    shared = back.groupby("at").filter(lambda rows: len(rows) > 1)["at"].max()
    same = [
        f"{100 * row.mean:.0f}%"
        + (f" [{100 * row.low:.0f}, {100 * row.high:.0f}]" if row.n > 1 else "")
        + f" over {row.epochs} epoch{'s' if row.epochs > 1 else ''}"
        for row in (row for row in back[back["at"] == shared].sort_values("epochs").itertuples())
    ]
    floor = back["wording"].iloc[0]
    beyond_it = "no more than that" if once["low"] <= floor + 0.02 else "more than that"
    return (
        f"The words before the first fact are {100 * floor:.0f}% of a document. After a single meeting {100 * once['mean']:.0f}% comes back before the first mistake, {beyond_it}; after {int(most['at'])} meetings "
        f"{100 * most['mean']:.0f}%, and {100 * exact:.0f}% of the documents come back whole. {int(shared)} meetings in all give back {', '.join(same)}."
    )


def straight_text():
    """The promise kept."""
    values = {start: estimate(straight(start)) for start in STARTS}
    small = {start: estimate(straight(start, min(p.rates))) for start in STARTS}
    verdict = {
        FOUND: "Pre-training makes the way straighter.",
        OTHER: "The way is straighter without pre-training.",
        NONE: "Pre-training makes no difference to it worth the name.",
    }.get(read[PRE_STRAIGHT], "Whether pre-training makes a difference is undecided.")
    below = {
        rate: found
        for rate in p.rates
        if (found := estimate(straight(trained, rate) - straight(fresh, rate))).n > 1 and found.high < 0
    }
    small_print = (
        f" At {', '.join(f'{rate:g}' for rate in below)} the trained model is slightly less straight ({'; '.join(written(found) for found in below.values())})."
        if below
        else ""
    )
    return (
        f"At {min(p.rates):g} the trained model keeps {percent(small[trained])} of the promise and at {at:g} {percent(values[trained])}; the untrained one {percent(small[fresh])} and "
        f"{percent(values[fresh])}. {verdict}{small_print} The hypothesis names no number to hold this against."
    )


def slice_text():
    """Random lines."""
    verdict = {
        OTHER: "Lines through the trained model bend less, relative to their height: smoother in the sense of the pictures.",
        FOUND: "Lines through the trained model bend more, relative to their height.",
        NONE: "In relative bend the two do not differ by our rule.",
    }.get(
        read[PRE_ROUGH],
        f"Whether the two differ in relative bend is undecided by our rule: {written(got[PRE_ROUGH], 2)}, against {EFFECTS[PRE_ROUGH]:g}.",
    )
    change = float((numbers("change", trained) / numbers("weights", trained)).mean())
    rises = [estimate(of_lines("rise", start)) for start in STARTS]
    bowl, plain = (found.mean for found in rises)
    places = (
        "The trained model sits in a bowl, the untrained one on a plain"
        if bowl > 2 * plain
        else "The two lie about as deep"
    )
    return (
        f"{verdict} {places}: the highest point on a line is {written(rises[0], 1)} nats above the one and {written(rises[1], 1)} above the other. But a step at {at:g} is {change:.4f} lengths long, and goes where no "
        "random line goes. Such pictures show how easily a model breaks; they do not show what a step along the gradient can write."
    )


def meaning_text():
    """What follows for someone who fine-tunes."""
    parts = []
    if read[EXAMPLE] == FOUND:
        parts.append(
            f"Right after one step on it alone, at a rate of {at:g}, an answer has lost {written(estimate(numbers('drop', trained)), 2)} nats; how much of that is left when it comes round again is a question for whole runs (chapters 9 and 10)."
        )
    if read[BOUND] == FOUND:
        part = 1 - got[BOUND].mean / got[EXAMPLE].mean
        parts.append(
            f"About {100 * part:.0f}% of what sets it apart from others is not about the example's subject, so a training loss overstates what was learnt: ask the same answer of somebody else before believing it."
        )
    if read[WORDS] == FOUND:
        parts.append(
            f"Part of what is bound ({percent(shares[trained])}) is there in wordings that pre-training used for others. Whether training on several wordings would add more was not tried."
        )
    if read[PRE] == OTHER:
        parts.append(
            "An untrained model loses more in one step, not less. "
            + (
                "What sets the trained one apart, at rates up to the judged one, is how much of the fall reaches other words."
                if read[PRE_SHARE] == FOUND
                else "Speed alone is no mark of pre-training."
            )
        )
    parts.append(
        {
            FOUND: "The way down is straighter after pre-training, as the hypothesis of a smooth surface has it.",
            UNSURE: "Whether pre-training makes the way down straighter these runs do not decide.",
        }.get(
            read[PRE_STRAIGHT],
            "The explanation by a smooth surface does not hold as it stands: along the step the surface is no straighter than before pre-training.",
        )
    )
    return " ".join(parts)


def tenth_text():
    """The first exercise, answered where both rates were run."""
    name = SETS["own", True]
    if not {1e-4, 1e-3} <= set(p.rates):
        return "These rates were not both run."
    small, large = drop_at[trained, name, 1e-4], drop_at[trained, name, 1e-3]
    return f"Measured: {small:.3f} and {large:.3f}, a factor of {large / small:.1f}. A factor below ten shows the bend of the surface on the way."


base = pupils(p)[0].root
say(
    headline=headline(),
    short_answer=answer(),
    step_said=step_text(),
    contrasts_said=grouped(measured, EFFECTS),
    by_rate_said=by_rate_text(),
    order_said=order_text(),
    judged_seeds=", ".join(map(str, p.seed_numbers)),
    judged_worlds=", ".join(map(str, p.worlds)),
    paraphrase_said=paraphrase_text(),
    style_said=style_text(),
    recite_said=recite_text(),
    straight_said=straight_text(),
    slice_said=slice_text(),
    meaning_said=meaning_text(),
    tenth_said=tenth_text(),
    at_said=f"{at:g}",
    floor_said=f"{np.log(32):.2f}",
    rates_said=", ".join(f"{r:g}" for r in p.rates),
    before_trained=written(estimate(numbers("before", trained)), 2),
    before_scratch=written(estimate(numbers("before", fresh)), 2),
    parameters_said=f"{parameters_of(base.model, base.corpus, base.context):,}",
    tokens_said=tokens_label(base.budget),
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)

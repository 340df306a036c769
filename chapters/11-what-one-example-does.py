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
wholly between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. No claim of the registry asks these
questions, so there are no verdict boxes. All else on this page (other rates, style, boilerplate, recitation) is description.
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


def share(start):
    """Part of what is bound in the taught words that is there in others, [worlds, seeds]."""
    return beyond(start, "borrowed", False) / beyond(start, "borrowed")


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

The other wordings are no puzzles: pre-training used all of them for other people. A model that does well here has not reasoned. But neither has it
only stored a string: the name pulls the value towards it through sentences in which the two had never met.

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
gain = after_few.set_index(["part", "examples"])["mean"]

# %% [markdown]
r"""
```{glue:figure} fig_one_style
:name: fig-one-style

*Style* is every token that is neither a fact nor boilerplate: names, verbs, order of sentences. It is measured on people the model has not
seen, and so is the opening. Below zero something was unlearnt.
```

{glue:text}`style_said`

## Word for word

How often must a document be met before the model gives it back? As Carlini et al. {cite}`carlini2021extracting` ask it: prompt with its first
words, here the name, decode greedily, compare token by token. Four groups of six people are in the same data, met once, twice, 4 or 8 times an epoch.
"""

# %% tags=["hide-input", "remove-output"]
recited = results.table(Recite)
recited = recited.assign(met=recited["repeat"] * recited["epochs"])
back = summarise(recited, "reach", by=["epochs", "repeat"], within=["example"])
back = back.assign(at=back["epochs"] * back["repeat"])
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
(The longer runs have also seen everything else more often.)
```

{glue:text}`recite_said` Documents given back whole, and in brackets those of which all four facts are the model's first choice after the true text:
"""

# %% tags=["hide-input"]
verbatim.pivot_table(index="epochs", columns="repeat", values="share", aggfunc="first").rename_axis(
    columns="times an epoch"
)

# %% [markdown]
r"""
## Is the surface as smooth as the hypothesis needs?

The hypothesis is about the way down. AdamW's first step from fresh moments goes the same way at every rate, only farther; so the drops of
{numref}`fig-one-step` *are* a slice of the surface, in the one direction that matters. On a straight slope a step would remove what the
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
ours is a generous step, and a step of the same rate in the middle of a run should do less. {numref}`fig-one-style`, where the moments build up over
64 steps, is the check.

**"The answers only became likelier."** In part: *borrowed*, the same four words for other people, is there to be subtracted.

**"An untrained model has more to lose."** It starts at {glue:text}`before_scratch` nats, the trained one at {glue:text}`before_trained`, so their
drops are not on one scale. The share that reaches other words, a ratio within a model, says more about pre-training than the drop does.

**"The person may be known."** Hardly: all are from the rarest half of the world's people, and their facts were drawn anew.

Not excluded: with other examples in the same step the gradient is shared, and each example may get less of it.

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
        return "One step teaches a fact, not only a sentence" + (
            ", and it teaches less than it seems to" * (got[BOUND].mean < 0.8 * got[EXAMPLE].mean)
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
        f"Of these, {written(got[BOUND], 2)} are about this person; the rest makes the four words likelier for everybody."
    ]
    if read[BOUND] == FOUND:
        parts.append(
            f"Of what is bound to the person, {percent(shares[trained])} is there when the same facts are asked in words that were not taught; without pre-training it is "
            f"{percent(shares[fresh])}."
        )
    parts.append(f"The loss surface is {surface()}.")
    return " ".join(parts)


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
    best = removed[(removed["start"] == trained) & (removed["set"] == SETS["own", True])]
    peak = best.loc[best["mean"].idxmax()]
    others = drop_at[trained, SETS["others", True], max(p.rates)]
    end = (
        f"at {max(p.rates):g} it also makes other people's facts {-others:.2f} nats worse: too long a step overwrites"
        if others < -0.1
        else f"even at {max(p.rates):g} other people's facts are no worse for it"
    )
    return f"Most is removed at a rate of {peak['rate']:g}: {peak['mean']:.2f} nats; {end}."


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
        return f"{signed(gain[part, first])} nats after {first} example{'s' if first > 1 else ''}, {signed(gain[part, last])} after {last}"

    spread = ", and as it is measured on people never met, it generalises" if gain[style, last] > 0.1 else ""
    grew = gain[seen, last] - gain[seen, first]
    if abs(grew) > 0.05:
        facts = (
            "more of each"
            if grew > 0
            else "less of each, though each was met once: later examples overwrite earlier ones"
        )
    else:
        facts = "about as much of each"
    ahead = (
        " What repeats across examples is learnt as if it were one example met many times, so a loss that counts it says little about whether a model has learnt your data."
        if gain[opening, last] > gain[seen, last]
        else ""
    )
    return (
        f"The opening loses {row(opening)}; style {row(style)}{spread}. Facts of people seen lose {row(seen)}: {facts}. Facts of people not seen cannot be learnt: {row(unseen)}. "
        f"Old text: {row(old)}.{ahead}"
    )


def recite_text():
    """Recitation, from the table."""
    most, once = back.sort_values("at").iloc[-1], back.sort_values("at").iloc[0]
    exact = told["whole"][int(most["epochs"]), int(most["repeat"])]
    same = back[back["at"] == 4].sort_values("epochs")
    four = ", ".join(
        f"{100 * m:.0f}% over {e} epoch{'s' if e > 1 else ''}"
        for m, e in zip(same["mean"], same["epochs"], strict=True)
    )
    return (
        f"After a single meeting {100 * once['mean']:.0f}% of a document comes back before the first mistake; after {int(most['at'])} meetings {100 * most['mean']:.0f}%, and "
        f"{100 * exact:.0f}% of the documents come back whole. Four meetings in all give back {four}."
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
    enough = (
        "A step of that size still keeps more than half of its promise, which is as much as the hypothesis needs"
        if values[trained].mean > 0.5
        else "A step of that size keeps less than half of its promise, which is not the smooth way the hypothesis speaks of"
    )
    special = "; but it is not what pre-training adds" if read[PRE_STRAIGHT] in (NONE, OTHER) else ""
    return (
        f"At {min(p.rates):g} the trained model keeps {percent(small[trained])} of the promise and at {at:g} {percent(values[trained])}; the untrained one {percent(small[fresh])} and "
        f"{percent(values[fresh])}. {verdict} {enough}{special}."
    )


def slice_text():
    """Random lines."""
    verdict = {
        OTHER: "Lines through the trained model bend less, relative to their height: smoother in the sense of the pictures.",
        FOUND: "Lines through the trained model bend more, relative to their height.",
        NONE: "In relative bend the two do not differ by our rule.",
    }.get(read[PRE_ROUGH], "Whether the two differ in relative bend is undecided.")
    change = float((numbers("change", trained) / numbers("weights", trained)).mean())
    bowl, plain = (float(of_lines("rise", start).mean()) for start in STARTS)
    places = (
        "The trained model sits in a bowl, the untrained one on a plain"
        if bowl > 2 * plain
        else "The two lie about as deep"
    )
    return (
        f"{verdict} {places}: the highest point on a line is {bowl:.1f} nats above the one and {plain:.1f} above the other. But a step at {at:g} is {change:.4f} lengths long, and goes where no "
        "random line goes. Such pictures say how easily a model breaks; about what a step along the gradient can write they say nothing."
    )


def meaning_text():
    """What follows for someone who fine-tunes."""
    parts = []
    if read[EXAMPLE] == FOUND:
        parts.append(
            f"A loss that is lower at the second meeting need be no bug: one meeting at a rate of {at:g} takes {got[EXAMPLE].mean:.1f} nats off an answer."
        )
    if read[BOUND] == FOUND:
        part = 1 - got[BOUND].mean / got[EXAMPLE].mean
        parts.append(
            f"But {100 * part:.0f}% of that is not about the example's subject, so a training loss overstates what was learnt: ask the same answer of somebody else before believing it."
        )
    if read[WORDS] == FOUND:
        parts.append(
            "Where pre-training knows the wordings, it carries a fact across them, so rewording data to make facts usable is less needed than one may fear."
        )
    if read[PRE] == OTHER:
        parts.append(
            "An untrained model loses more in one step, not less. "
            + (
                "What sets the trained one apart is how much of the fall reaches other words."
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
    return f"Measured: {small:.3f} and {large:.3f}, a factor of {large / small:.1f}. A factor below ten is the bend of the surface on the way."


base = pupils(p)[0].root
say(
    headline=headline(),
    short_answer=answer(),
    step_said=step_text(),
    contrasts_said=grouped(measured, EFFECTS),
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

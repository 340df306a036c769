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
#       - what rounding, pruning, and tuning and averaging cost models trained for different lengths
#       - whether one fact can be edited, or one person forgotten, and who else pays
#       - what learning from a verifier gains and loses, step by step
#       - how to compare changes that have nothing in common but their damage
#     papers: [springer2025overtrained, kumar2024precision, ouyang2024lowbit, catalantatjer2025quantization]
#     after: [05-tokens-or-decay]
# ---

# %% [markdown]
r"""
# Other ways to be fragile

**Noise and fine-tuning hurt a longer-trained model more. Is that true of everything one does to a model?** Once a model is trained, people
round it to a few bits, cut weights out of it, fine-tune two copies and average them, correct a fact in it, make it forget a person, or reward
it for right answers. Each of these is a change of weights. This chapter does all six to the same family of models and asks each time
whether the damage grows with the length of pre-training.

**{glue:text}`headline`.** {glue:text}`short_answer`

It matters because these are the reasons why a model is changed at all. A model that is to be cheap to run is rounded or cut, one that is published may
have to forget, one that is to reason is rewarded. The sizes judged here are coarse, chosen so that every change bites; finer ones are described beside them.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation, data and people (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]; then rounding and pruning alone
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a pre-training step (default: the scale's)
rate: float = None  # learning rate of pre-training, constant or at its peak (default: the scale's)
bits: list = [2, 3, 4, 5, 8]  # bits of a weight after quantisation
shares: list = [0.1, 0.3, 0.5, 0.7]  # shares of the weights that are pruned
people: int = 4  # people edited or unlearnt in each model, one at a time, averaged inside the seed
rows: int = None  # held-out documents on which every loss is measured (default: the scale's)
examples: int = None  # examples of the task that the averaged models were tuned on (default: the scale's)
questions: int = None  # held-out items on which the task is scored (default: the scale's)

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    corpus=corpus,
    model=model,
    budgets=budgets,
    batch=batch,
    rate=rate,
    bits=bits,
    shares=shares,
    people=people,
    rows=rows,
    examples=examples,
    questions=questions,
)

# %% [markdown]
r"""
## Six changes

The paper behind this part of the book {cite}`springer2025overtrained` tested noise and fine-tuning, and left reinforcement and pruning open.
For {term}`quantisation` there is a dispute: two studies find its damage growing with the data
{cite}`kumar2024precision,ouyang2024lowbit`, a third finds it driven by the falling learning rate, largely independent of the token count
{cite}`catalantatjer2025quantization`. So quantisation is done here to chapter 5's undecayed and decayed models, too.

| | the papers | this chapter at `laptop` | source |
|---|---|---|---|
| models | public ones to 12B (Ouyang), own to 1.7B (Kumar) | {glue:text}`parameters_said` parameters | abstracts; notes of others |
| tokens | 1B–206B; to 26B; to 15T | {glue:text}`budgets_said` | abstracts; notes of others |
| **{term}`quantisation`** | GPTQ (Catalan-Tatjer); not recovered from the others | every matrix rounded to nearest, {glue:text}`bits_said` bits | abstract |
| **{term}`pruning`** | left open | the smallest weights of every matrix set to zero {cite}`han2015learning` | Springer et al., section 6, at second hand |
| **tuning and averaging** | not tested | two twins fine-tuned and averaged at the midpoint {cite}`frankle2020linear,wortsman2022soups`, same base and task, other examples | as above |
| **editing a fact** | not in what we read | one sentence learnt, loss on the new value alone | none: not in what we read |
| **unlearning a person** | not in what we read | gradient ascent on four facts {cite}`jang2023unlearning`, four old documents kept in every step {cite}`maini2024tofu` | none: not in what we read |
| **learning from a verifier** | left open | REINFORCE {cite}`williams1992reinforce`: make likelier what was rewarded more than the average of its group {cite}`shao2024grpo,ahmadian2024basics` | as above |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

**The words.** In each row of a matrix the weights are rounded to whole multiples of one step, the same above and below zero (*symmetric*), so that the row's largest weight is
still reached. {term}`GPTQ` is cleverer: it lets the weights not yet rounded make up for the error.

No trick is used that protects a model, such as data to round by or edits confined to one layer {cite}`meng2022rome`: the question is the model's fragility,
not the method's skill. So our damages say nothing about the best method.

**The facts.** Everyone in a world has a home, a trade, a pet and a wish. For each seed {glue:text}`people_said` are drawn from ranks 9 to 64
of its best-known; each is edited in a fresh copy of the model, and unlearnt in another. The old loss is then taken on documents in which that person does not occur.

**The verifier.** The model reads a diary and samples one of four numbers as its mood; exact checking gives 1 or 0. Eight questions a step, eight answers
each. An answer is made likelier or less likely by its reward minus the mean of its eight. Nobody shows the model a right answer.

## What we will call an effect

This was written, and kept, before any run on the seeds and worlds of this chapter, with one exception, named below. *Damage* is the old loss after a change minus before. For each
way there is one size, and one contrast: **the slope of the damage per doubling of pre-training tokens**, one number a seed, worlds averaged inside it.

| way | fixed size | smallest effect (nats per doubling) |
|---|---|---|
| quantisation | 3 bits | 0.01 |
| pruning | half of the weights | 0.01 |
| tuning and averaging | midpoint of the two tuned twins, damage counted from their base | 0.02 |
| editing | 16 steps at rate 0.001 | 0.01 |
| unlearning | 8 steps at rate 0.001 | 0.02 |
| verifier | 150 steps at rate 0.001 | 0.02 |

The expected direction is up. An interval wholly beyond the smallest effect, with each world's mean beyond it, and with a *p* value that survives {term}`Holm correction` over the family of six (five now, see below), is
*an effect*; one wholly between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. {term}`Saturated <saturation guard>`
budgets do not count.

Three more contrasts, for quantisation to 3 bits, are chapter 5's: *tokens*, the slope of the undecayed models' damage (0.01); *short decay* and *decay all along*, damage of
the decayed and of the annealed model minus that of the undecayed at the same tokens, mean over budgets (0.02 each). And one for editing and one for unlearning: the slope of the
**collateral**, the loss added on the facts of people never touched (0.05 nats per answer). These five are read one by one, without Holm.

**What had been seen.** The sizes were chosen on world 0, seeds 0 to 2, at 250k, 1M and 4M tokens, so that every change bites and none saturates. Damage there went from 0.26 to 0.37 nats at 3 bits,
from 0.36 to 0.83 with half the weights pruned, from 0.08 to 0.10 by editing, from 0.16 to 0.20 by unlearning and, with two seeds, from 0.34 to 0.54 by the verifier. Twins were tried at another rate and on another
task. The verifier was first tried with eight labels, where right answers came too seldom to be learnt from.

**The exception.** The rounding of annealed models to 3, 4 and 6 bits had been an example elsewhere in this book, on these very seeds and worlds, and at 3 bits the damage grew. So the first row of the table is
no prediction. The three contrasts between endings were not known.

**After a referee's reading**, with the results in view, four things were changed: the first row, having been known, counts no longer among the ways nor in Holm's family; what was called averaging is called tuning and averaging;
the guard against saturation is applied to the loss of answers too, and where it leaves less than half of the budgets the collateral's slope is not read; and the descriptions of finer sizes, of distance and of totals were added or
made stricter. Runs, sizes and smallest effects are as they were.
"""

# %% tags=["experiment"]
from ovbook.runs import (
    Blend,
    Checkpoint,
    FineTune,
    Perturb,
    Reinforce,
    Rewrite,
    suite,
)

SMALL = {"rate": 1e-3}


def by_training(p, base):
    """What needs a tiny world: its facts, and its tasks."""
    held_out = {"documents": p.rows}
    asked = {"task": "sentiment-known-labels", "rows": p.questions}
    tune = {"base": base, "examples": p.examples, "batch": 16}
    # Twins: other examples in another order.
    own = base.root.seed
    twins = [
        FineTune(**tune, **asked, **held_out, **SMALL, seed=seed)
        for seed in (own, own + 1000)
    ]  # fmt: skip
    ends = tuple(Checkpoint(run=twin) for twin in twins)
    specs = [*twins, Blend(models=ends, **asked, **held_out)]

    who = {"base": base, "people": p.people}
    edit = {"kind": "edit", "steps": (2, 4, 8, 16)}
    forget = {"kind": "unlearn", "keep": 4, "steps": (2, 4, 8, 16)}
    for what in (edit, forget):
        specs.append(Rewrite(**who, **what, **held_out, **SMALL))

    verifier = {"questions": 8, "group": 8, "steps": (50, 100, 150)}
    # A penalty on drifting, in units of the reward: at one budget.
    penalties = [0.0, 0.3] if base.at == max(p.budgets) else [0.0]
    for kl in penalties:
        learn = Reinforce(base=base, kl=kl, **verifier, **asked, **held_out, **SMALL)
        specs.append(learn)
    return specs


def experiment(p):
    """Six ways to change a model, each at one size, at every budget.

    Declared before it was run: the slope of the damage to the old loss per
    doubling of tokens, at 3 bits, half of the weights, the midpoint of two
    twins, 16 steps of editing, 8 of unlearning and 150 with a verifier. The
    smallest effect is 0.01 nats for the first two and editing, 0.02 for the
    others. At 3 bits also tokens and decay, as in chapter 5.
    """
    annealed = [Checkpoint(run=run) for run in suite(p, ending="annealed")]
    undecayed = [
        Checkpoint(run=trunk, tokens=budget)
        for trunk in suite(p, ending="trunk")
        for budget in p.budgets
    ]  # fmt: skip
    branches = suite(p, ending="branches")
    decayed = [Checkpoint(run=run) for run in branches if run.start]

    once = {"draws": 1, "rows": p.rows}  # no chance in these
    round_to = {"noise": "quantisation", "gammas": (0, *p.bits)}
    cut = {"noise": "pruning", "gammas": (0, *p.shares)}
    specs = []
    for base in [*annealed, *undecayed, *decayed]:
        specs.append(Perturb(base=base, **round_to, **once))
    for base in annealed:
        specs.append(Perturb(base=base, **cut, **once))
        if p.corpus is None:
            specs += by_training(p, base)
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
shown = ["seed", "tokens", "ending", "noise", "gamma", "loss"]
results.table(Perturb)[shown].head()

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, against_tokens, figure, forest, paths, say, tokens_label
from ovbook.stats import (
    before_after,
    cube,
    estimate,
    increase_over_base,
    log2_slopes,
    reading,
    readings,
    summarise,
    unsaturated_budgets,
    with_world,
    written,
)

QUANTISATION, VERIFIER, TWINS = "quantisation", "verifier", "tuning and averaging"
SIZES = {  # the declared sizes
    "quantisation": 3,
    "pruning": 0.5,
    TWINS: 0.5,
    "editing": 16,
    "unlearning": 8,
    "verifier": 150,
}
SMALLEST = {
    "quantisation": 0.01,
    "pruning": 0.01,
    TWINS: 0.02,
    "editing": 0.01,
    "unlearning": 0.02,
    "verifier": 0.02,
}
ENDINGS = {"tokens": 0.01, "short decay": 0.02, "decay all along": 0.02}
COLLATERAL = 0.05
budgets = sorted(p.budgets)
first, last = budgets[0], budgets[-1]
PLACE = ["world", "seed", "tokens"]


def since_start(table, *, by=()):
    """A table of trained models with `base`, the old loss before the first step, and `increase`."""
    table = with_world(table)
    table = table.assign(loss=table["loss"].mask(table["diverged"]))
    start = table[table["step"] == 0].set_index([*PLACE, *by])["loss"].rename("base")
    found = table[table["step"] > 0].join(start, on=[*PLACE, *by])
    return found.assign(increase=found["loss"] - found["base"])


def in_the_seed(table):
    """One row a model: people are averaged, and one that is missing is missed."""
    numbers = table.groupby(PLACE)[["loss", "base", "untrained", "increase", "change"]]
    return numbers.agg(lambda values: values.mean(skipna=False)).reset_index()


squeezed = results.table(Perturb)
ended = squeezed["ending"].map({"trunk": "undecayed", "branch": "decayed", "annealed": "annealed"})
squeezed = increase_over_base(squeezed.assign(ended=ended), by=["tokens", "ended", "noise"])
rounded = squeezed[(squeezed["noise"] == "quantisation") & (squeezed["gamma"] > 0)]
pruned = squeezed[(squeezed["noise"] == "pruning") & (squeezed["gamma"] > 0)]
tried = {"quantisation": sorted(p.bits), "pruning": sorted(p.shares)}  # every size run
if p.corpus is None:
    tuned = before_after(results.table(FineTune))
    own = tuned[tuned["seed"] == tuned["base_seed"]]
    blends = with_world(results.table(Blend)).merge(own[[*PLACE, "base"]], on=PLACE)
    blends = blends.assign(increase=blends["loss"] - blends["base"])
    people_asked = results.table(Rewrite)
    rewritten = since_start(people_asked[people_asked["asked"] == "said"], by=["kind", "person"])
    checked = since_start(results.table(Reinforce), by=["kl"])
    marks = sorted(rewritten["step"].unique())
    tried |= {TWINS: [0.0, 0.25, 0.5, 1.0], "editing": marks, "unlearning": marks}
    tried |= {"verifier": sorted(checked["step"].unique())}


def changed(way, at):
    """The models after one way of changing them, at one size: one row each."""
    if way == "quantisation":
        return rounded[(rounded["ended"] == "annealed") & (rounded["gamma"] == at)]
    if way == "pruning":
        return pruned[pruned["gamma"] == at]
    if way == TWINS:
        return blends[blends["share"] == at]
    if way == "verifier":
        return checked[(checked["kl"] == 0) & (checked["step"] == at)]
    kind = {"editing": "edit", "unlearning": "unlearn"}[way]
    return in_the_seed(rewritten[(rewritten["kind"] == kind) & (rewritten["step"] == at)])


ways = {way: changed(way, SIZES[way]).assign(way=way) for way, run in tried.items() if SIZES[way] in run}
size = int(squeezed["parameters"].iloc[0])


def counted(table):
    """Budgets at which no model has lost half of what it had."""
    kept = unsaturated_budgets(table, by="way").iloc[0]
    return [tokens for tokens, keep in kept.items() if keep]


def slopes(table, value="increase", tokens=None):
    """Slope per doubling for each world and seed; not-a-number where fewer than two budgets count."""
    values = cube(table, value, x="tokens")
    tokens = counted(table) if tokens is None else tokens
    if len(tokens) < 2:
        return np.full(values.values.shape[:2], np.nan)
    return log2_slopes(values.values[..., [values.levels.index(t) for t in tokens]], tokens)


# %% [markdown]
r"""
## Does the damage grow?
"""

# %% tags=["hide-input", "remove-output"]
declared = {name: slopes(table) for name, table in ways.items()}
got = {name: estimate(values) for name, values in declared.items()}
# Rounding was known on these seeds: it is read by itself, and is not one of the family.
were_open = {name: values for name, values in declared.items() if name != QUANTISATION}
read = readings(were_open, {name: SMALLEST[name] for name in were_open})
seen = (
    {QUANTISATION: reading(declared[QUANTISATION], SMALLEST[QUANTISATION])}
    if QUANTISATION in declared
    else {}
)


def in_smallest(contrasts, smallest, words):
    """Rows of a forest: contrasts in units of their smallest effects."""
    found = {name: estimate(values) for name, values in contrasts.items()}
    return pd.DataFrame(
        [
            {
                "contrast": f"{name} (seen before)" if name in seen else name,
                "n": i.n,
                "smallest effect": smallest[name],
                "in nats": written(i),
            }
            | {end: getattr(i, end) / smallest[name] for end in ("mean", "low", "high")}
            | {"worlds": " ".join(f"{w:.3f}" for w in contrasts[name].mean(axis=1))}
            | {"reading": words[name]}
            for name, i in found.items()
            if i is not None
        ]
    )


grown = [name for name, word in read.items() if word == "an effect"]
slopes_table = in_smallest(declared, SMALLEST, seen | read)
slopes_table.attrs = {"worlds": len(p.corpora)}
ways_chart = forest(
    slopes_table,
    row="contrast",
    x="growth of the damage ÷ smallest that counts",
    band=(-1.0, 1.0),
    names=["smallest effect", "in nats", "worlds", "reading"],
    title=f"By the declared rule the damage grows in {len(grown)} of the {len(read)} ways that were open"
    if p.seeds > 1 and read
    else "Growth of the damage, way by way",
    description="Slope of the damage per doubling of pre-training tokens for each way to change a model, with 95% intervals, in "
    "units of the smallest effect declared for it.",
)
ways_chart.layer[-1].mark.size = 24  # so that a short whisker is seen on both sides of its dot
figure("fig_ways", ways_chart)

# %% [markdown]
r"""
```{glue:figure} fig_ways
:name: fig-ways

One mark a way: how much more the same change costs after each doubling of the tokens, counted in the smallest growth that was declared to matter (the grey band). The first was known before and is not counted. Nats, worlds
and readings are in the table.
```

{glue:text}`ways_said` {glue:text}`saturated_said` In nats the ways cannot be compared, since the sizes are ours. {numref}`fig-shapes` therefore
divides each damage by the largest it reaches, to compare shapes.
"""

# %% tags=["hide-input", "remove-output"]
costs = pd.concat(
    [summarise(table, "increase").assign(way=name) for name, table in ways.items()], ignore_index=True
)
level = costs.set_index(["way", "tokens"])["mean"]
largest = costs.groupby("way")["mean"].transform("max")
shapes = costs.assign(**{end: costs[end] / largest for end in ("mean", "low", "high")})
shapes.attrs = {"level": 0.95, "worlds": len(p.corpora)}


def way_in_words(way):
    """What the slider says at `way`."""
    found = level[way]
    return (
        f"{way[0].upper()}{way[1:]}: {found[first]:.3f} nats at {tokens_label(first)} tokens, {found[last]:.3f} at {tokens_label(last)}, "
        f"most at {tokens_label(found.idxmax())}."
    )


figure(
    "fig_shapes",
    against_tokens(
        shapes,
        y="damage, as a share of its largest mean",
        parameters=size,
        slider=Slider("way", list(ways), label="change", start=next(iter(ways))),
        sentence=way_in_words,
        zero=True,
        title="How the damage goes with the length of training",
        description="Damage to the old loss against pre-training tokens as a share of its largest mean, with a slider for the way "
        "in which the model was changed.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_shapes
:name: fig-shapes

Choose a change: each is drawn as a share of its own largest mean, and the sentence under the slider has the nats. Bands are 95% intervals over {glue:text}`seeds_said`.
```

Only one size of each was declared. The others, as a description: damage at the shortest and the longest budget, and its slope.
"""

# %% tags=["hide-input"]
WRITE = {
    "quantisation": "{:g} bits",
    "pruning": "{:.0%} of the weights",
    TWINS: "{:.0%} of the second twin",
}


def other_sizes():
    """Damage and slope at every size that was run."""
    rows = {}
    for way, run in tried.items():
        for at in run:
            table = changed(way, at).assign(way=way)
            mean = summarise(table, "increase").set_index("tokens")["mean"]
            place = (way, WRITE.get(way, "{:g} steps").format(at))
            rows[place] = {
                tokens_label(first): f"{mean[first]:.3f}".replace("-", "−"),
                tokens_label(last): f"{mean[last]:.3f}".replace("-", "−"),
                "slope per doubling": written(estimate(slopes(table))),
                "budgets that count": len(counted(table)),
            }
    return pd.DataFrame(rows).T


other_sizes()

# %% [markdown]
r"""
{glue:text}`twins_said`

## Bits: tokens or decay?

{glue:text}`bits_first` Now the dispute. In {numref}`fig-bits` the *undecayed* models have never had their learning rate lowered, the *decayed* ones over
their last sixth, the *annealed* ones all along, as chapter 5 explains.
"""

# %% tags=["hide-input", "remove-output"]
bits_table = pd.concat(
    [
        summarise(part, "increase", by=["ended", "tokens"], within=["draw"]).assign(bits=bits)
        for bits, part in rounded.groupby("gamma")
    ],
    ignore_index=True,
)
bits_table = bits_table.assign(bits=bits_table["bits"].astype(int))
bits_table.attrs = {"level": 0.95, "worlds": len(p.corpora)}
by_bits = bits_table.set_index(["bits", "ended", "tokens"])["mean"]
biggest = bits_table.groupby("bits")["mean"].transform("max")
worth = biggest > min(0.005, biggest.max() / 2)  # finer rounding costs next to nothing: in the table below
by_share = bits_table.assign(**{end: bits_table[end] / biggest for end in ("mean", "low", "high")})
by_share = by_share[worth]
by_share.attrs = bits_table.attrs
ENDED = ["undecayed", "decayed", "annealed"]


def bits_in_words(bits):
    """What the slider says at `bits`."""
    ends = ", ".join(f"{e} {by_bits[bits, e, first]:.3f} to {by_bits[bits, e, last]:.3f}" for e in ENDED)
    return f"{bits} bits, from {tokens_label(first)} to {tokens_label(last)} tokens: {ends} nats."


figure(
    "fig_bits",
    against_tokens(
        by_share,
        y="damage, as a share of its largest mean",
        series="ended",
        series_title="training",
        parameters=size,
        slider=Slider(
            "bits",
            by_share["bits"],
            label="bits of a weight",
            start=3 if 3 in set(by_share["bits"]) else None,
            write=lambda b: f"{b} bits",
        ),
        sentence=bits_in_words,
        zero=True,
        title="Rounded weights, and how training ended",
        description="Damage by quantisation against pre-training tokens for undecayed, decayed and annealed models, with a slider for "
        "the number of bits.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_bits
:name: fig-bits

Every stop of the slider is drawn as a share of the largest mean at that number of bits; nats stand below it.
```

The declared contrasts at {glue:text}`three_said` bits, and the same slopes at the other sizes as a description:
"""

# %% tags=["hide-input"]


def endings(bits):
    """Chapter 5's contrasts, [worlds, seeds] each, where none of the three endings is saturated."""
    part = rounded[rounded["gamma"] == bits].drop(columns="draw")
    kept = unsaturated_budgets(part, by="ended").all(axis=0)
    tokens = [t for t, keep in kept.items() if keep]
    if len(tokens) < 2:
        return {}
    cost = {
        e: cube(part[(part["ended"] == e) & part["tokens"].isin(tokens)], "increase", x="tokens").values
        for e in ENDED
    }
    return {
        "tokens": log2_slopes(cost["undecayed"], tokens),
        "short decay": (cost["decayed"] - cost["undecayed"]).mean(axis=-1),
        "decay all along": (cost["annealed"] - cost["undecayed"]).mean(axis=-1),
        "annealed, slope": log2_slopes(cost["annealed"], tokens),
    }


of_bits = {bits: endings(bits) for bits in sorted(p.bits)}
at_three = {
    name: values for name, values in of_bits.get(SIZES["quantisation"], {}).items() if name in ENDINGS
}
ending_read = {name: reading(values, ENDINGS[name]) for name, values in at_three.items()}
pd.DataFrame(
    {
        f"{bits} bits": {name: written(estimate(values), 4) for name, values in of.items()}
        for bits, of in of_bits.items()
        if of
    }
).T.rename(columns={"annealed, slope": "slope of the annealed"})

# %% [markdown]
r"""
{glue:text}`endings_said`

## One fact, one person

Editing means to learn one sentence: *Mara Venn was born in* and then a town that is not hers. Unlearning means to climb, not descend, the loss on all four of her facts. What
happens beside them is shown in {numref}`fig-people` and {numref}`fig-forgotten`. But first: which of these facts did the models know? The share of the facts to be edited whose true value was the likeliest of its 32 before anything was done (guessing: one in 32), and the
same for the facts of other people:
"""

# %% tags=["hide-input"]


def known(asked):
    """Share of true values that are the likeliest before any step, by budget."""
    table = with_world(people_asked)
    table = table[(table["kind"] == "edit") & (table["step"] == 0) & (table["asked"] == asked)]
    return summarise(table, "right", within=["person"]).set_index("tokens")["mean"]


known_before = {"the fact": known("said"), "other people": known("others")} if p.corpus is None else {}
pd.DataFrame(
    {name: {tokens_label(t): f"{found[t]:.0%}" for t in budgets} for name, found in known_before.items()}
).T

# %% tags=["hide-input", "remove-output"]
GROUPS = {
    "said": "the fact",
    "other words": "in other words",
    "same person": "same person",
    "others": "other people",
}


def added_answers():
    """Loss added to true answers, for each kind of rewriting, number of steps and group of questions."""
    table = with_world(people_asked)
    keys = [*PLACE, "kind", "person", "asked"]
    start = table[table["step"] == 0].set_index(keys)["answer_loss"].rename("known")
    found = table[table["step"] > 0].join(start, on=keys)
    found = found.assign(added=(found["answer_loss"] - found["known"]).mask(found["diverged"]))
    return found.assign(
        moment=found["kind"].map({"edit": "editing", "unlearn": "unlearning"})
        + found["step"].map(", {} steps".format),
        questions=found["asked"].map(GROUPS),
    )


if p.corpus is None:
    answers = added_answers()
    moments = list(dict.fromkeys(answers.sort_values(["kind", "step"])["moment"]))
    learnt = pd.concat(
        [
            summarise(part, "added", by=["questions", "tokens"], within=["person"]).assign(moment=moment)
            for moment, part in answers.groupby("moment")
        ],
        ignore_index=True,
    )
    learnt.attrs = {"level": 0.95, "worlds": len(p.corpora)}
    by_moment = learnt.set_index(["moment", "questions", "tokens"])["mean"]

    def moment_in_words(moment):
        """What the slider says at `moment`."""
        found = ", ".join(f"{q} {by_moment[moment, q, last]:.2f}" for q in GROUPS.values())
        return f"{moment[0].upper()}{moment[1:]}; loss added to the true answers at {tokens_label(last)} tokens: {found} nats."


def whose(label, kind, start, title):
    """One kind of rewriting, on axes of its own."""
    if p.corpus is not None:
        nobody = pd.DataFrame({"tokens": budgets, "mean": 0.0, "low": 0.0, "high": 0.0, "n": 0})
        chart = against_tokens(
            nobody,
            y="not measured on this corpus",
            title="On this corpus nobody's facts are known",
            description="An empty chart: the facts of people are known in a tiny world only.",
        )
        return figure(label, chart)
    part = learnt[learnt["moment"].str.startswith(kind)]
    part.attrs = learnt.attrs
    chart = against_tokens(
        part,
        y="loss added to the true answer (nats)",
        series="questions",
        series_title="asked for",
        parameters=size,
        slider=Slider("moment", [m for m in moments if m.startswith(kind)], label="rewriting", start=start),
        sentence=moment_in_words,
        zero=True,
        title=title,
        description=f"Loss added to true answers by {kind}, against pre-training tokens: the rewritten fact, the same in other "
        "words, the person's other facts and those of other people, with a slider for the number of steps.",
    )
    return figure(label, chart)


whose("fig_people", "editing", f"editing, {SIZES['editing']} steps", "Whose facts go when one is edited")

# %% [markdown]
r"""
```{glue:figure} fig_people
:name: fig-people

Zero means that the true answer is as likely as before. *The fact*, as it is said in the training sentence, and *in other words* are meant to change. *Same person* are the three other facts of the one who is
edited, *other people* are never meant. Bands are 95% intervals.
```

{glue:text}`edit_said`
"""

# %% tags=["hide-input", "remove-output"]
whose(
    "fig_forgotten",
    "unlearning",
    f"unlearning, {SIZES['unlearning']} steps",
    "Whose facts go when one person is unlearnt",
)

# %% [markdown]
r"""
```{glue:figure} fig_forgotten
:name: fig-forgotten

The same for unlearning, on an axis of its own. All of the person's facts are meant to go, in whatever words; those of *other people* are not.
```

{glue:text}`unlearn_said` {glue:text}`collateral_said`

## Rewarded for right answers

{numref}`fig-reward` follows each budget through its 150 steps: to the right is what the verifier taught, upwards what it cost.
"""

# %% tags=["hide-input", "remove-output"]
if p.corpus is None:
    free = with_world(results.table(Reinforce))
    free = free[free["kl"] == 0].assign(loss=free["loss"].mask(free["diverged"]))
    keys = [*PLACE]
    zero_step = free[free["step"] == 0].set_index(keys)["loss"].rename("base")
    free = free.join(zero_step, on=keys)
    free = free.assign(increase=free["loss"] - free["base"])
    reward_at = summarise(free, "score", by=["tokens", "step"]).rename(columns={"mean": "at"})
    reward = summarise(free, "increase", by=["tokens", "step"]).merge(
        reward_at[["tokens", "step", "at"]], on=["tokens", "step"]
    )
    reward.attrs = {"level": 0.95, "worlds": len(p.corpora)}
    figure(
        "fig_reward",
        paths(
            reward,
            series="tokens",
            series_title="pre-training tokens",
            along="step",
            along_title="steps with the verifier",
            x="share of right answers on held-out questions",
            y="damage to the old loss (nats per token)",
            write=tokens_label,
            title="What learning from a verifier buys, and what it costs",
            description="Damage to the old loss against accuracy on the task while learning from a verifier, one path for each "
            "pre-training budget.",
        ),
    )
else:
    none_at_all = pd.DataFrame(
        {"tokens": [first], "step": [0], "at": [0.0], "mean": [0.0], "low": [0.0], "high": [0.0], "n": [0]}
    )
    figure(
        "fig_reward",
        paths(
            none_at_all,
            series="tokens",
            along="step",
            x="not measured on this corpus",
            y="not measured on this corpus",
            title="On this corpus there is nothing to verify",
            description="An empty chart: the task is asked in the words of a tiny world.",
        ),
    )

# %% [markdown]
r"""
```{glue:figure} fig_reward
:name: fig-reward

A path begins at zero damage, at the base model, and has a mark at 50, 100 and 150 steps. The further left and up it goes, the less was bought for more. Whiskers are 95% intervals of the damage.
```

{glue:text}`reward_said` {glue:text}`half_said` {glue:text}`kl_said`

For comparison, fine-tuning on the same task at the same rate, with right answers shown (the first of the twins), beside the verifier at its end:
"""

# %% tags=["hide-input"]


def taught():
    """Accuracy and damage of being shown and of being checked, at the shortest and the longest budget."""
    shown_answers = own.assign(how="shown the answer (fine-tuning)")
    end = free[free["step"] == SIZES["verifier"]].assign(how="checked by the verifier")
    both = pd.concat([shown_answers, end], ignore_index=True)
    rows = {}
    for value, name in (
        ("score", "right answers"),
        ("increase", "damage (nats)"),
        ("change", "distance moved"),
    ):
        found = both.groupby(["how", "tokens"]).apply(
            lambda part, value=value: written(estimate(cube(part, value).values[..., 0]), 2),
            include_groups=False,
        )
        rows |= {
            (how, f"{name}, {tokens_label(t)}"): found[how, t] for how, t in found.index if t in (first, last)
        }
    table = pd.Series(rows).unstack()
    return table


taught() if p.corpus is None else pd.DataFrame()

# %% [markdown]
r"""
{glue:text}`taught_said`

## What else could explain it

**"A better model has more to lose."** It has: at {glue:text}`last_said` tokens the base loss is {glue:text}`base_last`, at {glue:text}`first_said` {glue:text}`base_first`. Were that all, a loss after the change would
still be lower for the longer-trained model. {glue:text}`total_said`

**"The change is larger."** Rounding and pruning are as large as the weights are, and weights grow. The distance a change moves the weights, at the
declared sizes, {glue:text}`first_said` and {glue:text}`last_said` tokens; and, since in a smooth valley the damage goes with the square of the distance, how much damage over that square grows:
"""

# %% tags=["hide-input"]


def per_square(table):
    """Damage over the square of the distance: the growth of its logarithm per doubling, [worlds, seeds]."""
    costs_something = table["increase"].where(table["increase"] > 0)
    logs = {"stiff": np.log(costs_something / table["change"] ** 2), "whole": np.log(costs_something)}
    table = table.assign(**logs)
    return slopes(table, "stiff"), slopes(table, "whole")


def in_percent(values):
    """Growth per doubling in per cent, from that of logarithms; none for a seed without damage."""
    return estimate(100 * np.expm1(values))


def moved(table):
    """Euclidean distance at both ends, and the growth of damage over its square per doubling of tokens."""
    table = table[table["tokens"].isin([first, last])]
    far = cube(table, "change", x="tokens").values
    return {
        tokens_label(first): f"{far[..., 0].mean():.2f}",
        tokens_label(last): f"{far[..., -1].mean():.2f}",
        "times further": written(estimate(far[..., -1] / far[..., 0]), 2),
    }


# The midpoint's distance is known from a twin, not from the base.
distances = {name: moved(table) for name, table in ways.items() if name != TWINS}
stiffness = {name: per_square(ways[name]) for name in distances}
for name, (over, whole) in stiffness.items():
    distances[name] |= {
        "damage, % per doubling": written(in_percent(whole), 0),
        "damage ÷ distance², % per doubling": written(in_percent(over), 0),
    }
pd.DataFrame(distances).T

# %% [markdown]
r"""
{glue:text}`moved_said`

**"There was nothing to forget."** {glue:text}`nothing_said`

**"Equal steps are not equal learning."** They are not, for the verifier: see the scores above. What grows is the price of so many steps, not of so many right answers.

**"It is the decay."** For quantisation the table above separates the two. For the other five every model here is annealed, and chapter 5 found that a long decay is the larger part of fragility under
noise; this chapter cannot exclude that it is the cause of all that grows here.

**"The edit is crude."** Yes: methods confined to few weights {cite}`meng2022rome` may spare more. The comparison between budgets is at one crude method, not between methods.

**What this design cannot say.** One size for each way was judged, and a coarse one. A slope that is an effect at one size may be nil at a finer one, as with bits, and larger sizes run into saturation.

## What it means

{glue:text}`meaning_said`

It stops being shown outside what we ran: models of {glue:text}`parameters_said` parameters, {glue:text}`per_parameter_said` tokens for each, rounding without data, facts that are one word long, a verifier of four labels,
and old loss as the only measure of what a model is worth.

## Exercises

```{exercise}
:label: ex-other-bits
At which number of bits should the damage stop depending on the length of training? Predict from the table of contrasts, then run `ovbook run 06 -p bits=3,4,6,8 -p seeds=2`.
```

```{solution} ex-other-bits
:class: dropdown
Where rounding costs next to nothing, nothing can grow. {glue:text}`bits_exercise` With 6 bits expect slopes of a thousandth of a nat at most (this, too, was known from the example named above, so it is a recollection rather than a prediction). Two seeds show a direction and decide nothing.
```

```{exercise}
:label: ex-levels
How many different values can a weight have in a row rounded to 3 bits, symmetric about zero? And how large is the largest error, in units of the row's largest weight?
```

```{solution} ex-levels
:class: dropdown
The largest weight is 2² − 1 = 3 steps, so the values are −3, −2, ..., 3 steps: seven. The largest error is half a step, a sixth of the largest weight. One large weight in a row makes the
step large for all the others; that is why outliers matter to quantisation.
```

```{exercise}
:label: ex-keep
Unlearning kept four old documents in every step. Predict what happens to the facts of other people without them, then set `"keep": 0` in the experiment cell, with `seeds=2` and `worlds=[1]`.
```

```{solution} ex-keep
:class: dropdown
Expect them to go along: nothing then tells the model that only one person is meant, and the shortest way uphill is to make the relation's answers unlikely for everyone. The old loss should rise several times as fast.
```

```{exercise}
:label: ex-baseline
Why must a group's advantages sum to zero for sampling among the labels only, when the gradient is taken over all words?
```

```{solution} ex-baseline
:class: dropdown
The log-probability of a label over all words is that among the labels plus the log-probability that any label comes at all. The second part is the same for all answers to one question, so its gradient is multiplied by the sum of
their advantages: by zero.
```
"""

# %% tags=["remove-cell"]


def listed(names):
    """Names as people list them."""
    *others, end = names
    return f"{', '.join(others)} and {end}" if others else end


def by_word():
    """Reading -> the ways that have it."""
    words = dict.fromkeys(read.values())
    return {word: [name for name, found in read.items() if found == word] for word in words}


def headline():
    """How many ways, by the declared rule."""
    if p.seeds == 1:
        return "With one seed nothing is decided"
    known_too = seen.get(QUANTISATION) == "an effect"
    rounding = f"in rounding to {SIZES[QUANTISATION]} bits, which we had seen before"
    if not grown:
        return "At the sizes declared, the damage is not shown to grow in any way that was open" + (
            f", only {rounding}" if known_too else ""
        )
    return (
        f"At the sizes declared, the damage grows in {len(grown)} of the {len(read)} ways that were open"
        + (f", and {rounding}" if known_too else "")
    )


def answer():
    """The numbers behind it."""
    measured = [name for name in read if got[name]]
    if not measured:
        return "No slope of a way that was open could be measured."
    said = "; ".join(f"{listed(names)}: {word}" for word, names in by_word().items())
    steepest = max(measured, key=lambda name: got[name].mean / SMALLEST[name])
    return (
        f"Growth of the damage with the length of training, by the rule of this chapter: {said}. The steepest for its smallest effect is {steepest}, "
        f"with {written(got[steepest])} nats for each doubling of the tokens. {finer_sentence()}"
    )


def finer():
    """Damage at both ends and slope at every size of rounding and pruning that is finer than the declared one."""
    found = []
    for way, sign in ((QUANTISATION, 1), ("pruning", -1)):
        for at in sorted(tried[way], key=lambda at: sign * at):
            if sign * at > sign * SIZES[way]:
                table = changed(way, at).assign(way=way)
                words = f"{at:g} bits" if way == QUANTISATION else f"{at:.0%} pruned"
                found.append(
                    (words, summarise(table, "increase").set_index("tokens")["mean"], estimate(slopes(table)))
                )
    return found


def finer_sentence():
    """What is left of the slopes at the next finer size of rounding and of pruning."""
    nearest = {}
    for words, _, slope in finer():
        nearest.setdefault(words.split()[-1], f"{written(slope)} at {words}")
    if not nearest:
        return ""
    return f"At the next finer size the same slope, described, is {listed(list(nearest.values()))}."


def twins_sentence():
    """How much of tuning and averaging is the averaging."""
    if p.corpus is not None:
        return ""
    at_end = {share: changed(TWINS, share).assign(way=TWINS) for share in (0.0, 0.5, 1.0)}
    cost = {share: cube(table, "increase", x="tokens").values for share, table in at_end.items()}
    alone, middle, other = (f"{cost[share][..., -1].mean():.3f}" for share in cost)
    gap = estimate((cost[0.5] - (cost[0.0] + cost[1.0]) / 2).mean(axis=-1))
    words = (
        "so what costs is the tuning, and averaging itself costs nothing worth the name"
        if gap and gap.n > 1 and gap.high < SMALLEST[TWINS]
        else "which leaves open what the averaging itself costs"
    )
    return (
        f"Tuning and averaging has two parts. At {tokens_label(last)} tokens one twin alone, not averaged at all, loses {alone} nats, the other {other}, their midpoint {middle}. "
        f"The midpoint minus the mean of its two ends is {written(gap)} nats, mean over budgets (described), {words}."
    )


def ways_sentence():
    """Every way's slope and reading."""
    parts = [f"{name} {written(got[name])} nats per doubling, {read[name]}" for name in read]
    said = f"By the declared rule: {'; '.join(parts)}. " if parts else ""
    if seen:
        said += (
            f"And, seen before and so not counted, {QUANTISATION} {written(got[QUANTISATION])} nats per doubling, {seen[QUANTISATION]} "
            "if read by the same rule."
        )
    return said


def saturated_sentence():
    """Budgets that do not count."""
    lost = {name: [t for t in budgets if t not in counted(table)] for name, table in ways.items()}
    lost = {name: gone for name, gone in lost.items() if gone}
    if not lost:
        return "No budget is saturated."
    return (
        "Left out as saturated: "
        + "; ".join(f"{name} at {listed(list(map(tokens_label, gone)))}" for name, gone in lost.items())
        + "."
    )


def bits_sentence():
    """Rounding of the annealed models, across bits."""
    ends = [f"{by_bits[b, 'annealed', last]:.3f} at {b}".replace("-", "−") for b in sorted(p.bits)]
    return (
        f"Rounding the annealed models of {tokens_label(last)} tokens adds, in nats, {', '.join(ends)} bits."
    )


def endings_sentence():
    """Tokens or decay, by the declared readings."""
    if not at_three:
        return "The declared size was not run, or is saturated."
    parts = [f"{name} {written(estimate(values))}, {ending_read[name]}" for name, values in at_three.items()]
    if p.seeds == 1:
        return f"By the declared rule: {'; '.join(parts)}. One seed decides nothing."
    by_tokens, by_short, by_long = (ending_read[name] for name in ENDINGS)
    short = estimate(at_three["short decay"])
    if by_short == "an effect":
        story = "A short fall of the rate to zero makes rounding costlier"
    elif short.high < ENDINGS["short decay"]:
        story = f"A short fall of the rate to zero does not make rounding costlier: {ENDINGS['short decay']:+g} is excluded"
    else:
        story = "A short fall of the rate to zero is not shown to make rounding costlier"
    story += (
        "; a fall from the start " + ("does" if by_long == "an effect" else "is not shown to, either") + ". "
    )
    if by_long == "an effect" and by_short != "an effect":
        story += "So it is not the falling as such. "
    story += {
        "an effect": "Tokens at a constant rate make it costlier, too.",
        "none worth the name": "Tokens at a constant rate do nothing worth the name.",
    }.get(by_tokens, "Whether tokens alone make it costlier stays open.")
    return f"By the declared rule: {'; '.join(parts)}. {story} {behind_sentence()}"


def behind_sentence():
    """What the contrasts between endings do not correct for, and the totals."""
    at = SIZES[QUANTISATION]
    part = rounded[rounded["gamma"] == at]
    base = summarise(part, "base", by=["ended", "tokens"], within=["draw"]).set_index(["ended", "tokens"])[
        "mean"
    ]
    total = summarise(part, "loss", by=["ended", "tokens"], within=["draw"]).set_index(["ended", "tokens"])[
        "mean"
    ]
    late = [t for t in budgets if base["annealed", t] > base["undecayed", t]]
    said = ""
    if late:
        gaps = "; ".join(
            f"{base['annealed', t]:.3f} against {base['undecayed', t]:.3f} at {tokens_label(t)}"
            for t in dict.fromkeys((late[0], late[-1]))
        )
        said = f"The annealed models were also behind the undecayed in base loss at {listed(list(map(tokens_label, late)))} tokens ({gaps}), which these contrasts do not correct for. "
    ends = ", ".join(f"{e} {total[e, last]:.3f}" for e in ("annealed", "undecayed", "decayed"))
    return f"{said}In total, as the loss after rounding to {at} bits at {tokens_label(last)} tokens: {ends}."


def took(kind, step, column):
    """Shares at the shortest and longest budget: of `column` after `step` steps, for fact and other words."""
    table = with_world(people_asked)
    table = table[(table["kind"] == kind) & (table["step"] == step)]
    found = summarise(table, column, by=["asked", "tokens"], within=["person"]).set_index(["asked", "tokens"])
    return found["mean"]


def edit_sentence():
    """Whether the edit takes."""
    if p.corpus is not None:
        return "The facts of people are known in a tiny world only, so nothing is edited on this corpus."
    steps = SIZES["editing"]
    share = took("edit", steps, "took")
    early = took("edit", 4, "took")
    before, after_ = took("edit", 0, "right"), took("edit", steps, "right")
    return (
        f"After {steps} steps the new value is the likeliest of the 32 for {100 * share['said', first]:.0f}% of the people at {tokens_label(first)} tokens and "
        f"{100 * share['said', last]:.0f}% at {tokens_label(last)}; asked in other words, for {100 * share['other words', first]:.0f}% and {100 * share['other words', last]:.0f}%. "
        f"After only 4 steps it is {100 * early['said', first]:.0f}% and {100 * early['said', last]:.0f}%. Whether the new value became likelier for other people as well was not asked. "
        f"What was asked is how their own facts fare: at {tokens_label(last)} tokens, {steps} steps take the share of the person's three other facts that are right from {100 * before['same person', last]:.0f}% to "
        f"{100 * after_['same person', last]:.0f}%, and that of other people's from {100 * before['others', last]:.0f}% to {100 * after_['others', last]:.0f}%."
    )


def unlearn_sentence():
    """What unlearning leaves of the person."""
    if p.corpus is not None:
        return ""
    before, after_ = took("unlearn", 0, "true"), took("unlearn", SIZES["unlearning"], "true")
    return (
        f"Unlearning takes the probability of the person's true value from {before['said', last]:.3f} to {after_['said', last]:.4f} at {tokens_label(last)} tokens in {SIZES['unlearning']} steps, and that of other "
        f"people's from {before['others', last]:.3f} to {after_['others', last]:.3f}."
    )


def collateral():
    """For editing and unlearning: loss added on other people's facts by budget, budgets not saturated, slopes there.

    The guard is that of old loss: an untrained model's loss on text stands for its loss on answers, since both are near
    guessing among all words.
    """
    found = {}
    for name, kind in (("editing", "edit"), ("unlearning", "unlearn")):
        part = answers[
            (answers["kind"] == kind) & (answers["step"] == SIZES[name]) & (answers["asked"] == "others")
        ]
        part = part.assign(loss=part["answer_loss"].mask(part["diverged"]), base=part["known"])
        numbers = part.groupby(PLACE)[["loss", "base", "untrained", "added"]]
        part = numbers.agg(lambda values: values.mean(skipna=False)).reset_index().assign(way=name)
        found[name] = (
            summarise(part, "added").set_index("tokens")["mean"],
            counted(part),
            slopes(part, "added"),
        )
    return found


def collateral_sentence():
    """Readings of the collateral, where it may be read."""
    if p.corpus is not None:
        return ""
    said = "The collateral is the loss added on the facts of people never touched, in nats per answer. "
    for name, (mean, kept, values) in collateral().items():
        if 2 * len(kept) >= len(budgets) and len(kept) > 1:
            left_out = (
                ""
                if len(kept) == len(budgets)
                else f", over the {len(kept)} of {len(budgets)} budgets that are not saturated"
            )
            said += f"For {name} its slope per doubling is {written(estimate(values))}, {reading(values, COLLATERAL)}{left_out}. "
            continue
        top = mean.idxmax()
        if top == first:
            course = f"goes from {mean[first]:.2f} at {tokens_label(first)} tokens to {mean[last]:.2f} at {tokens_label(last)}"
        else:
            course = f"rises from {mean[first]:.2f} at {tokens_label(first)} tokens to {mean[top]:.2f} at {tokens_label(top)}"
            course += "" if top == last else f" and is {mean[last]:.2f} at {tokens_label(last)}"
        back = " and the last step reverses" if len(budgets) > 1 and mean[last] < mean[budgets[-2]] else ""
        said += (
            f"For {name} it {course}; the answers are saturated at {len(budgets) - len(kept)} of {len(budgets)} budgets{back}, so the slope is not read as an "
            "effect or as none. "
        )
    return said.strip()


def nothing_sentence():
    """At which budgets there is a fact to edit."""
    if p.corpus is not None:
        return "On this corpus no facts are asked for."
    shares = known_before["the fact"]
    knows = [t for t in budgets if shares[t] > 0.2]
    said = f"The facts chosen are right before any change in {', '.join(f'{100 * shares[t]:.0f}' for t in budgets)}% of cases from {tokens_label(first)} to {tokens_label(last)} tokens. "
    if knows and knows[0] != first:
        said += f"Only from {tokens_label(knows[0])} on is there often a fact to edit or to unlearn. "
    elif not knows:
        said += "At none of these budgets is there often a fact to edit or to unlearn. "
    return said + "The slopes compare the same push on the weights, not the same success."


def half_sentence():
    """Scores at the end differ; damage where half of the answers are right, between the steps measured."""
    if p.corpus is not None:
        return ""
    end = reward[reward["step"] == SIZES[VERIFIER]].set_index("tokens")["at"]
    said = f"Equal steps are not equal learning: the scores at the end are {', '.join(f'{end[t]:.2f}' for t in budgets)}, shortest budget first. "
    rows = []
    for place, path in free.sort_values("step").groupby(PLACE):
        score, cost = path["score"].to_numpy(), path["increase"].to_numpy()
        over = np.flatnonzero(score >= 0.5)
        crossed = np.nan
        if len(over) and over[0] > 0:
            i = over[0]
            part = (0.5 - score[i - 1]) / (score[i] - score[i - 1])
            crossed = cost[i - 1] + part * (cost[i] - cost[i - 1])
        rows.append(dict(zip(PLACE, place, strict=True)) | {"half": crossed})
    half = pd.DataFrame(rows)
    slope = estimate(slopes(half, "half", tokens=budgets)) if len(budgets) > 1 else None
    reached = f"{half['half'].notna().sum()} of {len(half)} models reach half of the answers right"
    if slope is None or slope.n < 3:
        return (
            said
            + f"The damage at equal scores is not compared: {reached}, and too few seeds do at every budget."
        )
    return said + (
        f"At the point where half of the answers are right, between the steps measured, the damage grows by {written(slope)} nats per doubling "
        f"(described; {reached}, and {slope.n} of {p.seeds} seeds do at every budget)."
    )


def reward_sentence():
    """What the verifier taught and what it cost."""
    if p.corpus is not None:
        return "On this corpus there is no task to verify."
    end = reward[reward["step"] == SIZES["verifier"]].set_index("tokens")
    start = reward[reward["step"] == 0].set_index("tokens")
    best = end["at"].idxmax()
    return (
        f"From {start.loc[first, 'at']:.2f} right answers at {tokens_label(first)} tokens and {start.loc[last, 'at']:.2f} at {tokens_label(last)}, the verifier leads to {end.loc[first, 'at']:.2f} and "
        f"{end.loc[last, 'at']:.2f}, for {end.loc[first, 'mean']:.2f} and {end.loc[last, 'mean']:.2f} nats of damage. The best score is that of the models of {tokens_label(best)} tokens."
    )


def kl_sentence():
    """What the penalty does, at the longest budget."""
    if p.corpus is not None:
        return ""
    end = checked[(checked["tokens"] == last) & (checked["step"] == SIZES["verifier"])]
    gaps = {v: cube(end, v, x="kl").values for v in ("increase", "score")}
    gap = {v: estimate(found[..., 1] - found[..., 0]) for v, found in gaps.items()}
    return (
        f"A penalty of 0.3 on drifting from the base's answers changes the damage at {tokens_label(last)} tokens by {written(gap['increase'])} nats and the share of right answers by "
        f"{written(gap['score'])} (described, not declared). The penalty watches the answers only, and the damage is counted on other text."
    )


def taught_sentence():
    """Checked against shown, at the longest budget, paired."""
    if p.corpus is not None:
        return ""
    end = checked[(checked["kl"] == 0) & (checked["step"] == SIZES[VERIFIER]) & (checked["tokens"] == last)]
    shown_last = own[own["tokens"] == last]
    gap = {
        v: estimate((cube(end, v).values - cube(shown_last, v).values)[..., 0]) for v in ("score", "increase")
    }
    return (
        f"At {tokens_label(last)} tokens the verifier's models give {written(gap['score'], 2)} more of right answers than those that were shown the answers, with {written(gap['increase'], 2)} nats more of damage "
        f"(described, not declared). The comparison is at one rate, and not at equal work: the verifier's models saw {SIZES[VERIFIER] * 8} questions, eight answers to each, the others {p.examples}."
    )


def total_sentence():
    """Ways after which the longest-trained model is the worse one, in total: claimed only where it is shown."""
    turns, unshown = [], []
    for name, table in ways.items():
        found = cube(table, "loss", x="tokens")
        means = summarise(table, "loss").set_index("tokens")["mean"]
        best = means.idxmin()
        if best == last:
            continue
        rise = estimate(found.values[..., -1] - found.values[..., found.levels.index(best)])
        shown_to = rise is not None and rise.n > 1 and rise.low > SMALLEST[name]
        (turns if shown_to else unshown).append((name, best, rise))
    if not turns and not unshown:
        return "It is, in all of them: at these sizes longer training still pays after the change, though less of it is left."
    parts = []
    if turns:
        lower = listed([f"{name} (at {tokens_label(t)}, by {written(rise)} nats)" for name, t, rise in turns])
        parts.append(f"It is not for {lower}.")
    if unshown:
        lower = "; ".join(
            f"for {name} the mean is lowest at {tokens_label(t)}, but by {written(rise)} nats"
            for name, t, rise in unshown
        )
        parts.append(f"{lower[0].upper()}{lower[1:]}: no turn is shown.")
    if len(turns) + len(unshown) < len(ways):
        parts.append("For the others the mean is lowest at the longest budget.")
    return " ".join(parts)


def moved_sentence():
    """How much of the growth the distance accounts for, where it grows by a quarter or more."""
    parts, same = [], []
    for name, found in distances.items():
        if float(found[tokens_label(last)]) < 1.25 * float(found[tokens_label(first)]):
            same.append(name)
            continue
        over, whole = (estimate(values) for values in stiffness[name])
        if over is None or over.n < 2 or whole.mean <= 0:
            parts.append(
                f"For {name}, which moves a longer-trained model further, what is left beside the distance was not measured."
            )
            continue
        growth = written(in_percent(stiffness[name][0]), 0)
        left = (
            "so the larger step accounts for about all of the growth, as far as can be told"
            if over.low <= 0 <= over.high
            else f"so about {100 * over.mean / whole.mean:.0f}% of the growth (of its logarithm) is left beside the larger step"
            if over.low > 0
            else "so the larger step is more than all of the growth"
        )
        parts.append(
            f"For {name} the damage over the squared distance changes by {growth}% per doubling, {left}."
        )
    if same:
        parts.append(f"No further by a quarter: {listed(same)}; there a longer path is not the main reason.")
    return " ".join(parts)


def meaning_sentence():
    """What follows for someone who changes models."""
    if p.seeds == 1:
        return "With one seed nothing follows."
    parts = []
    words = by_word()
    if grown:
        parts.append(
            f"At these coarse sizes, if a model is going to be changed by {listed(grown)}, the length of its training is part of the price, and the base loss does not show it. Measure after the change, at more than one checkpoint."
        )
    fine = [found for found in finer() if found[0].endswith("bits")]
    if fine:
        bits, cost, slope = fine[0]
        parts.append(
            f"Rounding the same annealed models to {bits} instead of {SIZES[QUANTISATION]} costs {cost[first]:.3f} nats at the shortest and {cost[last]:.3f} at the longest budget: slope {written(slope)}."
        )
    if words.get("none worth the name"):
        parts.append(
            f"At these sizes the length of training need not worry those who plan {listed(words['none worth the name'])}."
        )
    unsure = words.get("undecided", [])
    not_up = [name for name in unsure if got[name].high < SMALLEST[name]]
    unsure = [name for name in unsure if name not in not_up]
    if unsure:
        parts.append(f"For {listed(unsure)}, {p.seeds} seeds do not decide it, and we do not know.")
    for name in not_up:
        parts.append(
            f"Growth worth the name is excluded for {name} ({written(got[name])}); whether its damage falls by more than {SMALLEST[name]:g} per doubling is open."
        )
    if words.get("an effect the other way"):
        parts.append(f"{listed(words['an effect the other way'])} cost a longer-trained model less.")
    if ending_read.get("decay all along") == "an effect":
        more = 100 * (
            at_three["decay all along"].mean()
            / np.mean([by_bits[SIZES[QUANTISATION], "undecayed", t] for t in budgets])
        )
        parts.append(
            f"And who plans to round as coarsely as to {SIZES[QUANTISATION]} bits should look at the schedule: the annealed models lose {more:.0f}% more than those whose rate never fell."
        )
    return " ".join(parts)


def bits_exercise_sentence():
    """Damage at 8 bits, if run."""
    fine = max(p.bits)
    return (
        f"At {fine} bits the longest-trained annealed models lose {by_bits[fine, 'annealed', last]:.4f} nats."
    )


clean = squeezed[
    (squeezed["gamma"] == 0) & (squeezed["ended"] == "annealed") & (squeezed["noise"] == "quantisation")
]
base_loss = summarise(clean, "loss").set_index("tokens")["mean"]
say(
    headline=headline(),
    short_answer=answer(),
    ways_said=ways_sentence(),
    twins_said=twins_sentence(),
    nothing_said=nothing_sentence(),
    half_said=half_sentence(),
    saturated_said=saturated_sentence(),
    bits_first=bits_sentence(),
    endings_said=endings_sentence(),
    edit_said=edit_sentence(),
    unlearn_said=unlearn_sentence(),
    collateral_said=collateral_sentence(),
    reward_said=reward_sentence(),
    kl_said=kl_sentence(),
    taught_said=taught_sentence(),
    total_said=total_sentence(),
    moved_said=moved_sentence(),
    meaning_said=meaning_sentence(),
    bits_exercise=bits_exercise_sentence(),
    base_first=f"{base_loss[first]:.3f}",
    base_last=f"{base_loss[last]:.3f}",
    three_said=SIZES[QUANTISATION],
    people_said=f"{p.people} people",
    bits_said=listed([str(b) for b in sorted(p.bits)]),
    first_said=tokens_label(first),
    last_said=tokens_label(last),
    parameters_said=f"{size:,}",
    per_parameter_said=f"{first / size:.3g}–{last / size:.3g}",
    budgets_said=f"{tokens_label(first)}–{tokens_label(last)}",
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)

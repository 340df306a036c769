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
#       - how to tell the effect of many tokens from that of a decayed learning rate
#       - why models should be compared at equal tokens and also at equal loss
#       - what sharpness is, how it is measured, and how far it predicts damage
#       - what the public OLMo runs can and cannot say about the question
#     papers: [springer2025overtrained, rofin2026decay, yano2026wso, catalantatjer2025quantization]
#     after: [02-sensitivity-grows]
# ---

# %% [markdown]
r"""
# Tokens or decay?

**Does a long-trained model break easily because it has read so much, or because of how its learning rate ended?** Chapter 2 could not
say, and neither could the paper it repeats: there, a model trained for longer had read more tokens *and* had its rate taken down to
zero over a longer stretch. Here the two are pulled apart.

**{glue:text}`headline`.** {glue:text}`short_answer`

It matters because the remedies differ. If it is the tokens, stop earlier, or take a larger model. If it is the decay, read on, and end the
training differently. Several groups hold for each side.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation, data and noise (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = (
    None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]; then without fine-tuning
)
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a training step (default: the scale's)
rate: float = None  # learning rate of pre-training, constant or at its peak (default: the scale's)
gammas: list = [0.0, 0.05, 0.1, 0.2, 0.3, 0.4]  # noise, in units of the initial spread
draws: int = 4  # noise draws per model and size, averaged inside the seed; even, because they come in pairs
rows: int = None  # held-out documents on which every loss is measured (default: the scale's)
examples: int = None  # examples of the task that fine-tuning sees (default: the scale's)
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
    gammas=gammas,
    draws=draws,
    rows=rows,
    examples=examples,
    questions=questions,
)

# %% [markdown]
r"""
## What is in dispute, and what we do

Springer and colleagues {cite}`springer2025overtrained` took every budget's rate to zero, so that short runs are finished models. The price
is that many tokens cannot be told from many tokens with a long decay. For the *tokens* speak two studies of
{term}`quantisation`, which find its damage growing with the amount of data {cite}`kumar2024precision,ouyang2024lowbit`. For the *decay*
speak quantisation damage that follows the falling rate, largely independent of the token count {cite}`catalantatjer2025quantization`;
models pre-trained without any decay, worse before fine-tuning and better after it {cite}`yano2026wso`; {term}`sharpness` that rises as
the rate falls, and forgetting with it {cite}`rofin2026decay`; and, from the first paper's own group, training towards flat places, by
shorter annealing among other things, which forgets less {cite}`watts2026sharpness`.

| | the papers | this chapter at `laptop` | source |
|---|---|---|---|
| models | 15M–90M own; public ones of 1B–8B | {glue:text}`parameters_said` parameters, {glue:text}`per_parameter_said` tokens per parameter | Springer et al. at second hand; abstracts |
| tokens | 4B–128B own; public ones to 15T | {glue:text}`budgets_said` | Springer et al. at second hand; Catalan-Tatjer et al., abstract |
| end of training | cosine to zero (Springer); none at all (Yano); public runs | constant rate {glue:text}`rate_said`; the same with a line to zero over the last sixth; cosine to zero | at second hand; abstracts |
| same tokens, with and without decay | 1B and 8B models, compared after tuning (Yano) | every budget, seed and world | abstract; notes of others |
| same base loss | not found in what we read | by interpolation | none: not in what we read |
| change | Gaussian noise; tuning; quantisation | noise of γ = {glue:text}`at_said` (others shown); tuning on one task at rate 0.002 | as above |
| sharpness | Hessian trace by Hutchinson's method (Yano); a KL proxy (Rofin) | Hessian trace, plain and weighted by the noise; largest eigenvalue | notes of others; abstract |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

"At second hand" is explained in {doc}`chapter 2 <02-sensitivity-grows>`. Of the later papers we read abstracts, or notes by others, and none in full.

A {term}`trunk` is trained at a constant rate and kept at every budget *T*: the **undecayed** models. For each *T* a branch leaves the trunk at
*T*/1.2, and its rate falls in a straight line to zero at *T*: the **decayed** ones. Both have then read the very same *T* tokens, and share five
sixths of their history. Chapter 2's models, whose rate falls along a cosine from the start, stand beside them as **annealed**.

## What we will call an effect

This was written, and kept, before anything in this chapter was run. What had been seen: chapter 2, where models of the same seeds
and worlds had their rate decayed throughout; and a trial with one seed of another world, in which noise of γ = 0.4 cost
constant-rate models 0.37 to 0.81 nats between 1M and 8M tokens and their decayed branches, which had also seen a fifth more tokens,
0.44 to 0.95.

*Damage* is loss after a change minus loss before. Two changes count: noise of γ = 0.2, the size chapter 2 judges by, and fine-tuning
on the topic of a passage at the one rate 0.002. Four contrasts, each one number a seed, worlds averaged inside it:

| contrast | what it is | smallest effect, noise | smallest effect, fine-tuning |
|---|---|---|---|
| decay | damage of the decayed model minus that of the undecayed one at the same tokens, mean over budgets | 0.02 | 0.05 |
| tokens | slope of the undecayed models' damage, per doubling of tokens | 0.01 | 0.05 |
| both together | slope of the decay contrast, per doubling of tokens | 0.01 | 0.05 |
| decay at equal loss | as the first, between models of the same base loss, mean over five losses that both curves pass | 0.02 | 0.05 |

All in nats per token. An interval wholly beyond the smallest effect, with the mean of each world beyond it, is *an effect*; one wholly
between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. Budgets at which either model is
{term}`saturated <saturation guard>` do not count.

Sharpness *predicts* the damage of noise at the sizes γ at which the interval of measured ÷ predicted lies between 0.8 and 1.25. It
*orders* the models as damage does if the rank correlation over a seed's models (every budget, decayed or not) has an interval above 0.8.

No claim of the registry asks this question, so there are no verdict boxes, only intervals; of ten at 95%, half a one misses on average.

**Added after the first results, before its own runs.** The annealed models turned out far more fragile than the decayed ones. So, at
{glue:text}`middle_said` tokens, branches were decayed over the last half and the last three quarters, too. A fifth contrast, *longer decay*: damage with
the longest straight decay minus damage with the shortest; smallest effects 0.02 and 0.05. Everything else about the annealed models is
description after the fact, and the control with relative noise was added last, after the fifth contrast had been seen.
"""

# %% tags=["experiment"]
from dataclasses import replace

from ovbook.runs import Checkpoint, FineTune, Perturb, Sharpness, suite


def experiment(p):
    """Change models in the same ways, with and without a decayed rate.

    Declared before anything was run: at noise 0.2 and at this rate of
    tuning, the damage of the decayed model minus that of the undecayed one
    at equal tokens (smallest effect 0.02 and 0.05 nats), the slope of the
    undecayed models' damage per doubling of tokens (0.01 and 0.05), the
    slope of the first along the second (0.01 and 0.05), and the first again
    at equal base loss (0.02 and 0.05). Declared after that, before its own
    runs: at one budget, the longest straight decay minus the shortest (0.02
    and 0.05).
    """
    branches = [run for run in suite(p, ending="branches") if run.start]
    undecayed = [
        Checkpoint(run=trunk, tokens=budget)
        for trunk in suite(p, ending="trunk")
        for budget in p.budgets
    ]  # fmt: skip
    decayed = [Checkpoint(run=branch) for branch in branches]
    # Chapter 2's models, for reference.
    annealed = [Checkpoint(run=run) for run in suite(p, ending="annealed")]

    # Second, after the first results: one budget, decayed over its last half
    # and its last three quarters as well.
    middle = sorted(p.budgets)[-3:][0]
    earlier = [b for b in p.budgets if middle / 4 <= b < middle]

    def leaving(branch, tokens):
        """The same branch, leaving the trunk earlier."""
        start = Checkpoint(run=branch.start.run, tokens=tokens)
        return Checkpoint(run=replace(branch, start=start))

    longer = [leaving(b, left) for b in branches for left in earlier if b.budget == middle]

    shake = {"draws": p.draws, "rows": p.rows}
    tune = {
        "task": "topic-known-labels",
        "rate": 2e-3,
        "examples": p.examples,
        "batch": 16,
        "rows": p.questions,
        "documents": p.rows,
    }
    specs = []
    for base in [*undecayed, *decayed, *annealed, *longer]:
        specs.append(Perturb(base=base, noise="init", gammas=p.gammas, **shake))
        if base.at == middle:  # a control: noise relative to the weights now
            gammas = (0.0, 0.1)
            specs.append(Perturb(base=base, noise="relative", gammas=gammas, **shake))
        specs.append(Sharpness(base=base, probes=8, rows=8))
        if p.corpus is None:  # tasks are asked in the words of a tiny world
            specs.append(FineTune(base=base, **tune))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
shown = ["seed", "tokens", "ending", "trace", "noise_trace", "largest", "loss"]
results.table(Sharpness)[shown].head()

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, against_tokens, figure, forest, paths, say, tokens_label
from ovbook.stats import (
    SHARES,
    at_equal,
    before_after,
    cube,
    estimate,
    increase_over_base,
    log2_slopes,
    mean_interval,
    per_seed,
    reading,
    summarise,
    unsaturated_budgets,
    variance_shares,
)
from ovbook.stats import written as nats

AT = 0.2  # the judged size of noise
RELATIVE = 0.1  # size of the second kind of noise, in units of each tensor as it is
EFFECTS = {
    "tokens": 0.01,
    "decay": 0.02,
    "both together": 0.01,
    "decay at equal loss": 0.02,
    "longer decay": 0.02,
}
SMALLEST = {"noise": EFFECTS, "fine-tuning": dict.fromkeys(EFFECTS, 0.05)}
ENDED = ["undecayed", "decayed", "annealed"]
PAIR = ENDED[:2]
budgets = sorted(p.budgets)
first, middle, last = budgets[0], budgets[-3:][0], budgets[-1]


def named(spec, **equal):
    """The table of one kind of run; `share` is the part of its tokens over which the rate fell, `ended` its name."""
    table = results.table(spec, **equal)
    own = (1 - pd.to_numeric(table["start"]) / table["tokens"]).round(2)
    share = own.where(table["ending"] == "branch", table["ending"].map({"trunk": 0.0, "annealed": 1.0}))
    ended = table["ending"].map({"trunk": "undecayed", "branch": "decayed", "annealed": "annealed"})
    return table.assign(share=share, ended=ended.where(~share.between(0.2, 0.99), "decayed longer"))


shaken = increase_over_base(named(Perturb, noise="init"), by=["tokens", "ended", "share"])
sharp = named(Sharpness)
changed = {"noise": shaken[shaken["gamma"] == AT]}
if p.corpus is None:
    changed["fine-tuning"] = before_after(named(FineTune))
changed = {name: table for name, table in changed.items() if len(table)}


def within(table):
    return ["draw"] if "draw" in table else []


def arms(table, value, ended=PAIR):
    """One number for each [world, seed, ending, budget]; draws are averaged."""
    parts = (table[table["ended"] == name] for name in ended)
    return np.stack([cube(part, value, x="tokens", within=within(part)).values for part in parts], axis=2)


def counted(table, ended=PAIR):
    """Damage and base loss at the budgets where no model has lost half of what it had, and those budgets."""
    kept = unsaturated_budgets(table[table["ended"].isin(ended)], by="ended").all(axis=0).to_numpy()
    tokens = [t for t, keep in zip(budgets, kept, strict=True) if keep]
    return arms(table, "increase", ended)[..., kept], arms(table, "base", ended)[..., kept], tokens


# %% [markdown]
r"""
## Who breaks more easily?

Move the slider of {numref}`fig-end` from one size of noise to the next, and to its end for fine-tuning.
"""

# %% tags=["hide-input", "remove-output"]
stops = {f"noise γ = {g:g}": shaken[shaken["gamma"] == g] for g in p.gammas if g > 0}
stops |= {name: table for name, table in changed.items() if name != "noise"}
damage = pd.concat(
    [
        summarise(
            table[table["ended"].isin(ENDED)], "increase", by=["ended", "tokens"], within=within(table)
        ).assign(change=name)
        for name, table in stops.items()
    ],
    ignore_index=True,
)
damage.attrs = {"level": 0.95, "worlds": len(p.corpora)}
curve = damage.set_index(["change", "ended", "tokens"])["mean"]
size = int(shaken["parameters"].iloc[0])
start = damage["change"].map(lambda change: curve[change, "undecayed", first])
relative = damage.assign(**{end: damage[end] / start for end in ("mean", "low", "high")})
relative.attrs = damage.attrs


def at_the_end(change):
    """What the slider says at `change`."""
    found = ", ".join(
        f"{ended} {curve[change, ended, first]:.2f} to {curve[change, ended, last]:.2f}" for ended in ENDED
    )
    return f"{change[0].upper()}{change[1:]}, from {tokens_label(first)} to {tokens_label(last)} tokens: {found} nats."


figure(
    "fig_end",
    against_tokens(
        relative,
        y="damage, as a multiple of its start",
        series="ended",
        series_title="training",
        parameters=size,
        slider=Slider(
            "change", stops, label="change", start=f"noise γ = {AT:g}" if "noise" in changed else None
        ),
        sentence=at_the_end,
        zero=True,
        title="The same change to models whose learning rate ended differently",
        description="Damage against pre-training tokens for undecayed, decayed and annealed models, with a slider for the "
        "change: noise of several sizes, or fine-tuning.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_end
:name: fig-end

The climb of *undecayed* is what tokens do alone; the distance to *decayed*, what a decay over the last sixth adds; to *annealed*, what a
decay all along adds. Damage is counted in multiples of what the change costs the undecayed model at {glue:text}`first_said` tokens, so that all changes share an
axis; nats stand below the slider. Bands are 95% intervals over {glue:text}`seeds_said`.
```

## The declared contrasts

All contrasts are differences within a seed: both models share first weights, documents, noise and test items. To put nats and nats per
doubling on one axis, {numref}`fig-contrasts` counts each in its own smallest effect.
"""

# %% tags=["hide-input", "remove-output"]


def contrasts(cost, base, tokens):
    """The declared contrasts, [worlds, seeds] each, of damage and base loss [worlds, seeds, arms, budgets]."""
    gap, at_same_loss = cost[:, :, 1] - cost[:, :, 0], at_equal(base, cost)[1]
    return {
        "tokens": log2_slopes(cost[:, :, 0], tokens),
        "decay": gap.mean(axis=-1),
        "both together": log2_slopes(gap, tokens),
        "decay at equal loss": (at_same_loss[..., 1] - at_same_loss[..., 0]).mean(axis=-1),
    }


def lengths(table, value="increase"):
    """Numbers [worlds, seeds, lengths of decay] at the middle budget, and the lengths: parts of its tokens."""
    found = cube(table[table["tokens"] == middle], value, x="share", within=within(table))
    return found.values, found.levels


def longer(table):
    """The longest straight decay minus the shortest."""
    cost, parts = lengths(table)
    return {"longer decay": cost[..., -2] - cost[..., 1]} if len(parts) > 3 else {}


measured = {change: contrasts(*counted(table)) | longer(table) for change, table in changed.items()}
got = {(c, name): estimate(values) for c, of in measured.items() for name, values in of.items()}
read = {
    (c, name): reading(values, SMALLEST[c][name]) for c, of in measured.items() for name, values in of.items()
}
estimates = pd.DataFrame(
    [
        {"contrast": name, "change": c, "n": i.n, "smallest effect": SMALLEST[c][name], "in nats": nats(i)}
        | {end: getattr(i, end) / SMALLEST[c][name] for end in ("mean", "low", "high")}
        | {"worlds": " ".join(f"{w:.3f}" for w in measured[c][name].mean(axis=1)), "reading": read[c, name]}
        for (c, name), i in got.items()
        if i is not None
    ]
)
estimates.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_contrasts",
    forest(
        estimates,
        row="contrast",
        series="change",
        x="effect ÷ smallest that counts",
        band=(-1.0, 1.0),
        names=["smallest effect", "in nats", "worlds", "reading"],
        title="Tokens, decay, and how long it lasts: the declared contrasts",
        description="Contrasts for noise and fine-tuning with 95% intervals, in units of the smallest effect declared "
        "for each, with a band for effects too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_contrasts
:name: fig-contrasts

Inside the grey band an effect is too small to matter; to the right of it, more damage. The table has nats, each world's mean, and the
reading by the declared rule.
```

{glue:text}`contrasts_said` {glue:text}`saturated_said`

Only γ = {glue:text}`at_said` was declared. The other sizes, and the annealed models, as a description: damage added by each doubling of tokens, and how much of the
growth that chapter 2 saw is left where nothing decays.
"""

# %% tags=["hide-input"]


def growth(table):
    """Slopes per doubling for each ending, and the undecayed as a share of the annealed."""
    cost, _, tokens = counted(table, ENDED)
    if len(tokens) < 2:
        return {}
    slopes = log2_slopes(cost, tokens).mean(axis=0)  # [seeds, endings]
    left = mean_interval(100 * slopes[:, 0] / slopes[:, 2])
    clear = mean_interval(slopes[:, 2]).low > 0  # a share of a growth that may be none says nothing
    return {ended: nats(mean_interval(slopes[:, i])) for i, ended in enumerate(ENDED)} | {
        "left without decay": f"{left.mean:.0f}% [{left.low:.0f}, {left.high:.0f}]" if clear else "–",
    }


pd.DataFrame({name: growth(table) for name, table in stops.items()}).T

# %% [markdown]
r"""
## How long the rate falls

Now one budget, {glue:text}`middle_said` tokens, and every length from no decay at all to decay all along. All these models have read the same documents in the same order
(the annealed one aside, all have left the same trunk), and all but the first end at a rate of zero. In brackets: the paired difference from *never*.
"""

# %% tags=["hide-input"]
SAID = {
    0.0: "never",
    0.17: "last sixth",
    0.5: "last half",
    0.75: "last three quarters",
    1.0: "all along, a cosine",
}


def dose(table, value="increase"):
    """Mean at each length of decay and, in brackets, the paired difference from no decay."""
    cost, parts = lengths(table, value)
    rows = [f"{m:.3f}" for m in cost.mean(axis=(0, 1))]
    extra = ["", *(f" ({nats(estimate(cost[..., i] - cost[..., 0]))})" for i in range(1, len(parts)))]
    return pd.Series(
        [a + b for a, b in zip(rows, extra, strict=True)], index=[SAID.get(x, f"{x:.0%}") for x in parts]
    )


doses = {f"damage, {change}": dose(table) for change, table in changed.items()}
by_size = increase_over_base(named(Perturb, noise="relative"), by=["tokens", "ended", "share"])
doses |= {f"damage, relative noise {RELATIVE:g}": dose(by_size[by_size["gamma"] == RELATIVE])}
doses |= {"sharpness (weighted trace)": dose(sharp, "noise_trace")}
doses |= {"base loss": dose(shaken[shaken["gamma"] == 0], "loss")}
pd.DataFrame(doses).rename_axis("the rate falls")

# %% [markdown]
r"""
{glue:text}`longer_said`

## At equal loss

A decayed model also *predicts better* than its undecayed twin: that is what decay is for. After {glue:text}`last_said` tokens the base losses are
{glue:text}`base_losses`. If fragility merely came with a low loss, comparing at equal tokens would blame the decay for it. So {numref}`fig-loss` sets damage
against base loss. Three simple stories predict three pictures. If only the loss counts, the lines lie on each other. If only
tokens count, the undecayed model is the more fragile, since it needs more of them for the same loss. If decay does harm of its own,
the decayed line lies above.
"""

# %% tags=["hide-input", "remove-output"]
shown = changed.get("noise", shaken[shaken["gamma"] == max(p.gammas)])
shown = shown[shown["ended"].isin(ENDED)]
at_loss = summarise(shown, "base", by=["ended", "tokens"], within=["draw"])[["ended", "tokens", "mean"]]
by_loss = summarise(shown, "increase", by=["ended", "tokens"], within=["draw"]).merge(
    at_loss.rename(columns={"mean": "at"}), on=["ended", "tokens"]
)
by_loss.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_loss",
    paths(
        by_loss,
        series="ended",
        series_title="training",
        along="tokens",
        along_title="pre-training tokens",
        x="loss of the base model (nats per token)",
        y="damage (nats per token)",
        title="Damage by noise against the loss of the base model",
        description="Damage by noise against the base model's loss for undecayed, decayed and annealed models; each point is "
        "a budget, and longer training lies to the left.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_loss
:name: fig-loss

One point a budget, at the mean loss over seeds; training goes from right to left. Whiskers are 95% intervals of the damage. The declared
contrast is computed within each seed and world, on the stretch of losses that both its curves pass; nothing is extrapolated.
```

{glue:text}`equal_said`

## How the spread divides

Of the variance of damage, how much goes with tokens, how much with decay, how much with both together, and how much is left to seeds? The
answer depends on the levels one compares: a 32-fold range of tokens against one short decay must favour the tokens. So {numref}`fig-split`
gives three splits: all budgets, the last doubling alone (a plain two by two), and equal loss, where the first factor is the loss reached.
"""

# %% tags=["hide-input", "remove-output"]
PARTS = dict(zip(SHARES, ("tokens (or loss)", "decay", "both together", "between seeds"), strict=True))


def splits(table):
    """Tables [seeds, tokens or loss, decay or not] to be split, worlds averaged."""
    cost, base, tokens = counted(table)
    found = {
        f"{len(tokens)} budgets": np.moveaxis(cost, 2, 3),
        "last doubling": np.moveaxis(cost[..., -2:], 2, 3),
        "equal loss": at_equal(base, cost)[1],
    }
    return {name: values.mean(axis=0) for name, values in found.items()}


shares = pd.DataFrame(
    [
        {"change": change, "levels": levels, "part": PARTS[part]}
        | {"mean": share.mean, "low": share.low, "high": share.high, "n": share.n}
        for change, table in changed.items()
        for levels, values in splits(table).items()
        if np.isfinite(values).all(axis=(1, 2)).any()
        for part, share in variance_shares(values).items()
    ]
)
of_noise = shares[shares["change"] == "noise"]
of_noise.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_split",
    forest(
        of_noise,
        row="part",
        series="levels",
        series_title="levels",
        x="share of the variance within seeds",
        percent=True,
        title="How the damage by noise divides",
        description="Shares of variance that go with tokens, decay, both together and seeds, for three choices of levels.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_split
:name: fig-split

Noise of γ = {glue:text}`at_said`. Means and intervals are a jackknife over seeds, which can put a share of nothing slightly below 0.
```

{glue:text}`split_said` The same for fine-tuning, in percent:
"""

# %% tags=["hide-input"]
of_tuning = shares[shares["change"] == "fine-tuning"]
of_tuning.assign(
    share=[
        f"{100 * mean:.0f} [{100 * low:.0f}, {100 * high:.0f}]"
        for mean, low, high in zip(of_tuning["mean"], of_tuning["low"], of_tuning["high"], strict=True)
    ]
).pivot_table(index="part", columns="levels", values="share", aggfunc="first", sort=False)

# %% [markdown]
r"""
## Is it sharpness?

Near a minimum the loss is a bowl. Its curvature in all directions together is the **trace** of the Hessian, the matrix of second
derivatives. Nobody writes down a matrix of {glue:text}`parameters_said` rows, but its product with a vector is a few training steps' work, and the trace is the mean
of *vᵀHv* over vectors *v* of random signs (Hutchinson's method; eight of them here). The largest eigenvalue, the steepest direction, takes
a few products more (Lanczos' method). The package checks both against the whole Hessian of a model small enough to have one; attention
runs in its plain form, since the fused one cannot be differentiated twice.

Noise of size γ has variance γ²σ² on a tensor born with spread σ. Weight the trace by those variances, and γ²/2 times it *is* the damage, as
long as the bowl is a parabola. {numref}`fig-sharpness` has the sharpness; {numref}`fig-prediction` asks how far the parabola reaches.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_sharpness",
    against_tokens(
        summarise(sharp[sharp["ended"].isin(ENDED)], "noise_trace", by=["ended", "tokens"]),
        y="trace of the Hessian, weighted by the noise (nats)",
        series="ended",
        series_title="training",
        parameters=size,
        zero=True,
        title="Curvature at the bottom of the bowl",
        description="Noise-weighted trace of the Hessian against pre-training tokens for undecayed, decayed and annealed models.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_sharpness
:name: fig-sharpness

Times γ²/2 this is the damage that a parabola predicts: multiply by {glue:text}`half_square` for γ = {glue:text}`at_said`. Measured on eight held-out documents, without
looking at any shaken model.
```
"""

# %% tags=["hide-input", "remove-output"]
PLACE = ["tokens", "ended", "share"]
cells = per_seed(shaken[shaken["gamma"] > 0], "increase", by=[*PLACE, "gamma"], within=["draw"]).merge(
    per_seed(sharp, "noise_trace", by=PLACE), on=["world", "seed", *PLACE]
)
cells = cells[cells["ended"].isin(ENDED)]
cells = cells.assign(ratio=cells["increase"] / (cells["gamma"] ** 2 / 2 * cells["noise_trace"]))
figure(
    "fig_prediction",
    against_tokens(
        summarise(cells, "ratio", by=["ended", "gamma", "tokens"]),
        y="damage measured ÷ damage predicted",
        series="gamma",
        series_title="γ",
        parameters=size,
        zero=True,
        slider=Slider("ended", ENDED, label="training", start="undecayed"),
        sentence=lambda ended: (
            f"The {ended} models: measured over predicted damage, one line for each size of noise; 1 would be a perfect "
            "prediction."
        ),
        title="How far curvature predicts damage",
        description="Ratio of measured to predicted damage against pre-training tokens, one line for each size of noise, "
        "with a slider for how training ended.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_prediction
:name: fig-prediction

At 1 the curvature at the bottom tells the whole damage; above 1 the bowl steepens further out, below 1 it flattens. Bands are 95%
intervals over seeds.
```

{glue:text}`prediction_said` Does sharpness at least *order* the models? The rank correlation over the {glue:text}`models_said` models of a seed, undecayed and decayed,
with the damage of noise and of fine-tuning:
"""

# %% tags=["hide-input"]


def ranked(table, sharpness):
    """Rank correlation of damage and a measure of sharpness over the models of each world, averaged in the seed."""
    parts = [arms(table, "increase"), arms(sharp, sharpness)]
    ranks = [pd.DataFrame(v.reshape(-1, 2 * len(budgets))).rank(axis=1).to_numpy() for v in parts]
    rho = [np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]
    return np.reshape(rho, parts[0].shape[:2])


MEASURES = {"noise_trace": "trace, weighted by the noise", "trace": "trace", "largest": "largest eigenvalue"}
orders = {change: {m: estimate(ranked(table, m)) for m in MEASURES} for change, table in changed.items()}
pd.DataFrame(orders).rename(index=MEASURES).map(lambda rho: nats(rho, 2)).rename_axis("rank correlation with")

# %% [markdown]
r"""
{glue:text}`orders_said` And does the curvature show the contrasts themselves? Here the damage it predicts at γ = {glue:text}`at_said` goes through the same arithmetic
as the damage that was measured:
"""

# %% tags=["hide-input"]
bowl = sharp.assign(increase=AT**2 / 2 * sharp["noise_trace"])
_, base, tokens = counted(changed.get("noise", shown))
counts = [budgets.index(t) for t in tokens]
predicted = contrasts(arms(bowl, "increase")[..., counts], base, tokens) | longer(bowl)
pd.DataFrame(
    {
        name: {"measured": nats(got.get(("noise", name))), "predicted by curvature": nats(estimate(values))}
        for name, values in predicted.items()
    }
).T.rename_axis("contrast (nats)")

# %% [markdown]
r"""
{glue:text}`curvature_said`

## What else could explain it

**"The undecayed model is only noisier."** At a constant rate the weights jitter above the floor of a valley, and a short decay lets them sink to
it: the base loss falls at once. Damage is counted from each model's own base loss, and every push is averaged with its opposite, so that merely standing on a slope
costs nothing. {glue:text}`noisier_said`

**"The weights of a model with a long decay are smaller."** They are, since a low rate carries them less far, and noise of a fixed size is then a larger share of
them. The table of doses has a second kind of noise that scales with each tensor as it is. {glue:text}`relative_said`

**"A longer decay is simply a lower rate on average."** Yes, and this design cannot tell the two apart: a long decay spends more of the tokens at a low rate. It would
fit all we see if the *rate in force over the last large part of training* set the fragility, ending at zero or not. The first exercise puts that to the test.

**"The peak rate was tuned for one ending."** It was chosen on annealed runs of another world. A trunk at a smaller rate might be another trunk.

**"Fine-tuning goes further in one of them."** At one rate, a model with other gradients may travel another distance, or learn the task to another
degree. After tuning, means over budgets:
"""

# %% tags=["hide-input"]
CONTROLS = {
    "increase": "old loss added (nats)",
    "change": "distance moved",
    "score": "accuracy on the task",
    "answer_loss": "loss on the task (nats)",
}


def control(value):
    """Means over budgets for each ending, and the paired differences from the undecayed."""
    cost = arms(changed["fine-tuning"], value, ENDED).mean(axis=-1)
    mean = {ended: f"{cost[:, :, i].mean():.2f}" for i, ended in enumerate(ENDED)}
    return mean | {
        f"{ENDED[i]} − undecayed": nats(estimate(cost[:, :, i] - cost[:, :, 0]), 2) for i in (1, 2)
    }


pd.DataFrame({said: control(value) for value, said in CONTROLS.items()} if "fine-tuning" in changed else {}).T

# %% [markdown]
r"""
{glue:text}`control_said`

**"Tokens" is a name for all that comes with them**: more steps, more distance from the start, weight decay at work for longer. This chapter separates those from
the schedule and not from each other. The shortest budgets say little: the trunk's warm-up takes {glue:text}`warmup_said` tokens.

## What it means

{glue:text}`meaning_said`

**And OLMo?** In public runs the causes are tied together. By its published configuration, OLMo-1B's learning rate {cite}`groeneveld2024olmo` follows a cosine
to a tenth of its peak: 2.3 · 10⁻⁴ at 1.5T tokens, 9.6 · 10⁻⁵ at 2.3T, 4.1 · 10⁻⁵ at 3T (our arithmetic from the configuration; the logs may differ). The reported loss of quality after tuning sets in
between the last two {cite}`springer2025overtrained`, at the end of that cosine; in tokens the step is only {glue:text}`olmo_doublings` of a doubling. {glue:text}`olmo_said` So it can be
concluded that the public checkpoints alone cannot say which it was, and that a comparison of sizes at 3T is a comparison of schedules too: the 7B model's rate there was where the
1B model's had been near 2.1T. How large either cause is at a billion parameters cannot be concluded from models of {glue:text}`parameters_said`.

It stops being shown outside what we ran: AdamW at a constant {glue:text}`rate_said`, noise that treats all directions alike, one task of tuning, tokens that never repeat,
{glue:text}`per_parameter_said` tokens per parameter.

## Exercises

```{exercise}
:label: ex-gentle-trunk
If what counts is the rate in force over the last large part of training, what should halving the constant rate do to the *undecayed* models? Predict, then
run `ovbook run 05 -p rate=3e-3 -p seeds=2 -p worlds=1` and look at {numref}`fig-end` at γ = 0.2.
```

```{solution} ex-gentle-trunk
:class: dropdown
It should make them more fragile, though nothing decays: a rate of 0.003 throughout is about the mean of a cosine from 0.006. If they stay
as sturdy as at 0.006, the decay itself is to blame. Two seeds show a direction and decide nothing.
```

```{exercise}
:label: ex-parabola
Without running anything: at which γ does a parabola predict four times the damage of γ = 0.1? Look up the measured damage at both in the table of
{numref}`fig-end`. Does the bowl flatten or steepen in between?
```

```{solution} ex-parabola
:class: dropdown
At γ = 0.2, since the prediction goes with γ². {glue:text}`parabola_said`
```

```{exercise}
:label: ex-cosine
Public runs are one long cosine with checkpoints kept on the way. Predict where the curve of such checkpoints lies in {numref}`fig-end` at the shortest and at the
longest budget; then change the experiment cell to find out.
```

```{solution} ex-cosine
:class: dropdown
`[Checkpoint(run=run, tokens=t) for run in suite(p, ending="clipped cosine") for t in p.budgets]` are the models. Early on such a cosine has hardly begun to
fall, so expect the undecayed curve; at the last budget it has fallen over the whole run, to a tenth, so expect something near the annealed one. In between
it must climb from one to the other, and much of that climb is decay, though the axis says tokens. That is the confound in one picture.
```
"""

# %% tags=["remove-cell"]
import math

NOISE, TUNING = "noise", "fine-tuning"


def told(change, name):
    """A contrast's number and reading."""
    found = got.get((change, name))
    return f"{nats(found)} nats ({read[change, name]})" if found else "(not measured)"


def headline():
    """The short answer, by the readings under noise."""
    by = {name: read.get((NOISE, name)) for name in EFFECTS}
    if by["decay"] == "an effect":
        return "In these runs the decay counts by itself" + (
            ", and so do tokens" * (by["tokens"] == "an effect")
        )
    if by["longer decay"] == "an effect":
        return "What counts most in these runs is how long the rate has been falling, not that it falls"
    return "In these runs it is the tokens" if by["tokens"] == "an effect" else "These runs do not decide it"


def answer():
    """The numbers behind the headline."""
    if not got.get((NOISE, "tokens")):
        return "The judged size of noise was not run."
    text = (
        f"Under noise of γ = {AT:g}, a doubling of the tokens at a constant rate adds {nats(got[NOISE, 'tokens'])} nats to the damage: {read[NOISE, 'tokens']}, by a rule that asks "
        f"for {EFFECTS['tokens']:g}. Letting the rate fall to zero over the last sixth of the same tokens adds {nats(got[NOISE, 'decay'])}: {read[NOISE, 'decay']}."
    )
    if (NOISE, "longer decay") in got:
        text += (
            f" But the longest decay that leaves the same trunk costs {nats(got[NOISE, 'longer decay'])} nats more than the shortest, at the same {tokens_label(middle)} tokens: "
            f"{read[NOISE, 'longer decay']}."
        )
    if TUNING in changed:
        undecided = sum(read[TUNING, name] == "undecided" for name in measured[TUNING])
        text += f" Of {len(measured[TUNING])} contrasts for fine-tuning, {undecided} stay undecided." * (
            undecided > 0
        )
    return text


def contrasts_sentence():
    """The readings by the declared rule, change by change."""
    said = []
    for change, of in measured.items():
        by = {
            word: [name for name in of if read[change, name] == word]
            for word in dict.fromkeys(read[change, name] for name in of)
        }
        said.append(
            f"For {change}, " + "; ".join(f"{', '.join(names)}: {word}" for word, names in by.items()) + "."
        )
    return "By the declared rule. " + " ".join(said)


def saturated_sentence():
    """Budgets that do not count."""
    lost = {c: [t for t in budgets if t not in counted(table)[2]] for c, table in changed.items()}
    if not any(lost.values()):
        return "No budget is saturated."
    return (
        "Left out as saturated: "
        + "; ".join(f"{c} at {', '.join(map(tokens_label, ts))}" for c, ts in lost.items() if ts)
        + "."
    )


def longer_sentence():
    """The dose and the response, in words."""
    if (NOISE, "longer decay") not in got:
        return ""
    cost = lengths(changed[NOISE])[0].mean(axis=(0, 1))
    rising = bool((np.diff(cost[1:]) > 0).all())
    bowls = lengths(sharp, "noise_trace")[0].mean(axis=(0, 1))
    return (
        f"Declared was the step from the shortest to the longest straight decay: {told(NOISE, 'longer decay')} under noise"
        + (f", {told(TUNING, 'longer decay')} under fine-tuning" if (TUNING, "longer decay") in got else "")
        + ". "
        + {
            (
                True,
                True,
            ): "From a sixth upwards, damage by noise and sharpness rise with every step of the table.",
            (
                True,
                False,
            ): "From a sixth upwards the damage by noise rises with every step; sharpness does not follow.",
        }.get(
            (rising, bool((np.diff(bowls[1:]) > 0).all())), "The damage by noise does not rise at every step."
        )
    )


def equal_sentence():
    """The contrast at equal loss, in words."""
    story = {
        "an effect": "the decayed model is the more fragile of two that predict equally well",
        "an effect the other way": "the decayed model is the sturdier of two that predict equally well, as it would be if tokens counted, since it needs fewer of them",
        "none worth the name": "of two models that predict equally well the one with a short decay breaks as easily as the one without",
        "undecided": "nothing is decided",
    }
    parts = []
    for change, table in changed.items():
        found = got[change, "decay at equal loss"]
        if found is None:
            parts.append(
                f"For {change} the curves have no stretch of losses in common in every seed, so there is nothing to compare."
            )
            continue
        parts.append(
            f"For {change} the decayed model has {nats(found)} nats more damage at equal loss: {story[read[change, 'decay at equal loss']]}."
        )
        cost, base, _ = counted(table, ["undecayed", "annealed"])
        same = at_equal(base, cost)[1]
        whole = estimate((same[..., 1] - same[..., 0]).mean(axis=-1))
        if whole:
            parts.append(
                f"For the annealed models the same difference is {nats(whole)} (described, not declared)."
            )
    return " ".join(parts)


def split_sentence():
    """Shares of tokens and decay over all budgets."""
    of = of_noise.set_index(["levels", "part"])
    whole = of_noise["levels"].iloc[0]
    said = [f"{name} {100 * of.loc[(whole, name), 'mean']:.0f}%".replace("-", "−") for name in PARTS.values()]
    return f"Over {whole}: " + ", ".join(said) + "."


def prediction_sentence():
    """Sizes of noise at which the curvature predicts the damage, by the declared rule."""
    over = {
        g: mean_interval(per_seed(part, "ratio", within=["tokens", "ended"]).groupby("seed")["ratio"].mean())
        for g, part in cells[cells["ended"].isin(PAIR)].groupby("gamma")
    }
    good = [g for g, i in over.items() if i.low > 0.8 and i.high < 1.25]
    trunk = (
        cells[(cells["ended"] == "undecayed") & (cells["gamma"] == max(p.gammas))]
        .groupby("tokens")["ratio"]
        .mean()
    )
    reach = f" For undecayed models at γ = {max(p.gammas):g} the ratio goes from {trunk[first]:.1f} at {tokens_label(first)} tokens to {trunk[last]:.1f} at {tokens_label(last)}."
    text = ", ".join(f"{nats(i, 2)} at γ = {g:g}" for g, i in over.items())
    where = "at " + ", ".join(f"γ = {g:g}" for g in good) if good else "at none of the sizes run"
    return (
        f"Over undecayed and decayed models, measured ÷ predicted is {text}. By the declared band, 0.8 to 1.25, curvature predicts the damage {where}."
        + reach
    )


def orders_sentence():
    """Whether sharpness orders the models, by the declared rule."""
    parts = []
    for change, of in orders.items():
        kept = [MEASURES[m] for m, i in of.items() if i and i.low > 0.8]
        parts.append(f"for {change}, {' and '.join(kept) if kept else 'none of the three'}")
    return (
        "By the declared rule, an interval above 0.8, the models are ordered as their damage is by: "
        + "; ".join(parts)
        + "."
    )


def curvature_sentence():
    """What curvature alone shows."""
    if (NOISE, "tokens") not in got:
        return ""
    own = {name: reading(values, SMALLEST[NOISE][name]) for name, values in predicted.items()}
    text = (
        "Judged by the curvature alone: " + "; ".join(f"{name}, {word}" for name, word in own.items()) + "."
    )
    if got[NOISE, "tokens"].mean > 0 and estimate(predicted["tokens"]).mean <= 0:
        text += " On the trunk the curvature does not grow with tokens, while the damage at this size of noise does: what grows there lies further out than a parabola reaches."
    if own.get("longer decay") == "an effect":
        text += " The harm of a longer decay it does show."
    return text


def relative_sentence():
    """The longest against the shortest straight decay under noise in proportion to the weights."""
    found = estimate(
        longer(by_size[by_size["gamma"] == RELATIVE]).get("longer decay", np.full((1, 1), np.nan))
    )
    if found is None:
        return ""
    more = {
        name: 100 * (cost[..., -2].mean() / cost[..., 1].mean() - 1)
        for name, table in (
            ("relative", by_size[by_size["gamma"] == RELATIVE]),
            ("plain", changed.get(NOISE, shown)),
        )
        for cost, _ in [lengths(table)]
    }
    what = "not the whole of it" if found.low > 0 else "perhaps all of it"
    return (
        f"Under it the longest straight decay costs {nats(found)} nats more than the shortest: {more['relative']:.0f}% more, where the declared noise costs {more['plain']:.0f}% more. "
        f"So the size of the weights is {what}."
    )


def noisier_sentence():
    """What the short decay says about jitter."""
    if read.get((NOISE, "decay")) != "none worth the name":
        return "Where decayed and undecayed models differ, this may be part of the difference."
    return "And if jitter protected, taking it away by a short decay would show. It does not."


def control_sentence():
    """How far the arms moved."""
    if TUNING not in changed:
        return "On this corpus no task was tuned, so there is no such table."
    moved = arms(changed[TUNING], "change").mean(axis=-1)
    found = mean_interval(100 * (moved[:, :, 1] / moved[:, :, 0] - 1).mean(axis=0))
    return (
        f"The decayed models' weights moved {nats(found, 1)}% further than their twins'. Seeds differ so much in what tuning does to the old loss that "
        f"effects of the size found under noise would not be seen here."
    )


def meaning_sentence():
    """What follows for someone who trains models."""
    by = {name: read.get((NOISE, name)) for name in EFFECTS}
    parts = []
    if by["longer decay"] == "an effect":
        parts.append(
            "A finished model's fragility depends on when its rate began to fall. "
            + (
                f"A late, short decay costs nothing here and ends at the lowest base loss of all ({bases['decayed', last]:.3f}, against {bases['annealed', last]:.3f} after a cosine): "
                "if a model is to be changed afterwards, that is the ending to try."
                if by["decay"] == "none worth the name"
                and bases["decayed", last] < min(bases["annealed", last], bases["undecayed", last])
                else ""
            )
            + " This fits those who blame the schedule, with a limit to it: it is not the fall to zero that does the harm."
        )
    if by["decay"] == "an effect":
        parts.append(
            "Even a short decay costs sturdiness here; the checkpoint before it is worth keeping if the model is to be changed."
        )
    slopes = (
        {
            ended: log2_slopes(arms(changed[NOISE], "increase", [ended])[:, :, 0], budgets).mean()
            for ended in ENDED
        }
        if NOISE in changed
        else {}
    )
    if slopes:
        parts.append(
            f"And chapter 2's finding reads differently now. Of its growth of {slopes['annealed']:.3f} nats per doubling at γ = {AT:g}, {slopes['undecayed']:.3f} are left where nothing "
            "decays: a design in which every budget is annealed shows both causes as one."
        )
    largest = shaken[shaken["gamma"] == max(p.gammas)]
    under = mean_interval(log2_slopes(arms(largest, "increase")[:, :, 0], budgets).mean(axis=0))
    if under.low > EFFECTS["tokens"]:
        parts.append(
            f"Tokens alone do count where the noise is larger: {nats(under)} nats per doubling at γ = {max(p.gammas):g} (described, not declared)."
        )
    if (
        all(word == "undecided" for (change, _), word in read.items() if change == TUNING)
        and TUNING in changed
    ):
        parts.append(
            f"For fine-tuning, which is what the dispute is about, {p.seeds} seeds of these models decide none of the contrasts: there our answer is that we do not know."
        )
    return " ".join(parts)


def olmo_sentence():
    """OLMo's step in tokens, put into this chapter's contrasts."""
    if (NOISE, "longer decay") not in got:
        return ""
    cost = math.log2(3 / 2.3) * got[NOISE, "tokens"].mean
    return (
        f"Put into our contrasts, so many more tokens at a constant rate would cost {cost:.3f} nats under noise, against {got[NOISE, 'longer decay'].mean:.3f} for a long decay instead of a short one; and "
        "OLMo-1B's rate had been falling all along. A cause in the schedule fits; so does one in the tokens, if sensitivity at that size grows faster than here."
    )


def parabola_sentence():
    """Measured damage at 0.1 and 0.2, longest budget."""
    names = [f"noise γ = {g}" for g in ("0.1", "0.2")]
    if any((name, "undecayed", last) not in curve for name in names):
        return "These sizes were not run."
    factor = {ended: curve[names[1], ended, last] / curve[names[0], ended, last] for ended in PAIR}
    said = " and ".join(f"{f:.1f} ({ended})" for ended, f in factor.items())
    return f"Measured at the longest budget, the damage grows by a factor of {said}; above 4 the bowl steepens, below 4 it flattens."


clean = shaken[(shaken["gamma"] == 0) & shaken["ended"].isin(ENDED)]
bases = summarise(clean, "loss", by=["ended", "tokens"], within=["draw"]).set_index(["ended", "tokens"])[
    "mean"
]
say(
    headline=headline(),
    short_answer=answer(),
    contrasts_said=contrasts_sentence(),
    saturated_said=saturated_sentence(),
    longer_said=longer_sentence(),
    equal_said=equal_sentence(),
    split_said=split_sentence(),
    prediction_said=prediction_sentence(),
    orders_said=orders_sentence(),
    curvature_said=curvature_sentence(),
    noisier_said=noisier_sentence(),
    relative_said=relative_sentence(),
    control_said=control_sentence(),
    meaning_said=meaning_sentence(),
    olmo_said=olmo_sentence(),
    olmo_doublings=f"{math.log2(3 / 2.3):.2f}",
    parabola_said=parabola_sentence(),
    base_losses=", ".join(f"{bases[ended, last]:.3f} ({ended})" for ended in ENDED),
    models_said=2 * len(budgets),
    half_square=f"{AT**2 / 2:g}",
    at_said=f"{AT:g}",
    rate_said=f"{p.rate:g}",
    warmup_said=tokens_label(0.02 * last),
    middle_said=tokens_label(middle),
    last_said=tokens_label(last),
    first_said=tokens_label(first),
    parameters_said=f"{size:,}",
    per_parameter_said=f"{first / size:.3g}–{last / size:.3g}",
    budgets_said=f"{tokens_label(first)}–{tokens_label(last)}",
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
